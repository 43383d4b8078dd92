import { METRICS } from '@busbar/service-kit';
import { Inject, Injectable } from '@nestjs/common';
import { Counter, type Registry } from 'prom-client';

@Injectable()
export class ArbiterMetrics {
  readonly granted: Counter;
  readonly ends: Counter<'end' | 'rule'>;

  constructor(@Inject(METRICS) registry: Registry) {
    const registers = [registry];
    this.granted = new Counter({ name: 'arbiter_grants_total', help: 'Control requests granted', registers });
    this.ends = new Counter({
      name: 'arbiter_ends_total',
      help: 'Ends given by the arbiter itself: refused, expired, unknown',
      labelNames: ['end', 'rule'],
      registers,
    });
  }
}
