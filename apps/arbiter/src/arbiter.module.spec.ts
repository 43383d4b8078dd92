import 'reflect-metadata';
import { decodeJson, encodeJson, OFFICE_KEY } from '@busbar/events';
import {
  type AppliedGeneration,
  BUS,
  CLOCK,
  ConfigurationView,
  IDENTITY,
  LOGGER,
  METRICS,
  ServicePorts,
} from '@busbar/service-kit';
import { Module } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ArbiterModule } from './arbiter.module.js';
import { OfficeBench, silentLog } from './testing/office-bench.js';
import { generation } from './testing/sample-site.js';

vi.setConfig({ testTimeout: 30_000 });

let bench: OfficeBench;
let app: TestingModule;
let registry: Registry;
let publish: (next: AppliedGeneration) => void = () => undefined;

beforeEach(async () => {
  bench = await OfficeBench.open();
  await boot();
});

afterEach(async () => {
  await app.close();
  await bench.close();
});

async function boot(): Promise<void> {
  registry = new Registry();
  const onChange = (listener: (next: AppliedGeneration) => void) => {
    publish = listener;
    return () => undefined;
  };
  const providers = [
    { provide: BUS, useValue: bench.bus },
    { provide: CLOCK, useValue: bench.clock },
    { provide: LOGGER, useValue: silentLog },
    { provide: METRICS, useValue: registry },
    { provide: IDENTITY, useValue: { service: 'arbiter', bootId: 'boot', instance: 'one' } },
    ServicePorts,
    { provide: ConfigurationView, useValue: { current: null, onChange } },
  ];
  class Kit {}
  Module({})(Kit);
  const kit = { module: Kit, global: true, providers, exports: providers };
  app = await Test.createTestingModule({ imports: [kit, ArbiterModule] }).compile();
  await app.init();
}

function term(): number | undefined {
  const view = bench.bus.table('control.held.v1');
  const offset = view.get(OFFICE_KEY)?.offset;
  void view.stop();
  return offset;
}

describe('the arbiter', () => {
  it('takes office once it owns the requests and there is a configuration', async () => {
    await bench.executor('line', 'e1');
    await bench.ask('early', 50);
    expect(term()).toBeUndefined();
    publish(generation(1));
    await vi.waitUntil(() => term() !== undefined);
    expect(await bench.endOf('early')).toMatchObject({ rule: 'RESTARTED' });
    await bench.ask('r1', 50);
    await bench.grantOf('r1');
    expect(await registry.metrics()).toContain('arbiter_grants_total 1');
    expect(await registry.metrics()).toContain('arbiter_ends_total{end="refused",reason="RESTARTED"} 1');
  });

  it('applies a later configuration in office', async () => {
    await bench.executor('line', 'e1');
    publish(generation(1));
    publish(generation(2, { policies: [] }));
    await vi.waitUntil(() => term() !== undefined);
    await bench.ask('r1', 50);
    expect(await bench.endOf('r1')).toMatchObject({ rule: 'NOT_CONTROLLABLE' });
  });

  it('takes office again when another one announced itself: its term must be the highest', async () => {
    publish(generation(1));
    await vi.waitUntil(() => term() !== undefined);
    const value = encodeJson('control.held.v1', { kind: 'office', arbiter: 'zombie', at: 0 });
    const [zombie] = await bench.bus.publish([{ topic: 'control.held.v1', key: OFFICE_KEY, value }]);
    await vi.waitUntil(() => (term() ?? 0) > (zombie?.offset ?? 0), { timeout: 10_000 });
  });

  it('leaves office at the stop, and the next one has a higher term', async () => {
    await bench.executor('line', 'e1');
    publish(generation(1));
    await vi.waitUntil(() => term() !== undefined);
    const before = term() as number;
    await app.close();
    await bench.ask('r1', 50);
    expect(await bench.endsOf('r1')).toEqual([]);
    await boot();
    publish(generation(1));
    expect(await bench.endOf('r1')).toMatchObject({ rule: 'RESTARTED' });
    expect(term()).toBeGreaterThan(before);
    const view = bench.bus.table('control.held.v1');
    const record = view.get(OFFICE_KEY);
    expect(decodeJson('control.held.v1', record?.value as Uint8Array)).toMatchObject({ arbiter: 'one' });
    await view.stop();
  });
});
