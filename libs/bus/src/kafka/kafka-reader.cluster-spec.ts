import { randomUUID } from 'node:crypto';
import { TOPICS, type TopicName } from '@busbar/events';
import { afterEach, beforeEach, describe, expect, inject, it, vi } from 'vitest';
import type { Bus, InRecord } from '../port.js';
import { openKafkaBus } from './kafka-bus.js';
import { createClient } from './kafka-client.js';

const POINTS = 'points.updated.v1';
const TABLE = 'connections.configured.v1';
const CLOCK = { monotonicMs: () => performance.now(), wallMs: () => Date.now() };
const WAIT = { timeout: 30_000, interval: 10 };
const NAMES = Object.keys(TOPICS) as TopicName[];
const COMPACTED = NAMES.filter((topic) => TOPICS[topic].compacted);
const OTHERS = NAMES.filter((topic) => !TOPICS[topic].compacted);

describe('the one reader of a process on Kafka', () => {
  let prefix: string;
  let bus: Bus;
  const lines: string[] = [];

  beforeEach(async () => {
    prefix = `r${randomUUID().slice(0, 8)}.`;
    lines.length = 0;
    const say = (_fields: object, message: string) => void lines.push(message);
    const log = { info: say, warn: say, error: say };
    bus = await openKafkaBus({ brokers: inject('brokers'), clientId: 'reader', clock: CLOCK, log, prefix });
  });

  afterEach(() => bus.close());

  async function groups(): Promise<string[]> {
    const admin = createClient({ clientId: 'test', brokers: inject('brokers') }).admin();
    await admin.connect();
    const listed = await admin.listGroups();
    await admin.disconnect();
    return listed.groups.map(({ groupId }) => groupId).sort();
  }

  it('is in no consumer group, however many tables and followers there are', async () => {
    const before = await groups();
    await bus.ensureTopics(NAMES);
    const tables = Array.from({ length: 10 }, (_, i) => bus.table(COMPACTED[i % COMPACTED.length] as TopicName));
    const followings = Array.from({ length: 5 }, (_, i) =>
      bus.follow(OTHERS[i % OTHERS.length] as TopicName, () => undefined),
    );
    await Promise.all([...tables, ...followings].map(({ ready }) => ready));
    expect(await groups()).toEqual(before);
  });

  it('waits without a word for topics that are made after it was asked for them', async () => {
    const told: InRecord[] = [];
    const views = COMPACTED.map((topic) => bus.table(topic));
    const followings = OTHERS.map((topic) => bus.follow(topic, (record) => told.push(record)));
    const consumption = bus.consume(POINTS, 'early', async () => undefined);
    await bus.ensureTopics(NAMES);
    await Promise.all([...views, ...followings, consumption].map(({ ready }) => ready));
    await bus.publish(OTHERS.map((topic) => ({ topic, key: 'a', value: Buffer.from(topic) })));
    await vi.waitFor(() => expect(told.map(({ topic }) => topic).sort()).toEqual([...OTHERS].sort()), WAIT);
    expect(lines).toEqual([]);
  });

  it('reads a very large record of a quiet topic while others are busy', async () => {
    await bus.ensureTopics([POINTS, TABLE]);
    const table = bus.table(TABLE);
    const seen = new Set<number>();
    await Promise.all([table.ready, bus.follow(POINTS, ({ value }) => seen.add(Number(value?.byteLength))).ready]);
    let isRunning = true;
    const busy = (async () => {
      for (let i = 0; isRunning; i++) {
        await bus.publish(
          Array.from({ length: 48 }, (_, key) => ({
            topic: POINTS,
            key: String(key),
            value: Buffer.alloc(20_000 + i),
          })),
        );
      }
    })();
    await vi.waitFor(() => expect(seen.size).toBeGreaterThan(5), WAIT);
    for (const key of ['a', 'b', 'c']) await bus.publish([{ topic: TABLE, key, value: Buffer.alloc(5_000_000, 1) }]);
    await vi.waitFor(() => expect(table.size).toBe(3), { timeout: 5_000, interval: 10 });
    isRunning = false;
    await busy;
    expect([...table.entries()].map(([, { value }]) => value?.byteLength)).toEqual([5_000_000, 5_000_000, 5_000_000]);
  });
});
