import type { FigureCell, FigureRow, FiguresView, FigureTable } from '@busbar/api-schema';
import { SLOT_MS, slotOf } from './figure-instance.js';
import type { FigureStore, Line } from './figure-store.js';
import {
  type FigureColumn,
  type FigureLimit,
  type FigureTableSpec,
  GROUPS,
  LATENCIES,
  OVERVIEW,
} from './figure-tables.js';

/** Of a table, so that the page stays one. */
const ROWS = 200;
const TEN_MINUTES_S = 600;
/** Trends are given in steps of two slots, the last of them the present one. */
const STEP_SLOTS = 2;
const QUANTILES = [0.5, 0.95, 0.99];

/** The figures of all processes as tables that need only to be drawn. */
export function figuresView(store: FigureStore, nowMs: number): FiguresView {
  const groups = GROUPS.map(({ id, tables }) => ({
    id,
    tables: [...tables.map((spec) => tableOf(store, spec, nowMs)), ...latencies(store, id, nowMs)],
  }));
  const site = { id: 'site', tables: [overview(store, nowMs)] };
  return { at: slotOf(nowMs) * SLOT_MS, stepMs: STEP_SLOTS * SLOT_MS, groups: [site, ...groups] };
}

function overview(store: FigureStore, nowMs: number): FigureTable {
  const silent = store.silent(nowMs).length;
  const rows: FigureRow[] = [
    { id: 'processes', note: null, cells: [plain(store.live(nowMs).length)] },
    { id: 'silent', note: null, cells: [{ ...plain(silent), state: silent > 0 ? 'critical' : 'normal' }] },
  ];
  for (const column of OVERVIEW) {
    const lines = linesOf(store, column, nowMs);
    const cell = cellOf(column, lines.get(''), isCounted(store, column, nowMs));
    rows.push({ id: column.id, note: null, cells: [cell] });
  }
  return { id: 'overview', columns: ['now'], rows, left: 0 };
}

const plain = (value: number): FigureCell => ({ value, unit: 'count', state: 'normal', trend: null });

function tableOf(store: FigureStore, spec: FigureTableSpec, nowMs: number): FigureTable {
  const found = new Map<string, Line>();
  for (const query of spec.rows) {
    for (const [id, line] of store.lines(query, nowMs)) {
      if (line.value !== null && (query.as !== 'increase' || line.value > 0) && !found.has(id)) found.set(id, line);
    }
  }
  const columns = spec.columns.map((column) => ({
    column,
    lines: linesOf(store, column, nowMs),
    isCounted: isCounted(store, column, nowMs),
  }));
  const rows = [...found].map(([id, { labels }]): FigureRow => {
    const cells = columns.map(({ column, lines, isCounted: counts }) => cellOf(column, lines.get(id), counts, labels));
    return { id, note: spec.note?.(labels) ?? null, cells };
  });
  if (!spec.isOrdered) rows.sort((a, b) => weight(b) - weight(a) || (a.id < b.id ? -1 : 1));
  const left = Math.max(0, rows.length - ROWS);
  return { id: spec.id, columns: spec.columns.map(({ id }) => id), rows: rows.slice(0, ROWS), left };
}

function latencies(store: FigureStore, group: string, nowMs: number): FigureTable[] {
  const rows = LATENCIES.filter((one) => one.group === group).map(({ id, histogram }): FigureRow => {
    const cells = QUANTILES.map((q): FigureCell => {
      return { value: store.quantile(histogram, q, nowMs), unit: 'seconds', state: 'normal', trend: null };
    });
    return { id, note: null, cells };
  });
  const shown = rows.filter(({ cells }) => cells[0]?.value !== null);
  const columns = QUANTILES.map((q) => `p${q * 100}`);
  return rows.length === 0 ? [] : [{ id: 'latency', columns, rows: shown, left: 0 }];
}

function linesOf(store: FigureStore, { of }: FigureColumn, nowMs: number): Map<string, Line> {
  return new Map(of.flatMap((query) => [...store.lines(query, nowMs)]));
}

/** True: a series that is not there stands at 0. */
function isCounted(store: FigureStore, { of }: FigureColumn, nowMs: number): boolean {
  return of.length === 1 && of.every(({ as, name }) => (as === 'rate' || as === 'increase') && store.has(name, nowMs));
}

function cellOf(
  column: FigureColumn,
  line: Line | undefined,
  counts: boolean,
  labels: Line['labels'] = {},
): FigureCell {
  const { unit } = column;
  if (!line) return { value: counts ? 0 : null, unit, state: 'normal', trend: null };
  const limit = typeof column.limit === 'function' ? column.limit(labels) : column.limit;
  return { value: line.value, unit, state: stateOf(limit, line), trend: stepsOf(line.trend) };
}

function stateOf(limit: FigureLimit | undefined, { value, grown }: Line): FigureCell['state'] {
  if (!limit || value === null) return 'normal';
  const { of, is, than, severity } = limit;
  const seen =
    of === undefined
      ? value
      : of === 'tenMinutesRate'
        ? grown.tenMinutes / TEN_MINUTES_S
        : grown[of === 'quarter' ? 'quarter' : 'tenMinutes'];
  const isMet = is === 'above' ? seen > than : is === 'below' ? seen < than : seen === than;
  return isMet ? severity : 'normal';
}

/** Half as many: of two the higher, so that no peak is lost. */
function stepsOf(trend: Line['trend']): Line['trend'] {
  const steps: (number | null)[] = [];
  for (let from = trend.length % STEP_SLOTS; from < trend.length; from += STEP_SLOTS) {
    const known = trend.slice(from, from + STEP_SLOTS).filter((one) => one !== null);
    steps.push(known.length === 0 ? null : rounded(Math.max(...known)));
  }
  return steps;
}

/** Enough for a line of some pixels. */
const rounded = (value: number): number => Number(value.toPrecision(4));

const WEIGHTS = { normal: 0, warning: 1, critical: 2 } as const;
const weight = ({ cells }: FigureRow): number => Math.max(...cells.map(({ state }) => WEIGHTS[state]));
