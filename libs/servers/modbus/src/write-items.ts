import { type PlanEntry, textLength } from '@busbar/address-plan';
import type { ControlValue } from '@busbar/events';
import {
  bitAt,
  decodeValue,
  EXCEPTION,
  isRegisterType,
  numberKind,
  readInt64,
  readNumber,
} from '@busbar/protocol-modbus';
import { fromWire } from '@busbar/server-sdk';
import type { RegisterBank } from './register-bank.js';
import type { RegisterRun } from './register-run.js';

export interface WriteRange {
  readonly address: number;
  readonly quantity: number;
  /** As on the wire: bits packed from the lowest, or registers. */
  readonly octets: Uint8Array;
}

export interface WriteItem {
  readonly slot: number;
  readonly entry: PlanEntry;
  readonly value: ControlValue;
}

/** The points that a write covers wholly, in its order; else the exception that says why not. */
export function writeItems(
  bank: RegisterBank,
  run: RegisterRun,
  range: WriteRange,
): readonly WriteItem[] | { readonly exception: number } {
  const items: WriteItem[] = [];
  const end = range.address + range.quantity;
  for (let address = range.address; address < end; ) {
    const found = bank.entryAt(run, address);
    if (found?.entry.role !== 'control') return { exception: EXCEPTION.illegalAddress };
    const { entry, slot } = found;
    if (entry.address !== address || address + entry.width > end) return { exception: EXCEPTION.illegalValue };
    const value = writtenValue(entry, range.octets, address - range.address);
    if (value === undefined) return { exception: EXCEPTION.illegalValue };
    items.push({ slot, entry, value });
    address += entry.width;
  }
  return items;
}

function writtenValue(entry: PlanEntry, octets: Uint8Array, place: number): ControlValue | undefined {
  const { type, order = 'ABCD' } = entry;
  if (type === 'bool') return fromWire(entry, bitAt(octets, place) ? 1 : 0);
  const at = place * 2;
  const length = textLength(type);
  if (length !== undefined) {
    return decodeValue({ type: 'string', order: 'ABCD', count: 1, length }, octets, at) as string;
  }
  if (type === 'int64' || type === 'uint64') return wideValue(entry, readInt64(octets, at, { type, order }));
  return isRegisterType(type) ? fromWire(entry, readNumber(numberKind(type, order), octets, at)) : undefined;
}

/** 64 bits that a double does not hold go on as decimal text. */
function wideValue(entry: PlanEntry, value: bigint): ControlValue | undefined {
  const number = Number(value);
  const isPlain = entry.scale === 1 && entry.offset === 0 && !entry.values;
  return isPlain && !Number.isSafeInteger(number) ? value.toString() : fromWire(entry, number);
}
