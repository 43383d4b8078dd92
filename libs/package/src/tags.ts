import { BYTE_ORDERS, TAG_TYPES, type TagType } from '@busbar/model';
import { z } from 'zod';
import type { CsvTable } from './csv-reader.js';
import { access, described, formed, refused, text, upload } from './fields.js';
import { isId } from './ids.js';
import { suggestion } from './nearest.js';
import type { Place } from './place.js';
import type { Report } from './report.js';
import { checkShape, type Subject, subjectsOf } from './shape.js';
import { type MapTree, type Tree, type TreeEntry, valuePlace } from './tree.js';

export interface TagShape {
  readonly type: TagType;
  /** More than 1: an array. */
  readonly count: number;
}

function parseType(value: string): TagShape | undefined {
  const match = /^([a-z0-9]+?)(?:\[([1-9]\d{0,4})\])?$/.exec(value);
  const type = TAG_TYPES.find((known) => known === match?.[1]);
  return type === undefined ? undefined : { type, count: Number(match?.[2] ?? 1) };
}

/** Raw values that mean "no value", as written. */
const invalid = z.unknown().transform((value, context): readonly string[] => {
  const items: unknown[] = Array.isArray(value) ? value : [value];
  const tokens = items.flatMap((item) => (typeof item === 'string' ? item.trim().split(/\s+/) : String(item)));
  const isGood = items.every((item) => typeof item === 'string' || typeof item === 'number');
  if (isGood && tokens.every((token) => token !== '')) return tokens;
  return refused(context, 'FIELD_VALUE', { value: 'this', allowed: 'raw values such as 0x7fffffff -1 NaN' });
});

/** `k=v; k=v` in a cell, a map in YAML. */
const labels = z.unknown().transform((value, context): Readonly<Record<string, string>> => {
  const pairs =
    typeof value === 'string'
      ? value.split(';').map((pair) => pair.split('=').map((part) => part.trim()))
      : Object.entries((value ?? {}) as object);
  if (typeof value === 'object' || typeof value === 'string') {
    if (pairs.every((pair) => pair.length === 2 && pair[0] !== '' && typeof pair[1] === 'string')) {
      return Object.fromEntries(pairs as [string, string][]);
    }
  }
  return refused(context, 'FIELD_VALUE', { value: 'this', allowed: 'k=v; k=v' });
});

const code = z.union([text, z.number()]);

const tagFields = {
  ...described,
  labels: labels.optional(),
  address: text.meta({ sample: 'address: holding:0' }),
  type: formed(parseType, `${TAG_TYPES.join(', ')}, or an array such as float32[10]`).optional(),
  length: z.number().int().min(1).max(65_535).optional(),
  order: z.enum(BYTE_ORDERS).optional(),
  access: access.optional(),
  writeMode: text.optional(),
  group: text.optional(),
  scale: z.number().optional(),
  offset: z.number().optional(),
  scaleBy: text.optional(),
  invalid: invalid.optional(),
  min: z.number().optional(),
  max: z.number().optional(),
  unit: text.optional(),
  deadband: z.number().min(0).optional(),
  upload: upload.optional(),
  /** Kept for export, like `code`. */
  kind: z.enum(['AI', 'DI', 'PI', 'AO', 'DO', 'PO']).optional(),
  code: code.optional(),
};

const tagSchema = z.strictObject(tagFields);
export const tagPatchSchema = z.strictObject({
  ...tagFields,
  address: text.optional(),
  remove: z.boolean().optional(),
});
export type TagFields = z.output<typeof tagSchema>;

export interface TagDraft {
  readonly id: string;
  readonly fields: TagFields;
  /** Of a field as written, else of the whole tag. */
  at(field: string): Place;
}

const COLUMNS = ['id', ...Object.keys(tagFields)];
const NUMBERS: ReadonlySet<string> = new Set(['length', 'scale', 'offset', 'min', 'max', 'deadband']);
const NUMBER = /^[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,3})?$/;

/** The tags of a point table; rows with errors are reported and left out. */
export function tagsOfCsv(table: CsvTable, report: Report): TagDraft[] {
  const { columns } = table;
  let isKnown = true;
  columns.forEach((name, column) => {
    if (name === '' || COLUMNS.includes(name)) return;
    isKnown = false;
    const params = { column: name, problem: 'is no column of a point table', columns: suggestion(name, COLUMNS) };
    report.add('CSV_COLUMN', table.place(-1, column), params);
  });
  // A misspelled name was just reported; that its right form is missing follows from it.
  for (const name of isKnown ? ['id', 'address'] : []) {
    if (columns.includes(name)) continue;
    isKnown = false;
    report.record('CSV_COLUMN', table.place(-1, 0), {
      params: { column: name, problem: 'is missing', columns: name },
      mark: name,
    });
  }
  if (!isKnown) return [];
  const idColumn = columns.indexOf('id');
  const seen = new Map<string, number>();
  const drafts: TagDraft[] = [];
  table.rows.forEach((cells, row) => {
    const id = cells[idColumn] ?? '';
    const place = table.place(row, idColumn);
    if (!checkId(id, place, report)) return;
    const lower = id.toLowerCase();
    const first = seen.get(lower);
    if (first !== undefined) {
      const other = table.rows[first]?.[idColumn] ?? '';
      if (other === id) {
        const line = table.place(first, idColumn).position().line;
        report.add('ID_DUPLICATE', place, { kind: 'tag', id, place: `line ${line}` });
      } else {
        report.add('ID_CASE', place, { a: other, b: id });
      }
      return;
    }
    seen.set(lower, row);
    const draft = draftOfRow(table, row, id, report);
    if (draft) drafts.push(draft);
  });
  return drafts;
}

function checkId(id: string, place: Place, report: Report): boolean {
  if (isId(id)) return true;
  report.add('ID_INVALID', place, { kind: 'tag', id });
  return false;
}

function draftOfRow(table: CsvTable, row: number, id: string, report: Report): TagDraft | undefined {
  const cells = table.rows[row] ?? [];
  const value: Record<string, unknown> = {};
  let isGood = true;
  table.columns.forEach((name, column) => {
    const cell = cells[column]?.trim() ?? '';
    if (cell === '' || name === 'id') return;
    if (!NUMBERS.has(name)) {
      value[name] = cell;
    } else if (NUMBER.test(cell)) {
      value[name] = Number(cell);
    } else {
      isGood = false;
      const number = cell.replace(',', '.');
      const example = NUMBER.test(number) ? number : '0.1';
      report.add('CSV_NUMBER', table.place(row, column), { column: name, value: cell.slice(0, 80), example });
    }
  });
  if (!isGood) return undefined;
  const at = (field: string): Place => table.place(row, Math.max(0, table.columns.indexOf(field)));
  const parsed = tagSchema.safeParse(value);
  if (parsed.success) return { id, fields: parsed.data, at };
  const entries = Object.entries(value).map(([name, cell]): [string, TreeEntry] => {
    const tree: Tree = { kind: 'scalar', value: cell as string | number, place: at(name) };
    return [name, { keyPlace: at(name), value: tree }];
  });
  const tree: MapTree = { kind: 'map', entries: new Map(entries), place: at('id') };
  checkShape(tagSchema, { kind: 'tag', id, place: at('id'), tree }, report);
  return undefined;
}

/** A device's own tags. */
export function tagsOfMap(map: Tree | undefined, report: Report): TagDraft[] {
  return subjectsOf(map, 'tag', report).flatMap((subject) => {
    const fields = checkShape(tagSchema, subject, report);
    return fields ? [{ id: subject.id, fields, at: placesOf(subject) }] : [];
  });
}

export function placesOf(subject: Subject): (field: string) => Place {
  return (field) => valuePlace(subject.tree, [field], subject.place);
}
