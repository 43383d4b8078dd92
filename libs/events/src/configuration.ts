import { BYTE_ORDERS, POINT_TYPES, TAG_TYPES } from '@busbar/model';
import { z } from 'zod';
import { fileConnectionSchema } from './files.js';
import { forwardingConnectionSchema, type PlanPart, planPartSchema } from './forwarding.js';

/**
 * The resolved configuration as it travels on the bus: everything that a package lets people shorten
 * (extends, each, variants, templates' names) is worked out; every default is filled in.
 */

const id = z.string().min(1).max(257);
const access = z.enum(['r', 'w', 'rw']);
const scalar = z.union([z.number(), z.string(), z.boolean()]);
/** Options checked by a plug-in's own schema. */
const options = z.record(z.string(), z.unknown());

export const uploadRuleSchema = z.strictObject({
  type: z.enum(['REALTIME', 'CHANGE', 'TIMER', 'CHANGE_TIMER', 'NOT_UPLOAD']),
  /** Period of TIMER and CHANGE_TIMER, milliseconds; 0 for the others. */
  intervalMs: z.number().int().min(0),
  /** Smallest change that counts, in units of the point; 0: any change. */
  deadband: z.number().min(0),
});
export type UploadRule = z.infer<typeof uploadRuleSchema>;

export const tagConfigSchema = z.strictObject({
  /** Handle in batches: unique in its table, never reused (busbar.lock). */
  number: z.number().int().min(1),
  id,
  title: z.string(),
  /** As the driver reads it, `$name` filled in. */
  address: z.string(),
  /** Absent where the protocol tells the type. */
  type: z.enum(TAG_TYPES).optional(),
  /** More than 1: an array of that many elements. */
  count: z.number().int().min(1),
  /** Octets of string, bytes, bcd. */
  length: z.number().int().min(1).optional(),
  order: z.enum(BYTE_ORDERS),
  access,
  writeMode: z.string().optional(),
  /** A key of the device's `groups`. */
  group: z.string(),
  /** value = scale * raw + offset, then times 10^(value of tag number scaleBy). */
  scale: z.number(),
  offset: z.number(),
  scaleBy: z.number().int().optional(),
  /** Raw values that mean "no value"; 64-bit integers as decimal text, `NaN` for not a number. */
  invalid: z.array(z.union([z.number(), z.string()])),
  min: z.number().optional(),
  max: z.number().optional(),
  unit: z.string().optional(),
});
export type TagConfig = z.infer<typeof tagConfigSchema>;

/** Record of `tables.configured`, key = digest. One per point table and variant in use. */
export const tableConfigSchema = z.strictObject({
  digest: z.string(),
  /** Id of the point table, or of the device whose own tags these are. */
  id,
  driver: z.string(),
  /** 1: addresses in the table count from 1. */
  base: z.union([z.literal(0), z.literal(1)]),
  tags: z.array(tagConfigSchema),
});
export type TableConfig = z.infer<typeof tableConfigSchema>;

export const pollGroupSchema = z.union([z.number().int().min(1), z.literal('start'), z.literal('event')]);
/** Period in milliseconds, or once per connect, or when the device sends. */
export type PollGroup = z.infer<typeof pollGroupSchema>;

export const deviceConfigSchema = z.strictObject({
  id,
  title: z.string(),
  table: z.string(),
  with: options,
  quirks: options,
  groups: z.record(z.string(), pollGroupSchema),
  /** Scans without a fresh value until it turns uncertain; bad after twice as many. */
  staleScans: z.number().int().min(1),
  enabled: z.boolean(),
});
export type DeviceConfig = z.infer<typeof deviceConfigSchema>;

export const accessConnectionSchema = z.strictObject({
  kind: z.literal('access'),
  id,
  title: z.string(),
  driver: z.string(),
  readOnly: z.boolean(),
  with: options,
  devices: z.array(deviceConfigSchema),
});
export type AccessConnectionConfig = z.infer<typeof accessConnectionSchema>;

export const sinkPointSchema = z.strictObject({ number: z.number().int().min(1), rule: uploadRuleSchema });

export const sinkAssetSchema = z.strictObject({
  asset: id,
  title: z.string(),
  model: id,
  /** Index into `profiles`. */
  profile: z.number().int().min(0),
  /** Who this asset is at the target, for example productKey, deviceKey, deviceSecret (`secret:` reference). */
  identity: z.record(z.string(), z.string()),
});

export const sinkConnectionSchema = z.strictObject({
  kind: z.literal('sink'),
  id,
  title: z.string(),
  sink: z.string(),
  /** May the target command? */
  control: z.boolean(),
  with: options,
  site: id,
  /** What of a model is sent and how; assets alike share one. */
  profiles: z.array(z.strictObject({ model: id, points: z.array(sinkPointSchema) })),
  assets: z.array(sinkAssetSchema),
});
export type SinkConnectionConfig = z.infer<typeof sinkConnectionSchema>;

/** Record of `connections.configured`, key = connection id. */
export const connectionConfigSchema = z.discriminatedUnion('kind', [
  accessConnectionSchema,
  sinkConnectionSchema,
  forwardingConnectionSchema,
  fileConnectionSchema,
]);
export type ConnectionConfig = z.infer<typeof connectionConfigSchema>;

export const siteConfigSchema = z.strictObject({
  kind: z.literal('site'),
  id,
  title: z.string(),
  timezone: z.string(),
});
export type SiteConfig = z.infer<typeof siteConfigSchema>;

export const pointConfigSchema = z.strictObject({
  number: z.number().int().min(1),
  id,
  title: z.string(),
  type: z.enum(POINT_TYPES),
  kind: z.enum(['AI', 'DI', 'PI']),
  access,
  unit: z.string().optional(),
  range: z.tuple([z.number(), z.number()]).optional(),
  step: z.number().optional(),
  /** Enum: model value to its word. */
  values: z.record(z.string(), z.string()).optional(),
  /** False: sent to clouds as bare value. */
  quality: z.boolean(),
});
export type PointConfig = z.infer<typeof pointConfigSchema>;

export const modelConfigSchema = z.strictObject({
  kind: z.literal('model'),
  id,
  title: z.string(),
  /** The model and its ancestors, nearest first: what `model:x` selects. */
  lineage: z.array(id),
  points: z.array(pointConfigSchema),
  attributes: z.record(z.string(), options),
  services: z.record(z.string(), options),
});
export type ModelConfig = z.infer<typeof modelConfigSchema>;

export const mapEntrySchema = z.strictObject({
  point: id,
  /** Tag read (id), converted to the point. */
  read: z.string().optional(),
  /** Tag written (id). */
  write: z.string().optional(),
  /** point = factor * tag + shift (unit conversion; 1 and 0 without). */
  factor: z.number(),
  shift: z.number(),
  /** Pairs tag value, point value; backwards for writing. */
  values: z.array(z.tuple([scalar, scalar])).optional(),
  /** Point value when no pair fits; without it such a value is bad. */
  else: scalar.optional(),
  /** Which of the two times the point carries on. */
  time: z.enum(['source', 'collected']),
});
export type MapEntry = z.infer<typeof mapEntrySchema>;

/** An access template; a device used directly has one made for it, with the id `@<table>`. */
export const templateConfigSchema = z.strictObject({
  kind: z.literal('template'),
  id,
  model: id,
  table: id,
  map: z.array(mapEntrySchema),
  /** Attribute id to tag id. */
  attributes: z.record(z.string(), z.string()),
  /** Service id to the tag written and the fixed value. */
  services: z.record(z.string(), z.strictObject({ write: z.string(), value: scalar })),
});
export type TemplateConfig = z.infer<typeof templateConfigSchema>;

export const assetConfigSchema = z.strictObject({
  kind: z.literal('asset'),
  id,
  title: z.string(),
  model: id,
  parent: id.optional(),
  logic: z.boolean(),
  from: z.array(z.strictObject({ template: id, connection: id, device: id })),
  attributes: z.record(z.string(), scalar),
});
export type AssetConfig = z.infer<typeof assetConfigSchema>;

export const controlSourceKinds = ['operator', 'cloud', 'app', 'external'] as const;

export const policyConfigSchema = z.strictObject({
  kind: z.literal('policy'),
  id,
  /** Selected points, worked out; the policy `default` has none and governs the rest. */
  points: z.array(z.strictObject({ asset: id, point: id })),
  /** Strongest first: `operator`, `cloud`, `cloud:enos`, `app:token`. Undefined: the defaults of control.md 5.1. */
  priority: z.array(z.string()).optional(),
  holdMs: z.number().int().min(0),
  maxHoldMs: z.number().int().min(0),
  expiryMs: z.number().int().min(1),
  maxExpiryMs: z.number().int().min(1),
  limits: z.strictObject({ range: z.tuple([z.number(), z.number()]).optional() }),
  feedback: z.strictObject({ withinMs: z.number().int().min(1), tolerance: z.number().min(0) }).optional(),
  /** Select before operate; undefined: nothing is selected. A selection lapses after `timeoutMs`. */
  select: z.strictObject({ mode: z.enum(['optional', 'required']), timeoutMs: z.number().int().min(1) }).optional(),
});
export type PolicyConfig = z.infer<typeof policyConfigSchema>;

/** Digest of every entity kind of one topic, so that a reader knows when its tables hold all of a generation. */
export const generationCountSchema = z.strictObject({
  count: z.number().int().min(0),
  /** SHA-256 in hex over the lines `id digest\n`, sorted by id. */
  sha256: z.string(),
});

export const GENERATION_KEY = '@generation';

/** The last record of a publication, key `@generation`: the generation is whole once all counts agree. */
export const generationConfigSchema = z.strictObject({
  kind: z.literal('generation'),
  number: z.number().int().min(1),
  digest: z.string(),
  publishedAt: z.number(),
  by: z.string(),
  /** Key: `tables.configured/table`, `connections.configured/access`, `configuration.published/model`, ... */
  counts: z.record(z.string(), generationCountSchema),
  /**
   * By the same keys: ids that the topic still holds though this generation has them no more (their tombstones are
   * written once every service has applied it). A reader leaves them out before it compares `counts`.
   */
  removed: z.record(z.string(), z.array(z.string())).optional(),
});
export type GenerationConfig = z.infer<typeof generationConfigSchema>;

/** Record of `configuration.published`, key = `kind/id` (`@generation` for the last). */
export const publishedEntitySchema = z.discriminatedUnion('kind', [
  siteConfigSchema,
  modelConfigSchema,
  templateConfigSchema,
  assetConfigSchema,
  policyConfigSchema,
  planPartSchema,
  generationConfigSchema,
]);
export type PublishedEntity = z.infer<typeof publishedEntitySchema>;

/** All of a generation, as `package` makes it and every service sees it. */
export interface Configuration {
  readonly site: SiteConfig;
  readonly tables: readonly TableConfig[];
  readonly connections: readonly ConnectionConfig[];
  readonly models: readonly ModelConfig[];
  readonly templates: readonly TemplateConfig[];
  readonly assets: readonly AssetConfig[];
  readonly policies: readonly PolicyConfig[];
  /** Parts of the address plans of forwarding connections; absent where there are none. */
  readonly plans?: readonly PlanPart[];
}
