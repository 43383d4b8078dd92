import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Bus } from '../port.js';
import type { EmbeddedBusSettings } from './open-embedded-bus.js';
import { openTestBus } from './test-bus.js';

const TAGS = 'tags.sampled.v1';
const POINTS = 'points.updated.v1';
const CONTROL = 'control.requested.v1';
const TABLE = 'connections.configured.v1';
const MIB = 1024 * 1024;
const LONG = { timeout: 10_000, interval: 20 };

describe('a full disk', () => {
  let folder: string;
  let bus: Bus;
  let isFull = false;

  const gate = async () => {
    if (isFull) throw Object.assign(new Error('write ENOSPC'), { code: 'ENOSPC' });
  };

  async function open(settings: Partial<EmbeddedBusSettings> = {}): Promise<Bus> {
    bus = await openTestBus({ folder, gate, flushIntervalMs: 1, ...settings });
    return bus;
  }

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'busbar-full-'));
    isFull = false;
  });

  afterEach(async () => {
    isFull = false;
    await bus.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('makes publish reject with LOG_DISK_FULL, health say so, and recovers by itself', async () => {
    await open();
    const changes: string[] = [];
    bus.onHealth(({ state }) => changes.push(state));
    await bus.publish([{ topic: TAGS, key: 'd', value: Buffer.from('0') }]);
    isFull = true;
    const failed = bus.publish([{ topic: TAGS, key: 'd', value: Buffer.from('1') }]);
    await expect(failed).rejects.toMatchObject({ code: 'LOG_DISK_FULL', params: { path: folder } });
    expect(bus.health()).toMatchObject({ state: 'down', diagnosis: { code: 'LOG_DISK_FULL' } });
    expect(bus.health().diagnosis?.params.reason).toMatch(/no space/);
    isFull = false;
    await vi.waitFor(() => expect(bus.health()).toMatchObject({ state: 'up', diagnosis: null }), LONG);
    await bus.publish([{ topic: TAGS, key: 'd', value: Buffer.from('2') }]);
    expect(changes).toEqual(['down', 'up']);
  });

  it('leaves no trace of what was rejected: later records keep their order and nothing is called damaged', async () => {
    await open();
    const got: string[] = [];
    bus.consume(TAGS, 'g', async (delivery) => {
      await delivery.flushed();
      got.push(...delivery.records.map(({ value }) => Buffer.from(value ?? []).toString()));
    });
    await bus.publish([{ topic: TAGS, key: 'd', value: Buffer.from('0') }]);
    isFull = true;
    await expect(bus.publish([{ topic: TAGS, key: 'd', value: Buffer.from('lost') }])).rejects.toThrow();
    isFull = false;
    await vi.waitFor(() => bus.publish([{ topic: TAGS, key: 'd', value: Buffer.from('1') }]), LONG);
    await vi.waitFor(() => expect(got).toEqual(['0', '1']), LONG);
    await bus.close();
    await open();
    const again: string[] = [];
    const consumption = bus.consume(TAGS, 'new', async ({ records }) => {
      again.push(...records.map(({ value }) => Buffer.from(value ?? []).toString()));
    });
    await vi.waitFor(() => expect(consumption.lag().records).toBe(0), LONG);
    expect(again).toEqual(['0', '1']);
    expect(await bus.kept('deadletters.recorded.v1')).toBeNull();
  });

  it('takes a view back to what is in the log', async () => {
    await open();
    await bus.publish([{ topic: TABLE, key: 'a', value: Buffer.from('1') }]);
    const view = bus.table(TABLE);
    await view.ready;
    isFull = true;
    const failed = bus.publish([
      { topic: TABLE, key: 'a', value: Buffer.from('2') },
      { topic: TABLE, key: 'b', value: Buffer.from('2') },
    ]);
    await expect(failed).rejects.toMatchObject({ code: 'LOG_DISK_FULL' });
    expect([...view.entries()].map(([key, { value }]) => `${key}=${Buffer.from(value ?? [])}`)).toEqual(['a=1']);
  });

  it('loses no group position: what was settled before stays settled, what was not comes again', async () => {
    await open();
    const got: string[] = [];
    const consumption = bus.consume(TAGS, 'g', async ({ records }) => void got.push(...records.map(({ key }) => key)));
    await bus.publish([{ topic: TAGS, key: 'a', value: Buffer.from('0') }]);
    await consumption.stop();
    isFull = true;
    await expect(bus.publish([{ topic: TAGS, key: 'x', value: Buffer.from('0') }])).rejects.toThrow();
    isFull = false;
    await vi.waitFor(() => bus.publish([{ topic: TAGS, key: 'b', value: Buffer.from('1') }]), LONG);
    await bus.close();
    await open();
    bus.consume(TAGS, 'g', async ({ records }) => void got.push(...records.map(({ key }) => key)));
    await vi.waitFor(() => expect(got).toEqual(['a', 'b']), LONG);
  });

  it('drops the oldest samples where the size set is reached, and never refuses them', async () => {
    await open({ mapSizeBytes: 16 * MIB, reserveBytes: 4 * MIB, segmentation: { records: 16, bytes: MIB } });
    const value = Buffer.alloc(64 * 1024, 1);
    for (let i = 0; i < 600; i += 10) {
      const some = Array.from({ length: 10 }, (_, j) => i + j);
      await Promise.all(some.map((n) => bus.publish([{ topic: n % 2 ? TAGS : POINTS, key: String(n), value }])));
    }
    const times = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER };
    const kept = (await bus.range(TAGS, null, times)).map(({ key }) => Number(key));
    expect(kept.at(-1)).toBe(599);
    expect(kept[0]).toBeGreaterThan(300);
    expect(kept.length * value.length).toBeLessThan(12 * MIB);
    expect(kept.length * value.length).toBeGreaterThan(2 * MIB);
    expect(bus.health().state).toBe('up');
  });

  it('keeps the reserve for control and configuration, and refuses samples that cannot fit', async () => {
    await open({ mapSizeBytes: 8 * MIB, reserveBytes: 4 * MIB, segmentation: { records: 16, bytes: MIB } });
    const image = Buffer.alloc(512 * 1024, 1);
    const images = await Promise.allSettled(
      Array.from({ length: 20 }, (_, i) => bus.publish([{ topic: 'assets.imaged.v1', key: String(i), value: image }])),
    );
    const refused = images.filter(({ status }) => status === 'rejected');
    expect(refused.length).toBeGreaterThan(10);
    expect(refused[0]).toMatchObject({ reason: { code: 'LOG_DISK_FULL' } });
    expect(bus.health().state).toBe('down');
    for (let i = 0; i < 32; i++) {
      await bus.publish([{ topic: CONTROL, key: 'site', value: Buffer.alloc(64 * 1024) }]);
    }
    await bus.publish([{ topic: TABLE, key: 'a', value: Buffer.alloc(64 * 1024) }]);
  });

  it('gives up old segments by size and by age', async () => {
    let now = 1_000_000_000_000;
    const clock = { monotonicMs: () => performance.now(), wallMs: () => now };
    await open({ clock, segmentation: { records: 10, bytes: 64 * MIB } });
    for (let i = 0; i < 100; i++) await bus.publish([{ topic: TAGS, key: String(i), value: Buffer.alloc(100) }]);
    now += 2 * 3_600_000;
    for (let i = 100; i < 110; i++) await bus.publish([{ topic: TAGS, key: String(i), value: Buffer.alloc(100) }]);
    const keys = async () => (await bus.range(TAGS, null, { fromMs: 0, toMs: now })).map(({ key }) => Number(key));
    await vi.waitFor(
      async () => expect(await keys()).toEqual([100, 101, 102, 103, 104, 105, 106, 107, 108, 109]),
      LONG,
    );
    expect(await bus.kept(TAGS)).toEqual({ oldestMs: now, newestMs: now });
    await bus.close();
    await open({ clock, segmentation: { records: 10, bytes: 64 * MIB } });
    expect(await keys()).toEqual([100, 101, 102, 103, 104, 105, 106, 107, 108, 109]);
    const got: string[] = [];
    bus.consume(TAGS, 'late', async ({ records }) => void got.push(...records.map(({ key }) => key)));
    await vi.waitFor(() => expect(got.length).toBe(10), LONG);
  });

  it('keeps the file small while a compacted topic is written again and again', async () => {
    await open();
    for (let round = 0; round < 40; round++) {
      await bus.publish(
        Array.from({ length: 50 }, (_, i) => ({
          topic: 'assets.imaged.v1' as const,
          key: `asset-${i}`,
          value: Buffer.alloc(8000, round),
        })),
      );
    }
    const view = bus.table('assets.imaged.v1');
    await view.ready;
    expect(view.size).toBe(50);
    expect([...view.entries()].every(([, { value }]) => value?.[0] === 39)).toBe(true);
    await bus.close();
    const { size } = await stat(join(folder, 'log', 'data.mdb'));
    expect(size).toBeLessThan(4 * MIB);
    await open();
  });
});
