import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Bus, InRecord } from '../port.js';
import { LogStore } from './log-store.js';
import { openTestBus } from './test-bus.js';

const TAGS = 'tags.sampled.v1';
const POINTS = 'points.updated.v1';
const TABLE = 'connections.configured.v1';

/** A disk whose flushes wait for the test. */
class SlowDisk {
  #waiting: (() => void)[] = [];
  isSlow = true;

  readonly gate = (): Promise<void> =>
    this.isSlow ? new Promise<void>((resolve) => this.#waiting.push(resolve)) : Promise.resolve();

  get isWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  release(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  heal(): void {
    this.isSlow = false;
    this.release();
  }
}

describe('a record and its flush', () => {
  let folder: string;
  let bus: Bus | null = null;
  let disk: SlowDisk;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'busbar-durable-'));
    disk = new SlowDisk();
  });

  afterEach(async () => {
    disk.heal();
    await bus?.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function open(): Promise<Bus> {
    disk.isSlow = false;
    bus = await openTestBus({ folder, gate: disk.gate });
    disk.isSlow = true;
    return bus;
  }

  it('is handed over with its object before the flush, and acknowledged after it', async () => {
    const opened = await open();
    const events: string[] = [];
    const object = { decoded: true };
    opened.consume(TAGS, 'mapper', async (delivery) => {
      events.push(delivery.records[0]?.object === object ? 'handed over' : 'no object');
      await delivery.flushed();
      events.push('flushed');
    });
    const published = opened.publish([{ topic: TAGS, key: 'd', value: Buffer.from('1'), object }]);
    const acknowledged = published.then(() => events.push('acknowledged'));
    await vi.waitFor(() => expect(disk.isWaiting).toBe(true));
    expect(events).toEqual(['handed over']);
    disk.heal();
    await acknowledged;
    await vi.waitFor(() => expect(events).toContain('flushed'));
    expect(events[0]).toBe('handed over');
  });

  it('of small publications in one turn makes one delivery', async () => {
    const opened = await open();
    disk.heal();
    const sizes: number[] = [];
    opened.consume(TAGS, 'mapper', async ({ records }) => void sizes.push(records.length));
    await Promise.all(
      Array.from({ length: 50 }, (_, i) => opened.publish([{ topic: TAGS, key: `d${i}`, value: Buffer.alloc(100) }])),
    );
    expect(sizes).toEqual([50]);
  });

  it('of a view is seen before the flush', async () => {
    const opened = await open();
    const view = opened.table(TABLE);
    await view.ready;
    const published = opened.publish([{ topic: TABLE, key: 'a', value: Buffer.from('1') }]);
    await vi.waitFor(() => expect(view.get('a')).toBeDefined());
    disk.heal();
    await published;
  });

  it('never has its group position on disk before the output made of it', async () => {
    const opened = await open();
    opened.consume(TAGS, 'mapper', async ({ records }) => {
      const outputs = records.map(({ key, value }) => ({ topic: POINTS, key, value }) as const);
      await opened.publish(outputs);
    });
    const seen: { inputs: number; outputs: number; settled: number }[] = [];
    const reader = LogStore.open(join(folder, 'log'), 1024 ** 3);
    const look = () => {
      const numbers = reader.topicNames();
      const tags = numbers.get(TAGS) as number;
      const points = numbers.get(POINTS) as number;
      seen.push({
        inputs: reader.topic(tags)?.next ?? 0,
        outputs: reader.topic(points)?.next ?? 0,
        settled: reader.groups(tags).get('mapper') ?? 0,
      });
    };
    for (let i = 0; i < 12; i++) {
      void opened.publish([{ topic: TAGS, key: 'd', value: Buffer.from(String(i)) }]);
      await vi.waitFor(() => expect(disk.isWaiting).toBe(true));
      look();
      disk.release();
    }
    disk.heal();
    await vi.waitFor(() => {
      look();
      expect(seen.at(-1)).toEqual({ inputs: 12, outputs: 12, settled: 12 });
    }, 10_000);
    for (const { inputs, outputs, settled } of seen) {
      expect(settled).toBeLessThanOrEqual(outputs);
      expect(outputs).toBeLessThanOrEqual(inputs);
    }
  });

  it('behind by far is read from the log in bounded chunks, in order, with nothing lost', async () => {
    const opened = await open();
    disk.heal();
    const value = Buffer.alloc(8 * 1024, 1);
    for (let i = 0; i < 500; i++) void opened.publish([{ topic: TAGS, key: String(i), value }]);
    await opened.publish([{ topic: TAGS, key: '500', value }]);
    const got: InRecord[] = [];
    let largest = 0;
    opened.consume(TAGS, 'late', async ({ records }) => {
      largest = Math.max(largest, records.length * value.length);
      got.push(...records);
    });
    await vi.waitFor(() => expect(got.length).toBe(501));
    expect(got.map(({ key }) => key)).toEqual(Array.from({ length: 501 }, (_, i) => String(i)));
    expect(got.every(({ value: octets }) => Buffer.compare(value, octets ?? Buffer.alloc(0)) === 0)).toBe(true);
    expect(largest).toBeLessThanOrEqual(1024 * 1024);
    expect(got[0]?.object).toBeUndefined();
  });
});
