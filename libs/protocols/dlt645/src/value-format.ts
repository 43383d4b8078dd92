import { fromBcd, hexHighFirst } from './bcd.js';
import { type DatePair, datePairs, encodeDate, readDate } from './meter-date.js';

/** How the octets of one value are to be read. Octets stand lowest first, as in the frame without its offset. */
export type ValueFormat =
  /** BCD digits; the top bit of the highest octet is the sign where there is one. */
  | {
      readonly kind: 'number';
      readonly octets: number;
      readonly digits: number;
      readonly decimals: number;
      readonly isSigned: boolean;
    }
  /** BCD digits that name something: leading zeros count. */
  | { readonly kind: 'digits'; readonly octets: number }
  /** A binary number: status words. */
  | { readonly kind: 'bits'; readonly octets: number }
  | { readonly kind: 'ascii'; readonly octets: number }
  | { readonly kind: 'date'; readonly octets: number; readonly pairs: readonly DatePair[] };

/**
 * `empty`: all digits F, or a time of zeros: the meter has no value. `digits`: no decimal digits or no date.
 * `length`: the octets are not there.
 */
export type ValueFault = 'empty' | 'digits' | 'length';
export type ReadValue = { readonly value: number | string } | { readonly fault: ValueFault };

/** 15 digits are exact in a double. */
const MAX_DIGITS = 15;
const MAX_BITS_OCTETS = 6;
const MAX_TEXT_OCTETS = 64;
const SIGN = 0x80;

/**
 * The format of a type string, or null:
 * - `XXXXXX.XX` a number of so many BCD digits (1 to 15), with `-` before it a signed one (`-XX.XXXX`);
 * - `NNNNNNNNNNNN` an even number of digits as text; `HHHH` an even number of hex digits, a status word (up to 12);
 * - `A32` so many octets of ASCII;
 * - a date or time of pairs, highest first: `YYMMDDWW`, `hhmmss`, `YYMMDDhhmmss`, `MMDDhhmm`, ...
 */
export function parseFormat(text: string): ValueFormat | null {
  const number = /^(-?)(X+)(?:\.(X+))?$/.exec(text);
  if (number !== null) {
    const [, sign = '', whole = '', fraction = ''] = number;
    const digits = whole.length + fraction.length;
    if (digits > MAX_DIGITS) return null;
    const isSigned = sign !== '';
    return { kind: 'number', octets: Math.ceil(digits / 2), digits, decimals: fraction.length, isSigned };
  }
  if (/^(NN)+$/.test(text) && text.length <= MAX_TEXT_OCTETS * 2) return { kind: 'digits', octets: text.length / 2 };
  if (/^(HH)+$/.test(text) && text.length <= MAX_BITS_OCTETS * 2) return { kind: 'bits', octets: text.length / 2 };
  const ascii = /^A([1-9]\d?)$/.exec(text);
  if (ascii !== null) {
    const octets = Number(ascii[1]);
    return octets <= MAX_TEXT_OCTETS ? { kind: 'ascii', octets } : null;
  }
  const pairs = datePairs(text);
  return pairs === null ? null : { kind: 'date', octets: pairs.length, pairs };
}

/** The value at octet `at`; never a number that the meter did not mean. */
export function readValue(format: ValueFormat, octets: Uint8Array, at = 0): ReadValue {
  const own = octets.subarray(at, at + format.octets);
  if (own.length < format.octets) return { fault: 'length' };
  if (format.kind !== 'bits' && own.every((octet) => octet === 0xff)) return { fault: 'empty' };
  switch (format.kind) {
    case 'number':
      return readNumber(format, own);
    case 'digits':
      return own.every((octet) => fromBcd(octet) >= 0) ? { value: hexHighFirst(own) } : { fault: 'digits' };
    case 'bits':
      return { value: own.reduceRight((value, octet) => value * 256 + octet, 0) };
    case 'ascii':
      return readAscii(own);
    default:
      return readDate(format.pairs, own);
  }
}

function readNumber(format: Extract<ValueFormat, { kind: 'number' }>, own: Uint8Array): ReadValue {
  const top = own[own.length - 1] as number;
  const isNegative = format.isSigned && (top & SIGN) !== 0;
  let whole = 0;
  for (let i = own.length - 1; i >= 0; i--) {
    const octet = own[i] as number;
    const pair = fromBcd(format.isSigned && i === own.length - 1 ? octet & ~SIGN : octet);
    if (pair < 0) return { fault: 'digits' };
    whole = whole * 100 + pair;
  }
  // An odd number of digits leaves the highest half of an octet unused.
  if (whole >= 10 ** format.digits) return { fault: 'digits' };
  const value = whole / 10 ** format.decimals;
  return { value: isNegative && value !== 0 ? -value : value };
}

/** Lowest octet first is the last character first; zeros and blanks at either end are padding. */
function readAscii(own: Uint8Array): ReadValue {
  const characters = Array.from(own, (octet) => (octet === 0 ? ' ' : String.fromCharCode(octet))).reverse();
  const text = characters.join('').trim();
  return /^[\x20-\x7e]*$/.test(text) ? { value: text } : { fault: 'digits' };
}

/** Octets of a value, or null if it is none of this format: out of range, too long, more decimals, another type. */
export function encodeValue(format: ValueFormat, value: number | string): Uint8Array | null {
  switch (format.kind) {
    case 'number':
      return typeof value === 'number' ? encodeNumber(format, value) : null;
    case 'digits':
      return typeof value === 'string' && /^\d+$/.test(value) && value.length <= format.octets * 2
        ? lowestFirst(value, format.octets)
        : null;
    case 'bits':
      return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 256 ** format.octets
        ? lowestFirst(value.toString(16), format.octets)
        : null;
    case 'ascii':
      return typeof value === 'string' && value.length <= format.octets && /^[\x20-\x7e]*$/.test(value)
        ? Uint8Array.from(value.padEnd(format.octets), (character) => character.charCodeAt(0)).reverse()
        : null;
    default:
      return typeof value === 'string' ? encodeDate(format.pairs, value) : null;
  }
}

function encodeNumber(format: Extract<ValueFormat, { kind: 'number' }>, value: number): Uint8Array | null {
  const scale = 10 ** format.decimals;
  const whole = Math.round(Math.abs(value) * scale);
  if (!Number.isFinite(value) || whole / scale !== Math.abs(value)) return null;
  if (whole >= 10 ** format.digits || (value < 0 && !format.isSigned)) return null;
  const octets = lowestFirst(String(whole), format.octets);
  const last = octets.length - 1;
  const top = octets[last] as number;
  if (format.isSigned && (top & SIGN) !== 0) return null;
  if (value < 0) octets[last] = top | SIGN;
  return octets;
}

function lowestFirst(digits: string, octets: number): Uint8Array {
  const padded = digits.padStart(octets * 2, '0');
  return Uint8Array.from({ length: octets }, (_, i) =>
    Number.parseInt(padded.slice((octets - 1 - i) * 2, (octets - i) * 2), 16),
  );
}
