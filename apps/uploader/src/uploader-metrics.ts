import { type ConnectionReport, METRICS } from '@busbar/service-kit';
import { Inject, Injectable } from '@nestjs/common';
import { Counter, Gauge, type Registry } from 'prom-client';

const OUTCOMES = ['acknowledged', 'refused', 'skipped'] as const;

/** What waits for a sink. */
export interface SinkLag {
  readonly records: number;
  /** Age of the oldest, ms; 0 when none waits. */
  readonly ageMs: number;
}

@Injectable()
export class UploaderMetrics {
  readonly values: Counter<'sink' | 'outcome'>;
  readonly #up: Gauge<'sink'>;
  readonly #acknowledgedAt: Gauge<'sink'>;
  readonly #lags = new Map<string, () => SinkLag>();

  constructor(@Inject(METRICS) registry: Registry) {
    const registers = [registry];
    const labelNames = ['sink'] as const;
    this.values = new Counter({
      name: 'uploader_values_total',
      help: 'Values by what became of them at the target',
      labelNames: ['sink', 'outcome'],
      registers,
    });
    this.#up = new Gauge({ name: 'uploader_sink_up', help: '1 while the target takes values', labelNames, registers });
    this.#acknowledgedAt = new Gauge({
      name: 'uploader_acknowledged_timestamp_seconds',
      help: 'When the target last acknowledged a value',
      labelNames,
      registers,
    });
    const lags = this.#lags;
    new Gauge({
      name: 'uploader_lag_records',
      help: 'Records that wait for the target',
      labelNames,
      registers,
      collect() {
        this.reset();
        for (const [sink, read] of lags) this.set({ sink }, read().records);
      },
    });
    new Gauge({
      name: 'uploader_lag_seconds',
      help: 'Time since the oldest of them was appended; 0 when none waits',
      labelNames,
      registers,
      collect() {
        this.reset();
        for (const [sink, read] of lags) this.set({ sink }, read().ageMs / 1000);
      },
    });
  }

  /** A sink runs here from now on: its counters stand at 0 before anything happens. */
  runs(sink: string, lag: () => SinkLag): void {
    this.#lags.set(sink, lag);
    this.#up.set({ sink }, 0);
    for (const outcome of OUTCOMES) this.values.inc({ sink, outcome }, 0);
  }

  reported(sink: string, { state, sink: figures }: ConnectionReport): void {
    if (!this.#lags.has(sink)) return;
    this.#up.set({ sink }, state === 'active' ? 1 : 0);
    const at = figures?.lastAcknowledgedAt ?? null;
    if (at !== null) this.#acknowledgedAt.set({ sink }, at / 1000);
  }

  /** It runs here no more: its series go. */
  gone(sink: string): void {
    this.#lags.delete(sink);
    this.#up.remove({ sink });
    this.#acknowledgedAt.remove({ sink });
    for (const outcome of OUTCOMES) this.values.remove({ sink, outcome });
  }
}
