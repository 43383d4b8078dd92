import {
  connectionChangedSchema,
  controlValueSchema,
  diagnosisSchema,
  endSchema,
  entitlementsSchema,
  itemResultSchema,
  pointConfigSchema,
} from '@busbar/events';
import { z } from 'zod';

/** The words that may stand in a view, for those who word them. */
export { CONNECTION_STATES, FAILURE_CODES, RULES } from '@busbar/events';

/** The REST routes under /api/v1. Every error answer is an `apiError` with an HTTP status that fits. */
export const apiErrorSchema = z.object({
  code: z.string(),
  params: z.record(z.string(), z.unknown()),
  sentence: z.string(),
  fix: z.string(),
});
export type ApiError = z.infer<typeof apiErrorSchema>;

/** GET /site */
export const siteViewSchema = z.object({
  id: z.string(),
  title: z.string(),
  timezone: z.string(),
  version: z.string(),
  /** Epoch ms of the server's clock. */
  clock: z.number(),
  generation: z.object({ number: z.number(), digest: z.string(), publishedAt: z.number(), by: z.string() }).nullable(),
  /** `embedded` or `kafka`, and whether it answers. */
  bus: z.object({ kind: z.string(), state: z.enum(['up', 'down']), diagnosis: diagnosisSchema.nullable() }),
  /** Set when the package folder differs from the running generation: what and where. */
  packageDiffers: z.array(z.string()),
});
export type SiteView = z.infer<typeof siteViewSchema>;

/** GET /license; null: the licenser has not said anything yet, the limits of an evaluation hold. */
export const licenseViewSchema = z.object({
  entitlements: entitlementsSchema
    .omit({ clockResets: true, license: true })
    .extend({ license: entitlementsSchema.shape.license.unwrap().omit({ token: true }).nullable() })
    .nullable(),
});
export type LicenseView = z.infer<typeof licenseViewSchema>;

/** What does not change between generations: one row of the live table, one item of GET /points without its value. */
export const pointRowSchema = z.object({
  /** `asset/point`. */
  path: z.string(),
  asset: z.string(),
  assetTitle: z.string(),
  model: z.string(),
  point: pointConfigSchema,
  /** Can a control request be sent for it, and within which limits? */
  control: z
    .object({
      policy: z.string(),
      range: z.tuple([z.number(), z.number()]).nullable(),
      /** Of the policy, milliseconds; what a request gets that does not say. */
      expiryMs: z.number().optional(),
      maxExpiryMs: z.number().optional(),
      holdMs: z.number().optional(),
      /** True: the value is read back and compared. */
      feedback: z.boolean().optional(),
    })
    .nullable(),
});
export type PointRow = z.infer<typeof pointRowSchema>;

export const lastGoodSchema = z.object({ value: controlValueSchema, sourceTime: z.number() });
export type LastGood = z.infer<typeof lastGoodSchema>;

export const pointValueSchema = z.object({
  /** null: no value. Texts and 64-bit integers as text. */
  value: controlValueSchema.nullable(),
  /** `good`, `uncertain stale`, `bad not-connected`. */
  quality: z.string(),
  sourceTime: z.number().nullable(),
  collectedTime: z.number().nullable(),
  /** What was good before it became bad, if known. */
  lastGood: lastGoodSchema.nullable().optional(),
});
export type PointValue = z.infer<typeof pointValueSchema>;

/** GET /points?asset=&q= */
export const pointsViewSchema = z.object({ points: z.array(pointRowSchema.extend(pointValueSchema.shape)) });
export type PointsView = z.infer<typeof pointsViewSchema>;

/** GET /assets: what the live table can be narrowed to. */
export const assetsViewSchema = z.object({
  assets: z.array(z.object({ asset: z.string(), title: z.string(), model: z.string(), points: z.number() })),
});
export type AssetsView = z.infer<typeof assetsViewSchema>;

/** GET /points/:asset/:point/trend?from=&to= (epoch ms; at most 10,000 samples) */
export const trendViewSchema = z.object({
  path: z.string(),
  times: z.array(z.number()),
  /** null: no value at that time. */
  values: z.array(z.number().nullable()),
  /** Quality octets. */
  quality: z.array(z.number()),
});
export type TrendView = z.infer<typeof trendViewSchema>;

/** GET /connections, and the items of the live kind `connections`. */
export const connectionViewSchema = connectionChangedSchema.extend({
  title: z.string(),
  driver: z.string(),
  readOnly: z.boolean(),
});
export type ConnectionView = z.infer<typeof connectionViewSchema>;
export const connectionsViewSchema = z.object({ connections: z.array(connectionViewSchema) });

/** POST /control/requests?wait=ms. Answers 200 with the end, 202 when it is pending still, else as control.md 8. */
export const controlAskSchema = z.strictObject({
  /** The asker's own id: the same id with the same content is the same request. At most 64 characters. */
  id: z.string().min(1).max(64),
  /** `asset/point`. */
  point: z.string(),
  value: controlValueSchema,
  expiresMs: z.number().int().min(1).max(300_000).optional(),
  holdMs: z.number().int().min(0).optional(),
  dryRun: z.boolean().optional(),
});
export type ControlAsk = z.infer<typeof controlAskSchema>;

export const STAGES = ['requested', 'granted', 'started', 'acknowledged', 'ended'] as const;

/** One request with all that happened to it; GET /control/requests/:id (the asker's id), and live kind `requests`. */
export const requestViewSchema = z.object({
  /** The asker's id. */
  id: z.string(),
  /** Busbar's own, a ULID. */
  request: z.string(),
  source: z.string(),
  who: z.string(),
  items: z.array(z.object({ point: z.string(), value: controlValueSchema.nullable() })),
  expiresAt: z.number(),
  /** In order of time; `at` is epoch ms. */
  stages: z.array(z.object({ stage: z.enum(STAGES), at: z.number() })),
  /** Which connection writes which tag. */
  connection: z.string().nullable(),
  results: z.array(itemResultSchema),
  end: endSchema.nullable(),
});
export type RequestView = z.infer<typeof requestViewSchema>;

/** GET /control/requests: the newest 200. */
export const requestsViewSchema = z.object({ requests: z.array(requestViewSchema) });

/** GET /control/holds?point=: who keeps which point against others, `until` as epoch ms. */
export const holdViewSchema = z.object({
  point: z.string(),
  kind: z.enum(['value', 'select']),
  source: z.string(),
  priority: z.number(),
  value: controlValueSchema.nullable(),
  until: z.number(),
});
export type HoldView = z.infer<typeof holdViewSchema>;
export const holdsViewSchema = z.object({ holds: z.array(holdViewSchema) });

/** POST /session {code} or {key}: sets the cookie. GET /session: who is signed in. DELETE /session: signs out. */
export const sessionAskSchema = z.union([z.strictObject({ code: z.string() }), z.strictObject({ key: z.string() })]);
export const sessionViewSchema = z.object({ who: z.string(), role: z.string(), until: z.number() });
export type SessionView = z.infer<typeof sessionViewSchema>;
