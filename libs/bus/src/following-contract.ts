import { describe, expect, it, vi } from 'vitest';
import type { Bus } from './port.js';
import { CONTROL, HELD, LETTERS, numbers, POINTS, record, TABLE, text, WAIT } from './test-records.js';

/** What every bus promises to followers, and to tables beside them. `currentBus`: opened for each test. */
export function describeFollowing(currentBus: () => Bus): void {
  describe('following', () => {
    it('misses nothing after ready and replays nothing from before the call', async () => {
      const bus = currentBus();
      let next = 0;
      let isRunning = true;
      const publishing = (async () => {
        while (isRunning) await bus.publish(numbers(CONTROL, 'site', [next, ++next]));
      })();
      await vi.waitFor(() => expect(next).toBeGreaterThan(5), WAIT);
      const before = next - 2;
      const got: number[] = [];
      const following = bus.follow(CONTROL, ({ value }) => got.push(Number(text(value))));
      await following.ready;
      const after = next;
      await vi.waitFor(() => expect(next).toBeGreaterThan(after + 20), WAIT);
      isRunning = false;
      await publishing;
      await vi.waitFor(() => expect(got.at(-1)).toBe(next - 1), WAIT);
      expect(got[0]).toBeGreaterThanOrEqual(before);
      expect(got[0]).toBeLessThanOrEqual(after);
      expect(got).toEqual(Array.from({ length: got.length }, (_, i) => (got[0] ?? 0) + i));
      await following.stop();
      await following.stop();
    });

    it('gives each record once, those included that a listener publishes itself', async () => {
      const bus = currentBus();
      const got: number[] = [];
      await bus.follow(CONTROL, ({ value }) => {
        const number = Number(text(value));
        got.push(number);
        if (number < 5) void bus.publish(numbers(CONTROL, 'site', [number + 1, number + 2]));
      }).ready;
      await bus.publish(numbers(CONTROL, 'site', [0, 1]));
      await vi.waitFor(() => expect(got.at(-1)).toBe(5), WAIT);
      expect(got).toEqual([0, 1, 2, 3, 4, 5]);
    });

    it('goes on when a listener throws', async () => {
      const bus = currentBus();
      let calls = 0;
      await bus.follow(CONTROL, () => {
        calls++;
        throw new Error('a defect');
      }).ready;
      await bus.publish(numbers(CONTROL, 'site', [0, 2]));
      await vi.waitFor(() => expect(calls).toBe(2), WAIT);
    });
  });

  describe('tables and followers side by side', () => {
    it('are each told everything, two of one topic too, and go on when another is stopped', async () => {
      const bus = currentBus();
      await bus.publish([record(TABLE, 'a', '1'), record(TABLE, 'b', '1')]);
      const told = { first: [] as string[], second: [] as string[], table: [] as string[] };
      const [one, two] = [bus.table(TABLE), bus.table(TABLE)];
      const first = bus.follow(TABLE, ({ value }) => told.first.push(text(value)));
      const second = bus.follow(TABLE, ({ value }) => told.second.push(text(value)));
      await Promise.all([one, two, first, second].map(({ ready }) => ready));
      two.onChange(({ value }) => told.table.push(text(value)));
      expect([one.size, two.size]).toEqual([2, 2]);
      await bus.publish([record(TABLE, 'c', '2')]);
      await vi.waitFor(() => expect(told).toEqual({ first: ['2'], second: ['2'], table: ['2'] }), WAIT);
      await Promise.all([one.stop(), first.stop()]);
      await bus.publish([record(TABLE, 'c', '3')]);
      await vi.waitFor(() => expect(told).toEqual({ first: ['2'], second: ['2', '3'], table: ['2', '3'] }), WAIT);
      const late = bus.table(TABLE);
      await late.ready;
      expect([late.size, text(late.get('c')?.value)]).toEqual([3, '3']);
      expect(text(two.get('c')?.value)).toBe('3');
      await Promise.all([two.stop(), late.stop()]);
      const again = bus.table(TABLE);
      await again.ready;
      expect(again.size).toBe(3);
      expect(told.second).toEqual(['2', '3']);
    });

    it('miss and repeat nothing while others come and go', async () => {
      const bus = currentBus();
      const followed: number[] = [];
      const changed: number[] = [];
      await bus.publish([record(HELD, 'x', '1')]);
      const table = bus.table(TABLE);
      await Promise.all([bus.follow(CONTROL, ({ value }) => followed.push(Number(text(value)))).ready, table.ready]);
      table.onChange(({ value }) => changed.push(Number(text(value))));
      let next = 0;
      let isRunning = true;
      const publishing = (async () => {
        for (; isRunning; next++) {
          await bus.publish([record(CONTROL, 'site', String(next)), record(TABLE, 'a', String(next))]);
        }
      })();
      const late: number[][] = [];
      for (const topic of [POINTS, LETTERS, CONTROL, TABLE] as const) {
        const before = next;
        const got: number[] = [];
        const following = bus.follow(topic, ({ value }) => got.push(Number(text(value))));
        const [held, same] = [bus.table(HELD), bus.table(TABLE)];
        await Promise.all([held.ready, same.ready, following.ready]);
        expect(text(held.get('x')?.value)).toBe('1');
        expect(Number(text(same.get('a')?.value))).toBeGreaterThanOrEqual(before - 1);
        const ready = next;
        await vi.waitFor(() => expect(next).toBeGreaterThan(ready + 20), WAIT);
        await vi.waitFor(() => expect(Math.min(followed.length, changed.length)).toBeGreaterThan(ready), WAIT);
        if (topic === CONTROL || topic === TABLE) {
          await vi.waitFor(() => expect(got.at(-1)).toBeGreaterThan(ready), WAIT);
          // The one that was under way when it became ready may have come before.
          expect(got[0]).toBeLessThanOrEqual(ready + 1);
          late.push(got);
        }
        await Promise.all([held.stop(), same.stop(), following.stop()]);
      }
      isRunning = false;
      await publishing;
      await vi.waitFor(() => expect([followed.at(-1), changed.at(-1)]).toEqual([next - 1, next - 1]), WAIT);
      const all = Array.from({ length: next }, (_, i) => i);
      expect(followed).toEqual(all);
      expect(changed).toEqual(all);
      for (const got of late) expect(got).toEqual(got.map((_, i) => (got[0] as number) + i));
    });
  });
}
