import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, inject, it, vi } from 'vitest';
import type { Bus, InRecord, Ownership } from '../port.js';
import { openKafkaBus } from './kafka-bus.js';
import { createClient } from './kafka-client.js';

const POINTS = 'points.updated.v1';
const TABLE = 'connections.configured.v1';
const SILENT = { info: () => undefined, warn: () => undefined, error: () => undefined };
const CLOCK = { monotonicMs: () => performance.now(), wallMs: () => Date.now() };
const WAIT = { timeout: 30_000, interval: 10 };
const KEYS = Array.from({ length: 48 }, (_, i) => `key-${i}`);

describe('several members on Kafka', () => {
  let prefix: string;
  const buses: Bus[] = [];

  beforeEach(() => {
    prefix = `g${randomUUID().slice(0, 8)}.`;
  });

  afterEach(async () => {
    await Promise.all(buses.splice(0).map((bus) => bus.close()));
  });

  async function open(): Promise<Bus> {
    const bus = await openKafkaBus({
      brokers: inject('brokers'),
      clientId: 'group',
      clock: CLOCK,
      log: SILENT,
      prefix,
    });
    buses.push(bus);
    await bus.ensureTopics([POINTS, TABLE]);
    return bus;
  }

  it('lose nothing and keep the order of each key while members come and go', async () => {
    const source = await open();
    const published = new Map<string, number>(KEYS.map((key) => [key, 0]));
    let isRunning = true;
    const publishing = (async () => {
      while (isRunning) {
        await source.publish(
          KEYS.map((key) => {
            const number = published.get(key) ?? 0;
            published.set(key, number + 1);
            return { topic: POINTS, key, value: Buffer.from(String(number)) } as const;
          }),
        );
      }
    })();
    const got: InRecord[] = [];
    const member = async () => {
      const bus = await open();
      const consumption = bus.consume(POINTS, 'mapper', async ({ records }) => void got.push(...records));
      await consumption.ready;
      return consumption;
    };
    const first = await member();
    await vi.waitFor(() => expect(got.length).toBeGreaterThan(500), WAIT);
    await member();
    const third = await member();
    const before = got.length;
    await vi.waitFor(() => expect(got.length).toBeGreaterThan(before + 500), WAIT);
    await first.stop();
    await third.stop();
    const later = got.length;
    await vi.waitFor(() => expect(got.length).toBeGreaterThan(later + 500), WAIT);
    isRunning = false;
    await publishing;
    const total = [...published.values()].reduce((sum, count) => sum + count, 0);
    await vi.waitFor(
      () => expect(new Set(got.map(({ partition, offset }) => `${partition} ${offset}`)).size).toBe(total),
      WAIT,
    );
    const highest = new Map<string, number>();
    for (const { key, value } of got) {
      const number = Number(Buffer.from(value ?? []).toString());
      const known = highest.get(key) ?? -1;
      expect(number).toBeLessThanOrEqual(known + 1);
      highest.set(key, Math.max(known, number));
    }
    expect(got.length).toBeLessThan(total * 1.5);
  });

  it('share keys out so that each has one owner, and move few of them', async () => {
    const owners: Ownership[] = [];
    const join = async () => {
      const bus = await open();
      const ownership = bus.own(TABLE, 'collector.all', { gained: () => undefined, lost: async () => undefined });
      owners.push(ownership);
      await ownership.ready;
      return ownership;
    };
    const placed = () => KEYS.map((key) => owners.findIndex((owner) => owner.owns(key)));
    const eachHasOne = () => {
      for (const key of KEYS) expect(owners.filter((owner) => owner.owns(key)).length).toBe(1);
    };
    const first = await join();
    await vi.waitFor(eachHasOne, WAIT);
    const second = await join();
    await vi.waitFor(eachHasOne, WAIT);
    const two = placed();
    await join();
    await vi.waitFor(() => {
      eachHasOne();
      expect(new Set(placed()).size).toBe(3);
    }, WAIT);
    const three = placed();
    expect(three.every((owner, i) => owner === two[i] || owner === 2)).toBe(true);
    expect(owners.every((owner) => owner.lease('write'))).toBe(true);
    const gone = second.member;
    await second.stop();
    await vi.waitFor(eachHasOne, WAIT);
    expect(placed().every((owner, i) => three[i] === 1 || owner === three[i])).toBe(true);
    await vi.waitFor(async () => expect(await first.isGone(gone)).toBe(true), WAIT);
    expect(await first.isGone(first.member)).toBe(false);
  });

  it('refuse a topic that has another partition count', async () => {
    const admin = createClient({ clientId: 'test', brokers: inject('brokers') }).admin();
    await admin.connect();
    await admin.createTopics({ waitForLeaders: false, topics: [{ topic: `${prefix}${POINTS}`, numPartitions: 2 }] });
    await admin.disconnect();
    await expect(open()).rejects.toMatchObject({ code: 'TOPIC_SHAPE', params: { actual: 2, wanted: 24 } });
  });

  it('create topics with the retention of their declaration, per partition', async () => {
    await open();
    const admin = createClient({ clientId: 'test', brokers: inject('brokers') }).admin();
    await admin.connect();
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [POINTS, TABLE].map((topic) => ({ type: 2, name: `${prefix}${topic}` })),
    });
    await admin.disconnect();
    const entryOf = (index: number, name: string) =>
      resources[index]?.configEntries.find(({ configName }) => configName === name)?.configValue;
    expect(entryOf(0, 'cleanup.policy')).toBe('delete');
    expect(entryOf(0, 'retention.ms')).toBe(String(7 * 24 * 3_600_000));
    expect(entryOf(0, 'retention.bytes')).toBe(String(Math.ceil((10_240 * 1024 * 1024) / 24)));
    expect(entryOf(1, 'cleanup.policy')).toBe('compact');
  });
});
