import { fromBcd, fromHexHighFirst, hexHighFirst } from './bcd.js';
import { refuse } from './refuse.js';

/** DL/T 645-2007 §5.2.2: any meter; also fills the high digits of a shortened address. */
export const WILDCARD_ADDRESS = 'AAAAAAAAAAAA';
/** All meters, none of which answers. */
export const BROADCAST_ADDRESS = '999999999999';

export const ADDRESS_OCTETS = 6;
const WILD = 0xaa;

/**
 * The 12 digits of an address, highest first, as printed on the meter. Fewer digits get leading zeros; AA stands for
 * "any" in whole octets. Null if it is none.
 */
export function normalizeAddress(text: string): string | null {
  const digits = text.trim().toUpperCase().padStart(12, '0');
  return /^(AA|\d\d){6}$/.test(digits) ? digits : null;
}

/** Octets on the wire, lowest first. Throws FRAME_INVALID for what is no address. */
export function addressOctets(address: string): Uint8Array {
  const digits = normalizeAddress(address);
  return digits === null ? refuse(`address ${address} (12 digits, or AA for any)`) : fromHexHighFirst(digits);
}

export function isAddressOctet(octet: number): boolean {
  return octet === WILD || fromBcd(octet) >= 0;
}

/** The address of {@link ADDRESS_OCTETS} octets, lowest first. */
export function addressText(octets: Uint8Array): string {
  return hexHighFirst(octets);
}

/** True if an answer from `from` can come from the meter that was asked as `asked`; only a whole address can answer. */
export function isAddressMatch(asked: string, from: string): boolean {
  if (asked === BROADCAST_ADDRESS || from === BROADCAST_ADDRESS || !/^\d{12}$/.test(from)) return false;
  for (let at = 0; at < from.length; at += 2) {
    const pair = asked.slice(at, at + 2);
    if (pair !== 'AA' && pair !== from.slice(at, at + 2)) return false;
  }
  return true;
}
