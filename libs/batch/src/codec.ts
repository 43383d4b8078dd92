import { crc32 } from 'node:zlib';
import { BusbarError } from '@busbar/errors';
import { isQuality } from '@busbar/model';
import type { BatchKind, SampleBatch, SideValue } from './batch.js';

/*
 * Little endian:
 *   0 u8 format  1 u8 kind  2 u16 flags (1: side table)  4 u32 count  8 f64 collected  16 f64 base source time
 *  24 u32 generation  28 u16 key length  30 key, zeros up to a multiple of 8
 *     f64 value[n]  i32 dt[n]  u32 handle[n]  u8 quality[n]
 *     side table: u32 entries, then per entry u32 index, u8 kind, u32 octets, content
 *     u32 CRC-32 of everything before it
 */
const FORMAT = 1;
const HEAD = 30;
const FLAG_SIDE = 1;
const KINDS: readonly BatchKind[] = ['tags', 'points', 'image'];
const SIDE_TEXT = 1;
const SIDE_INT64 = 2;
const SIDE_JSON = 3;
/** A batch holds one device or asset: beyond this the count is a lie. */
const MAX_COUNT = 1_000_000;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

function pad8(n: number): number {
  return (n + 7) & ~7;
}

interface SideEntry {
  readonly index: number;
  readonly kind: number;
  readonly content: Uint8Array;
}

function encodeSide(side: ReadonlyMap<number, SideValue>): SideEntry[] {
  const entries: SideEntry[] = [];
  for (const [index, value] of side) {
    if (typeof value === 'string') entries.push({ index, kind: SIDE_TEXT, content: encoder.encode(value) });
    else if (typeof value === 'bigint') {
      entries.push({ index, kind: SIDE_INT64, content: encoder.encode(value.toString()) });
    } else entries.push({ index, kind: SIDE_JSON, content: encoder.encode(JSON.stringify(value)) });
  }
  return entries;
}

export function encodeBatch(batch: SampleBatch): Uint8Array {
  const n = batch.count;
  const key = encoder.encode(batch.key);
  const start = pad8(HEAD + key.length);
  const side = batch.side && batch.side.size > 0 ? encodeSide(batch.side) : null;
  let length = start + n * 17;
  if (side) {
    length += 4;
    for (const entry of side) length += 9 + entry.content.length;
  }
  const bytes = new Uint8Array(length + 4);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, FORMAT);
  view.setUint8(1, KINDS.indexOf(batch.kind) + 1);
  view.setUint16(2, side ? FLAG_SIDE : 0, true);
  view.setUint32(4, n, true);
  view.setFloat64(8, batch.collectedMs, true);
  view.setFloat64(16, batch.baseMs, true);
  view.setUint32(24, batch.generation, true);
  view.setUint16(28, key.length, true);
  bytes.set(key, HEAD);
  new Float64Array(bytes.buffer, start, n).set(batch.values);
  new Int32Array(bytes.buffer, start + n * 8, n).set(batch.dt);
  new Uint32Array(bytes.buffer, start + n * 12, n).set(batch.handles);
  bytes.set(batch.quality, start + n * 16);
  if (side) {
    let at = start + n * 17;
    view.setUint32(at, side.length, true);
    at += 4;
    for (const entry of side) {
      view.setUint32(at, entry.index, true);
      view.setUint8(at + 4, entry.kind);
      view.setUint32(at + 5, entry.content.length, true);
      bytes.set(entry.content, at + 9);
      at += 9 + entry.content.length;
    }
  }
  view.setUint32(length, crc32(bytes.subarray(0, length)), true);
  return bytes;
}

function malformed(reason: string, cause?: unknown): BusbarError {
  return new BusbarError('BATCH_MALFORMED', { reason }, { cause });
}

/** Reads a batch; throws BATCH_MALFORMED on anything that is not exactly one. The result may share `bytes`. */
export function decodeBatch(bytes: Uint8Array): SampleBatch {
  if (bytes.length < HEAD + 4) throw malformed(`${bytes.length} octets are too few`);
  let buffer = bytes.buffer as ArrayBuffer;
  let origin = bytes.byteOffset;
  if (origin % 8 !== 0) {
    const copy = new Uint8Array(bytes.length);
    copy.set(bytes);
    buffer = copy.buffer;
    origin = 0;
  }
  const view = new DataView(buffer, origin, bytes.length);
  if (view.getUint8(0) !== FORMAT) throw malformed(`format ${view.getUint8(0)} is unknown`);
  const body = bytes.length - 4;
  if (crc32(bytes.subarray(0, body)) !== view.getUint32(body, true)) throw malformed('the checksum does not fit');
  const kind = KINDS[view.getUint8(1) - 1];
  if (!kind) throw malformed(`kind ${view.getUint8(1)} is unknown`);
  const flags = view.getUint16(2, true);
  if ((flags & ~FLAG_SIDE) !== 0) throw malformed(`flags ${flags} are unknown`);
  const n = view.getUint32(4, true);
  if (n > MAX_COUNT) throw malformed(`${n} values are too many`);
  const keyLength = view.getUint16(28, true);
  const start = pad8(HEAD + keyLength);
  const end = start + n * 17;
  if (end > body) throw malformed(`${n} values do not fit ${bytes.length} octets`);
  const collectedMs = view.getFloat64(8, true);
  const baseMs = view.getFloat64(16, true);
  if (!Number.isFinite(collectedMs) || !Number.isFinite(baseMs)) throw malformed('a time is not a number');
  let key: string;
  try {
    key = decoder.decode(new Uint8Array(buffer, origin + HEAD, keyLength));
  } catch (cause) {
    throw malformed('the key is not UTF-8', cause);
  }
  const quality = new Uint8Array(buffer, origin + start + n * 16, n);
  for (let i = 0; i < n; i++) if (!isQuality(quality[i] as number)) throw malformed(`quality ${quality[i]} is unknown`);
  let side: Map<number, SideValue> | null = null;
  if (flags & FLAG_SIDE) side = decodeSide(view, new Uint8Array(buffer, origin, bytes.length), end, body, n);
  else if (end !== body) throw malformed(`${body - end} octets too many`);
  return {
    kind,
    key,
    generation: view.getUint32(24, true),
    collectedMs,
    baseMs,
    count: n,
    values: new Float64Array(buffer, origin + start, n),
    dt: new Int32Array(buffer, origin + start + n * 8, n),
    handles: new Uint32Array(buffer, origin + start + n * 12, n),
    quality,
    side,
  };
}

function decodeSide(view: DataView, bytes: Uint8Array, from: number, body: number, n: number): Map<number, SideValue> {
  if (from + 4 > body) throw malformed('the side table is cut off');
  const entries = view.getUint32(from, true);
  if (entries > n) throw malformed(`${entries} side entries for ${n} values`);
  const side = new Map<number, SideValue>();
  let at = from + 4;
  for (let i = 0; i < entries; i++) {
    if (at + 9 > body) throw malformed('the side table is cut off');
    const index = view.getUint32(at, true);
    const kind = view.getUint8(at + 4);
    const length = view.getUint32(at + 5, true);
    at += 9;
    if (length > body - at) throw malformed('the side table is cut off');
    if (index >= n || side.has(index)) throw malformed(`side entry ${index} is out of place`);
    side.set(index, decodeSideValue(kind, bytes.subarray(at, at + length)));
    at += length;
  }
  if (at !== body) throw malformed(`${body - at} octets too many`);
  return side;
}

function decodeSideValue(kind: number, content: Uint8Array): SideValue {
  let text: string;
  try {
    text = decoder.decode(content);
  } catch (cause) {
    throw malformed('a side value is not UTF-8', cause);
  }
  if (kind === SIDE_TEXT) return text;
  if (kind === SIDE_INT64) {
    if (!/^-?\d{1,20}$/.test(text)) throw malformed('a side integer is none');
    return BigInt(text);
  }
  if (kind !== SIDE_JSON) throw malformed(`side kind ${kind} is unknown`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw malformed('a side value is not JSON', cause);
  }
  if (typeof value !== 'object' || value === null) throw malformed('a side value is neither array nor struct');
  return value as SideValue;
}
