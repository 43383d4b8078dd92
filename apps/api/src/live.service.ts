import type { ConnectionView, HoldView, RequestView } from '@busbar/api-schema';
import type { Clock } from '@busbar/model';
import { type AppliedGeneration, CLOCK, ConfigurationView } from '@busbar/service-kit';
import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { LivePorts } from './live-ports.js';
import type { LiveSession, LiveSource } from './live-session.js';
import type { LiveValues } from './live-values.js';
import { PublishService } from './publish.service.js';

/** What everybody looks at: newest values, connections and requests, and the sessions that are told of changes. */
@Injectable()
export class LiveService implements LiveSource, OnApplicationBootstrap, OnModuleDestroy {
  readonly #sessions = new Set<LiveSession>();
  readonly #ends: (() => void)[] = [];
  #past: Promise<void> | null = null;

  constructor(
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly configuration: ConfigurationView,
    private readonly publishing: PublishService,
    private readonly ports: LivePorts,
  ) {}

  onApplicationBootstrap(): void {
    const { feed, connections, requests } = this.ports;
    feed.start();
    requests.start();
    this.#ends.push(
      this.configuration.onChange((next) => this.#apply(next)),
      connections.onChange((change) => {
        for (const session of this.#sessions) session.connectionsChanged(change);
      }),
      requests.onChange((view) => {
        for (const session of this.#sessions) session.requestChanged(view);
      }),
    );
  }

  async onModuleDestroy(): Promise<void> {
    for (const end of this.#ends) end();
    const { feed, connections, requests, holds } = this.ports;
    await Promise.all([feed.stop(), connections.stop(), requests.stop(), holds.stop()]);
  }

  values(): LiveValues {
    return this.ports.feed.values;
  }

  connections(): ConnectionView[] {
    return this.ports.connections.list();
  }

  requests(): RequestView[] {
    return this.ports.requests.list();
  }

  holds(point?: string): HoldView[] {
    return this.ports.holds.list(point);
  }

  attach(session: LiveSession): () => void {
    this.#sessions.add(session);
    return () => this.#sessions.delete(session);
  }

  get sessions(): ReadonlySet<LiveSession> {
    return this.#sessions;
  }

  #apply(next: AppliedGeneration): void {
    const { feed, connections } = this.ports;
    feed.apply(next, this.#past ? undefined : this.publishing.since);
    connections.apply(next.number, next.configuration, this.clock.wallMs());
    for (const session of this.#sessions) session.stale(next.number);
    this.#past ??= feed.readPast();
  }
}
