import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Following, InRecord } from '@busbar/bus';
import { type ConnectionConfig, decodeJson, type FileConnectionConfig, type FileRequested } from '@busbar/events';
import {
  type AppliedGeneration,
  type ConnectionRunner,
  OwnedConnections,
  SETTINGS,
  SecretStore,
  ServicePorts,
  type Settings,
} from '@busbar/service-kit';
import { SINKS } from '@busbar/sink-catalog';
import type { SinkSpec } from '@busbar/sink-sdk';
import { type BeforeApplicationShutdown, Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { SinkDelivery } from './delivery.js';
import { FileCollectorMetrics } from './file-collector-metrics.js';
import { FileRunner } from './file-runner.js';
import { Ledger } from './ledger.js';
import { PointsWatch } from './points-watch.js';
import { openSource } from './sources/open-source.js';

/** A request is as old as this at most: a takeover lasts some seconds. */
const UNHEARD_MS = 60_000;

/** Runs the file connections that the group gives to this process. */
@Injectable()
export class FileCollectorService implements OnApplicationBootstrap, BeforeApplicationShutdown, ConnectionRunner {
  readonly #runners = new Map<string, FileRunner>();
  readonly #ledger: Ledger;
  readonly #requests: Following;
  readonly #points: PointsWatch;
  #delivery: SinkDelivery | null = null;
  #owned: OwnedConnections | null = null;
  #generation: AppliedGeneration | null = null;

  constructor(
    @Inject(ServicePorts) private readonly ports: ServicePorts,
    @Inject(SecretStore) private readonly secrets: SecretStore,
    @Inject(SETTINGS) private readonly settings: Settings,
    @Inject(FileCollectorMetrics) private readonly metrics: FileCollectorMetrics,
  ) {
    this.#ledger = new Ledger(ports.bus);
    this.#requests = ports.bus.follow('files.requested.v1', (record) => this.#take(record));
    this.#points = new PointsWatch(ports.bus, ports.log, (connection, task) =>
      this.#runners.get(connection)?.startTask(task),
    );
  }

  /** Before it is known what the clouds have, nothing is collected. */
  get ready(): Promise<void> {
    return Promise.all([this.#ledger.ready, this.#requests.ready, this.#points.ready]).then(() => undefined);
  }

  async onApplicationBootstrap(): Promise<void> {
    const specs = new Map<string, SinkSpec>();
    for (const [id, load] of Object.entries(SINKS)) specs.set(id, (await load()) as unknown as SinkSpec);
    const { bus, clock, log, configuration } = this.ports;
    this.#delivery = new SinkDelivery(specs, clock, (reference) => this.secrets.read(reference));
    const service = 'file-collector';
    this.#owned = new OwnedConnections({
      bus,
      clock,
      log,
      configuration,
      service,
      group: service,
      kind: 'file',
      runner: this,
    });
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.#owned?.stop();
    await this.#requests.stop();
    await this.#points.stop();
    await this.#ledger.stop();
  }

  wants(connection: ConnectionConfig): boolean {
    return connection.kind === 'file';
  }

  take(id: string): void {
    const connection = this.#connectionOf(id);
    if (!connection || !this.#delivery) return;
    const { bus, clock, log } = this.ports;
    const runner = new FileRunner(
      {
        bus,
        clock,
        log,
        pause: (ms, signal) => sleep(ms, undefined, { signal }),
        ledger: this.#ledger,
        delivery: this.#delivery,
        folder: join(this.settings.data, 'files'),
        before: this.#owned?.before(id)?.files ?? [],
        open: (config, signal) => openSource(config.with, (reference) => this.secrets.read(reference), signal),
        report: (report) => this.#owned?.report(id, report),
        counted: (outcome, bytes) => {
          this.metrics.files.inc({ connection: id, outcome });
          this.metrics.bytes.inc({ connection: id, outcome }, bytes);
        },
      },
      connection,
    );
    this.#runners.set(id, runner);
    runner.start();
    void this.#unheard(id, runner);
  }

  async release(id: string): Promise<void> {
    const runner = this.#runners.get(id);
    this.#runners.delete(id);
    await runner?.stop();
  }

  apply(generation: AppliedGeneration): void {
    this.#generation = generation;
    this.#delivery?.apply(generation);
    this.#points.apply(generation);
    for (const [id, runner] of this.#runners) {
      const connection = this.#connectionOf(id);
      if (connection) runner.apply(connection);
    }
  }

  #connectionOf(id: string): FileConnectionConfig | undefined {
    const found = this.#generation?.configuration.connections.find((connection) => connection.id === id);
    return found?.kind === 'file' ? found : undefined;
  }

  /** What was asked while nobody had the connection. A delivery is not made up for: it would be made twice. */
  async #unheard(id: string, runner: FileRunner): Promise<void> {
    const { bus, clock, log } = this.ports;
    const nowMs = clock.wallMs();
    try {
      const options = { fromMs: nowMs - UNHEARD_MS, toMs: nowMs };
      for (const { value } of await bus.range('files.requested.v1', id, options)) {
        const request = value && decodeJson('files.requested.v1', value);
        if (request && request.act !== 'deliver') runner.request(request);
      }
    } catch (error) {
      log.warn({ err: error, connection: id }, 'requests for files from before the start cannot be read');
    }
  }

  /** Every member hears every request; the owner of the connection acts. */
  #take({ value }: InRecord): void {
    if (!value) return;
    let request: FileRequested;
    try {
      request = decodeJson('files.requested.v1', value);
    } catch (error) {
      this.ports.log.warn({ err: error }, 'a request for files cannot be read');
      return;
    }
    this.#runners.get(request.connection)?.request(request);
  }
}
