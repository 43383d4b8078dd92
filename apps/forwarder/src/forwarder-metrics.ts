import { METRICS } from '@busbar/service-kit';
import { Inject, Injectable } from '@nestjs/common';
import { Counter, Gauge, type Registry } from 'prom-client';

/** Why a third party is refused, as the servers say it. */
const REFUSALS = ['address', 'limit', 'control', 'protocol', 'tls'] as const;

/** What the image of a connection has not taken yet. */
export interface ImageLag {
  readonly records: number;
  /** Age of the oldest, ms; 0 when none waits. */
  readonly ageMs: number;
}

@Injectable()
export class ForwarderMetrics {
  readonly clients: Gauge;
  readonly refused: Counter;
  readonly requests: Counter;
  readonly waiting: Gauge;
  readonly dropped: Gauge;
  /** Label sets of requests seen, by connection. */
  readonly #requested = new Map<string, Map<string, { readonly function: string; readonly answer: string }>>();

  readonly #lags = new Map<string, () => ImageLag>();

  constructor(@Inject(METRICS) registry: Registry) {
    const registers = [registry];
    const lags = this.#lags;
    new Gauge({
      name: 'forwarder_lag_records',
      help: 'Records that are not in the image of the connection yet.',
      labelNames: ['connection'],
      registers,
      collect() {
        this.reset();
        for (const [connection, read] of lags) this.set({ connection }, read().records);
      },
    });
    new Gauge({
      name: 'forwarder_lag_seconds',
      help: 'Time since the oldest of them was appended; 0 when none waits.',
      labelNames: ['connection'],
      registers,
      collect() {
        this.reset();
        for (const [connection, read] of lags) this.set({ connection }, read().ageMs / 1000);
      },
    });
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
  /** A connection runs here from now on: its counter stands at 0 before anything happens. */
  runs(connection: string, lag: () => ImageLag): void {
    this.#lags.set(connection, lag);
    for (const why of REFUSALS) this.refused.inc({ connection, why }, 0);
  }

  requested(connection: string, what: string, answer: string): void {
    const labels = { function: what, answer };
    this.requests.inc({ connection, ...labels });
    let seen = this.#requested.get(connection);
    if (!seen) {
      seen = new Map();
      this.#requested.set(connection, seen);
    }
    seen.set(`${what} ${answer}`, labels);
  }

  /** It runs here no more: its series go. */
  gone(connection: string): void {
    for (const gauge of [this.clients, this.waiting, this.dropped]) gauge.remove({ connection });
    for (const why of REFUSALS) this.refused.remove({ connection, why });
    for (const labels of this.#requested.get(connection)?.values() ?? [])
      this.requests.remove({ connection, ...labels });
    this.#requested.delete(connection);
    this.#lags.delete(connection);
  }
}
