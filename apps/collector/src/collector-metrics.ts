import { METRICS } from '@busbar/service-kit';
import { Inject, Injectable } from '@nestjs/common';
import { Counter, Gauge, type Registry } from 'prom-client';
import type { SampleRing } from './sample-ring.js';

@Injectable()
export class CollectorMetrics {
  readonly values: Counter;
  readonly dropped: Counter;
  readonly control: Counter<'event'>;
  readonly #registers: Registry[];

  constructor(@Inject(METRICS) registry: Registry) {
    const registers = [registry];
    this.#registers = registers;
    this.values = new Counter({ name: 'collector_values_total', help: 'Tag values collected', registers });
    this.dropped = new Counter({
      name: 'collector_dropped_values_total',
      help: 'Tag values dropped because the bus took none and the ring was full',
      registers,
    });
    this.control = new Counter({
      name: 'collector_control_total',
      help: 'Writes, grants fenced off, unknown outcomes',
      labelNames: ['event'],
      registers,
    });
  }

  watch(ring: SampleRing): void {
    const registers = this.#registers;
    new Gauge({
      name: 'collector_ring_bytes',
      help: 'Octets that wait for the bus',
      registers,
      collect() {
        this.set(ring.waitingBytes);
      },
    });
    new Gauge({
      name: 'collector_ring_age_seconds',
      help: 'Age of the oldest batch that waits for the bus',
      registers,
      collect() {
        this.set(ring.oldestMs / 1000);
      },
    });
  }
}
