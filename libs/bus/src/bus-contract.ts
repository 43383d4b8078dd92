import { BusbarError } from '@busbar/errors';
import { decodeJson, type TopicName } from '@busbar/events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { describeFollowing } from './following-contract.js';
import type { Bus, Delivery, InRecord } from './port.js';
import { LETTERS, numbers, POINTS, record, TABLE, TOPICS_USED, text, WAIT } from './test-records.js';

/** A log of its own for one test. */
export interface LogUnderTest {
  /** Opens the same log, again after it was closed. */
  open(): Promise<Bus>;
  dispose(): Promise<void>;
}

/** A handler whose deliveries are settled by the test. */
class ManualHandler {
  readonly deliveries: { readonly delivery: Delivery; settle(): void; fail(error: Error): void }[] = [];

  readonly handle = (delivery: Delivery): Promise<void> =>
    new Promise((resolve, reject) => {
      this.deliveries.push({ delivery, settle: resolve, fail: reject });
    });

  get values(): string[] {
    return this.deliveries.flatMap(({ delivery }) => delivery.records.map(({ value }) => text(value)));
  }
}

/** What every bus promises, whichever way it is built. */
export function describeBus(name: string, makeLog: () => Promise<LogUnderTest>): void {
  describe(name, () => {
    let log: LogUnderTest;
    let bus: Bus;

    beforeEach(async () => {
      log = await makeLog();
      bus = await log.open();
      await bus.ensureTopics(TOPICS_USED);
    });

    afterEach(async () => {
      await bus.close();
      await log.dispose();
    });

    async function reopen(): Promise<void> {
      await bus.close();
      bus = await log.open();
      await bus.ensureTopics(TOPICS_USED);
    }

    /** Values of a group until so many have come; each delivery settles at once. */
    function collect(topic: TopicName, group: string): InRecord[] {
      const got: InRecord[] = [];
      bus.consume(topic, group, async ({ records }) => {
        got.push(...records);
      });
      return got;
    }

    const values = (records: readonly InRecord[]) => records.map(({ value }) => text(value));

    describe('publishing', () => {
      it('resolves with rising positions of one partition for one key', async () => {
        const first = await bus.publish(numbers(POINTS, 'a', [0, 3]));
        const second = await bus.publish(numbers(POINTS, 'a', [3, 5]));
        const all = [...first, ...second];
        expect(new Set(all.map(({ partition }) => partition)).size).toBe(1);
        expect(all.map(({ offset }) => offset - (all[0]?.offset ?? 0))).toEqual([0, 1, 2, 3, 4]);
      });

      it('keeps the order of a key over publications that nobody awaits', async () => {
        await Promise.all(Array.from({ length: 200 }, (_, i) => bus.publish(numbers(POINTS, 'a', [i, i + 1]))));
        const got = collect(POINTS, 'order');
        await vi.waitFor(() => expect(got.length).toBe(200), WAIT);
        expect(values(got)).toEqual(Array.from({ length: 200 }, (_, i) => String(i)));
      });

      it('delivers keys, octets and append times as they were', async () => {
        const octets = Uint8Array.from({ length: 256 }, (_, i) => i);
        const before = Date.now();
        await bus.publish([{ topic: POINTS, key: 'ключ/1', value: octets }]);
        await bus.publish([{ topic: POINTS, key: '', value: new Uint8Array(0) }]);
        await reopen();
        const got = collect(POINTS, 'octets');
        await vi.waitFor(() => expect(got.length).toBe(2), WAIT);
        const [full, empty] = [...got].sort((a, b) => b.key.length - a.key.length) as [InRecord, InRecord];
        expect(full.key).toBe('ключ/1');
        expect(new Uint8Array(full.value ?? [])).toEqual(octets);
        expect(full.timestampMs).toBeGreaterThanOrEqual(before - 1);
        expect(full.timestampMs).toBeLessThanOrEqual(Date.now() + 1);
        expect(empty.key).toBe('');
        expect(empty.value?.byteLength).toBe(0);
      });

      it('is not changed by a caller who uses his buffer again', async () => {
        const value = Buffer.from('right');
        const published = bus.publish([{ topic: POINTS, key: 'a', value }]);
        const got = collect(POINTS, 'copy');
        await published;
        await vi.waitFor(() => expect(got.length).toBe(1), WAIT);
        value.fill(0);
        expect(values(got)).toEqual(['right']);
      });

      it('refuses at once what goes beyond the records that may wait, and takes the rest', async () => {
        const value = Buffer.alloc(512 * 1024, 1);
        const outcomes = await Promise.allSettled(
          Array.from({ length: 160 }, (_, i) => bus.publish([{ topic: POINTS, key: `k${i}`, value }])),
        );
        const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
        expect(refused.length).toBeGreaterThanOrEqual(30);
        expect(refused.length).toBeLessThanOrEqual(34);
        for (const { reason } of refused) expect((reason as BusbarError).code).toBe('BUS_FULL');
        await bus.publish(numbers(POINTS, 'a', [0, 1]));
        expect(bus.health().waitingBytes).toBe(0);
      });

      it('refuses a tombstone in a topic that is not compacted', async () => {
        await expect(bus.publish([{ topic: POINTS, key: 'a', value: null }])).rejects.toThrow(/tombstone/);
      });

      it('takes nothing after its close, which is safe twice', async () => {
        const flushed = bus.publish(numbers(POINTS, 'a', [0, 1]));
        await bus.close();
        await bus.close();
        expect(await flushed).toHaveLength(1);
        await expect(bus.publish(numbers(POINTS, 'a', [1, 2]))).rejects.toMatchObject({ code: 'BUS_CLOSED' });
        expect(() => bus.consume(POINTS, 'g', async () => undefined)).toThrow(BusbarError);
        expect(() => bus.table(TABLE)).toThrow(BusbarError);
        expect(() => bus.follow(POINTS, () => undefined)).toThrow(BusbarError);
      });
    });

    describe('consuming', () => {
      it('begins a new group at the beginning of the log, and keeps groups apart', async () => {
        await bus.publish(numbers(POINTS, 'a', [0, 5]));
        const one = collect(POINTS, 'one');
        await vi.waitFor(() => expect(values(one)).toEqual(['0', '1', '2', '3', '4']), WAIT);
        await bus.publish(numbers(POINTS, 'a', [5, 6]));
        const two = collect(POINTS, 'two');
        await vi.waitFor(() => expect(values(two)).toEqual(['0', '1', '2', '3', '4', '5']), WAIT);
        await vi.waitFor(() => expect(values(one)).toEqual(['0', '1', '2', '3', '4', '5']), WAIT);
      });

      it('goes on behind what was settled when it is stopped and comes again', async () => {
        await bus.publish(numbers(POINTS, 'a', [0, 5]));
        const got: InRecord[] = [];
        const consumption = bus.consume(POINTS, 'again', async ({ records }) => void got.push(...records));
        await vi.waitFor(() => expect(got.length).toBe(5), WAIT);
        await consumption.stop();
        await consumption.stop();
        await bus.publish(numbers(POINTS, 'a', [5, 7]));
        const later = collect(POINTS, 'again');
        await vi.waitFor(() => expect(values(later)).toEqual(['5', '6']), WAIT);
        await reopen();
        await bus.publish(numbers(POINTS, 'a', [7, 8]));
        const last = collect(POINTS, 'again');
        await vi.waitFor(() => expect(values(last)).toEqual(['7']), WAIT);
      });

      it('waits in stop() for what is under way', async () => {
        const handler = new ManualHandler();
        const consumption = bus.consume(POINTS, 'stop', handler.handle);
        await consumption.ready;
        await bus.publish(numbers(POINTS, 'a', [0, 1]));
        await vi.waitFor(() => expect(handler.deliveries.length).toBe(1), WAIT);
        let isStopped = false;
        const stopped = consumption.stop().then(() => {
          isStopped = true;
        });
        await bus.publish(numbers(POINTS, 'a', [1, 2]));
        expect(isStopped).toBe(false);
        handler.deliveries[0]?.settle();
        await stopped;
        const later = collect(POINTS, 'stop');
        await vi.waitFor(() => expect(values(later)).toEqual(['1']), WAIT);
      });

      it('commits the longest settled prefix only: what is behind an unsettled delivery comes again', async () => {
        const handler = new ManualHandler();
        const consumption = bus.consume(POINTS, 'prefix', handler.handle);
        await consumption.ready;
        for (let i = 0; i < 3; i++) {
          await bus.publish(numbers(POINTS, 'a', [i, i + 1]));
          await vi.waitFor(() => expect(handler.values.length).toBe(i + 1), WAIT);
        }
        handler.deliveries[0]?.settle();
        handler.deliveries[2]?.settle();
        await reopen();
        const got = collect(POINTS, 'prefix');
        await vi.waitFor(() => expect(values(got)).toEqual(['1', '2']), WAIT);
      }, 40_000);

      it('tries again what failed, before anything newer of its partition, and loses nothing', async () => {
        const done: string[] = [];
        let failures = 2;
        bus.consume(POINTS, 'retry', async ({ records }) => {
          if (values(records).includes('3') && failures-- > 0) throw new Error('not yet');
          done.push(...values(records));
        });
        for (let i = 0; i < 6; i++) await bus.publish(numbers(POINTS, 'a', [i, i + 1]));
        await bus.publish(numbers(POINTS, 'b', [100, 101]));
        await vi.waitFor(() => expect(done.length).toBe(7), WAIT);
        expect(new Set(done)).toEqual(new Set(['0', '1', '2', '3', '4', '5', '100']));
        await bus.publish(numbers(POINTS, 'a', [6, 7]));
        await vi.waitFor(() => expect(done.at(-1)).toBe('6'), WAIT);
        expect(failures).toBeLessThanOrEqual(0);
      });

      it('survives a handler that throws at once whatever it throws', async () => {
        let calls = 0;
        bus.consume(POINTS, 'throws', () => {
          calls++;
          if (calls === 1) throw new TypeError('a defect');
          return Promise.resolve();
        });
        await bus.publish(numbers(POINTS, 'a', [0, 1]));
        await vi.waitFor(() => expect(calls).toBe(2), WAIT);
      });

      it('puts a refused record among the dead letters and settles the others', async () => {
        const got: string[] = [];
        const letters = collect(LETTERS, 'letters');
        const consumption = bus.consume(POINTS, 'refuse', async (delivery) => {
          for (const incoming of delivery.records) {
            if (text(incoming.value) === '1') {
              delivery.refuse(incoming, { code: 'RECORD_REFUSED', params: { topic: POINTS, reason: 'bad' } });
            } else got.push(text(incoming.value));
          }
        });
        const positions = await bus.publish(numbers(POINTS, 'a', [0, 3]));
        await vi.waitFor(() => expect(got).toEqual(['0', '2']), WAIT);
        await vi.waitFor(() => expect(letters.length).toBe(1), WAIT);
        const letter = decodeJson(LETTERS, letters[0]?.value ?? new Uint8Array(0));
        expect(letter).toMatchObject({ topic: POINTS, group: 'refuse', key: 'a', offset: positions[1]?.offset });
        expect(letter.diagnosis.code).toBe('RECORD_REFUSED');
        expect(Buffer.from(letter.value ?? '', 'base64').toString()).toBe('1');
        await vi.waitFor(() => expect(consumption.lag().records).toBe(0), WAIT);
      });

      it('hands a slow consumer at most 4 deliveries and 1 MiB of a partition, and the rest later', async () => {
        const handler = new ManualHandler();
        await bus.consume(POINTS, 'slow', handler.handle).ready;
        const value = Buffer.alloc(64 * 1024, 1);
        for (let i = 0; i < 64; i++) await bus.publish([{ topic: POINTS, key: 'a', value }]);
        await vi.waitFor(() => expect(handler.deliveries.length).toBeGreaterThanOrEqual(1), WAIT);
        const bytes = () =>
          handler.deliveries.reduce((sum, { delivery }) => sum + delivery.records.length * value.length, 0);
        expect(handler.deliveries.length).toBeLessThanOrEqual(4);
        expect(bytes()).toBeLessThanOrEqual(1024 * 1024 + value.length);
        let settled = 0;
        await vi.waitFor(() => {
          while (settled < handler.deliveries.length) handler.deliveries[settled++]?.settle();
          expect(handler.values.length).toBe(64);
        }, WAIT);
      });

      it('settles what is flushed: flushed() resolves, the lag falls to nothing', async () => {
        const consumption = bus.consume(POINTS, 'flushed', async (delivery) => delivery.flushed());
        await bus.publish(numbers(POINTS, 'a', [0, 10]));
        await consumption.ready;
        await vi.waitFor(() => expect(consumption.lag()).toEqual({ records: 0, oldestMs: null }), WAIT);
      });

      it('tells how many records wait and since when', async () => {
        const handler = new ManualHandler();
        const consumption = bus.consume(POINTS, 'lag', handler.handle);
        await consumption.ready;
        const before = Date.now();
        await bus.publish(numbers(POINTS, 'a', [0, 3]));
        await vi.waitFor(() => expect(handler.values.length).toBe(3), WAIT);
        const lag = consumption.lag();
        expect(lag.records).toBe(3);
        expect(lag.oldestMs).toBeGreaterThanOrEqual(before - 1);
        expect(lag.oldestMs).toBeLessThanOrEqual(Date.now() + 1);
        for (const { settle } of handler.deliveries) settle();
      });
    });

    describe('a table', () => {
      it('holds the newest record of every key and forgets keys with a tombstone', async () => {
        await bus.publish([record(TABLE, 'a', '1'), record(TABLE, 'b', '1'), record(TABLE, 'a', '2')]);
        await bus.publish([{ topic: TABLE, key: 'b', value: null }, record(TABLE, 'c', '3')]);
        const view = bus.table(TABLE);
        await view.ready;
        const content = () => [...view.entries()].map(([key, { value }]) => `${key}=${text(value)}`).sort();
        expect(content()).toEqual(['a=2', 'c=3']);
        expect(view.size).toBe(2);
        expect(view.get('b')).toBeUndefined();
        await bus.publish([record(TABLE, 'b', '4'), { topic: TABLE, key: 'a', value: null }]);
        await vi.waitFor(() => expect(content()).toEqual(['b=4', 'c=3']), WAIT);
        await view.stop();
      });

      it('is the same after the bus was opened again', async () => {
        await bus.publish([record(TABLE, 'a', '1'), record(TABLE, 'b', '1'), record(TABLE, 'a', '2')]);
        await bus.publish([{ topic: TABLE, key: 'b', value: null }]);
        await reopen();
        const view = bus.table(TABLE);
        await view.ready;
        expect([...view.entries()].map(([key, { value }]) => [key, text(value)])).toEqual([['a', '2']]);
      });

      it('tells each later change, tombstones included, until it is told to stop', async () => {
        await bus.publish([record(TABLE, 'a', '1')]);
        const view = bus.table(TABLE);
        await view.ready;
        const changes: string[] = [];
        const end = view.onChange(({ key, value }) => changes.push(`${key}=${value === null ? 'gone' : text(value)}`));
        await bus.publish([record(TABLE, 'b', '2'), { topic: TABLE, key: 'a', value: null }]);
        await vi.waitFor(() => expect(changes.sort()).toEqual(['a=gone', 'b=2']), WAIT);
        end();
        await bus.publish([record(TABLE, 'c', '3')]);
        await vi.waitFor(() => expect(view.get('c')).toBeDefined(), WAIT);
        expect(changes.length).toBe(2);
      });

      it('is ready although the topic is empty', async () => {
        const view = bus.table(TABLE);
        await view.ready;
        expect(view.size).toBe(0);
      });
    });

    describeFollowing(() => bus);

    describe('reading by key and time', () => {
      it('gives the records of a key within the time, oldest first, cut to the newest', async () => {
        for (let i = 0; i < 10; i++)
          await bus.publish([...numbers(POINTS, 'a', [i, i + 1]), ...numbers(POINTS, 'b', [i, i + 1])]);
        const times = { fromMs: Date.now() - 3_600_000, toMs: Date.now() + 1_000 };
        const all = await bus.range(POINTS, 'a', times);
        expect(values(all)).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
        expect(all.every(({ key }) => key === 'a')).toBe(true);
        expect(values(await bus.range(POINTS, 'a', { ...times, limit: 3 }))).toEqual(['7', '8', '9']);
        expect(await bus.range(POINTS, null, times)).toHaveLength(20);
        expect(await bus.range(POINTS, 'c', times)).toEqual([]);
        expect(await bus.range(POINTS, 'a', { fromMs: 0, toMs: times.fromMs })).toEqual([]);
      });

      it('tells the oldest and newest time kept', async () => {
        expect(await bus.kept(POINTS)).toBeNull();
        const before = Date.now() - 1;
        await bus.publish(numbers(POINTS, 'a', [0, 1]));
        await bus.publish(numbers(POINTS, 'b', [0, 1]));
        const kept = await bus.kept(POINTS);
        expect(kept?.oldestMs).toBeGreaterThanOrEqual(before);
        expect(kept?.newestMs).toBeGreaterThanOrEqual(kept?.oldestMs ?? Number.POSITIVE_INFINITY);
        expect(kept?.newestMs).toBeLessThanOrEqual(Date.now() + 1);
      });
    });

    describe('owning', () => {
      it('gives all keys to a lone member, with a lease until it leaves', async () => {
        const gained: number[] = [];
        const lost: number[] = [];
        const ownership = bus.own(TABLE, 'collector.all', {
          gained: (partitions) => void gained.push(...partitions),
          lost: async (partitions) => void lost.push(...partitions),
        });
        await ownership.ready;
        expect(gained.length).toBeGreaterThanOrEqual(1);
        expect(ownership.owns('inverter-a')).toBe(true);
        expect(ownership.owns('meter')).toBe(true);
        expect(ownership.lease('read')).toBe(true);
        expect(ownership.lease('write')).toBe(true);
        expect(ownership.member).not.toBe('');
        await ownership.stop();
        await ownership.stop();
        expect([...lost].sort()).toEqual([...gained].sort());
        expect(ownership.owns('inverter-a')).toBe(false);
        expect(ownership.lease('read')).toBe(false);
        expect(ownership.lease('write')).toBe(false);
      });

      it('hands the keys to the next member of the group when the first leaves', async () => {
        const names: string[] = [];
        const member = (who: string) =>
          bus.own(TABLE, 'collector.all', {
            gained: (partitions) => void (partitions.length > 0 && names.push(who)),
            lost: async () => undefined,
          });
        const first = member('first');
        await first.ready;
        const second = member('second');
        await second.ready;
        await first.stop();
        await vi.waitFor(() => expect(second.owns('a') && second.owns('b') && second.owns('c')).toBe(true), WAIT);
        expect(names[0]).toBe('first');
        expect(names.at(-1)).toBe('second');
        await second.stop();
      });
    });

    it('is up when it works', async () => {
      await bus.publish(numbers(POINTS, 'a', [0, 1]));
      await vi.waitFor(() => expect(bus.health()).toMatchObject({ state: 'up', diagnosis: null }), WAIT);
    });
  });
}
