import 'reflect-metadata';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Bus, openEmbeddedBus } from '@busbar/bus';
import { decodeJson, encodeJson, type FileConnectionConfig, type SinkConnectionConfig } from '@busbar/events';
import {
  type AppliedGeneration,
  BUS,
  CLOCK,
  ConfigurationView,
  createLogger,
  IDENTITY,
  LOGGER,
  METRICS,
  SETTINGS,
  SecretStore,
  ServicePorts,
} from '@busbar/service-kit';
import { Module } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FileCollectorModule } from './file-collector.module.js';
import { task } from './testing/file-bench.js';

const CONTENT = 'of the device';
const clock = { monotonicMs: () => performance.now(), wallMs: () => Date.now() };
const log = createLogger('file-collector', 'silent');
const WAIT = { timeout: 15_000, interval: 10 };

let folder: string;
let bus: Bus;
let app: TestingModule;
let device: Server;
let url: string;
let publish: (next: AppliedGeneration) => void = () => undefined;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'busbar-file-collector-'));
  bus = await openEmbeddedBus({ folder: join(folder, 'log'), clock, log });
  device = createServer((request, response) => {
    response.setHeader('content-length', CONTENT.length);
    response.end(request.method === 'HEAD' ? undefined : CONTENT);
  });
  await new Promise<void>((resolve) => device.listen(0, '127.0.0.1', resolve));
  const address = device.address();
  url = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
  const onChange = (listener: (next: AppliedGeneration) => void) => {
    publish = listener;
    return () => undefined;
  };
  const providers = [
    { provide: BUS, useValue: bus },
    { provide: CLOCK, useValue: clock },
    { provide: LOGGER, useValue: log },
    { provide: METRICS, useValue: new Registry() },
    { provide: SETTINGS, useValue: { data: folder } },
    { provide: IDENTITY, useValue: { service: 'file-collector', bootId: 'boot', instance: 'one' } },
    ServicePorts,
    { provide: SecretStore, useValue: new SecretStore(folder) },
    { provide: ConfigurationView, useValue: { current: null, onChange } },
  ];
  class Kit {}
  Module({})(Kit);
  const kit = { module: Kit, global: true, providers, exports: providers };
  app = await Test.createTestingModule({ imports: [kit, FileCollectorModule] }).compile();
  await app.init();
});

afterEach(async () => {
  await app.close();
  await bus.close();
  await new Promise((resolve) => device.close(resolve));
  rmSync(folder, { recursive: true, force: true });
});

function generation(): AppliedGeneration {
  const files: FileConnectionConfig = {
    kind: 'file',
    id: 'records',
    title: '',
    readOnly: true,
    with: { protocol: 'http', url, timeoutMs: 5_000 },
    site: 's',
    timezone: 'UTC',
    tasks: [task({ match: ['a.csv'], everyMs: null })],
  };
  const rule = { type: 'REALTIME', intervalMs: 0, deadband: 0 } as const;
  const sink: SinkConnectionConfig = {
    kind: 'sink',
    id: 'cloud',
    title: '',
    sink: 'enos',
    control: false,
    with: { url: 'mqtt://127.0.0.1:1', productKey: 'p', deviceKey: 'g', deviceSecret: 'secret:g' },
    site: 's',
    profiles: [{ model: 'm', points: [{ number: 1, rule }] }],
    assets: [{ asset: 'a', title: '', model: 'm', profile: 0, identity: {} }],
  };
  const point = { number: 1, id: 'P', title: '', type: 'file', kind: 'AI', access: 'r', quality: true } as const;
  return {
    number: 1,
    digest: 'g1',
    configuration: {
      site: { kind: 'site', id: 's', title: '', timezone: 'UTC' },
      tables: [],
      connections: [files, sink],
      models: [{ kind: 'model', id: 'm', title: '', lineage: ['m'], points: [point], attributes: {}, services: {} }],
      templates: [],
      assets: [],
      policies: [],
    } as unknown as AppliedGeneration['configuration'],
  };
}

/** What is said of the connection, newest. */
function said() {
  const view = bus.table('connections.changed.v1');
  const value = view.get('records')?.value;
  void view.stop();
  return value ? decodeJson('connections.changed.v1', value) : undefined;
}

describe('the file collector', () => {
  it('fetches on request, tells how far files are and why they wait, and signs off at the stop', async () => {
    publish(generation());
    await vi.waitUntil(() => said()?.state === 'active', WAIT);
    expect(said()).toMatchObject({ kind: 'file', service: 'file-collector', files: [{ task: 't', nextRunAt: null }] });
    const request = { id: '1', connection: 'records', task: 't', act: 'fetch', by: 'test', at: 0 } as const;
    await bus.publish([
      { topic: 'files.requested.v1', key: 'records', value: encodeJson('files.requested.v1', request) },
    ]);
    await vi.waitUntil(() => said()?.files?.[0]?.diagnosis?.code === 'CONNECTION_CONFIG', WAIT);
    expect(said()?.files?.[0]).toMatchObject({ waiting: 1, waitingBytes: CONTENT.length });
    const told = await bus.range('files.collected.v1', 't', { fromMs: 0, toMs: Date.now() + 60_000 });
    const states = told.map(({ value }) => decodeJson('files.collected.v1', value as Uint8Array));
    expect(states.map(({ state }) => state)).toEqual(['collecting', 'collected', 'uploading', 'failed']);
    expect(states[1]?.sha256).toBe(createHash('sha256').update(CONTENT).digest('hex'));
    await app.close();
    expect(said()).toMatchObject({ epoch: null, state: 'stopped' });
  });
});
