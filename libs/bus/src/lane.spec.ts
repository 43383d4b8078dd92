import type { TopicName } from '@busbar/events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { alreadyFlushed, Lane } from './lane.js';
import type { Delivery, InRecord } from './port.js';

const TOPIC: TopicName = 'points.updated.v1';

function records(from: number, count: number, bytes = 10): InRecord[] {
  return Array.from({ length: count }, (_, i) => ({
    topic: TOPIC,
    partition: 0,
    offset: from + i,
    key: 'k',
    value: new Uint8Array(bytes),
    object: undefined,
    timestampMs: from + i,
  }));
}

interface Call {
  readonly delivery: Delivery;
  readonly signal: AbortSignal;
  settle(): void;
  fail(error?: Error): void;
}

describe('a lane', () => {
  let calls: Call[];
  let settled: number[];
  let rooms: number;
  let lane: Lane;
  let refusals: (() => void)[];
  let warnings: string[];

  beforeEach(() => {
    vi.useFakeTimers();
    calls = [];
    settled = [];
    rooms = 0;
    refusals = [];
    warnings = [];
    lane = new Lane({
      topic: TOPIC,
      partition: 0,
      group: 'g',
      handler: (delivery, signal) =>
        new Promise((resolve, reject) => {
          calls.push({ delivery, signal, settle: resolve, fail: (error = new Error('no')) => reject(error) });
        }),
      log: { info: () => undefined, warn: (_, message) => void warnings.push(message), error: () => undefined },
      settled: (next) => void settled.push(next),
      room: () => void rooms++,
      refuse: () => new Promise<void>((resolve) => void refusals.push(resolve)),
    });
  });

  afterEach(() => vi.useRealTimers());

  const hand = (from: number, count: number, bytes?: number) =>
    lane.hand({ records: records(from, count, bytes), next: from + count, flushed: alreadyFlushed });
  const firsts = () => calls.map(({ delivery }) => delivery.records[0]?.offset);
  const turn = () => vi.advanceTimersByTimeAsync(0);

  it('has room for 4 deliveries and 1 MiB', () => {
    hand(0, 1);
    hand(1, 1);
    hand(2, 1);
    expect(lane.hasRoom).toBe(true);
    hand(3, 1);
    expect(lane.hasRoom).toBe(false);
  });

  it('has no room behind a delivery of 1 MiB until it is settled', async () => {
    hand(0, 1, 1024 * 1024);
    expect(lane.hasRoom).toBe(false);
    calls[0]?.settle();
    await turn();
    expect(lane.hasRoom).toBe(true);
    expect(rooms).toBe(1);
  });

  it('tells the longest settled prefix only', async () => {
    hand(0, 2);
    hand(2, 2);
    hand(4, 2);
    calls[1]?.settle();
    await turn();
    expect(settled).toEqual([]);
    calls[0]?.settle();
    await turn();
    expect(settled).toEqual([4]);
    expect(lane.oldestMs).toBe(4);
    calls[2]?.settle();
    await turn();
    expect(settled).toEqual([4, 6]);
    expect(lane.oldestMs).toBeNull();
  });

  it('settles a hole only behind what lies before it', async () => {
    hand(0, 1);
    lane.hand({ records: [], next: 50, flushed: alreadyFlushed });
    expect(settled).toEqual([]);
    calls[0]?.settle();
    await turn();
    expect(settled).toEqual([50]);
  });

  it('tries again with pauses of 100 ms doubled to 10 s, and takes nothing newer meanwhile', async () => {
    hand(0, 1);
    const pauses: number[] = [];
    for (let attempt = 0; attempt < 9; attempt++) {
      calls.at(-1)?.fail();
      await turn();
      expect(lane.hasRoom).toBe(false);
      const before = calls.length;
      let waited = 0;
      while (calls.length === before) {
        await vi.advanceTimersByTimeAsync(50);
        waited += 50;
      }
      pauses.push(waited);
    }
    expect(pauses).toEqual([100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]);
    expect(settled).toEqual([]);
    calls.at(-1)?.settle();
    await turn();
    expect(settled).toEqual([1]);
    expect(lane.hasRoom).toBe(true);
  });

  it('lets what is under way end first, and repeats only what failed, oldest first', async () => {
    hand(0, 1);
    hand(1, 1);
    hand(2, 1);
    calls[0]?.fail();
    calls[2]?.fail();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(firsts()).toEqual([0, 1, 2]);
    calls[1]?.settle();
    await vi.advanceTimersByTimeAsync(100);
    expect(firsts()).toEqual([0, 1, 2, 0, 2]);
    calls[3]?.settle();
    calls[4]?.settle();
    await turn();
    expect(settled.at(-1)).toBe(3);
  });

  it('warns of a failure once, and not of a handler that gives up in order, whose delivery comes again all the same', async () => {
    lane.hand({ records: records(0, 1), next: 1, flushed: alreadyFlushed });
    await turn();
    calls[0]?.fail(new DOMException('stopping', 'AbortError'));
    await vi.advanceTimersByTimeAsync(100);
    expect(warnings).toEqual([]);
    expect(firsts()).toEqual([0, 0]);
    calls[1]?.settle();
    await turn();
    hand(1, 1);
    await turn();
    calls[2]?.fail();
    await turn();
    expect(warnings).toEqual(['handler failed, trying again']);
  });

  it('does not repeat records that never became durable', async () => {
    const [first, second] = records(0, 2) as [InRecord, InRecord];
    lane.hand({ records: [first, second], next: 2, flushed: alreadyFlushed, isVoid: (record) => record === first });
    calls[0]?.fail();
    await vi.advanceTimersByTimeAsync(100);
    expect(calls[1]?.delivery.records).toEqual([second]);
  });

  it('settles a delivery with a refused record when its dead letter is durable', async () => {
    hand(0, 1);
    const call = calls[0] as Call;
    call.delivery.refuse(call.delivery.records[0] as InRecord, { code: 'RECORD_REFUSED', params: {} });
    call.settle();
    await turn();
    expect(settled).toEqual([]);
    refusals[0]?.();
    await turn();
    expect(settled).toEqual([1]);
  });

  it('stops when what runs has ended, after 5 s at the latest, with the signal aborted', async () => {
    hand(0, 1);
    hand(1, 1);
    let isStopped = false;
    void lane.stop().then(() => {
      isStopped = true;
    });
    calls[0]?.settle();
    await vi.advanceTimersByTimeAsync(4_999);
    expect(isStopped).toBe(false);
    expect(calls[1]?.signal.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(isStopped).toBe(true);
    expect(calls[1]?.signal.aborted).toBe(true);
    expect(settled).toEqual([1]);
  });
});
