import type { Iec104RowOptions, ModbusRowOptions, RowDeadband, RowOptions } from '@busbar/address-plan';
import { IEC104_CLASSES, MODBUS_AREAS } from '@busbar/address-plan';
import { BYTE_ORDERS } from '@busbar/model';
import { z } from 'zod';
import type { CsvTable } from './csv-reader.js';
import { refused, text } from './fields.js';
import { LIMITS } from './limits.js';
import { suggestion } from './nearest.js';
import type { Place } from './place.js';
import type { Report } from './report.js';
import { checkShape } from './shape.js';
import { type MapTree, type Tree, type TreeEntry, valuePlace } from './tree.js';

/** `0.5` after conversion, `1%` of the model's range. */
const deadband = z.unknown().transform((value, context): RowDeadband => {
  if (typeof value === 'number' && value >= 0) return { absolute: value };
  const percent = typeof value === 'string' ? /^(\d{1,3}(?:\.\d{1,6})?)\s*%$/.exec(value.trim()) : null;
  if (percent && Number(percent[1]) <= 100) return { percent: Number(percent[1]) };
  return refused(context, 'FIELD_VALUE', { value: String(value).slice(0, 80), allowed: 'a number such as 0.5, or 1%' });
});

const optionFields = {
  scale: z.number().optional(),
  offset: z.number().optional(),
  deadband: deadband.optional(),
  event: z.enum(['soe', 'latest', 'none']).optional(),
  group: z.number().int().min(0).max(16).optional(),
  cyclic: z.boolean().optional(),
  background: z.boolean().optional(),
};

/** A type alone may stand for the map that holds it. */
function orType<S extends z.ZodType>(schema: S) {
  return z.preprocess((value) => (typeof value === 'string' ? { type: value } : value), schema);
}

const iec104 = orType(z.strictObject({ ...optionFields, type: text.optional(), command: text.optional() }));
const modbus = orType(
  z.strictObject({
    ...optionFields,
    area: z.enum(MODBUS_AREAS).optional(),
    type: text.optional(),
    order: z.enum(BYTE_ORDERS).optional(),
  }),
);

const control = z.union([
  z.literal(false),
  z.strictObject({
    select: z.boolean().optional(),
    qualifier: z.number().int().min(0).max(31).optional(),
    limits: z.tuple([z.number(), z.number()]).optional(),
  }),
]);

const pointSchema = z.strictObject({
  ...optionFields,
  point: text.meta({ sample: 'point: INV.ActivePower' }),
  comment: text.optional(),
  values: z.record(z.string(), z.number()).optional(),
  control: control.optional(),
  replaces: z.number().int().min(1).max(LIMITS.reserved).optional(),
  iec104: iec104.optional(),
  modbus: modbus.optional(),
});
const reservedSchema = z.strictObject({
  reserved: z.number().int().min(1).max(LIMITS.reserved),
  class: z.enum([...IEC104_CLASSES, ...MODBUS_AREAS]).meta({ sample: 'class: YX' }),
  comment: text.optional(),
  iec104: orType(z.strictObject({ type: text })).optional(),
  modbus: orType(z.strictObject({ type: text })).optional(),
});

export type PointFields = RowOptions & {
  readonly point: string;
  readonly values?: Readonly<Record<string, number>> | undefined;
  readonly control?: z.output<typeof control> | undefined;
  readonly replaces?: number | undefined;
  readonly iec104?: Iec104RowOptions | undefined;
  readonly modbus?: ModbusRowOptions | undefined;
};
export type ReservedFields = z.output<typeof reservedSchema>;

/** A row of a forwarding template as written. */
export interface RowDraft {
  readonly fields: PointFields | ReservedFields;
  readonly place: Place;
  /** Of a field as written, else of the row. */
  at(field: string): Place;
}

/** Rows of a YAML list; a text alone is a point. */
export function rowsOfList(tree: Tree, template: string, report: Report): RowDraft[] {
  if (tree.kind !== 'list') return [];
  return tree.items.flatMap((item): RowDraft[] => {
    if (item.kind !== 'map') return rowOf(pointMap(item), template, report);
    return rowOf(item, template, report);
  });
}

function pointMap(item: Tree): MapTree {
  return { kind: 'map', entries: new Map([['point', { keyPlace: item.place, value: item }]]), place: item.place };
}

function rowOf(tree: MapTree, template: string, report: Report): RowDraft[] {
  const isReserved = tree.entries.has('reserved');
  const subject = { kind: 'row', id: `of ${template}`, place: tree.place, tree };
  const fields = isReserved ? checkShape(reservedSchema, subject, report) : checkShape(pointSchema, subject, report);
  if (!fields) return [];
  const at = (field: string): Place => valuePlace(tree, field.split('.'), tree.place);
  return [{ fields: fields as RowDraft['fields'], place: tree.place, at }];
}

const NUMBERS: ReadonlySet<string> = new Set(['reserved', 'scale', 'offset', 'group', 'replaces', 'qualifier']);
const BOOLS: ReadonlySet<string> = new Set(['cyclic', 'background', 'select', 'control']);
const OWN = Object.keys(optionFields);
const COLUMNS = [
  ...['point', 'reserved', 'class', 'comment', 'values', 'control', 'control.select', 'control.qualifier', 'replaces'],
  ...OWN,
  ...['type', 'command', ...OWN].map((name) => `iec104.${name}`),
  ...['type', 'area', 'order', ...OWN].map((name) => `modbus.${name}`),
];
const NUMBER = /^[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,3})?$/;

/** Rows of a CSV: dotted columns are nested keys, an empty cell is the default. */
export function rowsOfCsv(table: CsvTable, template: string, report: Report): RowDraft[] {
  let isKnown = true;
  table.columns.forEach((name, column) => {
    if (name === '' || COLUMNS.includes(name)) return;
    isKnown = false;
    const params = {
      column: name,
      problem: 'is no column of a forwarding template',
      columns: suggestion(name, COLUMNS),
    };
    report.add('CSV_COLUMN', table.place(-1, column), params);
  });
  if (!isKnown) return [];
  return table.rows.flatMap((_, row): RowDraft[] => {
    const tree = treeOfRow(table, row, report);
    return tree ? rowOf(tree, template, report) : [];
  });
}

function treeOfRow(table: CsvTable, row: number, report: Report): MapTree | undefined {
  const root = new Map<string, TreeEntry>();
  const nested = new Map<string, Map<string, TreeEntry>>();
  let isGood = true;
  table.columns.forEach((name, column) => {
    const cell = table.rows[row]?.[column]?.trim() ?? '';
    if (cell === '') return;
    const place = table.place(row, column);
    const value = cellTree(name, cell, place);
    if (!value) {
      isGood = false;
      report.add('CSV_NUMBER', place, { column: name, value: cell.slice(0, 80), example: '0.1' });
      return;
    }
    const [key = '', inner] = name.split('.');
    if (inner === undefined) {
      root.set(key, { keyPlace: place, value });
      return;
    }
    const map = nested.get(key) ?? new Map<string, TreeEntry>();
    map.set(inner, { keyPlace: place, value });
    nested.set(key, map);
  });
  for (const [key, entries] of nested) {
    const place = [...entries.values()][0]?.keyPlace ?? table.place(row, 0);
    root.set(key, { keyPlace: place, value: { kind: 'map', entries, place } });
  }
  return isGood ? { kind: 'map', entries: root, place: table.place(row, 0) } : undefined;
}

/** Undefined: a text where a number must be. */
function cellTree(name: string, cell: string, place: Place): Tree | undefined {
  const last = name.split('.').at(-1) ?? name;
  if (last === 'values') {
    const entries = cell.split(';').map((pair): [string, TreeEntry] => {
      const [key = '', value = ''] = pair.split('=').map((part) => part.trim());
      return [
        key,
        { keyPlace: place, value: { kind: 'scalar', value: NUMBER.test(value) ? Number(value) : value, place } },
      ];
    });
    return { kind: 'map', entries: new Map(entries), place };
  }
  if (NUMBERS.has(last)) return NUMBER.test(cell) ? { kind: 'scalar', value: Number(cell), place } : undefined;
  if (last === 'deadband' && NUMBER.test(cell)) return { kind: 'scalar', value: Number(cell), place };
  const isBool = BOOLS.has(last) && (cell === 'true' || cell === 'false');
  return { kind: 'scalar', value: isBool ? cell === 'true' : cell, place };
}
