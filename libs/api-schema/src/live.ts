import { z } from 'zod';
import { connectionViewSchema, pointRowSchema, requestViewSchema } from './rest.js';

/** The socket /api/v1/live: text for control, binary ({@link decodeLiveFrame}) for values of the kind `points`. */
export const liveKinds = ['points', 'connections', 'requests'] as const;

/** At most 16 subscriptions, windows of at most 500 rows, 5 Hz. */
export const LIVE_LIMITS = { subscriptions: 16, rows: 500, hz: 5, unacknowledged: 2 } as const;

export const pointsQuerySchema = z.strictObject({
  /** Substring of path, asset title or point title, ignoring case. */
  text: z.string().max(200).optional(),
  asset: z.string().optional(),
  /** Only points whose quality is not good. */
  abnormal: z.boolean().optional(),
});
export type PointsQuery = z.infer<typeof pointsQuerySchema>;

export const clientMessageSchema = z.discriminatedUnion('t', [
  z.strictObject({ t: z.literal('hello') }),
  z.strictObject({
    t: z.literal('open'),
    id: z.number().int().min(1).max(65535),
    kind: z.enum(liveKinds),
    query: pointsQuerySchema.optional(),
    from: z.number().int().min(0).optional(),
    count: z.number().int().min(1).max(500).optional(),
    hz: z.number().min(0.2).max(5).optional(),
  }),
  z.strictObject({
    t: z.literal('window'),
    id: z.number().int(),
    from: z.number().int().min(0),
    count: z.number().int().min(1).max(500),
  }),
  z.strictObject({ t: z.literal('close'), id: z.number().int() }),
  z.strictObject({ t: z.literal('ack'), seq: z.number().int() }),
]);
export type ClientMessage = z.infer<typeof clientMessageSchema>;

export const serverMessageSchema = z.discriminatedUnion('t', [
  z.object({ t: z.literal('hello'), session: z.string(), clock: z.number(), generation: z.number() }),
  /** Kind `points`: the rows of the window; `total` of the query. */
  z.object({
    t: z.literal('opened'),
    id: z.number(),
    total: z.number(),
    from: z.number(),
    rows: z.array(pointRowSchema),
  }),
  z.object({ t: z.literal('rows'), id: z.number(), from: z.number(), rows: z.array(pointRowSchema) }),
  /** Ordered kinds: all at first (`reset`), then what changed, none skipped. */
  z.object({
    t: z.literal('connections'),
    id: z.number(),
    reset: z.boolean(),
    items: z.array(connectionViewSchema),
    removed: z.array(z.string()),
  }),
  z.object({ t: z.literal('requests'), id: z.number(), reset: z.boolean(), items: z.array(requestViewSchema) }),
  /** A new generation: open again. */
  z.object({ t: z.literal('stale'), generation: z.number() }),
  z.object({
    t: z.literal('error'),
    id: z.number().optional(),
    code: z.string(),
    sentence: z.string(),
    fix: z.string(),
  }),
]);
export type ServerMessage = z.infer<typeof serverMessageSchema>;

/*
 * Binary, little endian, unaligned: u8 format 1, u8 kind 1, u16 subscription, u32 seq, f64 base (epoch ms), u16 n,
 * then u16 row[n] (relative to the window), f64 value[n] (NaN: none), i32 dt[n] (source time - base), u8 quality[n],
 * u16 texts, per text u16 index into the columns, u16 octets, UTF-8.
 */
export interface LiveFrame {
  readonly subscription: number;
  readonly seq: number;
  readonly baseMs: number;
  readonly rows: readonly number[];
  readonly values: readonly number[];
  readonly dt: readonly number[];
  readonly quality: readonly number[];
  /** By index into the columns. */
  readonly texts: ReadonlyMap<number, string>;
}

const HEAD = 18;

export function encodeLiveFrame(frame: LiveFrame): Uint8Array {
  const n = frame.rows.length;
  const texts = [...frame.texts].map(
    ([index, text]) => [index, new TextEncoder().encode(text).subarray(0, 65535)] as const,
  );
  const size = HEAD + n * 15 + 2 + texts.reduce((sum, [, octets]) => sum + 4 + octets.length, 0);
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, 1);
  view.setUint8(1, 1);
  view.setUint16(2, frame.subscription, true);
  view.setUint32(4, frame.seq, true);
  view.setFloat64(8, frame.baseMs, true);
  view.setUint16(16, n, true);
  for (let i = 0; i < n; i++) {
    view.setUint16(HEAD + i * 2, frame.rows[i] as number, true);
    view.setFloat64(HEAD + n * 2 + i * 8, frame.values[i] as number, true);
    view.setInt32(HEAD + n * 10 + i * 4, frame.dt[i] as number, true);
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
  return bytes;
}

/** Undefined for anything that is not exactly one frame of format 1. */
export function decodeLiveFrame(bytes: Uint8Array): LiveFrame | undefined {
  if (bytes.length < HEAD + 2) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint8(0) !== 1 || view.getUint8(1) !== 1) return undefined;
  const n = view.getUint16(16, true);
  let at = HEAD + n * 15;
  if (at + 2 > bytes.length) return undefined;
  const rows: number[] = [];
  const values: number[] = [];
  const dt: number[] = [];
  const quality: number[] = [];
  for (let i = 0; i < n; i++) {
    rows.push(view.getUint16(HEAD + i * 2, true));
    values.push(view.getFloat64(HEAD + n * 2 + i * 8, true));
    dt.push(view.getInt32(HEAD + n * 10 + i * 4, true));
    quality.push(bytes[HEAD + n * 14 + i] as number);
  }
  const texts = new Map<number, string>();
  const count = view.getUint16(at, true);
  at += 2;
  for (let i = 0; i < count; i++) {
    if (at + 4 > bytes.length) return undefined;
    const index = view.getUint16(at, true);
    const length = view.getUint16(at + 2, true);
    at += 4;
    if (at + length > bytes.length || index >= n) return undefined;
    texts.set(index, new TextDecoder().decode(bytes.subarray(at, at + length)));
    at += length;
  }
  if (at !== bytes.length) return undefined;
  const head = {
    subscription: view.getUint16(2, true),
    seq: view.getUint32(4, true),
    baseMs: view.getFloat64(8, true),
  };
  return { ...head, rows, values, dt, quality, texts };
}
