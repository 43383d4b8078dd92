import { canWrite, POINT_TYPES, type PointType } from '@busbar/model';
import { z } from 'zod';
import { access, described, notBuilt, options, range, text, upload } from './fields.js';
import { checkKeys } from './ids.js';
import { LIMITS } from './limits.js';
import { suggestion } from './nearest.js';
import type { Report } from './report.js';
import { checkShape, type Subject, subjectsOf } from './shape.js';
import { keyPlace, type MapTree, treeAt, valuePlace } from './tree.js';
import { isKnownUnit, nearestUnit } from './units.js';

const UNBUILT_TYPES: ReadonlySet<PointType> = new Set(['date', 'timestamp', 'struct', 'raw']);

const valueSchema = {
  type: z.enum(POINT_TYPES).meta({ sample: 'type: double' }),
  unit: text.optional(),
  maxLength: z.number().int().min(1).optional(),
  values: z.record(z.string(), text).optional(),
  items: options.optional(),
  fields: options.optional(),
};

const pointSchema = z.strictObject({
  ...described,
  type: valueSchema.type.optional(),
  unit: valueSchema.unit,
  values: valueSchema.values,
  kind: z.enum(['AI', 'DI', 'PI']).optional(),
  access: access.optional(),
  range: range.optional(),
  quality: z.boolean().optional(),
  upload: upload.optional(),
  deadband: z.number().min(0).optional(),
  mapping: z.enum(['suggest', 'not-suggest', 'must', 'forbid']).optional(),
  time: z.enum(['source', 'collected']).optional(),
  maxLength: notBuilt('`maxLength` of a point'),
  items: notBuilt('`items` of a point'),
  fields: notBuilt('`fields` of a point'),
  step: notBuilt('`step` of a point'),
  alarm: notBuilt('`alarm` of a point'),
  backfill: notBuilt('`backfill` of a point'),
});

const attributeSchema = z.strictObject({ ...described, ...valueSchema, required: z.boolean().optional() });
const parameterSchema = z.strictObject({ ...described, ...valueSchema });
const serviceSchema = z.strictObject({
  ...described,
  call: z.enum(['sync', 'async']).optional(),
  input: z.record(z.string(), parameterSchema).optional(),
  output: z.record(z.string(), parameterSchema).optional(),
});
const modelSchema = z.strictObject({
  ...described,
  extends: text.optional(),
  points: z.unknown().optional(),
  attributes: z.unknown().optional(),
  services: z.unknown().optional(),
  events: notBuilt('`events` of a model'),
});

type PointFields = z.output<typeof pointSchema>;
export type Attribute = z.output<typeof attributeSchema>;
type Service = z.output<typeof serviceSchema>;

interface Part<T> {
  readonly subject: Subject;
  readonly value: T;
}

export interface ModelDraft {
  readonly subject: Subject & { readonly tree: MapTree };
  readonly value: z.output<typeof modelSchema>;
  readonly points: readonly Part<PointFields>[];
  readonly attributes: readonly Part<Attribute>[];
  readonly services: readonly Part<Service>[];
}

/** A point of a model, inherited ones included. */
export interface Point {
  readonly id: string;
  /** Where it is declared, or changed by this model. */
  readonly subject: Subject;
  readonly type: PointType;
  readonly fields: PointFields;
}

export interface Model {
  readonly id: string;
  readonly subject: Subject;
  readonly title: string;
  readonly was: string | undefined;
  /** Itself and its ancestors, nearest first. */
  readonly lineage: readonly string[];
  readonly points: ReadonlyMap<string, Point>;
  readonly attributes: ReadonlyMap<string, Attribute>;
  readonly services: ReadonlyMap<string, Service>;
}

/** Stage schema. */
export function readModels(section: MapTree | undefined, report: Report): Map<string, ModelDraft> {
  const drafts = new Map<string, ModelDraft>();
  for (const subject of subjectsOf(section, 'model', report)) {
    const value = checkShape(modelSchema, subject, report);
    const parts = <S extends z.ZodType>(field: string, kind: string, schema: S): Part<z.output<S>>[] =>
      subjectsOf(treeAt(subject.tree, [field]), kind, report).flatMap((part) => {
        const checked = checkShape(schema, part, report);
        return checked === undefined ? [] : [{ subject: part, value: checked }];
      });
    const points = parts('points', 'point', pointSchema);
    const attributes = parts('attributes', 'attribute', attributeSchema);
    const services = parts('services', 'service', serviceSchema);
    for (const field of ['attributes', 'services']) {
      const map = treeAt(subject.tree, [field]);
      if (map?.kind === 'map') checkKeys(map.entries, field.slice(0, -1), report);
    }
    for (const { subject: part, value: fields } of points) {
      if (fields.type && UNBUILT_TYPES.has(fields.type)) {
        report.add('NOT_BUILT', valuePlace(part.tree, ['type']), { thing: `the point type ${fields.type}` });
      }
    }
    if (points.length > LIMITS.features) {
      const params = { thing: `model ${subject.id}`, actual: `${points.length} points`, limit: `${LIMITS.features}` };
      report.add('PACKAGE_LIMIT', subject.place, params);
    }
    if (value) drafts.set(subject.id, { subject, value, points, attributes, services });
  }
  return drafts;
}

/** Stages references and meaning. Models that cannot be resolved are left out. */
export function resolveModels(drafts: ReadonlyMap<string, ModelDraft>, report: Report): Map<string, Model> {
  const resolved = new Map<string, Model | undefined>();
  const open = new Set<string>();
  const resolve = (draft: ModelDraft): Model | undefined => {
    const { subject, value } = draft;
    if (resolved.has(subject.id)) return resolved.get(subject.id);
    open.add(subject.id);
    let parent: Model | undefined;
    let isWhole = true;
    if (value.extends !== undefined) {
      const place = valuePlace(subject.tree, ['extends']);
      const found = drafts.get(value.extends);
      if (open.has(value.extends)) {
        report.add('MODEL_CYCLE', place, { model: subject.id });
        isWhole = false;
      } else if (!found) {
        const params = { kind: 'model', id: value.extends, suggestion: suggestion(value.extends, drafts.keys()) };
        report.add('REFERENCE_UNKNOWN', place, params);
        isWhole = false;
      } else {
        parent = resolve(found);
        isWhole = parent !== undefined;
      }
    }
    open.delete(subject.id);
    const model = isWhole ? inherit(draft, parent, report) : undefined;
    resolved.set(subject.id, model);
    return model;
  };
  for (const draft of drafts.values()) resolve(draft);
  return new Map([...resolved].filter((entry): entry is [string, Model] => entry[1] !== undefined));
}

function inherit(draft: ModelDraft, parent: Model | undefined, report: Report): Model {
  const { subject, value } = draft;
  const points = new Map(parent?.points);
  const folded = new Map([...points.keys()].map((id) => [id.toLowerCase(), id]));
  for (const part of draft.points) {
    const { id } = part.subject;
    const inherited = points.get(id);
    const other = folded.get(id.toLowerCase());
    if (!inherited && other !== undefined) report.add('ID_CASE', part.subject.place, { a: other, b: id });
    const point = inherited ? override(inherited, part, report) : declare(part, report);
    if (point) points.set(id, point);
  }
  checkRenames(draft, points, report);
  const attributes = new Map(parent?.attributes);
  for (const part of draft.attributes) attributes.set(part.subject.id, part.value);
  const services = new Map(parent?.services);
  for (const part of draft.services) services.set(part.subject.id, part.value);
  return {
    id: subject.id,
    subject,
    title: value.title ?? subject.id,
    was: value.was,
    lineage: [subject.id, ...(parent?.lineage ?? [])],
    points,
    attributes,
    services,
  };
}

function declare({ subject, value }: Part<PointFields>, report: Report): Point | undefined {
  const { type } = value;
  if (type === undefined) {
    const params = { kind: 'point', id: subject.id, field: 'type', sample: 'type: double' };
    report.record('FIELD_MISSING', subject.place, { params, mark: 'type' });
    return undefined;
  }
  checkValues({ subject, value }, type, report);
  if (value.unit !== undefined && !isKnownUnit(value.unit)) {
    const place = valuePlace(subject.tree, ['unit']);
    report.add('UNIT_UNKNOWN', place, { unit: value.unit, suggestion: nearestUnit(value.unit) });
  }
  return { id: subject.id, subject, type, fields: value };
}

function checkValues({ subject, value }: Part<PointFields>, type: PointType, report: Report): void {
  const keys = Object.keys(value.values ?? {});
  const integers = keys.filter((key) => /^-?\d{1,15}$/.test(key));
  const place = keyPlace(subject.tree, ['values'], subject.place);
  if (type === 'enum') {
    if (keys.length === 0) report.add('MODEL_VALUES', subject.place, { point: subject.id, problem: 'has no values' });
    else if (integers.length !== 0 && integers.length !== keys.length) {
      report.add('MODEL_VALUES', place, { point: subject.id, problem: 'has keys of two kinds' });
    }
  } else if (value.values !== undefined) {
    report.add('MODEL_VALUES', place, { point: subject.id, problem: `is no enum but ${type}` });
  }
}

/** Fields that an heir may change. */
const FREE: ReadonlySet<string> = new Set(['title', 'comment', 'labels', 'was', 'upload', 'deadband', 'unit']);

function override(inherited: Point, { subject, value }: Part<PointFields>, report: Report): Point {
  const before: Record<string, unknown> = { access: 'r', ...inherited.fields };
  const say = (field: string, of: unknown): string =>
    `${field} ${field === 'values' ? Object.keys((of as object | undefined) ?? {}).join(', ') : String(of ?? 'not stated')}`;
  for (const [field, after] of Object.entries(value)) {
    if (after === undefined || FREE.has(field)) continue;
    const isLower = field === 'access' && (!canWrite(value.access ?? 'r') || value.access === (before.access ?? 'r'));
    const isSame =
      field === 'values'
        ? Object.keys(value.values ?? {})
            .sort()
            .join() ===
          Object.keys(inherited.fields.values ?? {})
            .sort()
            .join()
        : JSON.stringify(after) === JSON.stringify(before[field]);
    if (isLower || isSame) continue;
    const params = { point: subject.id, before: say(field, before[field]), after: say(field, after) };
    report.add('MODEL_OVERRIDE', valuePlace(subject.tree, [field]), params);
  }
  const changed = Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined));
  return { ...inherited, subject, fields: { ...inherited.fields, ...changed } };
}

function checkRenames(draft: ModelDraft, points: ReadonlyMap<string, Point>, report: Report): void {
  for (const { subject, value } of draft.points) {
    if (value.was !== undefined && points.has(value.was)) {
      report.add('RENAME_SOURCE', valuePlace(subject.tree, ['was']), { id: value.was });
    }
  }
}
