import 'reflect-metadata';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeBatch } from '@busbar/batch';
import { type Bus, openEmbeddedBus } from '@busbar/bus';
import {
  type AccessConnectionConfig,
  decodeJson,
  ENTITLEMENTS_KEY,
  type EntitlementsChanged,
  encodeJson,
  type TableConfig,
} from '@busbar/events';
import {
  type AppliedGeneration,
  BUS,
  CLOCK,
  ConfigurationView,
  createLogger,
  IDENTITY,
  LOGGER,
  METRICS,
  readSettings,
  SETTINGS,
  SecretStore,
  ServicePorts,
} from '@busbar/service-kit';
import { Module } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CollectorModule } from './collector.module.js';
import { CollectorService } from './collector.service.js';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const log = createLogger('collector', 'silent');
const clock = { monotonicMs: () => performance.now(), wallMs: () => Date.now() };

const table: TableConfig = {
  digest: 'T1',
  id: 'meter',
  driver: 'modbus',
  base: 0,
  tags: [
    {
      number: 1,
      id: 'p',
      title: 'p',
      address: 'holding:0',
      type: 'float32',
      count: 1,
      order: 'ABCD',
      access: 'r',
      group: 'fast',
      scale: 1,
      offset: 0,
      invalid: [],
    },
  ],
};

/** Nobody listens at its address. */
const line: AccessConnectionConfig = {
  kind: 'access',
  id: 'line',
  title: 'line',
  driver: 'modbus',
  readOnly: true,
  with: { host: '127.0.0.1', port: 1 },
  devices: [
    {
      id: 'd1',
      title: 'd1',
      table: 'T1',
      with: { unitId: 1 },
      quirks: {},
      groups: { fast: 100 },
      staleScans: 3,
      enabled: true,
    },
  ],
};

function generation(number: number, connections: readonly AccessConnectionConfig[]): AppliedGeneration {
  const configuration = {
    site: { kind: 'site' as const, id: 'demo', title: 'Demo', timezone: 'UTC' },
    tables: [table],
    connections,
    models: [],
    templates: [],
    assets: [],
    policies: [],
  };
  return { number, digest: `g${number}`, configuration };
}

let folder: string;
let bus: Bus;
let app: TestingModule;
let publish: (next: AppliedGeneration) => void = () => undefined;

async function boot(workload = 'all'): Promise<void> {
  const view: { current: AppliedGeneration | null; onChange(listener: (next: AppliedGeneration) => void): () => void } =
    {
      current: null,
      onChange: (listener) => {
        publish = (next) => {
          view.current = next;
          listener(next);
        };
        return () => undefined;
      },
    };
  const providers = [
    { provide: BUS, useValue: bus },
    { provide: CLOCK, useValue: clock },
    { provide: LOGGER, useValue: log },
    { provide: METRICS, useValue: new Registry() },
    { provide: SETTINGS, useValue: readSettings({ BUSBAR_DATA: folder, BUSBAR_WORKLOAD: workload }) },
    { provide: IDENTITY, useValue: { service: 'collector', bootId: 'boot', instance: 'one' } },
    ServicePorts,
    { provide: SecretStore, useValue: new SecretStore(folder) },
    { provide: ConfigurationView, useValue: view },
  ];
  class Kit {}
  Module({})(Kit);
  const kit = { module: Kit, global: true, providers, exports: providers };
  app = await Test.createTestingModule({ imports: [kit, CollectorModule] }).compile();
  await app.init();
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'busbar-collector-'));
  bus = await openEmbeddedBus({ folder: join(folder, 'log'), clock, log });
});

afterEach(async () => {
  await app.close();
  await bus.close();
  rmSync(folder, { recursive: true, force: true });
});

/** What is said of the connection, newest. */
function said() {
  const view = bus.table('connections.changed.v1');
  const value = view.get('line')?.value;
  void view.stop();
  return value ? decodeJson('connections.changed.v1', value) : undefined;
}

describe('the collector', () => {
  it('runs the connections that it is given: their values go out, bad where nobody answers', async () => {
    await boot();
    publish(generation(1, [line]));
    const all = { fromMs: 0, toMs: Date.now() + 60_000 };
    const [first] = await vi.waitUntil(
      async () => {
        const records = await bus.range('tags.sampled.v1', 'd1', all);
        return records.length > 0 && records;
      },
      { timeout: 15_000 },
    );
    const batch = decodeBatch(first?.value as Uint8Array);
    expect(batch).toMatchObject({ kind: 'tags', key: 'd1', generation: 1 });
    expect(batch.quality[0]).toBeGreaterThanOrEqual(0x80);
    await vi.waitUntil(() => said()?.state === 'degraded', { timeout: 15_000 });
    expect(said()).toMatchObject({ kind: 'access', service: 'collector', generation: 1 });
  });

  it('signs off at the stop, and says which generation it runs', async () => {
    await boot();
    publish(generation(1, [line]));
    await vi.waitUntil(() => said()?.epoch, { timeout: 15_000 });
    publish(generation(2, [line]));
    await vi.waitUntil(() => said()?.generation === 2, { timeout: 15_000 });
    await app.close();
    expect(said()).toMatchObject({ epoch: null, state: 'stopped' });
  });

  it('does not start what the license does not let in, says so, and starts it when it does', async () => {
    const license = async (connections: number) => {
      const record: EntitlementsChanged = {
        site: 'demo',
        state: 'evaluation',
        diagnoses: [],
        license: null,
        limits: { protocols: null, connections, tags: null, forwarding: null },
        admitted: [],
        clockMs: 0,
        clockResets: [],
        at: 0,
      };
      const value = encodeJson('entitlements.changed.v1', record);
      await bus.publish([{ topic: 'entitlements.changed.v1', key: ENTITLEMENTS_KEY, value }]);
    };
    await license(0);
    await boot();
    publish(generation(1, [line]));
    await vi.waitUntil(() => said()?.diagnosis?.code === 'LICENSE_CONNECTIONS', { timeout: 15_000 });
    expect(said()?.state).toBe('stopped');
    await license(1);
    await vi.waitUntil(() => said()?.state === 'degraded', { timeout: 15_000 });
    expect(said()?.diagnosis?.code).not.toBe('LICENSE_CONNECTIONS');
  });

  it('lets a connection go that is no more', async () => {
    await boot();
    publish(generation(1, [line]));
    await vi.waitUntil(() => said()?.epoch, { timeout: 15_000 });
    publish(generation(2, []));
    await vi.waitUntil(() => said() === undefined, { timeout: 15_000 });
  });

  it('wants the drivers of its workload alone', async () => {
    await boot('opcua');
    const service = app.get(CollectorService);
    expect(service.wants(line)).toBe(false);
    expect(service.wants({ ...line, driver: 'opcua' })).toBe(false);
    await app.close();
    await boot('modbus');
    expect(app.get(CollectorService).wants(line)).toBe(true);
    expect(app.get(CollectorService).wants({ ...line, driver: 'toString' })).toBe(false);
  });
});
