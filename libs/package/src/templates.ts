import type { MapEntry } from '@busbar/events';
import { canRead, canWrite, type PointType } from '@busbar/model';
import { z } from 'zod';
import { described, notBuilt, scalar, text, upload } from './fields.js';
import { isId } from './ids.js';
import type { Model, Point } from './models.js';
import { listed, suggestion } from './nearest.js';
import type { Place } from './place.js';
import type { Report } from './report.js';
import { checkShape, type Subject, subjectsOf } from './shape.js';
import { isTextType } from './tag-check.js';
import type { TagDraft } from './tags.js';
import { keyPlace, type MapTree, type Tree, treeAt, valuePlace } from './tree.js';
import { conversion } from './units.js';

type Scalar = string | number | boolean;

const entrySchema = z.strictObject({
  comment: text.optional(),
  read: text.optional(),
  write: z.unknown().optional(),
  values: z.record(z.string(), scalar).optional(),
  else: scalar.optional(),
  upload: upload.optional(),
  deadband: z.number().min(0).optional(),
  time: z.enum(['source', 'collected']).optional(),
  backfill: notBuilt('`backfill` of an access template'),
  onBad: notBuilt('`onBad` of an access template'),
  atLeast: notBuilt('`atLeast` of an access template'),
});

const serviceSchema = z.strictObject({ comment: text.optional(), write: text, value: scalar });

const templateSchema = z.strictObject({
  ...described,
  model: text.meta({ sample: 'model: inverter' }),
  table: text.optional(),
  attributes: z.record(z.string(), text).optional(),
  map: z.unknown().optional(),
  services: z.unknown().optional(),
});

export interface EntryDraft {
  readonly point: string;
  readonly subject: Subject;
  readonly value: z.output<typeof entrySchema>;
  readonly read: string | undefined;
  readonly write: string | undefined;
}

interface ServiceDraft {
  readonly subject: Subject;
  readonly write: string | undefined;
  readonly value: Scalar;
}

export interface TemplateDraft {
  readonly subject: Subject & { readonly tree: MapTree };
  readonly value: z.output<typeof templateSchema> & { readonly table: string };
  readonly entries: readonly EntryDraft[];
  readonly services: readonly ServiceDraft[];
}

export interface Template {
  readonly id: string;
  readonly draft: TemplateDraft;
  readonly model: Model;
}

/** Stage schema. */
export function readTemplates(section: MapTree | undefined, report: Report): Map<string, TemplateDraft> {
  const drafts = new Map<string, TemplateDraft>();
  for (const subject of subjectsOf(section, 'access template', report)) {
    const value = checkShape(templateSchema, subject, report);
    const entries = entriesOf(treeAt(subject.tree, ['map']), report);
    const services = subjectsOf(treeAt(subject.tree, ['services']), 'service', report).flatMap((service) => {
      const checked = checkShape(serviceSchema, service, report);
      const write = checked && tagName(checked.write, valuePlace(service.tree, ['write']), report);
      return checked ? [{ subject: service, write, value: checked.value }] : [];
    });
    if (!value) continue;
    if (value.table === undefined) {
      report.add('NOT_BUILT', subject.place, { thing: `an access template without \`table\`, ${subject.id},` });
      continue;
    }
    drafts.set(subject.id, { subject, value: { ...value, table: value.table }, entries, services });
  }
  return drafts;
}

function entriesOf(map: Tree | undefined, report: Report): EntryDraft[] {
  if (map && map.kind !== 'map') {
    const params = { field: 'map', wanted: 'a map', actual: 'a list or value', example: '{ INV.State: state }' };
    report.add('FIELD_TYPE', map.place, params);
  }
  if (map?.kind !== 'map') return [];
  return [...map.entries].flatMap(([point, { keyPlace: place, value: tree }]): EntryDraft[] => {
    const subject: Subject = { kind: 'map entry', id: point, place, tree };
    if (tree.kind === 'scalar') {
      const read = tagName(String(tree.source ?? tree.value), tree.place, report);
      return read === undefined ? [] : [{ point, subject, value: {}, read, write: undefined } as EntryDraft];
    }
    const value = checkShape(entrySchema, subject, report);
    if (!value) {
      const written = treeAt(tree, ['read']);
      if (written?.kind === 'scalar') tagName(String(written.source ?? written.value), written.place, report);
      return [];
    }
    const read = value.read === undefined ? undefined : tagName(value.read, valuePlace(tree, ['read']), report);
    if (value.read !== undefined && read === undefined) return [];
    const write = writeName(value.write, tree, report);
    if (value.write !== undefined && write === undefined) return [];
    if (read === undefined && write === undefined) {
      const params = { kind: 'map entry', id: point, field: 'read', sample: 'read: tag' };
      report.record('FIELD_MISSING', place, { params, mark: 'read' });
      return [];
    }
    return [{ point, subject, value, read, write }];
  });
}

function writeName(value: unknown, tree: Tree, report: Report): string | undefined {
  if (value === undefined) return undefined;
  const place = valuePlace(tree, ['write']);
  if (typeof value === 'string') return tagName(value, place, report);
  if (typeof value === 'object') report.add('NOT_BUILT', place, { thing: '`write` with a fixed value or cases' });
  else {
    const params = { field: 'write', wanted: 'a text', actual: 'a number or bool', example: '"tag"' };
    report.add('FIELD_TYPE', place, params);
  }
  return undefined;
}

/** A plain tag; names that are not plain words stand in brackets. Everything else is a formula. */
function tagName(written: string, place: Place, report: Report): string | undefined {
  const bracketed = /^\[([^[\]/]+)\]$/.exec(written.trim())?.[1];
  const name = bracketed ?? written.trim();
  if (bracketed !== undefined ? isId(name) : /^[A-Za-z][A-Za-z0-9_]*$/.test(name)) return name;
  const hint = bracketed === undefined && isId(name) ? ` (a tag of that name is written [${name}])` : '';
  report.add('NOT_BUILT', place, { thing: `the formula "${written.slice(0, 80)}"${hint}` });
  return undefined;
}

/** Stages references and meaning, as far as they need no device. */
export function resolveTemplates(
  drafts: ReadonlyMap<string, TemplateDraft>,
  { models, named }: { readonly models: ReadonlyMap<string, Model>; readonly named: ReadonlySet<string> },
  report: Report,
): Map<string, Template> {
  const templates = new Map<string, Template>();
  for (const draft of drafts.values()) {
    const { subject, value, entries, services } = draft;
    const model = models.get(value.model);
    if (!model) {
      if (named.has(value.model)) continue;
      const params = { kind: 'model', id: value.model, suggestion: suggestion(value.model, models.keys()) };
      report.add('REFERENCE_UNKNOWN', valuePlace(subject.tree, ['model']), params);
      continue;
    }
    for (const entry of entries) checkEntry(entry, model, report);
    checkDuties(draft, model, report);
    const known = (kind: string, id: string, ids: Iterable<string>, place: Place): void => {
      const names = new Set(ids);
      if (!names.has(id)) report.add('REFERENCE_UNKNOWN', place, { kind, id, suggestion: suggestion(id, names) });
    };
    for (const id of Object.keys(value.attributes ?? {})) {
      known('attribute', id, model.attributes.keys(), keyPlace(subject.tree, ['attributes', id]));
    }
    for (const service of services) {
      known('service', service.subject.id, model.services.keys(), service.subject.place);
    }
    templates.set(subject.id, { id: subject.id, draft, model });
  }
  return templates;
}

function checkEntry(entry: EntryDraft, model: Model, report: Report): void {
  const { point: id, subject, value } = entry;
  const point = model.points.get(id);
  if (!point) {
    const params = { model: model.id, point: id, suggestion: suggestion(id, model.points.keys()) };
    report.add('MAP_POINT', subject.place, params);
    return;
  }
  if (entry.write !== undefined && !canWrite(point.fields.access ?? 'r')) {
    mapWrite(
      entry,
      { reason: `the point has access ${point.fields.access ?? 'r'}`, remedy: 'Give the point access rw in its model' },
      report,
    );
  }
  const words = Object.keys(point.fields.values ?? {});
  const check = (scalar: Scalar, path: readonly string[]): void => {
    if (!fits(scalar, point)) {
      const values = words.length > 0 ? listed(words) : `values of type ${point.type}`;
      report.add('MAP_VALUES', valuePlace(subject.tree, path), { value: String(scalar), point: id, values });
    }
  };
  for (const [tag, scalar] of Object.entries(value.values ?? {})) check(scalar, ['values', tag]);
  if (value.else !== undefined) check(value.else, ['else']);
  if (value.else !== undefined && value.values === undefined) {
    const params = { value: String(value.else), field: 'else', allowed: 'only beside `values`' };
    report.add('FIELD_VALUE', valuePlace(subject.tree, ['else']), params);
  }
  const backwards = Object.values(value.values ?? {}).map(String);
  if (entry.write !== undefined && new Set(backwards).size < backwards.length) {
    const twice = backwards.find((one, index) => backwards.indexOf(one) !== index) ?? '';
    const params = { value: twice, point: id, values: 'each value once, for writing goes backwards' };
    report.record('MAP_VALUES', keyPlace(subject.tree, ['values']), { params, mark: 'backwards' });
  }
}

/** Can a point of this type have this value? An enum has the keys of its values. */
function fits(value: Scalar, { type, fields }: Point): boolean {
  switch (type) {
    case 'bool':
      return typeof value === 'boolean' || value === 0 || value === 1;
    case 'enum': {
      const keys = Object.keys(fields.values ?? {});
      const isInteger = keys.every((key) => /^-?\d+$/.test(key));
      return isInteger ? typeof value === 'number' && keys.includes(String(value)) : keys.includes(String(value));
    }
    case 'int':
    case 'long':
      return typeof value === 'number' && Number.isInteger(value);
    case 'float':
    case 'double':
      return typeof value === 'number';
    case 'string':
      return typeof value === 'string';
    default:
      return false;
  }
}

function checkDuties({ subject, entries }: TemplateDraft, model: Model, report: Report): void {
  const mapped = new Map(entries.map((entry) => [entry.point, entry]));
  for (const { id, fields } of model.points.values()) {
    const entry = mapped.get(id);
    if (fields.mapping === 'must' && !entry) {
      const params = { point: id, problem: 'must be mapped, and is not', remedy: 'Map it' };
      report.record('MAP_DUTY', keyPlace(subject.tree, ['map'], subject.place), { params, mark: id });
    } else if (fields.mapping === 'forbid' && entry) {
      const params = { point: id, problem: 'must not be mapped', remedy: 'Drop it here' };
      report.add('MAP_DUTY', entry.subject.place, params);
    }
  }
}

export function mapWrite(
  { point, subject }: EntryDraft,
  { reason, remedy }: { readonly reason: string; readonly remedy: string },
  report: Report,
): void {
  report.record('MAP_WRITE', valuePlace(subject.tree, ['write'], subject.place), {
    params: { point, reason, remedy },
    mark: reason,
  });
}

export interface Mapped {
  readonly template: Template;
  readonly device: string;
  readonly tags: ReadonlyMap<string, TagDraft>;
}

/** What only shows on a device: its tags with their types and units. Entries with errors are left out. */
export function mapOf({ template, device, tags }: Mapped, report: Report): MapEntry[] {
  const { draft, model } = template;
  const find = (id: string, place: Place): TagDraft | undefined => {
    const tag = tags.get(id);
    if (!tag) report.add('FORMULA_NAME', place, { device, tag: id, suggestion: suggestion(id, tags.keys()) });
    return tag;
  };
  const { subject } = draft;
  for (const [id, tag] of Object.entries(draft.value.attributes ?? {})) {
    find(tag, valuePlace(subject.tree, ['attributes', id]));
  }
  for (const { subject: service, write } of draft.services) {
    const tag = write === undefined ? undefined : find(write, valuePlace(service.tree, ['write']));
    if (tag && !canWrite(tag.fields.access ?? 'r')) {
      const params = {
        point: `service ${service.id}`,
        reason: `tag ${tag.id} is read-only`,
        remedy: 'Give the tag access w',
      };
      report.add('MAP_WRITE', valuePlace(service.tree, ['write']), params);
    }
  }
  return draft.entries.flatMap((entry) => {
    const point = model.points.get(entry.point);
    const at = (field: string): Place => valuePlace(entry.subject.tree, [field], entry.subject.place);
    const read = entry.read === undefined ? undefined : find(entry.read, at('read'));
    const write = entry.write === undefined ? undefined : find(entry.write, at('write'));
    if (!point || (entry.read !== undefined && !read) || (entry.write !== undefined && !write)) return [];
    const mapped = mapEntry({ entry, point, read, write }, report);
    return mapped ? [mapped] : [];
  });
}

interface EntryParts {
  readonly entry: EntryDraft;
  readonly point: Point;
  readonly read: TagDraft | undefined;
  readonly write: TagDraft | undefined;
}

function mapEntry({ entry, point, read, write }: EntryParts, report: Report): MapEntry | undefined {
  const { subject, value } = entry;
  if (read && !canRead(read.fields.access ?? 'r')) {
    const params = {
      tag: read.id,
      address: read.fields.address,
      driver: '',
      type: '',
      reason: `tag ${read.id} cannot be read`,
      fix: 'Map a tag with access r or rw',
    };
    report.add('TAG_ACCESS', valuePlace(subject.tree, ['read'], subject.place), params);
    return undefined;
  }
  if (write && !canWrite(write.fields.access ?? 'r')) {
    mapWrite(
      entry,
      { reason: `tag ${write.id} has access ${write.fields.access ?? 'r'}`, remedy: 'Give the tag access w or rw' },
      report,
    );
    return undefined;
  }
  const main = read ?? write;
  if (!main) return undefined;
  const type = main.fields.type?.type;
  const pairs = value.values && pairsOf(value.values, main, entry, report);
  if (value.values !== undefined && !pairs) return undefined;
  if (!pairs && !agree(main, point.type)) {
    const params = { operation: point.id, tag: main.id, wanted: wordOf(point.type), actual: type ?? 'untyped' };
    report.add('FORMULA_TYPE', valuePlace(subject.tree, ['read'], subject.tree.place), params);
    return undefined;
  }
  const linear = pairs ? { factor: 1, shift: 0 } : linearOf({ entry, point, read, write }, report);
  if (!linear) return undefined;
  return {
    point: entry.point,
    ...(read ? { read: read.id } : {}),
    ...(write ? { write: write.id } : {}),
    ...linear,
    ...(pairs ? { values: pairs } : {}),
    ...(value.else === undefined ? {} : { else: value.else }),
    time: value.time ?? point.fields.time ?? 'collected',
  };
}

function linearOf(
  { entry, point, read, write }: EntryParts,
  report: Report,
): { factor: number; shift: number } | undefined {
  const isNumber = ['int', 'long', 'float', 'double'].includes(point.type);
  const conversions = [read, write].flatMap((tag) => {
    if (!tag) return [];
    const found = isNumber ? conversion(tag.fields.unit, point.fields.unit) : { factor: 1, shift: 0 };
    if (found !== 'different') return [found];
    const place = valuePlace(entry.subject.tree, [tag === read ? 'read' : 'write'], entry.subject.tree.place);
    report.add('MAP_DIMENSION', place, { tag: tag.id, from: tag.fields.unit, to: point.fields.unit, point: point.id });
    return [];
  });
  const [first, second] = conversions;
  if (!first || (second === undefined && read && write)) return undefined;
  if (second && (second.factor !== first.factor || second.shift !== first.shift)) {
    mapWrite(
      entry,
      { reason: 'the tags read and written have different units', remedy: 'Give both the same unit' },
      report,
    );
    return undefined;
  }
  return { factor: first.factor, shift: first.shift };
}

function wordOf(type: PointType): string {
  return type === 'string' ? 'a text' : type === 'array' ? 'an array' : 'a number';
}

/** Texts go to texts, numbers and bools to the rest; arrays to arrays. */
function agree(tag: TagDraft, type: PointType): boolean {
  const isArray = (tag.fields.type?.count ?? 1) > 1;
  if (isArray || type === 'array') return isArray && type === 'array';
  if (tag.fields.type === undefined) return true;
  return isTextType(tag.fields.type.type) === (type === 'string');
}

/** Keys of `values` in the form of the tag's values. */
function pairsOf(values: Readonly<Record<string, Scalar>>, tag: TagDraft, entry: EntryDraft, report: Report) {
  const type = tag.fields.type?.type;
  const pairs: [Scalar, Scalar][] = [];
  for (const [key, value] of Object.entries(values)) {
    let form: Scalar | undefined;
    const number = key.trim() !== '' && Number.isFinite(Number(key)) ? Number(key) : undefined;
    if (isTextType(type)) form = key;
    else if (type === 'bool') form = /^(?:true|1)$/.test(key) ? true : /^(?:false|0)$/.test(key) ? false : undefined;
    else if (number !== undefined && Number.isInteger(number) && !Number.isSafeInteger(number)) form = key;
    else form = number ?? (type === undefined ? key : undefined);
    if (form === undefined) {
      const params = { tag: tag.id, value: key, type: type ?? 'no type' };
      report.add('TAG_INVALID', keyPlace(entry.subject.tree, ['values', key]), params);
      return undefined;
    }
    pairs.push([form, value]);
  }
  return pairs;
}
