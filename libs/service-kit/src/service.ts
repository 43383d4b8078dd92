import 'reflect-metadata';
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { type Bus, openEmbeddedBus, openKafkaBus } from '@busbar/bus';

import { TOPICS, type TopicName } from '@busbar/events';
import { type DynamicModule, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { tellBus } from './bus-log.js';
import { watchBus } from './bus-metrics.js';
import { readBootId } from './clock.js';
import { ConfigurationView } from './configuration-view.js';
import { listenFailure } from './failure.js';
import { FiguresPublisher } from './figures-publisher.js';
import { HealthController } from './health.controller.js';
import { Health } from './health.js';
import { type HttpServer, openHttp } from './http-server.js';
import { NestLog } from './nest-log.js';
import { type ProcessKit, prepareFolder, type Running, runProcess } from './process.js';
import { SecretStore } from './secrets.js';
import { kafkaSecurity } from './secure-files.js';
import { ServicePorts } from './service-ports.js';
import { formatHostPort } from './settings.js';
import { BUS, CLOCK, HEALTH, IDENTITY, LOGGER, METRICS, type ProcessIdentity, SETTINGS } from './tokens.js';
import { BusClient, BusServer } from './transport.js';

async function openBus(service: string, kit: ProcessKit): Promise<Bus> {
  const { settings, clock, log } = kit;
  if (settings.bus === 'kafka') {
    const { kafkaBrokers: brokers, kafkaReplication: replication } = settings;
    const security = kafkaSecurity(settings.kafkaSecurity);
    return openKafkaBus({ brokers, clientId: service, clock, log, security, replication });
  }
  return openEmbeddedBus({ folder: join(settings.data, 'log'), clock, log });
}

@Module({})
class KitModule {}

interface KitParts {
  readonly kit: ProcessKit;
  readonly bus: Bus;
  readonly identity: ProcessIdentity;
  readonly server: BusServer;
}

/** What every service is lent, in all its modules. */
function kitModule({ kit, bus, identity, server }: KitParts): DynamicModule {
  const metrics = new Registry();
  collectDefaultMetrics({ register: metrics, eventLoopMonitoringPrecision: 100 });
  watchBus(metrics, { bus, clock: kit.clock, lags: () => server.lags() });
  const health = new Health();
  health.register('bus', () => ({ ready: bus.health().state === 'up', diagnosis: bus.health().diagnosis }));
  const providers = [
    { provide: BUS, useValue: bus },
    { provide: SETTINGS, useValue: kit.settings },
    { provide: CLOCK, useValue: kit.clock },
    { provide: LOGGER, useValue: kit.log },
    { provide: METRICS, useValue: metrics },
    { provide: HEALTH, useValue: health },
    { provide: IDENTITY, useValue: identity },
    { provide: SecretStore, useValue: new SecretStore(kit.settings.secrets) },
    { provide: ConfigurationView, useFactory: () => new ConfigurationView(bus, kit.log) },
    ServicePorts,
    { provide: BusClient, useValue: new BusClient(bus) },
  ];
  return { module: KitModule, global: true, providers, exports: providers, controllers: [HealthController] };
}

async function startService(name: string, module: Type, kit: ProcessKit): Promise<Running> {
  prepareFolder(kit.settings.data);
  const bus = await openBus(name, kit);
  const untell = tellBus(bus, kit.log);
  const identity = { service: name, bootId: readBootId(), instance: randomUUID() };
  let app: NestFastifyApplication | undefined;
  let http: HttpServer | undefined;
  let figures: FiguresPublisher | undefined;
  try {
    http = openHttp(kit);
    const server = new BusServer(bus);
    const root = { module: class Root {}, imports: [kitModule({ kit, bus, identity, server }), module] };
    app = await NestFactory.create<NestFastifyApplication>(root, http.adapter, {
      logger: new NestLog(kit.log),
      abortOnError: false,
    });
    app.connectMicroservice({ strategy: server });
    const asked = kit.settings.http;
    try {
      await app.listen(asked.port, asked.host);
    } catch (error) {
      throw listenFailure(error, asked, 'BUSBAR_HTTP');
    }
    const port = (app.getHttpServer().address() as { port: number }).port;
    const address = formatHostPort({ host: asked.host, port });
    kit.log.info({ address, scheme: http.scheme }, 'listening');
    if (asked.port === 0) kit.announce(`${name} listens on ${http.scheme}://${address}`);
    const started = app;
    const { workload, pod } = kit.settings;
    const registry = app.get<Registry>(METRICS);
    // Of several processes; the pod's host is named after it.
    const own = pod ?? (bus.kind === 'kafka' ? hostname() : name);
    figures = new FiguresPublisher({ bus, clock: kit.clock, registry, identity, workload, name: own });
    const telling = figures;
    const consuming = bus
      .ensureTopics(Object.keys(TOPICS) as TopicName[])
      .then(() => started.startAllMicroservices())
      .then(() => telling.start());
    if (bus.kind === 'embedded') await consuming;
    else {
      // A broker that is away must not keep health and metrics from being served.
      consuming.catch((error) => {
        kit.log.error({ err: error }, 'topics cannot be used');
        process.kill(process.pid, 'SIGTERM');
      });
    }
  } catch (error) {
    http?.stop();
    figures?.stop();
    await app?.close().catch(() => undefined);
    untell();
    await bus.close().catch(() => undefined);
    throw error;
  }
  const health = app.get<Health>(HEALTH);
  const configuration = app.get(ConfigurationView);
  return {
    stop: async () => {
      health.stop();
      http.stop();
      try {
        await app.close();
        await configuration.stop();
      } finally {
        figures?.stop();
        // Whatever went wrong before: what was published is flushed, offsets are committed.
        untell();
        await bus.close();
      }
    },
  };
}

/** `main.ts` of a service: boots its module alone, on the bus that the settings name. */
export function runService(name: string, module: Type): Promise<void> {
  return runProcess(name, (kit) => startService(name, module, kit));
}
