import type { ConnectionConfig } from '@busbar/events';
import { SERVERS } from '@busbar/server-catalog';
import type { ServerSpec } from '@busbar/server-sdk';
import {
  type AppliedGeneration,
  type ConnectionReport,
  type ConnectionRunner,
  Entitlements,
  OwnedConnections,
  refusedReport,
  SecretStore,
  ServicePorts,
} from '@busbar/service-kit';
import { type BeforeApplicationShutdown, Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { ControlDesk } from './control-desk.js';
import { ForwardRunner } from './forward-runner.js';
import { compileTarget, type ForwardTarget } from './forward-target.js';
import { ForwarderMetrics } from './forwarder-metrics.js';
import { POD_LABELS, type PodLabels } from './pod-labels.js';

/** Runs the forwarding connections that the group gives to this process. */
@Injectable()
export class ForwarderService implements OnApplicationBootstrap, BeforeApplicationShutdown, ConnectionRunner {
  readonly ready = Promise.resolve();
  @Inject(POD_LABELS) private readonly labels!: PodLabels | null;
  readonly #runners = new Map<string, ForwardRunner>();
  /** Ours by the group; one that the license does not let run has no runner. */
  readonly #taken = new Set<string>();
  readonly #specs = new Map<string, ServerSpec>();
  #owned: OwnedConnections | null = null;
  #generation: AppliedGeneration | null = null;

  constructor(
    @Inject(ServicePorts) private readonly ports: ServicePorts,
    @Inject(SecretStore) private readonly secrets: SecretStore,
    @Inject(ControlDesk) private readonly desk: ControlDesk,
    @Inject(ForwarderMetrics) private readonly metrics: ForwarderMetrics,
    @Inject(Entitlements) private readonly entitlements: Entitlements,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    for (const [id, load] of Object.entries(SERVERS)) this.#specs.set(id, (await load()) as unknown as ServerSpec);
    const { bus, clock, log, configuration } = this.ports;
    this.#owned = new OwnedConnections({
      bus,
      clock,
      log,
      configuration,
      service: 'forwarder',
      group: 'forwarder',
      kind: 'forwarding',
      runner: this,
    });
    this.entitlements.onChange(() => this.#settle());
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.#owned?.stop();
    await this.labels?.stop();
  }

  wants(connection: ConnectionConfig): boolean {
    return connection.kind === 'forwarding' && this.#specs.has(connection.server);
  }

  take(id: string): void {
    this.#taken.add(id);
    this.#settle();
  }

  /** Runs what is ours and licensed. What runs already is never stopped by a license that ends. */
  #settle(): void {
    for (const id of this.#taken) {
      if (this.#runners.has(id)) continue;
      const diagnosis = this.entitlements.admits(id);
      if (diagnosis === null) this.#start(id);
      else if (diagnosis.code !== 'LICENSE_UNDECIDED')
        this.#owned?.report(id, refusedReport(diagnosis, this.ports.clock.wallMs()));
    }
  }

  #start(id: string): void {
    const target = this.#targetOf(id);
    const spec = target && this.#specs.get(target.server);
    if (!target || !spec) return;
    const { bus, clock, log } = this.ports;
    const runner = new ForwardRunner(
      {
        bus,
        clock,
        log,
        spec,
        desk: this.desk,
        counts: {
          clientRefused: (why) => this.metrics.refused.inc({ connection: id, why }),
          request: (what, answer) => this.metrics.requested(id, what, answer),
        },
        secret: (reference) => this.secrets.read(reference),
        report: (report) => this.#report(id, report),
      },
      target,
    );
    this.#runners.set(id, runner);
    this.metrics.runs(id, () => runner.lag());
    runner.start();
    this.labels?.own(id);
  }

  async release(id: string): Promise<void> {
    this.#taken.delete(id);
    this.labels?.disown(id);
    const runner = this.#runners.get(id);
    this.#runners.delete(id);
    await runner?.stop();
    this.metrics.gone(id);
  }

  apply(generation: AppliedGeneration): void {
    this.#generation = generation;
    for (const [id, runner] of this.#runners) {
      const target = this.#targetOf(id);
      if (target) runner.apply(target);
    }
    this.#settle();
  }

  #report(id: string, report: ConnectionReport): void {
    this.metrics.clients.set({ connection: id }, report.server?.clients.length ?? 0);
    this.metrics.waiting.set({ connection: id }, report.server?.waiting ?? 0);
    this.metrics.dropped.set({ connection: id }, report.server?.dropped ?? 0);
    this.#owned?.report(id, report);
  }

  #targetOf(id: string): ForwardTarget | undefined {
    return this.#generation ? compileTarget(this.#generation, id) : undefined;
  }
}
