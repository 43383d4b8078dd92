import type { Measured } from '@busbar/events';
import { FigureInstance, type Series, SLOT_MS, SLOTS, slotOf } from './figure-instance.js';

const INSTANCES = 128;
/** Rates count together for the alert rules over this many slots: 10 minutes. */
const LONG_SLOTS = 60;

export type Labels = Readonly<Record<string, string>>;

/** Which series, and how those of one row become one. */
export interface FigureQuery {
  readonly name: string;
  /**
   * `rate`: per second, now over the last minute; `increase`: over 15 minutes; `age`: of a time in epoch seconds.
   */
  readonly as: 'gauge' | 'rate' | 'increase' | 'age';
  readonly over: 'sum' | 'max' | 'min';
  readonly where?: Labels;
  /** Which row a series belongs to; `@name`, `@service` and `@workload` are those of its process. */
  row(labels: Labels): string | null;
}

export interface Line {
  value: number | null;
  readonly trend: (number | null)[];
  /** Of a counter: by how much it grew in 10 and 15 minutes. */
  readonly grown: { tenMinutes: number; quarter: number };
  /** Of the series of the row. */
  readonly labels: Labels;
}

/** What all processes told of themselves in the last 15 minutes. */
export class FigureStore {
  readonly #instances = new Map<string, FigureInstance>();

  /** @param atMs when it was told, by the bus */
  take(measured: Measured, atMs: number): void {
    const slot = slotOf(atMs);
    const known = this.#instances.get(measured.instance);
    if (known) known.take(measured, slot);
    else if (!measured.isLast) {
      this.#forget(slot);
      if (this.#instances.size < INSTANCES) {
        this.#instances.set(measured.instance, new FigureInstance(measured, slot));
      }
    }
  }

  /** Processes that told how they are within the last 30 s. */
  live(nowMs: number): Measured[] {
    return [...this.#alive(nowMs)].map(({ newest }) => newest);
  }

  /** Those that fell silent within 15 minutes without having said that they end, and did not come back by their name. */
  silent(nowMs: number): Measured[] {
    const slot = slotOf(nowMs);
    const back = new Set(this.live(nowMs).map(nameOf));
    return [...this.#instances.values()]
      .filter((one) => !one.newest.isLast && !one.isLive(slot) && slot - one.slot < SLOTS)
      .map(({ newest }) => newest)
      .filter((one) => !back.has(nameOf(one)));
  }

  /** True if a process that lives has this metric, be it without a series yet. */
  has(name: string, nowMs: number): boolean {
    for (const { newest } of this.#alive(nowMs)) if (name in newest.figures) return true;
    return false;
  }

  /** The rows that the series of a metric give, by name. */
  lines(query: FigureQuery, nowMs: number): Map<string, Line> {
    const slot = slotOf(nowMs);
    const lines = new Map<string, Line>();
    for (const instance of this.#instances.values()) {
      for (const series of instance.series()) {
        if (series.name !== query.name || !fits(series.labels, query.where)) continue;
        const { name, service, workload } = instance.newest;
        const labels = { ...series.labels, '@name': name, '@service': service, '@workload': workload };
        const row = query.row(labels);
        if (row === null) continue;
        let line = lines.get(row);
        if (!line) {
          const trend = Array.from({ length: SLOTS }, () => null);
          line = { value: null, trend, grown: { tenMinutes: 0, quarter: 0 }, labels };
          lines.set(row, line);
        }
        add(line, { instance, series, query, slot, nowMs });
      }
    }
    return lines;
  }

  /** Of the observations of 15 minutes, by linear interpolation within a bucket; null without any. */
  quantile(histogram: string, q: number, nowMs: number): number | null {
    const row = ({ le }: Labels) => le ?? null;
    const buckets = [...this.lines({ name: `${histogram}_bucket`, as: 'increase', over: 'sum', row }, nowMs)]
      .map(([le, { value }]) => ({ to: le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le), count: value ?? 0 }))
      .sort((a, b) => a.to - b.to);
    const all = buckets.at(-1)?.count ?? 0;
    if (all <= 0) return null;
    let from = 0;
    let below = 0;
    for (const { to, count } of buckets) {
      if (count >= q * all)
        return to === Number.POSITIVE_INFINITY ? from : from + ((to - from) * (q * all - below)) / (count - below);
      from = to;
      below = count;
    }
    return from;
  }

  *#alive(nowMs: number): Generator<FigureInstance> {
    const slot = slotOf(nowMs);
    for (const instance of this.#instances.values()) if (instance.isLive(slot)) yield instance;
  }

  #forget(slot: number): void {
    for (const [key, instance] of this.#instances) if (slot - instance.slot > SLOTS) this.#instances.delete(key);
  }
}

const nameOf = ({ service, workload, name }: Measured): string => `${service} ${workload} ${name}`;

const fits = (labels: Labels, where: Labels = {}): boolean =>
  Object.entries(where).every(([label, value]) => labels[label] === value);

interface Addition {
  readonly instance: FigureInstance;
  readonly series: Series;
  readonly query: FigureQuery;
  readonly slot: number;
  readonly nowMs: number;
}

function add(line: Line, { instance, series, query, slot, nowMs }: Addition): void {
  const { as, over } = query;
  const isLive = instance.isLive(slot);
  const first = slot - SLOTS + 1;
  for (let index = 0; index < SLOTS; index++) {
    const at = first + index;
    if (at > instance.slot && !isLive) break;
    const isCounted = as === 'rate' || as === 'increase';
    const raw = isCounted ? instance.rateAt(series, at) : instance.valueAt(series, at);
    line.trend[index] = join(line.trend[index] ?? null, as === 'age' ? (at + 1) * (SLOT_MS / 1000) - raw : raw, over);
  }
  if (as === 'rate' || as === 'increase') {
    line.grown.tenMinutes += instance.increase(series, slot, LONG_SLOTS) || 0;
    line.grown.quarter += instance.increase(series, slot, SLOTS) || 0;
  }
  if (as === 'increase') line.value = line.grown.quarter;
  else if (isLive && as === 'rate') line.value = join(line.value, instance.rateNow(series, slot), over);
  else if (isLive) {
    const raw = instance.valueAt(series, slot);
    line.value = join(line.value, as === 'age' ? Math.max(0, nowMs / 1000 - raw) : raw, over);
  }
}

/** What is not known counts for nothing. */
function join(before: number | null, value: number, over: FigureQuery['over']): number | null {
  if (!Number.isFinite(value)) return before;
  if (before === null) return value;
  if (over === 'sum') return before + value;
  return over === 'max' ? Math.max(before, value) : Math.min(before, value);
}
