import { type PlanEntry, textLength } from '@busbar/address-plan';
import type { ByteOrder } from '@busbar/model';
import {
  isRegisterType,
  type NumberWriter,
  numberWriter,
  putInt64,
  type RegisterType,
  setBit,
} from '@busbar/protocol-modbus';
import { fitted, type PointImage, type WireRange, wireNumber, wireRange } from '@busbar/server-sdk';

const encoder = new TextEncoder();
const DECIMAL = /^-?\d{1,20}$/;
const INT64 = [-(2n ** 63n), 2n ** 63n - 1n] as const;
const UINT64 = [0n, 2n ** 64n - 1n] as const;

/** Numbers that mean "no value" to SunSpec and to many others; floats use NaN. */
const FILL: Readonly<Record<RegisterType, number>> = {
  int16: 0x8000,
  uint16: 0xffff,
  int32: 0x8000_0000,
  uint32: 0xffff_ffff,
  int64: -(2 ** 63),
  /** Written as a bigint: no double holds it. */
  uint64: 2 ** 64 - 2048,
  float32: Number.NaN,
  float64: Number.NaN,
};

/** Writes "no value" into places of a type; an unknown one is filled with ones, register by register. */
export function putFill(
  octets: Uint8Array,
  at: number,
  place: { type: string; width: number; order: ByteOrder },
): void {
  const { type, width, order } = place;
  if (type === 'uint64') putInt64(octets, at, UINT64[1], order);
  else if (isRegisterType(type)) numberWriter(type, order)(octets, at, FILL[type]);
  else octets.fill(textLength(type) === undefined ? 0xff : 0, at, at + width * 2);
}

/** Where an entry stands, and how its value is written there. */
export class Place {
  readonly entry: PlanEntry;
  readonly #octets: Uint8Array;
  /** Octet of its first register, or number of its bit. */
  readonly #at: number;
  readonly #range: WireRange | undefined;
  readonly #order: ByteOrder;
  readonly #write: NumberWriter | undefined;
  /** False for what no device gives: service points, and commands without feedback. */
  readonly hasDevice: boolean;
  /** Of its device, so that nobody takes what is shown for a value of now. */
  isLost = false;

  constructor(entry: PlanEntry, octets: Uint8Array, at: number) {
    this.entry = entry;
    this.#octets = octets;
    this.#at = at;
    this.#range = wireRange(entry.type);
    this.#order = entry.order ?? 'ABCD';
    this.hasDevice = entry.role === 'value' || entry.pair !== undefined;
    this.#write = isRegisterType(entry.type) ? numberWriter(entry.type, this.#order) : undefined;
  }

  fill(): void {
    const { type, width } = this.entry;
    if (type === 'bool') setBit(this.#octets, this.#at, false);
    else putFill(this.#octets, this.#at, { type, width, order: this.#order });
  }

  /** False, and nothing written: there is no value. */
  show(image: PointImage, slot: number): boolean {
    const { entry } = this;
    const text = image.text.size === 0 ? undefined : image.text.get(slot);
    if (text !== undefined) return this.#showText(text);
    const range = this.#range;
    if (!range) return false;
    const number = wireNumber(entry, image.value[slot] as number);
    if (Number.isNaN(number)) return false;
    this.#put(fitted(range, number));
    return true;
  }

  /** The octets of the same place in another bank. */
  copyFrom(other: Place): void {
    const { type, width } = this.entry;
    if (type === 'bool') {
      setBit(this.#octets, this.#at, (((other.#octets[other.#at >> 3] as number) >> (other.#at & 7)) & 1) === 1);
      return;
    }
    this.#octets.set(other.#octets.subarray(other.#at, other.#at + width * 2), this.#at);
  }

  #showText(text: string): boolean {
    const { entry } = this;
    const length = textLength(entry.type);
    if (length !== undefined) {
      const area = this.#octets.subarray(this.#at, this.#at + entry.width * 2);
      area.fill(0);
      // Whole characters only: half of one would be none.
      encoder.encodeInto(text, area.subarray(0, length));
      return true;
    }
    const isPlain = entry.scale === 1 && entry.offset === 0 && !entry.values;
    if (isPlain && (entry.type === 'int64' || entry.type === 'uint64') && DECIMAL.test(text)) {
      const [low, high] = entry.type === 'int64' ? INT64 : UINT64;
      const value = BigInt(text);
      putInt64(this.#octets, this.#at, value < low ? low : value > high ? high : value, this.#order);
      return true;
    }
    const number = wireNumber(entry, entry.values || !DECIMAL.test(text) ? text : Number(text));
    if (!this.#range || Number.isNaN(number)) return false;
    this.#put(fitted(this.#range, number));
    return true;
  }

  #put(number: number): void {
    const { type } = this.entry;
    if (type === 'bool') setBit(this.#octets, this.#at, number !== 0);
    else this.#write?.(this.#octets, this.#at, number);
  }
}
