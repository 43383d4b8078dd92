import { z } from 'zod';
import { connectionViewSchema, lastGoodSchema, pointRowSchema, requestViewSchema } from './rest.js';

/** The socket /api/v1/live: text for control, binary ({@link decodeLiveFrame}) for values of the kind `points`. */
export const liveKinds = ['points', 'connections', 'requests'] as const;

/** At most 16 subscriptions, windows of at most 500 rows, 5 Hz, two frames in flight; a sign of life each 5 s. */
export const LIVE_LIMITS = { subscriptions: 16, rows: 500, hz: 5, unacknowledged: 2, tickMs: 5000 } as const;

/** The server closes with this code when the session has ended or never was: sign in, do not reconnect. */
export const LIVE_CLOSE_UNAUTHORIZED = 4401;

export const pointsQuerySchema = z.strictObject({
  /** Substring of path, asset title or point title, ignoring case. */
  text: z.string().max(200).optional(),
  asset: z.string().optional(),
  /** Only points whose quality is not good. Rows that join or leave are told by `rows` with a new `total`. */
  abnormal: z.boolean().optional(),
  /** Exactly these (`asset/point`), in this order; ids that do not exist are left out. */
  paths: z.array(z.string()).max(500).optional(),
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
  /** `seq` counts the frames of the whole socket, so it names the subscription too. */
  z.strictObject({ t: z.literal('ack'), seq: z.number().int() }),
  /** Most frames per second from now on, for every subscription: 1 while the page is hidden. */
  z.strictObject({ t: z.literal('rate'), hz: z.number().min(0.2).max(5) }),
]);
export type ClientMessage = z.infer<typeof clientMessageSchema>;

export const serverMessageSchema = z.discriminatedUnion('t', [
  z.object({ t: z.literal('hello'), session: z.string(), clock: z.number(), generation: z.number() }),
  /** Each {@link LIVE_LIMITS}.tickMs: a link without one for 15 s is lost, though TCP may not know it yet. */
  z.object({ t: z.literal('tick'), clock: z.number() }),
  /** Kind `points`: the rows of the window; `total` of the query. */
  z.object({
    t: z.literal('opened'),
    id: z.number(),
    total: z.number(),
    from: z.number(),
    rows: z.array(pointRowSchema),
  }),
  z.object({
    t: z.literal('rows'),
    id: z.number(),
    from: z.number(),
    total: z.number().optional(),
    rows: z.array(pointRowSchema),
  }),
  /** Last good values of rows that are bad, sent before the frame that says so; `row` is relative to the window. */
  z.object({ t: z.literal('lastGood'), id: z.number(), items: z.array(lastGoodSchema.extend({ row: z.number() })) }),
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
