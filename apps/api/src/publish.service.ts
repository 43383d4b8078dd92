import { join } from 'node:path';
import type { GenerationConfig } from '@busbar/events';
import { HEALTH, type Health, SETTINGS, ServicePorts, type Settings } from '@busbar/service-kit';
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

/** The only writer of configuration. */
@Injectable()
export class PublishService implements OnModuleInit, OnApplicationBootstrap, OnApplicationShutdown {
  readonly #publisher: Publisher;
  readonly #outbox: Outbox;

  constructor(
    @Inject(ServicePorts) ports: ServicePorts,
    @Inject(SETTINGS) settings: Settings,
    @Inject(HEALTH) health: Health,
    @Inject(LivePorts) live: LivePorts,
  ) {
    const { bus, clock, log, configuration } = ports;
    this.#outbox = new Outbox(bus);
    const print = (line: string) => process.stderr.write(`${line}\n`);
    this.#publisher = new Publisher({
      bus,
      log,
      outbox: this.#outbox,
      packages: new PackagePublisher(settings.package, loadPlugins, print),
      openStore: () => openStore({ url: settings.databaseUrl, folder: join(settings.data, 'store'), clock, log }),
      applied: () => live.connections.applied(),
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
