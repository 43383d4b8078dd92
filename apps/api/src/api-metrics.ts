import { METRICS } from '@busbar/service-kit';
import { Inject, Injectable } from '@nestjs/common';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

@Injectable()
export class ApiMetrics {
  readonly requests: Counter<'method' | 'route' | 'status'>;
  readonly seconds: Histogram<'route'>;
  readonly clients: Gauge;
  readonly frames: Counter;
  readonly #registry: Registry;

  constructor(@Inject(METRICS) registry: Registry) {
    const registers = [registry];
    this.#registry = registry;
    this.requests = new Counter({
      name: 'api_requests_total',
      help: 'HTTP requests answered',
      labelNames: ['method', 'route', 'status'],
      registers,
    });
    this.seconds = new Histogram({
      name: 'api_request_seconds',
      help: 'Time to the answer of an HTTP request',
      labelNames: ['route'],
      buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10],
      registers,
    });
    this.clients = new Gauge({ name: 'api_live_clients', help: 'Open live sockets', registers });
    this.frames = new Counter({ name: 'api_live_frames_total', help: 'Frames of values sent', registers });
  }

  /** A figure that is asked for when somebody reads the metrics. */
  watch(name: string, help: string, read: () => number): void {
    new Gauge({
      name,
      help,
      registers: [this.#registry],
      collect() {
        this.set(read());
      },
    });
  }
}
