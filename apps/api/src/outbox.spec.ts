import type { Bus, OutRecord } from '@busbar/bus';
import { generationDigest, generationEntities } from '@busbar/events';
import { type AppliedGeneration, ConfigurationView } from '@busbar/service-kit';
import type { WholeGeneration } from '@busbar/store';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Outbox } from './outbox.js';
import { eventually, openTestBus, silentLog } from './test-bus.js';
import { sampleSite } from './test-site.js';

function whole(number: number, inverters: number): WholeGeneration {
  const configuration = sampleSite(inverters);
  const entities = generationEntities(configuration);
  const digest = generationDigest(entities, '');
  return { number, digest, publishedAt: 1_000, by: 'test', note: '', configuration, entities, files: [] };
}

describe('outbox', () => {
  let test: Awaited<ReturnType<typeof openTestBus>>;
  let bus: Bus;
  let outbox: Outbox;
  let view: ConfigurationView;

  beforeEach(async () => {
    test = await openTestBus();
    bus = test.bus;
    outbox = new Outbox(bus);
    view = new ConfigurationView(bus, silentLog);
  });

  afterEach(async () => {
    await view.stop();
    await outbox.stop();
    await test.dispose();
  });

  function applied(number: number): Promise<AppliedGeneration> {
    return new Promise((resolve) => view.onChange((next) => next.number === number && resolve(next)));
  }

  it('makes a generation whole for every reader', async () => {
    const generation = whole(1, 2);
    await outbox.bring(generation);
    const { configuration, digest } = await applied(1);
    expect(digest).toBe(generation.digest);
    expect(configuration.assets.map((asset) => asset.id).sort()).toEqual(['inv-01', 'inv-02', 'mtr']);
    expect(outbox.record()).toMatchObject({ number: 1, by: 'test' });
  });

  it('writes nothing when the bus has it already', async () => {
    const generation = whole(1, 2);
    const { written } = (await outbox.bring(generation)) as { written: number };
    expect(written).toBe(generation.entities.length + 1);
    expect(await outbox.bring(generation)).toEqual({ kind: 'there', written: 0 });
    const other = new Outbox(bus);
    expect(await other.bring(generation)).toEqual({ kind: 'there', written: 0 });
    await other.stop();
  });

  it('writes only what is missing, and `@generation` last', async () => {
    await outbox.bring(whole(1, 2));
    const keys: string[] = [];
    const publish = bus.publish.bind(bus);
    bus.publish = (records: readonly OutRecord[]) => {
      keys.push(...records.map((record) => record.key));
      return publish(records);
    };
    await outbox.bring(whole(2, 3));
    expect(keys).toEqual(['asset/inv-03', '@generation']);
    expect((await applied(2)).configuration.assets).toHaveLength(4);
  });

  it('completes a publication that was cut off', async () => {
    const generation = whole(1, 2);
    const publish = bus.publish.bind(bus);
    let calls = 0;
    bus.publish = (records: readonly OutRecord[]) =>
      ++calls === 2 ? Promise.reject(new Error('cut off')) : publish(records);
    await expect(outbox.bring(generation)).rejects.toThrow('cut off');
    expect(outbox.record()).toBeNull();
    expect(await outbox.bring(generation)).toEqual({ kind: 'there', written: 1 });
    await applied(1);
  });

  it('corrects a record that is not as in the database', async () => {
    const generation = whole(1, 2);
    await outbox.bring(generation);
    const other = sampleSite(2).assets[0] as (typeof generation.configuration.assets)[number];
    const value = new TextEncoder().encode(JSON.stringify({ ...other, title: 'Somebody else wrote this' }));
    await bus.publish([{ topic: 'configuration.published.v1', key: 'asset/inv-01', value }]);
    await eventually(() => outbox.bring(generation)).toMatchObject({ written: 2 });
  });

  it('names what is no longer there, and buries it when told to', async () => {
    await outbox.bring(whole(1, 3));
    const next = whole(2, 1);
    await outbox.bring(next);
    expect((await applied(2)).configuration.assets.map((asset) => asset.id).sort()).toEqual(['inv-01', 'mtr']);
    expect(outbox.record()?.removed).toEqual({ 'configuration.published/asset': ['inv-02', 'inv-03'] });
    expect(outbox.hasRemoved(next)).toBe(true);
    expect(await outbox.bury(next)).toBe(2);
    await eventually(() => outbox.hasRemoved(next)).toBe(false);
    expect(await outbox.bring(next)).toEqual({ kind: 'there', written: 0 });
    const late = new ConfigurationView(bus, silentLog);
    await eventually(() => late.current?.number).toBe(2);
    await late.stop();
  });

  it('says so when the bus has a newer generation, or another one of that number', async () => {
    await outbox.bring(whole(5, 2));
    expect(await outbox.bring(whole(4, 2))).toEqual({ kind: 'ahead', number: 5 });
    expect(await outbox.bring(whole(5, 3))).toEqual({ kind: 'ahead', number: 5 });
    expect(outbox.record()?.number).toBe(5);
  });
});
