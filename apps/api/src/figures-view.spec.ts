import type { FigureRow, FiguresView } from '@busbar/api-schema';
import type { Measured } from '@busbar/events';
import { beforeEach, describe, expect, it } from 'vitest';
import { FigureStore } from './figure-store.js';
import { figuresView } from './figures-view.js';

const STEP = 10_000;
const START = 1_000 * STEP;

interface Told {
  readonly instance?: string;
  readonly service?: string;
  readonly isLast?: boolean;
  readonly counters?: Readonly<Record<string, number>>;
  readonly gauges?: Readonly<Record<string, number>>;
}

let store: FigureStore;

/** What a process says at a step, each series without labels but for those of a connection. */
function tell(step: number, { instance = 'a', service = 'collector', isLast = false, counters, gauges }: Told): void {
  const at = START + step * STEP;
  const figures: Measured['figures'] = {};
  const labels = { connection: 'line', protocol: 'modbus' };
  for (const [name, value] of Object.entries(counters ?? {}))
    figures[name] = { kind: 'counter', series: [{ labels, value }] };
  for (const [name, value] of Object.entries(gauges ?? {}))
    figures[name] = { kind: 'gauge', series: [{ labels, value }] };
  const measured: Measured = {
    service,
    workload: 'all',
    instance,
    name: service,
    at,
    monotonicMs: at,
    isLast,
    figures,
  };
  store.take(measured, at);
}

function row(view: FiguresView, table: string, id: string): FigureRow | undefined {
  return view.groups
    .flatMap(({ tables }) => tables)
    .find((one) => one.id === table)
    ?.rows.find((one) => one.id === id);
}

const viewAt = (step: number) => figuresView(store, START + step * STEP + 1);
const figure = (view: FiguresView, id: string) => row(view, 'overview', id)?.cells[0];

beforeEach(() => {
  store = new FigureStore();
});

describe('the view of figures', () => {
  it('gives the rate of a counter over the last minute, also over a restart of what it counts', () => {
    for (let step = 0; step <= 6; step++) tell(step, { counters: { collector_values_total: 1_000 + step * 500 } });
    expect(figure(viewAt(6), 'valuesCollected')?.value).toBeCloseTo(50, 6);
    // It began anew at 0 and counted 500 since: the same rate, not a fall by thousands.
    tell(7, { counters: { collector_values_total: 500 } });
    expect(figure(viewAt(7), 'valuesCollected')?.value).toBeCloseTo(50, 6);
  });

  it('adds what several processes say', () => {
    for (let step = 0; step <= 6; step++) {
      tell(step, { instance: 'a', counters: { collector_values_total: step * 100 } });
      tell(step, { instance: 'b', counters: { collector_values_total: step * 300 } });
    }
    expect(figure(viewAt(6), 'valuesCollected')?.value).toBeCloseTo(40, 6);
    expect(figure(viewAt(6), 'processes')?.value).toBe(2);
  });

  it('says of a process that fell silent that it did, and no longer shows its figures as present', () => {
    tell(0, { gauges: { collector_connection_up: 1 } });
    expect(row(viewAt(1), 'connections', 'line')?.cells[0]).toMatchObject({ value: 1, state: 'normal' });
    const later = viewAt(4);
    expect(figure(later, 'silent')).toMatchObject({ value: 1, state: 'critical' });
    expect(figure(later, 'processes')?.value).toBe(0);
    expect(row(later, 'connections', 'line')).toBeUndefined();
  });

  it('says nothing of a process that ended in order', () => {
    tell(0, { gauges: { collector_connection_up: 1 } });
    tell(1, { isLast: true });
    expect(figure(viewAt(4), 'silent')).toMatchObject({ value: 0, state: 'normal' });
    expect(figure(viewAt(4), 'processes')?.value).toBe(0);
  });

  it('weighs a figure as its alert rule does', () => {
    tell(0, { gauges: { collector_connection_up: 1, collector_scan_load: 0.95 } });
    expect(row(viewAt(0), 'connections', 'line')?.cells[1]).toMatchObject({ value: 0.95, state: 'warning' });
    tell(1, { gauges: { collector_connection_up: 0, collector_scan_load: 0.2 } });
    expect(
      row(viewAt(1), 'connections', 'line')
        ?.cells.map(({ state }) => state)
        .slice(0, 2),
    ).toEqual(['critical', 'normal']);
  });

  it('gives a trend whose gaps stay gaps', () => {
    tell(0, { gauges: { collector_connection_up: 1, collector_scan_load: 0.5 } });
    tell(20, { gauges: { collector_connection_up: 1, collector_scan_load: 0.25 } });
    const trend = row(viewAt(20), 'connections', 'line')?.cells[1]?.trend ?? [];
    expect(trend.at(-1)).toBe(0.25);
    expect(trend.slice(-8, -3)).toEqual([null, null, null, null, null]);
    expect(trend).toContain(0.5);
  });

  it('interpolates a quantile within the buckets of a histogram', () => {
    const buckets = (at: number) => ({
      kind: 'counter' as const,
      series: [
        { labels: { le: '0.1' }, value: at * 5 },
        { labels: { le: '0.2' }, value: at * 10 },
        { labels: { le: '+Inf' }, value: at * 10 },
      ],
    });
    for (let step = 0; step <= 2; step++) {
      const at = START + step * STEP;
      const figures = { arbiter_decision_seconds_bucket: buckets(step) };
      store.take(
        {
          service: 'arbiter',
          workload: 'all',
          instance: 'x',
          name: 'arbiter',
          at,
          monotonicMs: at,
          isLast: false,
          figures,
        },
        at,
      );
    }
    const cells = row(viewAt(2), 'latency', 'decision')?.cells.map(({ value }) => value);
    expect(cells?.[0]).toBeCloseTo(0.1, 6);
    expect(cells?.[1]).toBeCloseTo(0.19, 6);
  });
});
