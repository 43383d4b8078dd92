import { join } from 'node:path';
import type { Bus } from '@busbar/bus';
import type { GenerationConfig } from '@busbar/events';
import type { Clock } from '@busbar/model';
import {
  BUS,
  CLOCK,
  ConfigurationView,
  HEALTH,
  type Health,
  LOGGER,
  type Logger,
  SETTINGS,
  type Settings,
} from '@busbar/service-kit';
import { openStore } from '@busbar/store';
import {
  Inject,
  Injectable,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import { LivePorts } from './live-ports.js';
import { Outbox } from './outbox.js';
import { PackagePublisher } from './package-publisher.js';
import { loadPlugins } from './plugins.js';
import { Publisher } from './publisher.js';

/** What the publisher needs of the kit. */
@Injectable()
export class PublishKit {
  constructor(
    @Inject(BUS) readonly bus: Bus,
    @Inject(CLOCK) readonly clock: Clock,
    @Inject(LOGGER) readonly log: Logger,
    @Inject(SETTINGS) readonly settings: Settings,
    @Inject(HEALTH) readonly health: Health,
  ) {}
}

/** The only writer of configuration. */
@Injectable()
export class PublishService implements OnModuleInit, OnApplicationBootstrap, OnApplicationShutdown {
  readonly #publisher: Publisher;
  readonly #outbox: Outbox;

  constructor(kit: PublishKit, configuration: ConfigurationView, ports: LivePorts) {
    const { bus, clock, log, settings, health } = kit;
    this.#outbox = new Outbox(bus);
    const print = (line: string) => process.stderr.write(`${line}\n`);
    this.#publisher = new Publisher({
      bus,
      log,
      outbox: this.#outbox,
      packages: new PackagePublisher(settings.package, loadPlugins, print),
      openStore: () => openStore({ url: settings.databaseUrl, folder: join(settings.data, 'store'), clock, log }),
      applied: () => ports.connections.applied(),
    });
    health.register('configuration', () => ({
      // While database or bus are away the last configuration keeps running.
      ready: this.#publisher.newest !== null || configuration.current !== null,
      diagnosis: this.#publisher.diagnosis,
    }));
  }

  get differs(): readonly string[] {
    return this.#publisher.differs;
  }

  get since(): ReadonlyMap<string, number> {
    return this.#publisher.since;
  }

  record(): GenerationConfig | null {
    return this.#outbox.record();
  }

  onModuleInit(): Promise<void> {
    return this.#publisher.prepare();
  }

  onApplicationBootstrap(): void {
    this.#publisher.start();
  }

  onApplicationShutdown(): Promise<void> {
    return this.#publisher.stop();
  }
}
