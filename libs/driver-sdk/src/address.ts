import type { Access, ByteOrder, TagType } from '@busbar/model';

/** Why an address or a tag is refused; `fix` says what would be accepted. */
export interface AddressProblem {
  readonly code: 'TAG_ADDRESS' | 'TAG_TYPE' | 'TAG_ACCESS' | 'TAG_LENGTH';
  readonly reason: string;
  readonly fix: string;
}

/** A row of a point table as far as a driver judges it. */
export interface TagShape {
  readonly address: string;
  readonly type: TagType | undefined;
  readonly count: number;
  readonly length: number | undefined;
  readonly order: ByteOrder;
  readonly access: Access;
  readonly writeMode: string | undefined;
}

export interface AddressFormat<Address> {
  /** Examples that parse, for forms, errors and docs. At least one per kind of address. */
  readonly examples: readonly string[];
  /** @param base 1: the text counts from 1. Never throws. */
  parse(text: string, base: 0 | 1): Address | { readonly problem: AddressProblem };
  /** The canonical text, from 0: parse(format(a), 0) equals a. */
  format(address: Address): string;
  /** Does the whole row make sense (type, length and access for this address)? null if so. */
  check(address: Address, tag: TagShape): AddressProblem | null;
}

export function isAddressProblem(parsed: unknown): parsed is { readonly problem: AddressProblem } {
  return typeof parsed === 'object' && parsed !== null && 'problem' in parsed;
}
