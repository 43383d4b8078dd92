import { METRICS } from '@busbar/service-kit';
import { Inject, Injectable } from '@nestjs/common';
import { Counter, Gauge, type Registry } from 'prom-client';

@Injectable()
export class ForwarderMetrics {
  readonly clients: Gauge;
  readonly refused: Counter;
  readonly requests: Counter;
  readonly waiting: Gauge;
  readonly dropped: Gauge;

  constructor(@Inject(METRICS) registry: Registry) {
    const registers = [registry];
    this.clients = new Gauge({
      name: 'forwarder_clients',
      help: 'Third parties connected now.',
      labelNames: ['connection'],
      registers,
    });
    this.refused = new Counter({
      name: 'forwarder_clients_refused_total',
      help: 'Connections refused, by why.',
      labelNames: ['connection', 'why'],
      registers,
    });
    this.requests = new Counter({
      name: 'forwarder_requests_total',
      help: 'Requests of third parties, by function and answer.',
      labelNames: ['connection', 'function', 'answer'],
      registers,
    });
    this.waiting = new Gauge({
      name: 'forwarder_queue_events',
      help: 'Events that no master has taken yet, over all groups.',
      labelNames: ['connection'],
      registers,
    });
    this.dropped = new Gauge({
      name: 'forwarder_queue_dropped',
      help: 'Events dropped since the start because a group was too far behind.',
      labelNames: ['connection'],
      registers,
    });
  }
}
