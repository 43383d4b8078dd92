import 'reflect-metadata';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeBatch, encodeBatch, type SampleBatch, valueAt } from '@busbar/batch';
import { type Bus, openEmbeddedBus } from '@busbar/bus';
import { BusbarError } from '@busbar/errors';
import type { Configuration } from '@busbar/events';
import {
  type AppliedGeneration,
  BUS,
  CLOCK,
  ConfigurationView,
  createLogger,
  LOGGER,
  METRICS,
} from '@busbar/service-kit';
import { Module } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { MapperConsumer } from './mapper.consumer.js';
import { MapperModule } from './mapper.module.js';
import { MapperService } from './mapper.service.js';
import {
  asset,
  batchOf,
  configuration,
  delivery,
  generation,
  model,
  point,
  record,
  tag,
} from './testing/sample-site.js';

const log = createLogger('mapper', 'silent');
const clock = { monotonicMs: () => performance.now(), wallMs: () => 50_000 };

/** Says which generation is whole. */
class StubConfiguration {
  current: AppliedGeneration | null = null;
  #listener: ((next: AppliedGeneration) => void) | null = null;

  onChange(listener: (next: AppliedGeneration) => void): () => void {
    this.#listener = listener;
    return () => {
      this.#listener = null;
    };
  }

  publish(number: number, change: Partial<Configuration> = {}): void {
    this.#listener?.(generation(number, change));
  }
}

let folder: string;
let bus: Bus;
let whole: StubConfiguration;
let app: TestingModule;
let service: MapperService;
let registry: Registry;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'busbar-mapper-'));
  bus = await openEmbeddedBus({ folder, clock: { ...clock, wallMs: () => Date.now() }, log });
  whole = new StubConfiguration();
  await boot();
});

afterEach(async () => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  await app.close();
  await bus.close();
  rmSync(folder, { recursive: true, force: true });
});

async function boot(): Promise<void> {
  registry = new Registry();
  const providers = [
    { provide: BUS, useValue: bus },
    { provide: CLOCK, useValue: clock },
    { provide: LOGGER, useValue: log },
    { provide: METRICS, useValue: registry },
    { provide: ConfigurationView, useValue: whole },
  ];
  class Kit {}
  Module({})(Kit);
  const kit = { module: Kit, global: true, providers, exports: providers };
  app = await Test.createTestingModule({ imports: [kit, MapperModule] }).compile();
  await app.init();
  service = app.get(MapperService);
}

function samples(values: Readonly<Record<number, number>>, device = 'd1', number = 1): SampleBatch {
  return batchOf('tags', values, { key: device, generation: number });
}

function sampled(values: Readonly<Record<number, number>>, device = 'd1', number = 1) {
  return record(samples(values, device, number));
}

/** What the log has of points, oldest first: asset and values by point number. */
async function updates(): Promise<[string, Record<number, unknown>][]> {
  const records = await bus.range('points.updated.v1', null, { fromMs: 0, toMs: Date.now() + 1000 });
  return records.map(({ key, value }) => [key, valuesOf(decodeBatch(value as Uint8Array))]);
}

function valuesOf(batch: SampleBatch): Record<number, unknown> {
  return Object.fromEntries([...batch.handles].map((handle, i) => [handle, valueAt(batch, i)]));
}

async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

describe('mapping', () => {
  it('turns tags into points of every asset that the device feeds', async () => {
    whole.publish(1, { assets: [asset('a1', 'd1'), asset('a2', 'd1')] });
    await app.get(MapperConsumer).sampled(delivery(sampled({ 1: 5, 2: 7 })));
    const points = { 1: 5, 2: 70 };
    expect(await updates()).toEqual([
      ['a1', points],
      ['a2', points],
    ]);
  });

  it('takes the object of an up-to-date record, and decodes what comes from the log', async () => {
    whole.publish(1);
    const batch = samples({ 1: 5 });
    await service.handle(delivery({ ...record(batch, batch), value: new Uint8Array() }, sampled({ 1: 6 })));
    expect((await updates()).map(([, values]) => values[1])).toEqual([5, 6]);
  });

  it('resolves only when the points are durable', async () => {
    whole.publish(1);
    let durable: () => void = () => undefined;
    vi.spyOn(bus, 'publish').mockImplementation(
      () =>
        new Promise((resolve) => {
          durable = () => resolve([]);
        }),
    );
    let isSettled = false;
    const handling = service.handle(delivery(sampled({ 1: 5 }))).then(() => {
      isSettled = true;
    });
    await turn();
    expect(isSettled).toBe(false);
    durable();
    await handling;
  });

  it('rejects when the bus does not take the points, so that they are tried again', async () => {
    whole.publish(1);
    vi.spyOn(bus, 'publish').mockRejectedValueOnce(new BusbarError('BUS_FULL', { topic: 'points.updated.v1' }));
    const again = delivery(sampled({ 1: 5 }));
    await expect(service.handle(again)).rejects.toMatchObject({ code: 'BUS_FULL' });
    await service.handle(again);
    expect(await updates()).toHaveLength(1);
    expect((await registry.getSingleMetric('mapper_values_total')?.get())?.values[0]?.value).toBe(1);
  });

  it('refuses a damaged batch, and maps the others of the delivery', async () => {
    whole.publish(1);
    const damaged = sampled({ 1: 5 });
    (damaged.value as Uint8Array)[40] = ((damaged.value as Uint8Array)[40] as number) ^ 0xff;
    const mixed = delivery(damaged, sampled({ 1: 6 }));
    await service.handle(mixed);
    expect(mixed.refused).toMatchObject([{ record: damaged, diagnosis: { code: 'BATCH_MALFORMED' } }]);
    expect(await updates()).toEqual([['a1', { 1: 6 }]]);
  });

  it('counts the values of a device that no configuration knows', async () => {
    whole.publish(1);
    await service.handle(delivery(sampled({ 1: 5, 2: 6 }, 'stranger')));
    expect(await updates()).toEqual([]);
    expect((await registry.getSingleMetric('mapper_unmapped_values_total')?.get())?.values[0]?.value).toBe(2);
  });

  it('keeps the order of deliveries of any length', async () => {
    whole.publish(1);
    const long = Array.from({ length: 50 }, (_, i) => sampled({ 1: i }));
    await Promise.all([service.handle(delivery(...long)), service.handle(delivery(sampled({ 1: 50 })))]);
    expect((await updates()).map(([, values]) => values[1])).toEqual(Array.from({ length: 51 }, (_, i) => i));
  });
});

describe('generations', () => {
  it('make samples of a newer one wait until it is whole, and what comes later waits behind them', async () => {
    whole.publish(1);
    const newer = service.handle(delivery(sampled({ 1: 1 }, 'd1', 2)));
    const older = service.handle(delivery(sampled({ 1: 2 }, 'd1', 1)));
    await turn();
    expect(await updates()).toEqual([]);
    whole.publish(2);
    await Promise.all([newer, older]);
    expect((await updates()).map(([, values]) => values[1])).toEqual([1, 2]);
  });

  it('make the first samples wait for the first', async () => {
    const handling = service.handle(delivery(sampled({ 1: 1 })));
    await turn();
    whole.publish(1);
    await handling;
    expect(await updates()).toHaveLength(1);
  });

  it('do not change what samples taken before meant', async () => {
    whole.publish(1);
    // The device gets another table, whose tag 1 is what tag 2 was.
    const [line] = configuration().connections;
    const devices = line?.kind === 'access' ? line.devices.map((device) => ({ ...device, table: 'T2' })) : [];
    const tables = [
      ...configuration().tables,
      { digest: 'T2', id: 'other', driver: 'modbus', base: 0 as const, tags: [tag(1, 'u'), tag(2, 'p')] },
    ];
    whole.publish(2, { tables, connections: [{ ...line, devices } as never] });
    await service.handle(delivery(sampled({ 1: 5 }, 'd1', 1), sampled({ 1: 5 }, 'd1', 2)));
    expect(await updates()).toEqual([
      ['a1', { 1: 5 }],
      ['a1', { 2: 50 }],
    ]);
  });

  it('do not hold up the stop: who waits gives up, and the samples come again', async () => {
    const handling = service.handle(delivery(sampled({ 1: 1 })));
    handling.catch(() => undefined);
    await app.close();
    await expect(handling).rejects.toMatchObject({ code: 'BUS_CLOSED' });
  });
});

describe('images', () => {
  async function image(id: string): Promise<Record<number, unknown> | undefined> {
    const view = bus.table('assets.imaged.v1');
    await view.ready;
    const value = view.get(id)?.value;
    await view.stop();
    return value ? valuesOf(decodeBatch(value)) : undefined;
  }

  it('are written every 10 s, of assets that changed', async () => {
    await app.close();
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    await boot();
    whole.publish(1, { assets: [asset('a1', 'd1'), asset('a2', 'd2')] });
    await service.handle(delivery(sampled({ 1: 5 })));
    vi.advanceTimersByTime(9_999);
    await turn();
    expect(await image('a1')).toBeUndefined();
    vi.advanceTimersByTime(1);
    await vi.waitUntil(async () => (await image('a1')) !== undefined);
    expect(await image('a1')).toEqual({ 1: 5 });
    expect(await image('a2')).toBeUndefined();
    const publish = vi.spyOn(bus, 'publish');
    vi.advanceTimersByTime(20_000);
    await turn();
    expect(publish).not.toHaveBeenCalled();
  });

  it('are written at the stop', async () => {
    whole.publish(1);
    await service.handle(delivery(sampled({ 1: 5, 2: 6 })));
    await app.close();
    expect(await image('a1')).toEqual({ 1: 5, 2: 60 });
  });

  it('keep what they held before a restart', async () => {
    whole.publish(1);
    await service.handle(delivery(sampled({ 1: 5, 2: 6 })));
    await app.close();
    await boot();
    whole.publish(1);
    await service.handle(delivery(sampled({ 1: 8 })));
    await app.close();
    expect(await image('a1')).toEqual({ 1: 8, 2: 60 });
  });

  it('that cannot be read are written anew', async () => {
    await bus.publish([{ topic: 'assets.imaged.v1', key: 'a1', value: new Uint8Array([1, 2, 3]) }]);
    whole.publish(1);
    await service.handle(delivery(sampled({ 1: 5 })));
    await app.close();
    expect(await image('a1')).toEqual({ 1: 5 });
  });

  it('are tried again when the bus did not take them', async () => {
    await app.close();
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    await boot();
    whole.publish(1);
    await service.handle(delivery(sampled({ 1: 5 })));
    const publish = vi.spyOn(bus, 'publish').mockRejectedValueOnce(new Error('full'));
    vi.advanceTimersByTime(10_000);
    await turn();
    expect(publish).toHaveBeenCalledTimes(1);
    vi.advanceTimersByTime(10_000);
    await vi.waitUntil(async () => (await image('a1')) !== undefined);
    expect(await image('a1')).toEqual({ 1: 5 });
  });

  it('start anew when an asset gets another model', async () => {
    whole.publish(1);
    await service.handle(delivery(sampled({ 1: 5, 2: 6 })));
    const models = [...configuration().models, model('special', [point(2, 'P')])];
    const [template] = configuration().templates;
    const templates = [{ ...template, map: template?.map.slice(0, 1) } as never];
    whole.publish(2, { models, templates, assets: [{ ...asset('a1', 'd1'), model: 'special' }] });
    await service.handle(delivery(sampled({ 1: 9 }, 'd1', 2)));
    await app.close();
    expect(await image('a1')).toEqual({ 2: 9 });
  });

  it('carry the generation that gives the numbers their meaning', async () => {
    whole.publish(1);
    whole.publish(4);
    await service.handle(delivery(sampled({ 1: 5 }, 'd1', 4)));
    const publish = vi.spyOn(bus, 'publish');
    await app.close();
    const written = publish.mock.calls[0]?.[0][0];
    expect(written).toMatchObject({ topic: 'assets.imaged.v1', key: 'a1' });
    expect(decodeBatch(written?.value as Uint8Array)).toMatchObject({ kind: 'image', generation: 4 });
    expect(encodeBatch(written?.object as SampleBatch)).toEqual(written?.value);
  });
});
