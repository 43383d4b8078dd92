import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import type { Bus } from '@busbar/bus';
import { encodeJson, type Measured, type MeasuredFigure } from '@busbar/events';
import type { Clock } from '@busbar/model';
import type { Registry } from 'prom-client';
import type { ProcessIdentity } from './tokens.js';

const EVERY_MS = 10_000;
/** Our own; the many of the run time are not sent. */
const OWN = /^(collector|mapper|uploader|forwarder|arbiter|licenser|file_collector|api|bus)_/;
const NS_PER_SECOND = 1e9;
/** The same precision as in `/metrics`, ms. */
const PRECISION = 100;

export interface FiguresSource {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly registry: Registry;
  readonly identity: ProcessIdentity;
  readonly workload: string;
  /** By which people know the process. */
  readonly name: string;
}

/** Tells every 10 s how this process is, for those who have no Prometheus. */
export class FiguresPublisher {
  readonly #source: FiguresSource;
  readonly #lag: IntervalHistogram = monitorEventLoopDelay({ resolution: PRECISION });
  #timer: NodeJS.Timeout | undefined;
  #isBusy = false;
  #isStopped = false;

  constructor(source: FiguresSource) {
    this.#source = source;
  }

  /** Once the topics are there. */
  start(): void {
    if (this.#isStopped) return;
    this.#lag.enable();
    this.#timer = setInterval(() => void this.tell(), EVERY_MS).unref();
    void this.tell();
  }

  /** Not awaited by anybody: closing the bus flushes what was published. */
  stop(): void {
    this.#isStopped = true;
    if (this.#timer === undefined) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#lag.disable();
    void this.#publish({}, true);
  }

  /** Says it now, unless the last time is still under way; a bus that takes nothing has it left out. */
  async tell(): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    try {
      await this.#publish(await this.#read(), false);
    } finally {
      this.#isBusy = false;
    }
  }

  async #publish(figures: Measured['figures'], isLast: boolean): Promise<void> {
    const { bus, clock, identity, workload, name } = this.#source;
    const { service, instance } = identity;
    const times = { at: clock.wallMs(), monotonicMs: clock.monotonicMs() };
    const measured: Measured = { service, workload, instance, name, ...times, isLast, figures };
    try {
      const value = encodeJson('services.measured.v1', measured);
      await bus.publish([{ topic: 'services.measured.v1', key: instance, value }]);
    } catch {
      // The health of the bus says why; figures are not worth more than that.
    }
  }

  async #read(): Promise<Measured['figures']> {
    const { registry } = this.#source;
    const figures = this.#ofProcess();
    // One after the other: a gauge may fill those that were registered after it.
    for (const { name } of registry.getMetricsAsArray()) {
      if (OWN.test(name)) Object.assign(figures, figuresOf(await registry.getSingleMetric(name)?.get()));
    }
    return figures;
  }

  /** Read here and not from the registry: there, reading starts the delay of the event loop anew for Prometheus. */
  #ofProcess(): Measured['figures'] {
    const { user, system } = process.cpuUsage();
    const { rss, heapUsed } = process.memoryUsage();
    const lag = this.#lag.percentile(99) / NS_PER_SECOND;
    this.#lag.reset();
    return {
      process_cpu_seconds_total: single('counter', (user + system) / 1e6),
      process_resident_memory_bytes: single('gauge', rss),
      nodejs_heap_size_used_bytes: single('gauge', heapUsed),
      nodejs_eventloop_lag_p99_seconds: single('gauge', lag),
    };
  }
}

function single(kind: MeasuredFigure['kind'], value: number): MeasuredFigure {
  return { kind, series: [{ labels: {}, value }] };
}

/** What prom-client gives; its types leave out the kind and the names of a histogram's parts. */
interface Reading {
  readonly name: string;
  readonly type: unknown;
  readonly values: readonly {
    readonly labels: Partial<Record<string, string | number>>;
    readonly value: number;
    readonly metricName?: string;
  }[];
}

function figuresOf(reading: Reading | undefined): Measured['figures'] {
  const figures: Record<string, MeasuredFigure> = {};
  if (reading === undefined) return figures;
  const kind = reading.type === 'gauge' ? 'gauge' : 'counter';
  const isHistogram = reading.type === 'histogram';
  const sums = new Map<string, { readonly labels: Record<string, string>; value: number }>();
  for (const { labels, value, metricName } of reading.values) {
    if (!Number.isFinite(value)) continue;
    const name = metricName ?? reading.name;
    figures[name] ??= { kind, series: [] };
    const texts = Object.entries(labels).flatMap(([label, text]) =>
      text === undefined ? [] : [[label, String(text)]],
    );
    // Of a histogram over all its labels, else it would be the largest part of the record.
    const kept: Record<string, string> = Object.fromEntries(
      isHistogram ? texts.filter(([label]) => label === 'le') : texts,
    );
    if (kind === 'counter' && value === 0 && Object.keys(kept).length > 0) continue;
    const key = `${name} ${JSON.stringify(kept)}`;
    const known = isHistogram ? sums.get(key) : undefined;
    if (known) known.value += value;
    else {
      const series = { labels: kept, value };
      sums.set(key, series);
      figures[name].series.push(series);
    }
  }
  return figures;
}
