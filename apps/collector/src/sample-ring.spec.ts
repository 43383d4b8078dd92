import { BatchBuilder, decodeBatch, encodeBatch, type SampleBatch } from '@busbar/batch';
import type { Bus, OutRecord } from '@busbar/bus';
import { BusbarError } from '@busbar/errors';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SampleRing } from './sample-ring.js';

const MIB = 1024 * 1024;

interface Call {
  readonly records: readonly OutRecord[];
  take(): void;
  refuse(): void;
}

let calls: Call[];
let dropped: number;
/** What the bus does with a call by itself; null: the test says. */
let answer: 'take' | 'refuse' | null;
let ring: SampleRing;

function newRing(ringBytes?: number): SampleRing {
  const publish: Bus['publish'] = (records) =>
    new Promise((resolve, reject) => {
      const refuse = () => reject(new BusbarError('BUS_FULL', { topic: 'tags.sampled.v1', waitingBytes: 0 }));
      const call = { records, take: () => resolve([]), refuse };
      calls.push(call);
      if (answer) call[answer]();
    });
  return new SampleRing({
    bus: { publish } as Bus,
    clock: { monotonicMs: () => Date.now(), wallMs: () => Date.now() },
    dropped: (values) => {
      dropped += values;
    },
    ...(ringBytes === undefined ? {} : { ringBytes }),
  });
}

beforeEach(() => {
  vi.useFakeTimers();
  calls = [];
  dropped = 0;
  answer = 'take';
  ring = newRing();
});
afterEach(() => void vi.useRealTimers());

/** A batch of so many values, the first of them its number. */
function batch(number: number, count = 1): SampleBatch {
  const builder = new BatchBuilder(count, 0);
  for (let i = 0; i < count; i++) builder.put(1, number, 0, 0);
  return builder.finish({ kind: 'tags', key: 'd1', generation: 1, collectedMs: 0 });
}

function numbersOf({ records }: Call): number[] {
  return records.map(({ value }) => decodeBatch(value as Uint8Array).values[0] as number);
}

function pass(ms = 0): Promise<unknown> {
  return vi.advanceTimersByTimeAsync(ms);
}

describe('a ring', () => {
  it('hands what one turn brings to the bus as one call, with the objects', async () => {
    const batches = [batch(1), batch(2)];
    for (const each of batches) ring.put(each);
    expect(calls).toEqual([]);
    await pass();
    expect(calls.map(numbersOf)).toEqual([[1, 2]]);
    expect(calls[0]?.records.map(({ object }) => object)).toEqual(batches);
    expect(calls[0]?.records[0]).toMatchObject({ topic: 'tags.sampled.v1', key: 'd1', value: encodeBatch(batch(1)) });
    expect(ring.waitingBytes).toBe(0);
  });

  it('does not wait for one call with the next', async () => {
    answer = null;
    ring.put(batch(1));
    await pass();
    ring.put(batch(2));
    await pass();
    expect(calls.map(numbersOf)).toEqual([[1], [2]]);
  });

  it('hands over 12 MiB at most that are not durable, and no call over 4 MiB', async () => {
    answer = null;
    for (let i = 0; i < 400; i++) ring.put(batch(i, 5_000));
    await pass();
    const bytes = calls.map(({ records }) => records.reduce((sum, { value }) => sum + (value?.byteLength ?? 0), 0));
    expect(Math.max(...bytes)).toBeLessThanOrEqual(4 * MIB);
    expect(bytes.reduce((a, b) => a + b)).toBeLessThanOrEqual(12 * MIB);
    expect(ring.waitingBytes).toBeGreaterThan(30 * MIB);
    answer = 'take';
    for (const call of calls) call.take();
    await pass();
    expect(calls.flatMap(numbersOf)).toEqual(Array.from({ length: 400 }, (_, i) => i));
    expect(ring.waitingBytes).toBe(0);
  });

  it('keeps the order when several calls under way are refused, in whatever order', async () => {
    answer = null;
    for (let i = 0; i < 3; i++) {
      ring.put(batch(i));
      await pass();
    }
    const [first, second, third] = calls.splice(0) as [Call, Call, Call];
    second.refuse();
    await pass();
    first.refuse();
    third.refuse();
    await pass();
    ring.put(batch(3));
    await pass(100);
    expect(calls.map(numbersOf)).toEqual([[0, 1, 2, 3]]);
    calls[0]?.take();
    await pass();
    expect(ring.waitingBytes).toBe(0);
  });

  it('tries again each 100 ms, one call at a time, until the bus takes one', async () => {
    answer = 'refuse';
    ring.put(batch(0));
    await pass();
    for (let i = 1; i < 100; i++) {
      ring.put(batch(i, 5_000));
      await pass(10);
    }
    expect(calls.length).toBeLessThan(12);
    answer = 'take';
    calls.length = 0;
    await pass(100);
    expect(calls.flatMap(numbersOf)).toEqual(Array.from({ length: 100 }, (_, i) => i));
  });

  it('says how old the oldest is that the bus did not take', async () => {
    answer = 'refuse';
    ring.put(batch(0));
    await pass(5_000);
    expect(ring.oldestMs).toBe(5_000);
    answer = 'take';
    await pass(100);
    expect(ring.oldestMs).toBe(0);
  });

  it('recovers when it was full: no call is as large as what the bus may have', async () => {
    answer = 'refuse';
    for (let i = 0; i < 700; i++) ring.put(batch(i, 6_000));
    await pass(200);
    expect(ring.waitingBytes).toBeLessThanOrEqual(64 * MIB);
    expect(ring.waitingBytes).toBeGreaterThan(63 * MIB);
    expect(Math.max(...calls.map(({ records }) => records.length * 6_000 * 17))).toBeLessThanOrEqual(4 * MIB);
    answer = 'take';
    await pass(200);
    expect(ring.waitingBytes).toBe(0);
  });

  it('drops the oldest when full, counts them, and loses nothing else', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.boolean(), { minLength: 1, maxLength: 60 }), async (takes) => {
        calls = [];
        dropped = 0;
        const size = encodeBatch(batch(0)).length;
        const small = newRing(10 * size);
        const taken: number[] = [];
        for (const [i, takesIt] of takes.entries()) {
          answer = null;
          small.put(batch(i));
          await pass(100);
          for (const call of calls.splice(0)) {
            if (takesIt) taken.push(...numbersOf(call));
            call[takesIt ? 'take' : 'refuse']();
          }
          await pass();
        }
        answer = 'take';
        await pass(200);
        for (const call of calls) taken.push(...numbersOf(call));
        expect(taken).toEqual([...taken].sort((a, b) => a - b));
        expect(new Set(taken).size).toBe(taken.length);
        expect(taken.length + dropped).toBe(takes.length);
        expect(taken.at(-1)).toBe(takes.length - 1);
        await small.drain(0);
      }),
      { numRuns: 50 },
    );
  });
});

describe('draining', () => {
  it('resolves at once when nothing waits', async () => {
    await ring.drain(3_000);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('resolves when the bus has everything', async () => {
    answer = 'refuse';
    ring.put(batch(1));
    await pass();
    let isDrained = false;
    const draining = ring.drain(3_000).then(() => {
      isDrained = true;
    });
    await pass(1_000);
    expect(isDrained).toBe(false);
    answer = 'take';
    await pass(100);
    await draining;
    expect(vi.getTimerCount()).toBe(0);
  });

  it('gives up in time, and tries nothing afterwards', async () => {
    answer = 'refuse';
    ring.put(batch(1));
    const draining = ring.drain(3_000);
    await pass(3_000);
    await draining;
    const count = calls.length;
    ring.put(batch(2));
    await pass(10_000);
    expect(calls).toHaveLength(count);
    expect(vi.getTimerCount()).toBe(0);
  });
});
