import { type EntitlementsChanged, LICENSE_STATES } from '@busbar/events';
import type { Admission } from '@busbar/licensing';
import { METRICS } from '@busbar/service-kit';
import { Inject, Injectable } from '@nestjs/common';
import { Gauge, type Registry } from 'prom-client';

@Injectable()
export class LicenserMetrics {
  readonly #state: Gauge<'state'>;
  readonly #left: Gauge;
  readonly #used: Gauge<'what'>;
  readonly #granted: Gauge<'what'>;
  readonly #refused: Gauge;

  constructor(@Inject(METRICS) registry: Registry) {
    const registers = [registry];
    this.#state = new Gauge({
      name: 'licenser_state',
      help: '1 for the state that the license is in',
      labelNames: ['state'],
      registers,
    });
    this.#left = new Gauge({
      name: 'licenser_left_seconds',
      help: 'Until the license ends, without grace period; negative after; NaN without a license',
      registers,
    });
    this.#used = new Gauge({
      name: 'licenser_used',
      help: 'Connections, tags and forwarding connections let in',
      labelNames: ['what'],
      registers,
    });
    this.#granted = new Gauge({
      name: 'licenser_granted',
      help: 'Connections, tags and forwarding connections granted; +Inf without limit',
      labelNames: ['what'],
      registers,
    });
    this.#refused = new Gauge({
      name: 'licenser_refused_connections',
      help: 'Configured connections that the license does not let run',
      registers,
    });
  }

  judged({ state, license, limits, clockMs }: EntitlementsChanged, { usage, refused }: Admission): void {
    for (const each of LICENSE_STATES) this.#state.set({ state: each }, each === state ? 1 : 0);
    this.#left.set(license ? (license.notAfter - clockMs) / 1000 : Number.NaN);
    for (const what of ['connections', 'tags', 'forwarding'] as const) {
      this.#used.set({ what }, usage[what]);
      this.#granted.set({ what }, limits[what] ?? Number.POSITIVE_INFINITY);
    }
    this.#refused.set(refused.size);
  }
}
