import { crc32 } from 'node:zlib';
import type { TopicName } from '@busbar/events';
import type { InRecord } from '../port.js';

/**
 * A record as it lies in the log, little endian:
 * u32 CRC-32 | u8 format | u8 flags | u16 key octets | f64 append time | f64 offset | u32 partition | u32 value octets |
 * value | key. The value starts at a multiple of 8, so that typed arrays may look at it in place.
 */
export const HEADER_BYTES = 32;
const FORMAT = 1;
const TOMBSTONE = 1;
const GAP = 2;
const SLAB_BYTES = 512 * 1024;
const MAX_KEY_BYTES = 0xffff;

/** Start of the check sum of a topic, so that a record cannot pass for one of another topic. */
export function topicSeed(topic: string): number {
  return crc32(topic);
}

export interface RecordFields {
  readonly seed: number;
  readonly offset: number;
  readonly timestampMs: number;
  readonly key: string;
  readonly value: Uint8Array | null;
}

export interface DecodedRecord {
  readonly offset: number;
  readonly timestampMs: number;
  readonly key: string;
  /** A view into the octets given. */
  readonly value: Uint8Array | null;
  /** Offset after a range that was given out and never written; null for an ordinary record. */
  readonly gapEnd: number | null;
}

/** Cuts the memory of records from larger pieces: one allocation per some dozens of records. */
export class Slab {
  #piece: Buffer = Buffer.allocUnsafeSlow(0);
  #used = 0;

  take(bytes: number): Buffer {
    if (bytes > SLAB_BYTES / 4) return Buffer.allocUnsafeSlow(bytes);
    if (this.#used + bytes > this.#piece.length) {
      this.#piece = Buffer.allocUnsafeSlow(SLAB_BYTES);
      this.#used = 0;
    }
    const taken = this.#piece.subarray(this.#used, this.#used + bytes);
    this.#used = (this.#used + bytes + 7) & ~7;
    return taken;
  }
}

/** Throws RangeError for a key above 65,535 octets. */
export function encodeRecord(fields: RecordFields, take: (bytes: number) => Buffer): Buffer {
  const { value, key } = fields;
  const valueBytes = value === null ? 0 : value.byteLength;
  const keyBytes = Buffer.byteLength(key);
  if (keyBytes > MAX_KEY_BYTES) throw new RangeError(`a key of ${keyBytes} octets is too long`);
  const out = take(HEADER_BYTES + valueBytes + keyBytes);
  writeHeader(out, fields, { flags: value === null ? TOMBSTONE : 0, keyBytes, valueBytes });
  if (value !== null) out.set(value, HEADER_BYTES);
  out.write(key, HEADER_BYTES + valueBytes, keyBytes, 'utf8');
  out.writeUInt32LE(crc32(out.subarray(4), fields.seed), 0);
  return out;
}

/** Marks offsets that were given out and never written, so that the hole is not taken for damage. */
export function encodeGap(
  seed: number,
  { from, end }: { readonly from: number; readonly end: number },
  timestampMs: number,
): Buffer {
  const out = Buffer.alloc(HEADER_BYTES + 8);
  const fields = { seed, offset: from, timestampMs, key: '', value: null };
  writeHeader(out, fields, { flags: GAP, keyBytes: 0, valueBytes: 8 });
  out.writeDoubleLE(end, HEADER_BYTES);
  out.writeUInt32LE(crc32(out.subarray(4), seed), 0);
  return out;
}

interface HeaderFields {
  readonly flags: number;
  readonly keyBytes: number;
  readonly valueBytes: number;
}

function writeHeader(out: Buffer, fields: RecordFields, { flags, keyBytes, valueBytes }: HeaderFields): void {
  out[4] = FORMAT;
  out[5] = flags;
  out.writeUInt16LE(keyBytes, 6);
  out.writeDoubleLE(fields.timestampMs, 8);
  out.writeDoubleLE(fields.offset, 16);
  out.writeUInt32LE(0, 24);
  out.writeUInt32LE(valueBytes, 28);
}

/** Null when the octets are not exactly what was written for this topic and offset. */
export function decodeRecord(bytes: Buffer, seed: number, offset: number): DecodedRecord | null {
  if (bytes.length < HEADER_BYTES || bytes[4] !== FORMAT) return null;
  const keyBytes = bytes.readUInt16LE(6);
  const valueBytes = bytes.readUInt32LE(28);
  if (HEADER_BYTES + keyBytes + valueBytes !== bytes.length) return null;
  if (bytes.readDoubleLE(16) !== offset) return null;
  if (crc32(bytes.subarray(4), seed) !== bytes.readUInt32LE(0)) return null;
  const flags = bytes[5] as number;
  const isGap = (flags & GAP) !== 0;
  return {
    offset,
    timestampMs: bytes.readDoubleLE(8),
    key: bytes.toString('utf8', HEADER_BYTES + valueBytes, bytes.length),
    value: flags & (TOMBSTONE | GAP) ? null : bytes.subarray(HEADER_BYTES, HEADER_BYTES + valueBytes),
    gapEnd: isGap ? bytes.readDoubleLE(HEADER_BYTES) : null,
  };
}

export function toInRecord(topic: TopicName, decoded: DecodedRecord): InRecord {
  return {
    topic,
    partition: 0,
    offset: decoded.offset,
    key: decoded.key,
    value: decoded.value,
    object: undefined,
    timestampMs: decoded.timestampMs,
  };
}

/** A row of numbers with its own CRC-32 behind them. */
export function encodeNumbers(numbers: readonly number[], tail?: Uint32Array): Buffer {
  const head = numbers.length * 8;
  const tailBytes = tail ? tail.byteLength : 0;
  const out = Buffer.allocUnsafeSlow(head + tailBytes + 4);
  for (let i = 0; i < numbers.length; i++) out.writeDoubleLE(numbers[i] as number, i * 8);
  if (tail) out.set(new Uint8Array(tail.buffer, tail.byteOffset, tailBytes), head);
  out.writeUInt32LE(crc32(out.subarray(0, head + tailBytes)), head + tailBytes);
  return out;
}

export interface NumberRow {
  readonly numbers: number[];
  readonly tail: Uint32Array;
}

/** Null when the row is damaged. */
export function decodeNumbers(bytes: Uint8Array, count: number): NumberRow | null {
  const head = count * 8;
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const tailBytes = buffer.length - head - 4;
  if (tailBytes < 0 || tailBytes % 4 !== 0) return null;
  if (crc32(buffer.subarray(0, head + tailBytes)) !== buffer.readUInt32LE(head + tailBytes)) return null;
  const numbers: number[] = [];
  for (let i = 0; i < count; i++) numbers.push(buffer.readDoubleLE(i * 8));
  const tail = new Uint32Array(tailBytes / 4);
  for (let i = 0; i < tail.length; i++) tail[i] = buffer.readUInt32LE(head + i * 4);
  return { numbers, tail };
}
