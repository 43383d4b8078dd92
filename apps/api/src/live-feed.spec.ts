import { encodeBatch } from '@busbar/batch';
import type { Bus } from '@busbar/bus';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LiveFeed } from './live-feed.js';
import { eventually, openTestBus, silentLog, testClock } from './test-bus.js';
import { batchOf, pointsRecord, sampleSite } from './test-site.js';
import { readTrend } from './trend.js';

describe('live feed', () => {
  let test: Awaited<ReturnType<typeof openTestBus>>;
  let bus: Bus;
  let feed: LiveFeed;

  beforeEach(async () => {
    test = await openTestBus();
    bus = test.bus;
    feed = new LiveFeed(bus, testClock, silentLog);
  });

  afterEach(async () => {
    await feed.stop();
    await test.dispose();
  });

  const power = () => feed.values.valueAt(0).value;
  const limit = () => feed.values.valueAt(1).value;

  async function start(generation = 1): Promise<void> {
    feed.start();
    feed.apply({ number: generation, digest: '', configuration: sampleSite() });
    await feed.readPast();
  }

  it('follows what is mapped from then on', async () => {
    await start();
    await bus.publish([pointsRecord(batchOf('inv-01', [[1, 50]]))]);
    await eventually(power).toBe(50);
  });

  it('begins with the images, and what is newer in the log', async () => {
    const image = batchOf('inv-01', [
      [1, 40],
      [7, 60],
    ]);
    const value = encodeBatch({ ...image, kind: 'image' });
    await bus.publish([{ topic: 'assets.imaged.v1', key: 'inv-01', value }]);
    await bus.publish([pointsRecord(batchOf('inv-01', [[1, 50]]))]);
    await start();
    expect([power(), limit()]).toEqual([50, 60]);
  });

  it('keeps the order when values arrive while the past is read', async () => {
    await bus.publish([pointsRecord(batchOf('inv-01', [[1, 1]]))]);
    feed.start();
    feed.apply({ number: 1, digest: '', configuration: sampleSite() });
    const reading = feed.readPast();
    await bus.publish([pointsRecord(batchOf('inv-01', [[1, 2]]))]);
    await reading;
    await eventually(power).toBe(2);
  });

  it('holds values of a generation that is not whole here yet', async () => {
    await start(1);
    await bus.publish([pointsRecord(batchOf('inv-01', [[1, 50]], 2)), pointsRecord(batchOf('inv-02', [[1, 7]], 1))]);
    await eventually(() => feed.values.valueAt(4).value).toBe(7);
    expect(power()).toBeNull();
    feed.apply({ number: 2, digest: '', configuration: sampleSite() });
    expect(power()).toBe(50);
  });

  it('counts what is no batch, and goes on', async () => {
    await start();
    await bus.publish([{ topic: 'points.updated.v1', key: 'inv-01', value: new Uint8Array([1, 2, 3]) }]);
    await bus.publish([pointsRecord(batchOf('inv-01', [[1, 50]]))]);
    await eventually(power).toBe(50);
    expect(feed.refused).toBe(1);
  });

  describe('trend', () => {
    const query = () => ({ asset: 'inv-01', point: 'ActivePower', fromMs: 0, toMs: Date.now() + 1_000 });

    it('gives the samples of one point by source time, gaps as null', async () => {
      await start();
      const now = Date.now();
      await bus.publish([
        pointsRecord(
          batchOf(
            'inv-01',
            [
              [1, 1],
              [7, 99],
            ],
            1,
            now - 3_000,
          ),
        ),
        pointsRecord(batchOf('inv-02', [[1, 77]], 1, now - 2_500)),
        pointsRecord(batchOf('inv-01', [[1, 3]], 1, now - 1_000)),
        pointsRecord(batchOf('inv-01', [[1, Number.NaN, 0x88]], 1, now - 2_000)),
      ]);
      expect(await readTrend(bus, feed.values, query())).toEqual({
        path: 'inv-01/ActivePower',
        times: [now - 3_000, now - 2_000, now - 1_000],
        values: [1, null, 3],
        quality: [0, 0x88, 0],
      });
    });

    it('reads page after page, each sample once', async () => {
      await start();
      const now = Date.now();
      const records = Array.from({ length: 1_700 }, (_, i) =>
        pointsRecord(batchOf('inv-01', [[1, i]], 1, now - 2_000 + i)),
      );
      await bus.publish(records);
      const { values } = await readTrend(bus, feed.values, query());
      expect(values).toEqual(Array.from({ length: 1_700 }, (_, i) => i));
    });

    it('ends with the newest value, though it is older than the window', async () => {
      await start();
      await bus.publish([pointsRecord(batchOf('inv-01', [[1, 5]], 1, 5_000))]);
      await eventually(power).toBe(5);
      const fromMs = Date.now() + 500;
      expect(await readTrend(bus, feed.values, { ...query(), fromMs })).toMatchObject({ times: [5_000], values: [5] });
    });
  });
});
