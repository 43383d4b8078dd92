import type { SampleBatch, SideValue } from '@busbar/batch';
import type { PointConfig } from '@busbar/events';

const COMMA = 0x2c;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const START_BYTES = 64 * 1024;

/** `long: text` writes 64-bit integers as JSON strings, `long: number` as JSON numbers with all their digits. */
export type LongStyle = 'text' | 'number';

export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

const TRUE = utf8('true');
const FALSE = utf8('false');

/**
 * Writes JSON as octets into one buffer that is used again and again: no string, no object per value. Numbers read
 * exactly as JavaScript prints them (ECMA-262 §6.1.6.1.20: the shortest digits that give the same number back).
 */
export class JsonBytes {
  #bytes = Buffer.allocUnsafe(START_BYTES);
  #at = 0;
  readonly #long: LongStyle;

  constructor(long: LongStyle = 'text') {
    this.#long = long;
  }

  get length(): number {
    return this.#at;
  }

  /** Forgets everything behind `length`. */
  truncate(length: number): void {
    this.#at = length;
  }

  /** A copy of what was written; the writer starts anew. */
  take(): Buffer {
    const copy = Buffer.from(this.#bytes.subarray(0, this.#at));
    this.#at = 0;
    return copy;
  }

  /** Octets that are JSON already. */
  raw(octets: Uint8Array): void {
    const n = octets.length;
    this.#reserve(n);
    const bytes = this.#bytes;
    let at = this.#at;
    // Keys are short: a loop is faster than `set` with its view.
    for (let i = 0; i < n; i++) bytes[at++] = octets[i] as number;
    this.#at = at;
  }

  /** A text that is JSON already. */
  text(json: string): void {
    this.#reserve(json.length * 3);
    this.#at += this.#bytes.write(json, this.#at);
  }

  comma(): void {
    this.#reserve(1);
    this.#bytes[this.#at++] = COMMA;
  }

  /** @param value finite. */
  number(value: number): void {
    this.#reserve(32);
    const magnitude = value < 0 ? -value : value;
    if (magnitude < 1e9) {
      if (value === (value | 0)) {
        this.#decimal(value, magnitude, 0);
        return;
      }
      // n / 10^d with n < 2^53 is correctly rounded, so equality proves that these digits give the number back.
      const thousandths = Math.round(magnitude * 1e3);
      if (thousandths / 1e3 === magnitude) {
        this.#decimal(value, thousandths, 3);
        return;
      }
      const millionths = Math.round(magnitude * 1e6);
      if (millionths / 1e6 === magnitude && magnitude >= 1e-6) {
        this.#decimal(value, millionths, 6);
        return;
      }
    }
    this.#at += this.#bytes.write(`${value}`, this.#at, 'latin1');
  }

  /** The value at an index; false, and nothing written, if there is none (not a number, infinite). */
  value(batch: SampleBatch, index: number, point: PointConfig): boolean {
    const value = batch.values[index] as number;
    // NaN and the infinities are the only numbers whose difference with themselves is not 0.
    if (value - value === 0) {
      if (point.type === 'bool') this.raw(value !== 0 ? TRUE : FALSE);
      else this.number(value);
      return true;
    }
    const side = batch.side?.get(index);
    if (side === undefined) return false;
    this.text(sideText(side, this.#long));
    return true;
  }

  #decimal(value: number, digits: number, decimals: number): void {
    const bytes = this.#bytes;
    let at = this.#at;
    if (value < 0) bytes[at++] = MINUS;
    const scale = decimals === 0 ? 1 : decimals === 3 ? 1e3 : 1e6;
    const whole = decimals === 0 ? digits : Math.floor(digits / scale);
    at = writeInteger(bytes, at, whole);
    let fraction = digits - whole * scale;
    if (fraction > 0) {
      bytes[at++] = POINT;
      let end = at + decimals;
      for (let i = end - 1; i >= at; i--) {
        const rest = (fraction / 10) | 0;
        bytes[i] = ZERO + fraction - rest * 10;
        fraction = rest;
      }
      while (bytes[end - 1] === ZERO) end--;
      at = end;
    }
    this.#at = at;
  }

  #reserve(octets: number): void {
    if (this.#at + octets <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#at + octets));
    this.#bytes.copy(larger, 0, 0, this.#at);
    this.#bytes = larger;
  }
}

/** @param whole an integer from 0 to 2^31-1. */
function writeInteger(bytes: Uint8Array, start: number, whole: number): number {
  let n = whole | 0;
  let end = start + 1;
  for (let limit = 10; n >= limit; limit *= 10) end++;
  for (let i = end - 1; i >= start; i--) {
    const rest = (n / 10) | 0;
    bytes[i] = ZERO + n - rest * 10;
    n = rest;
  }
  return end;
}

function sideText(side: SideValue, long: LongStyle): string {
  if (typeof side === 'string') return JSON.stringify(side);
  if (typeof side === 'bigint') return long === 'number' ? side.toString() : `"${side}"`;
  return JSON.stringify(side, (_key, field: unknown) => (typeof field === 'bigint' ? field.toString() : field));
}
