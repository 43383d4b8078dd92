import 'reflect-metadata';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Bus, openEmbeddedBus } from '@busbar/bus';
import { decodeJson } from '@busbar/events';
import {
  type AppliedGeneration,
  BUS,
  CLOCK,
  ConfigurationView,
  IDENTITY,
  LOGGER,
  METRICS,
  SecretStore,
  ServicePorts,
} from '@busbar/service-kit';
import { Module } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { clock, generation, silentLog, sinkConfig } from './testing/sink-bench.js';
import { UploaderModule } from './uploader.module.js';
import { UploaderService } from './uploader.service.js';

let folder: string;
let bus: Bus;
let app: TestingModule;
let publish: (next: AppliedGeneration) => void = () => undefined;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'busbar-uploader-'));
  bus = await openEmbeddedBus({ folder: join(folder, 'log'), clock, log: silentLog });
  const onChange = (listener: (next: AppliedGeneration) => void) => {
    publish = listener;
    return () => undefined;
  };
  const providers = [
    { provide: BUS, useValue: bus },
    { provide: CLOCK, useValue: clock },
    { provide: LOGGER, useValue: silentLog },
    { provide: METRICS, useValue: new Registry() },
    { provide: IDENTITY, useValue: { service: 'uploader', bootId: 'boot', instance: 'one' } },
    ServicePorts,
    { provide: SecretStore, useValue: new SecretStore(folder) },
    { provide: ConfigurationView, useValue: { current: null, onChange } },
  ];
  class Kit {}
  Module({})(Kit);
  const kit = { module: Kit, global: true, providers, exports: providers };
  app = await Test.createTestingModule({ imports: [kit, UploaderModule] }).compile();
  await app.init();
});

afterEach(async () => {
  await app.close();
  await bus.close();
  rmSync(folder, { recursive: true, force: true });
});

/** What is said of the sink, newest. */
function said() {
  const view = bus.table('connections.changed.v1');
  const value = view.get('cloud')?.value;
  void view.stop();
  return value ? decodeJson('connections.changed.v1', value) : undefined;
}

describe('the uploader', () => {
  it('runs the sinks that it is given, says how they are, and signs off at the stop', async () => {
    const sink = sinkConfig({ sink: 'mqtt', with: { url: 'mqtt://127.0.0.1:1', topic: 'x/$asset' }, assets: [] });
    publish(generation(1, [sink]));
    await vi.waitUntil(() => said()?.state === 'degraded', { timeout: 10_000 });
    expect(said()).toMatchObject({ kind: 'sink', service: 'uploader', generation: 1 });
    expect(said()?.epoch).not.toBeNull();
    await app.close();
    expect(said()).toMatchObject({ epoch: null, state: 'stopped' });
  });

  it('wants sinks of its catalog alone', () => {
    const service = app.get(UploaderService);
    expect(service.wants(sinkConfig({ sink: 'mqtt' }))).toBe(true);
    expect(service.wants(sinkConfig({ sink: 'nothing' }))).toBe(false);
  });
});
