import { isQuality } from '@busbar/model';

/*
 * Binary, little endian, unaligned: u8 format 1, u8 kind 1, u16 subscription, u32 seq, f64 base (epoch ms), u16 n,
 * then u16 row[n] (relative to the window), f64 value[n] (NaN: none), i32 dt[n] (source time - base), u8 quality[n],
 * u16 texts, per text: u16 index into the columns, u16 octets, UTF-8;
 * u16 times, per time: u16 index, f64 epoch ms, for source times that no i32 reaches (NaN: none).
 */
export interface LiveFrame {
  readonly subscription: number;
  readonly seq: number;
  readonly rows: readonly number[];
  /** NaN: none, or it is in `texts`. */
  readonly values: readonly number[];
  /** Source times in epoch ms, whole; null: none. */
  readonly times: readonly (number | null)[];
  readonly quality: readonly number[];
  /** Texts and 64-bit integers, by index into the columns. */
  readonly texts: ReadonlyMap<number, string>;
}

/** Most octets of one text; a longer one is cut at a whole character. */
export const LIVE_TEXT_OCTETS = 4096;

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

const HEAD = 18;
const I32 = 2 ** 31;
const ELSEWHERE = -I32;

function encodeText(text: string): Uint8Array {
  const octets = new TextEncoder().encode(text);
  if (octets.length <= LIVE_TEXT_OCTETS) return octets;
  let end = LIVE_TEXT_OCTETS;
  while (end > 0 && ((octets[end] as number) & 0xc0) === 0x80) end--;
  return octets.subarray(0, end);
}

/** The columns are of one length, at most 65,535 rows; throws RangeError otherwise. */
export function encodeLiveFrame(frame: LiveFrame): Uint8Array {
  const n = frame.rows.length;
  if (n > 0xffff || frame.values.length !== n || frame.times.length !== n || frame.quality.length !== n) {
    throw new RangeError('columns of a live frame differ in length, or are longer than 65535');
  }
  const base = frame.times.find((time) => time !== null) ?? 0;
  const texts = [...frame.texts].map(([index, text]) => [index, encodeText(text)] as const);
  const far: (readonly [number, number])[] = [];
  const dt = frame.times.map((time, index) => {
    const delta = time === null ? Number.NaN : time - base;
    if (Number.isInteger(delta) && Math.abs(delta) < I32) return delta;
    far.push([index, time ?? Number.NaN]);
    return ELSEWHERE;
  });
  const size = HEAD + n * 15 + 4 + texts.reduce((sum, [, octets]) => sum + 4 + octets.length, 0) + far.length * 10;
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, 1);
  view.setUint8(1, 1);
  view.setUint16(2, frame.subscription, true);
  view.setUint32(4, frame.seq, true);
  view.setFloat64(8, base, true);
  view.setUint16(16, n, true);
  for (let i = 0; i < n; i++) {
    view.setUint16(HEAD + i * 2, frame.rows[i] as number, true);
    view.setFloat64(HEAD + n * 2 + i * 8, frame.values[i] as number, true);
    view.setInt32(HEAD + n * 10 + i * 4, dt[i] as number, true);
    bytes[HEAD + n * 14 + i] = frame.quality[i] as number;
  }
  let at = HEAD + n * 15;
  view.setUint16(at, texts.length, true);
  at += 2;
  for (const [index, octets] of texts) {
    view.setUint16(at, index, true);
    view.setUint16(at + 2, octets.length, true);
    bytes.set(octets, at + 4);
    at += 4 + octets.length;
  }
  view.setUint16(at, far.length, true);
  at += 2;
  for (const [index, time] of far) {
    view.setUint16(at, index, true);
    view.setFloat64(at + 2, time, true);
    at += 10;
  }
  return bytes;
}

/** Undefined for anything that is not exactly one frame of format 1 with qualities in use. */
export function decodeLiveFrame(bytes: Uint8Array): LiveFrame | undefined {
  if (bytes.length < HEAD + 4) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint8(0) !== 1 || view.getUint8(1) !== 1) return undefined;
  const base = view.getFloat64(8, true);
  const n = view.getUint16(16, true);
  if (HEAD + n * 15 + 4 > bytes.length) return undefined;
  const rows: number[] = [];
  const values: number[] = [];
  const times: (number | null)[] = [];
  const quality: number[] = [];
  for (let i = 0; i < n; i++) {
    rows.push(view.getUint16(HEAD + i * 2, true));
    values.push(view.getFloat64(HEAD + n * 2 + i * 8, true));
    const delta = view.getInt32(HEAD + n * 10 + i * 4, true);
    times.push(delta === ELSEWHERE ? null : base + delta);
    quality.push(bytes[HEAD + n * 14 + i] as number);
  }
  if (!quality.every(isQuality) || !Number.isFinite(base)) return undefined;
  const texts = new Map<number, string>();
  const afterTexts = decodeTexts(bytes, HEAD + n * 15, n, texts);
  if (afterTexts === undefined || !decodeTimes(view, afterTexts, times)) return undefined;
  return { subscription: view.getUint16(2, true), seq: view.getUint32(4, true), rows, values, times, quality, texts };
}

/** Where the texts end; undefined if they go beyond the frame. */
function decodeTexts(bytes: Uint8Array, from: number, n: number, texts: Map<number, string>): number | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = view.getUint16(from, true);
  let at = from + 2;
  for (let i = 0; i < count; i++) {
    if (at + 4 > bytes.length) return undefined;
    const index = view.getUint16(at, true);
    const length = view.getUint16(at + 2, true);
    at += 4;
    if (at + length > bytes.length || index >= n || texts.has(index)) return undefined;
    texts.set(index, decoder.decode(bytes.subarray(at, at + length)));
    at += length;
  }
  return at + 2 > bytes.length ? undefined : at;
}

function decodeTimes(view: DataView, from: number, times: (number | null)[]): boolean {
  const count = view.getUint16(from, true);
  if (from + 2 + count * 10 !== view.byteLength) return false;
  for (let i = 0; i < count; i++) {
    const index = view.getUint16(from + 2 + i * 10, true);
    if (index >= times.length) return false;
    const time = view.getFloat64(from + 4 + i * 10, true);
    times[index] = Number.isNaN(time) ? null : time;
  }
  return true;
}
