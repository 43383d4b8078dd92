import { z } from 'zod';

/** Control records (control.md 6). JSON; a 64-bit integer is a decimal text. */

/** Same `bootId`: `monotonicMs` alone counts. Another node: the wall clock less one second. */
export const deadlineSchema = z.strictObject({ bootId: z.string(), monotonicMs: z.number(), wallMs: z.number() });
export type Deadline = z.infer<typeof deadlineSchema>;

export const controlValueSchema = z.union([z.number(), z.string(), z.boolean()]);
export type ControlValue = z.infer<typeof controlValueSchema>;

export const originSchema = z.strictObject({
  /** `operator`, `cloud:<sink>`, `app:<token>`, `external:<forwarding>`, `busbar`. */
  source: z.string(),
  kind: z.enum(['operator', 'cloud', 'app', 'external', 'busbar']),
  /** IEC 61850-7-3 orCat: 1 bay, 2 station, 3 remote, 4-6 automatic of these, 7 maintenance, 8 process. */
  category: z.number().int().min(1).max(8),
  /** At most 64 octets. */
  who: z.string(),
  link: z.string(),
  externalId: z.string().optional(),
});
export type Origin = z.infer<typeof originSchema>;

export const controlRequestSchema = z.strictObject({
  /** ULID made at the entry. */
  id: z.string(),
  act: z.enum(['select', 'operate', 'cancel', 'renew', 'release']),
  origin: originSchema,
  /** Decided all or none, written in this order, stopped at the first that is not executed. */
  items: z
    .array(
      z.strictObject({
        point: z.string(),
        value: controlValueSchema.nullable(),
        /** What the asker's protocol says beside the value, in words of its own; an operate repeats that of its select. */
        qualifier: z.string().max(64).optional(),
      }),
    )
    .min(1),
  /** 1 strongest to 16; may only weaken what the source has. */
  priority: z.number().int().min(1).max(16).optional(),
  holdMs: z.number().min(0).optional(),
  dryRun: z.boolean(),
  parent: z.string().optional(),
  /** Epoch milliseconds by the clock of the entry. */
  requestedAt: z.number(),
  /** Epoch milliseconds by the asker's own clock, where its protocol carries it: a command that is too old is refused. */
  sourceAt: z.number().optional(),
  decideBy: deadlineSchema,
  expiresAt: deadlineSchema,
});
export type ControlRequest = z.infer<typeof controlRequestSchema>;

export const tagWriteSchema = z.strictObject({
  /** Which item of the request this carries out. */
  point: z.string(),
  device: z.string(),
  /** Number of the tag in the device's table. */
  tag: z.number().int(),
  /** In tag units; driver-host turns it into the raw value. */
  value: controlValueSchema,
  /** Read back and compare: the tag, its expected values in tag units, and how long to wait. */
  feedback: z
    .strictObject({
      tag: z.number().int(),
      expected: z.array(controlValueSchema),
      tolerance: z.number().min(0),
      withinMs: z.number().min(0),
    })
    .optional(),
});
export type TagWrite = z.infer<typeof tagWriteSchema>;

/** Record of `control.granted`, key = connection. */
export const grantSchema = z.strictObject({
  request: controlRequestSchema,
  executor: z.strictObject({ connection: z.string(), epoch: z.string() }),
  term: z.number(),
  generation: z.number().int(),
  permitUntil: deadlineSchema,
  grantedAt: z.number(),
  writes: z.array(tagWriteSchema),
});
export type Grant = z.infer<typeof grantSchema>;

/** Record of `control.started`, key = connection: durable before the first byte. */
export const startedSchema = z.strictObject({ grant: grantSchema, startedAt: z.number() });
export type Started = z.infer<typeof startedSchema>;

export const RULES = [
  'UNKNOWN_POINT',
  'NOT_CONTROLLABLE',
  'NOT_ALLOWED',
  'ID_REUSED',
  'TOO_OLD',
  'CLOCK',
  'RETAINED',
  'TYPE',
  'RANGE',
  'STEP',
  'READ_ONLY',
  'NOT_CONNECTED',
  'MAINTENANCE',
  'LOCAL',
  'NOT_SELECTED',
  'SELECTED',
  'MISMATCH',
  'HELD',
  'NOT_HELD',
  'BUSY',
  'SUPERSEDED',
  'CANCELED',
  'INTERLOCK',
  'STALE_FEEDBACK',
  'RATE',
  'RESTARTED',
  'NOT_BUILT',
] as const;
export const ruleSchema = z.enum(RULES);
export type Rule = z.infer<typeof ruleSchema>;

export const holdSchema = z.strictObject({
  point: z.string(),
  /** `select`: the point is selected, for one operate of this source over this link. */
  kind: z.enum(['value', 'select']),
  source: z.string(),
  link: z.string().optional(),
  priority: z.number().int(),
  value: controlValueSchema.nullable(),
  until: deadlineSchema,
});
export type Hold = z.infer<typeof holdSchema>;

/** What a decision rested on, for people: `range` = `10-100`, `value` = `101`. */
export const factSchema = z.strictObject({ name: z.string(), value: z.string() });
export type Fact = z.infer<typeof factSchema>;

export const FAILURE_CODES = [
  'DEVICE_REFUSED',
  'NOT_SENT',
  'NO_RECORD',
  'FEEDBACK',
  'READ_ONLY',
  'OUT_OF_RANGE',
  'NOT_CONNECTED',
  'STOPPING',
  'DRIVER',
] as const;

export const endSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('refused'),
    rule: ruleSchema,
    also: z.array(ruleSchema),
    holder: holdSchema.optional(),
    facts: z.array(factSchema),
  }),
  z.strictObject({
    kind: z.literal('expired'),
    reason: z.enum(['DECISION', 'PERMIT', 'DEADLINE', 'CLOCK_JUMP', 'EPOCH', 'TERM']),
  }),
  z.strictObject({
    kind: z.literal('executed'),
    verified: z.boolean(),
    /** False: an equal value was already there and nothing was written. */
    written: z.boolean(),
    clamped: z.boolean(),
  }),
  z.strictObject({
    kind: z.literal('failed'),
    /** `none`: certainly nothing changed; `written`: acknowledged, the feedback does not follow. */
    effect: z.enum(['none', 'written']),
    reason: z.enum(FAILURE_CODES),
  }),
  z.strictObject({ kind: z.literal('unknown'), reason: z.enum(['LINK_LOST', 'NO_ANSWER', 'EXECUTOR_LOST']) }),
]);
export type End = z.infer<typeof endSchema>;

/** Record of `control.refused`, key = request: an end given by the arbiter before any grant. */
export const refusedSchema = z.strictObject({ request: controlRequestSchema, end: endSchema, at: z.number() });
export type Refused = z.infer<typeof refusedSchema>;

export const itemResultSchema = z.strictObject({
  point: z.string(),
  outcome: z.enum(['executed', 'failed', 'not-started', 'unknown']),
  /** The device's own words, for example the Modbus exception. */
  answer: z.string().optional(),
  readBack: controlValueSchema.optional(),
});
export type ItemResult = z.infer<typeof itemResultSchema>;

/** Record of `control.executed`, key = request. `acknowledged` is no end: the device said yes, feedback is awaited. */
export const executedSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('acknowledged'),
    id: z.string(),
    connection: z.string(),
    epoch: z.string(),
    items: z.array(itemResultSchema),
    at: z.number(),
  }),
  z.strictObject({
    kind: z.literal('ended'),
    id: z.string(),
    /** Absent when the arbiter gave the end (expired, unknown). */
    connection: z.string().optional(),
    epoch: z.string().optional(),
    end: endSchema,
    items: z.array(itemResultSchema),
    /** True: the request had its end already; this is noted only. */
    late: z.boolean(),
    at: z.number(),
  }),
]);
export type Executed = z.infer<typeof executedSchema>;

/** The arbiter's taking-office record: its offset in partition 0 of `control.held` is the term. */
export const OFFICE_KEY = '@office';

/** Record of `control.held`, key = point path, or {@link OFFICE_KEY}. */
export const heldSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('office'), arbiter: z.string(), at: z.number() }),
  z.strictObject({ kind: z.literal('holds'), term: z.number(), holds: z.array(holdSchema) }),
]);
export type Held = z.infer<typeof heldSchema>;
