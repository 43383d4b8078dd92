import type { ControlDirectory } from '@busbar/arbitration';
import type { Ownership, TableView } from '@busbar/bus';
import { ServicePorts } from '@busbar/service-kit';
import { type BeforeApplicationShutdown, Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { ArbiterMetrics } from './arbiter-metrics.js';
import { compileDirectory } from './control-directory.js';
import { Office } from './office.js';

/** After a failure to take office. */
const RETRY_MS = 1_000;

const NOTHING: ControlDirectory = { generation: 0, point: () => undefined, mayCommand: () => false };

/** One arbiter at a time: who owns the one partition of control.requested is in office. */
@Injectable()
export class ArbiterService implements OnApplicationBootstrap, BeforeApplicationShutdown {
  #directory: ControlDirectory = NOTHING;
  #ownership: Ownership | null = null;
  #office: Office | null = null;
  #changed: TableView | null = null;
  #held: TableView | null = null;
  #unsubscribe: (() => void) | null = null;
  #retry: NodeJS.Timeout | null = null;
  #leaving: Promise<void> = Promise.resolve();
  #isStopped = false;

  constructor(
    @Inject(ServicePorts) private readonly ports: ServicePorts,
    @Inject(ArbiterMetrics) private readonly metrics: ArbiterMetrics,
  ) {}

  onApplicationBootstrap(): void {
    const { bus, configuration } = this.ports;
    this.metrics.watch(() => this.#office?.isInOffice ?? false);
    this.#changed = bus.table('connections.changed.v1');
    this.#held = bus.table('control.held.v1');
    this.#unsubscribe = configuration.onChange((next) => {
      this.#directory = compileDirectory(next);
      if (this.#office) this.#office.configured();
      else void this.#settle();
    });
    this.#ownership = bus.own('control.requested.v1', 'arbiter', {
      gained: () => void this.#settle(),
      lost: () => this.#leave(),
    });
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.#isStopped = true;
    if (this.#retry) clearTimeout(this.#retry);
    this.#unsubscribe?.();
    await this.#leave();
    await this.#ownership?.stop();
    await Promise.all([this.#changed?.stop(), this.#held?.stop()]);
  }

  /** Office is taken once the requests are ours and there is a configuration to decide by. */
  async #settle(): Promise<void> {
    const { bus, clock, log, identity } = this.ports;
    // What an earlier term decided comes first.
    await this.#leaving;
    const ownership = this.#ownership;
    // The topic has one partition: whoever owns any key owns all requests.
    if (this.#isStopped || this.#office || !ownership?.owns('') || this.#directory === NOTHING) return;
    const office = new Office({
      bus,
      clock,
      log,
      identity,
      changed: this.#changed as TableView,
      held: this.#held as TableView,
      directory: () => this.#directory,
      isLeased: () => ownership.lease('write'),
      overtaken: () => this.#again(office),
      decided: (event, effects) => this.metrics.decided(event, effects),
    });
    this.#office = office;
    try {
      await office.take();
    } catch (error) {
      log.error({ err: error }, 'arbiter could not take office; tried again');
      this.#again(office);
    }
  }

  /** A term ended before its time, and the requests may still be ours. */
  #again(office: Office): void {
    if (this.#office !== office || this.#isStopped) return;
    void this.#leave();
    this.#retry = setTimeout(() => void this.#settle(), RETRY_MS);
  }

  #leave(): Promise<void> {
    const office = this.#office;
    this.#office = null;
    this.metrics.left();
    if (office) this.#leaving = office.end();
    return this.#leaving;
  }
}
