import {
  type ConnectionConfig,
  controlAnswer,
  endText,
  NO_BUS_ANSWER,
  type SinkConnectionConfig,
} from '@busbar/events';
import {
  type AppliedGeneration,
  type ConnectionRunner,
  ControlEntry,
  OwnedConnections,
  SecretStore,
  ServicePorts,
} from '@busbar/service-kit';
import { SINKS } from '@busbar/sink-catalog';
import type { CommandAnswer, SinkCommand, SinkSpec } from '@busbar/sink-sdk';
import { type BeforeApplicationShutdown, Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { SinkRunner } from './sink-runner.js';
import { UploaderMetrics } from './uploader-metrics.js';

/** Runs the sinks that the group gives to this process. */
@Injectable()
export class UploaderService implements OnApplicationBootstrap, BeforeApplicationShutdown, ConnectionRunner {
  readonly ready = Promise.resolve();
  readonly #runners = new Map<string, SinkRunner>();
  readonly #specs = new Map<string, SinkSpec>();
  #owned: OwnedConnections | null = null;
  #generation: AppliedGeneration | null = null;

  constructor(
    @Inject(ServicePorts) private readonly ports: ServicePorts,
    @Inject(SecretStore) private readonly secrets: SecretStore,
    @Inject(ControlEntry) private readonly control: ControlEntry,
    @Inject(UploaderMetrics) private readonly metrics: UploaderMetrics,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    for (const [id, load] of Object.entries(SINKS)) this.#specs.set(id, (await load()) as unknown as SinkSpec);
    const { bus, clock, log, configuration } = this.ports;
    const group = 'uploader';
    this.#owned = new OwnedConnections({
      bus,
      clock,
      log,
      configuration,
      service: 'uploader',
      group,
      kind: 'sink',
      runner: this,
    });
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.#owned?.stop();
  }

  wants(connection: ConnectionConfig): boolean {
    return connection.kind === 'sink' && this.#specs.has(connection.sink);
  }

  take(id: string): void {
    const sink = this.#sinkOf(id);
    const spec = sink && this.#specs.get(sink.sink);
    if (!sink || !spec || !this.#generation) return;
    const { bus, clock, log } = this.ports;
    const runner = new SinkRunner(
      {
        bus,
        clock,
        log,
        spec,
        secret: (reference) => this.secrets.read(reference),
        command: (command, config) => this.#command(command, config),
        report: (report) => {
          this.metrics.reported(id, report);
          this.#owned?.report(id, report);
        },
        counted: (outcome, values) => this.metrics.values.inc({ sink: id, outcome }, values),
      },
      sink,
      this.#generation,
    );
    this.#runners.set(id, runner);
    this.metrics.runs(id, () => runner.lag());
    runner.start();
  }

  async release(id: string): Promise<void> {
    const runner = this.#runners.get(id);
    this.#runners.delete(id);
    await runner?.stop();
    this.metrics.gone(id);
  }

  apply(generation: AppliedGeneration): void {
    this.#generation = generation;
    for (const [id, runner] of this.#runners) {
      const sink = this.#sinkOf(id);
      if (sink) runner.apply(generation, sink);
    }
  }

  #sinkOf(id: string): SinkConnectionConfig | undefined {
    const found = this.#generation?.configuration.connections.find((connection) => connection.id === id);
    return found?.kind === 'sink' ? found : undefined;
  }

  /** A command of the target becomes a control request; its end becomes the answer (control.md 8). */
  async #command(command: SinkCommand, sink: SinkConnectionConfig): Promise<CommandAnswer> {
    const items = command.values.map(({ point, value }) => ({ point: `${command.asset}/${point}`, value }));
    const origin = {
      source: `cloud:${sink.id}`,
      kind: 'cloud' as const,
      category: 3,
      who: command.who,
      link: sink.id,
      externalId: command.externalId,
    };
    try {
      const wish = { origin, items, expiresInMs: command.expiresInMs };
      const { request, ended } = await this.control.submit(wish, sink.site);
      const { end, items: results } = await ended;
      const data: Record<string, unknown> = { requestId: request.id, end: end.kind };
      if (end.kind === 'refused') {
        data.rule = end.rule;
        if (end.holder) data.holder = end.holder.source;
      }
      if (results.length > 0) data.results = results;
      return { code: controlAnswer(end).enos, message: endText(end), data };
    } catch (error) {
      return { code: NO_BUS_ANSWER.enos, message: error instanceof Error ? error.message : String(error), data: {} };
    }
  }
}
