import type { Bus } from '@busbar/bus';
import type { Clock } from '@busbar/model';
import { Gauge, type Registry } from 'prom-client';
import type { Lag } from './transport.js';

const CONSUMPTION = ['topic', 'group'] as const;

export interface WatchedBus {
  readonly bus: Bus;
  readonly clock: Clock;
  lags(): readonly Lag[];
}

/** What every service tells of its bus, read when somebody asks for the metrics. */
export function watchBus(registry: Registry, { bus, clock, lags }: WatchedBus): void {
  const registers = [registry];
  new Gauge({
    name: 'bus_up',
    help: '1 while the bus takes and gives records',
    registers,
    collect() {
      this.set(bus.health().state === 'up' ? 1 : 0);
    },
  });
  new Gauge({
    name: 'bus_waiting_bytes',
    help: 'Octets published and not durable yet',
    registers,
    collect() {
      this.set(bus.health().waitingBytes);
    },
  });
  new Gauge({
    name: 'bus_lag_records',
    help: 'Records that wait for a consumer, over the partitions held here',
    labelNames: CONSUMPTION,
    registers,
    collect() {
      this.reset();
      for (const { topic, group, records } of lags()) this.set({ topic, group }, records);
    },
  });
  new Gauge({
    name: 'bus_lag_seconds',
    help: 'Time since the oldest of them was appended; 0 when none waits',
    labelNames: CONSUMPTION,
    registers,
    collect() {
      this.reset();
      for (const { topic, group, oldestMs } of lags()) {
        this.set({ topic, group }, oldestMs === null ? 0 : Math.max(0, clock.wallMs() - oldestMs) / 1000);
      }
    },
  });
}
