import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventBacklog, GONE } from './event-backlog.js';

function event(slot: number) {
  return { slot, value: slot * 2, timeMs: slot, quality: 0, isCollected: slot % 2 === 0 };
}

function filled(count: number, most = 1_000_000): EventBacklog {
  const backlog = new EventBacklog(most);
  for (let slot = 0; slot < count; slot++) backlog.append(event(slot));
  return backlog;
}

async function isSettled(promise: Promise<void>): Promise<boolean> {
  const marker = Symbol('pending');
  return (await Promise.race([promise, Promise.resolve(marker)])) !== marker;
}

describe('a backlog of events', () => {
  it('gives events in order with their columns, over more than its first room', () => {
    const backlog = filled(5_000);
    const slice = backlog.take(10_000);
    expect(slice.count).toBe(5_000);
    expect([...slice.slot]).toEqual(Array.from({ length: 5_000 }, (_, slot) => slot));
    expect(slice.value[4_999]).toBe(9_998);
    expect(slice.isCollected[4_999]).toBe(0);
  });

  it('sends what was not confirmed again after a rewind, first and in order', () => {
    const backlog = filled(10);
    backlog.take(6);
    backlog.confirm(2);
    backlog.rewind();
    expect([...backlog.take(100).slot]).toEqual([2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('refuses to confirm more than is under way', () => {
    const backlog = filled(3);
    backlog.take(1);
    expect(() => backlog.confirm(2)).toThrow(RangeError);
  });

  it('drops the oldest beyond its bound and counts them, and not what is under way', () => {
    const backlog = filled(5, 5);
    backlog.take(2);
    for (let slot = 5; slot < 10; slot++) backlog.append(event(slot));
    expect(backlog.dropped).toBe(3);
    expect([...backlog.take(100).slot]).toEqual([5, 6, 7, 8, 9]);
    backlog.rewind();
    expect(backlog.dropped).toBe(5);
    expect([...backlog.take(100).slot]).toEqual([5, 6, 7, 8, 9]);
  });

  it('settles a wait when its last event is confirmed, and when it is dropped', async () => {
    const backlog = filled(2, 3);
    const first = backlog.settled();
    expect(await isSettled(first)).toBe(false);
    backlog.take(2);
    backlog.confirm(1);
    expect(await isSettled(first)).toBe(false);
    backlog.confirm(1);
    expect(await isSettled(first)).toBe(true);
    backlog.append(event(2));
    const second = backlog.settled();
    for (let slot = 3; slot < 6; slot++) backlog.append(event(slot));
    expect(await isSettled(second)).toBe(true);
  });

  it('tells whoever waits when it closes', async () => {
    const waiting = filled(1).settled();
    const backlog = filled(1);
    const other = backlog.settled();
    backlog.close();
    await expect(other).rejects.toMatchObject({ name: 'AbortError' });
    expect(await isSettled(waiting)).toBe(false);
  });

  it('says once that events wait again', () => {
    const backlog = new EventBacklog(10);
    let calls = 0;
    const end = backlog.onReady(() => calls++);
    backlog.append(event(0));
    backlog.append(event(1));
    expect(calls).toBe(1);
    backlog.take(2);
    backlog.rewind();
    expect(calls).toBe(2);
    end();
    backlog.take(2);
    backlog.append(event(2));
    expect(calls).toBe(2);
  });

  it('renames waiting events for another plan and drops those of gone addresses', async () => {
    const backlog = filled(4);
    backlog.take(1);
    const settled = backlog.settled();
    backlog.remap((old) => (old === 2 ? -1 : old + 100));
    expect(backlog.dropped).toBe(1);
    expect([...backlog.take(10).slot]).toEqual([101, 103]);
    backlog.confirm(3);
    expect(await isSettled(settled)).toBe(true);
  });

  it('keeps the place of what is under way when its address goes, under no slot', () => {
    const backlog = filled(3);
    backlog.take(2);
    backlog.remap((old) => (old === 0 ? -1 : old + 100));
    backlog.rewind();
    expect([...backlog.take(10).slot]).toEqual([GONE, 101, 102]);
    expect(backlog.dropped).toBe(1);
  });

  it('never loses, repeats or reorders an event, whatever is done to it', () => {
    const action = fc.oneof(
      fc.record({ do: fc.constant('append' as const), n: fc.integer({ min: 1, max: 40 }) }),
      fc.record({ do: fc.constant('take' as const), n: fc.integer({ min: 0, max: 50 }) }),
      fc.record({ do: fc.constant('confirm' as const), n: fc.integer({ min: 0, max: 50 }) }),
      fc.record({ do: fc.constant('rewind' as const), n: fc.constant(0) }),
    );
    fc.assert(
      fc.property(fc.array(action, { maxLength: 200 }), fc.integer({ min: 1, max: 60 }), (actions, most) => {
        const backlog = new EventBacklog(most);
        let next = 0;
        let open: number[] = [];
        const confirmed: number[] = [];
        for (const { do: what, n } of actions) {
          if (what === 'append') for (let i = 0; i < n; i++) backlog.append(event(next++));
          if (what === 'take') open.push(...backlog.take(n).slot);
          if (what === 'confirm') {
            const count = Math.min(n, open.length);
            backlog.confirm(count);
            confirmed.push(...open.splice(0, count));
          }
          if (what === 'rewind') {
            backlog.rewind();
            open = [];
          }
          expect(backlog.waiting).toBeLessThanOrEqual(most);
        }
        open.push(...backlog.take(1_000_000).slot);
        const all = [...confirmed, ...open];
        expect(all).toEqual([...new Set(all)].sort((a, b) => a - b));
        expect(all.length + backlog.dropped).toBe(next);
      }),
      { numRuns: 500 },
    );
  });
});
