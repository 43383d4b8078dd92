import { DRIVERS } from '@busbar/driver-catalog';
import { DriverHost, systemTimers } from '@busbar/driver-host';
import type { AccessConnectionConfig, ConnectionConfig } from '@busbar/events';
import {
  type AppliedGeneration,
  type ConnectionRunner,
  Entitlements,
  OwnedConnections,
  refusedReport,
  SETTINGS,
  SecretStore,
  ServicePorts,
  type Settings,
} from '@busbar/service-kit';
import { type BeforeApplicationShutdown, Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { CollectorMetrics } from './collector-metrics.js';
import { DeviceTables } from './device-tables.js';
import { GrantExecutor } from './grant-executor.js';
import { SampleRing } from './sample-ring.js';

const DRAIN_MS = 3_000;

/** Runs the access connections that the group gives to this process, and carries out granted writes on them. */
@Injectable()
export class CollectorService implements OnApplicationBootstrap, BeforeApplicationShutdown, ConnectionRunner {
  readonly #running = new Set<string>();
  readonly #tables = new DeviceTables();
  /** Connections that the license does not let run, and since when. */
  readonly #refused = new Map<string, number>();
  #generation: AppliedGeneration | null = null;
  /** The application under way, and the one that waits for it. */
  #applying: Promise<unknown> = Promise.resolve();
  #next: Promise<void> | null = null;
  #host: DriverHost | null = null;
  #ring: SampleRing | null = null;
  #executor: GrantExecutor | null = null;
  #owned: OwnedConnections | null = null;

  constructor(
    @Inject(ServicePorts) private readonly ports: ServicePorts,
    @Inject(SETTINGS) private readonly settings: Settings,
    @Inject(SecretStore) private readonly secrets: SecretStore,
    @Inject(CollectorMetrics) private readonly metrics: CollectorMetrics,
    @Inject(Entitlements) private readonly entitlements: Entitlements,
  ) {}

  get ready(): Promise<void> {
    return this.#executor?.ready ?? Promise.resolve();
  }

  onApplicationBootstrap(): void {
    const { bus, clock, log, identity, configuration } = this.ports;
    const ring = new SampleRing({ bus, clock, dropped: (values) => this.metrics.dropped.inc(values) });
    this.#ring = ring;
    this.metrics.watch(ring);
    const host = new DriverHost(DRIVERS, {
      clock,
      timers: systemTimers,
      log,
      publishBatch: (batch) => {
        this.metrics.values.inc(batch.count);
        ring.put(batch);
      },
      secret: (reference) => this.secrets.read(reference),
      onState: (state) => this.#owned?.report(state.connection, state),
      erred: (connection, kind) => this.metrics.erred(connection, kind),
      isLeased: (use) => this.#owned?.ownership.lease(use) ?? false,
    });
    this.#host = host;
    this.metrics.watchConnections(() => host.states());
    this.#executor = new GrantExecutor({
      bus,
      clock,
      log,
      identity,
      epochOf: (connection) => this.#owned?.epochOf(connection) ?? null,
      isLeased: () => this.#owned?.ownership.lease('write') ?? false,
      isUnchanged: (device, generation) => this.#tables.isUnchanged(device, generation),
      write: (target, gate) => host.write(target, gate),
      readNow: (target) => host.readNow(target),
      counted: (event) => this.metrics.control.inc({ event }),
    });
    this.#owned = new OwnedConnections({
      bus,
      clock,
      log,
      configuration,
      service: 'collector',
      group: `collector.${this.settings.workload}`,
      kind: 'access',
      runner: this,
    });
    this.entitlements.onChange(() => void this.#applyAndTell().catch(() => undefined));
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.#owned?.stop();
    await this.#host?.stop();
    await this.#executor?.stop();
    await this.#ring?.drain(DRAIN_MS);
  }

  /** The workload `all` runs every driver; another one those of its name. */
  wants(connection: ConnectionConfig): boolean {
    if (connection.kind !== 'access' || !Object.hasOwn(DRIVERS, connection.driver)) return false;
    return this.settings.workload === 'all' || this.settings.workload === connection.driver;
  }

  take(id: string): void {
    this.#running.add(id);
    void this.#applyAndTell().catch(() => undefined);
  }

  async release(id: string): Promise<void> {
    this.#running.delete(id);
    await this.#applyToHost();
    await this.#executor?.settled(id);
    this.metrics.gone(id);
  }

  apply(generation: AppliedGeneration): Promise<void> {
    this.#generation = generation;
    this.#tables.add(generation);
    return this.#applyAndTell();
  }

  async #applyAndTell(): Promise<void> {
    try {
      await this.#applyToHost();
    } catch (error) {
      this.ports.log.error({ err: error }, 'connections cannot be applied');
      throw error;
    }
  }

  /** What changes while one application is under way shares the next. */
  #applyToHost(): Promise<void> {
    this.#next ??= this.#applying.then(() => {
      this.#next = null;
      const applied = this.#applyNow();
      this.#applying = applied.catch(() => undefined);
      return applied;
    });
    return this.#next;
  }

  async #applyNow(): Promise<void> {
    if (!this.#generation || !this.#host) return;
    const { number, configuration } = this.#generation;
    const connections = configuration.connections.filter(
      (connection): connection is AccessConnectionConfig =>
        connection.kind === 'access' && this.#running.has(connection.id),
    );
    for (const { id, driver } of connections) this.metrics.runs(id, driver);
    const isAdmitted = ({ id }: AccessConnectionConfig) => this.entitlements.admits(id) === null;
    await this.#host.apply(connections.filter(isAdmitted), configuration.tables, number);
    this.#tellRefused(connections);
    this.#tables.applied(number);
  }

  /** A connection that the license does not let run says so in its health. */
  #tellRefused(connections: readonly AccessConnectionConfig[]): void {
    const nowMs = this.ports.clock.wallMs();
    for (const { id } of connections) {
      const diagnosis = this.entitlements.admits(id);
      if (!diagnosis) this.#refused.delete(id);
      // The record of the licenser is not known yet: the answer follows.
      else if (diagnosis.code !== 'LICENSE_UNDECIDED') {
        const sinceMs = this.#refused.get(id) ?? nowMs;
        this.#refused.set(id, sinceMs);
        this.#owned?.report(id, refusedReport(diagnosis, sinceMs));
      }
    }
  }
}
