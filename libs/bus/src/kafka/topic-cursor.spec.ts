import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { InRecord } from '../port.js';
import { type FetchedSpan, TopicCursor } from './topic-cursor.js';

const TOPIC = 'connections.configured.v1';

function record(offset: number, partition = 0): InRecord {
  return { topic: TOPIC, partition, offset, key: 'a', value: new Uint8Array(0), object: undefined, timestampMs: 0 };
}

/** What a fetch at `from` gives of a log whose records stand at these offsets, up to `next`. */
function span(from: number, next: number, offsets: readonly number[] = []): FetchedSpan {
  const kept = offsets.filter((offset) => offset >= from && offset < next);
  return { partition: 0, from, next, records: kept.map((offset) => record(offset)) };
}

function makeCursor(from: 'beginning' | 'end') {
  const given: number[] = [];
  const fresh: number[] = [];
  const failures: unknown[] = [];
  const cursor = new TopicCursor({
    from,
    record: ({ offset }, isNew) => {
      given.push(offset);
      if (isNew) fresh.push(offset);
    },
    failed: (error) => failures.push(error),
  });
  return { cursor, given, fresh };
}

async function hasCome(promise: Promise<void>): Promise<boolean> {
  let isCome = false;
  void promise.then(() => {
    isCome = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  return isCome;
}

describe('the place of one reader in a topic', () => {
  it('wants nothing before it begins and after it was stopped', () => {
    const { cursor, given } = makeCursor('beginning');
    expect([...cursor.wants()]).toEqual([]);
    cursor.take(span(0, 3, [0, 1, 2]));
    cursor.begin([{ partition: 0, low: 2, high: 9 }]);
    expect([...cursor.wants()]).toEqual([[0, 2]]);
    expect(cursor.isStanding).toBe(true);
    cursor.stop();
    cursor.take(span(2, 5, [2, 3, 4]));
    expect([...cursor.wants()]).toEqual([]);
    expect(cursor.isStanding).toBe(false);
    expect(given).toEqual([]);
  });

  it('stands at the end as taken first, whatever the ends are later', () => {
    const { cursor } = makeCursor('end');
    cursor.begin([{ partition: 0, low: 2, high: 9 }]);
    cursor.begin([{ partition: 0, low: 2, high: 12 }]);
    expect([...cursor.wants()]).toEqual([[0, 9]]);
  });

  it('tells the old from the new by where the log ended', () => {
    const { cursor, given, fresh } = makeCursor('beginning');
    cursor.begin([{ partition: 0, low: 0, high: 2 }]);
    cursor.take(span(0, 4, [0, 1, 2, 3]));
    expect(given).toEqual([0, 1, 2, 3]);
    expect(fresh).toEqual([2, 3]);
  });

  it('is given each record once and in order, whatever is fetched for others beside it', () => {
    const log = Array.from({ length: 60 }, (_, i) => i).filter((i) => i % 7 !== 3);
    const spans = fc.array(fc.tuple(fc.nat(59), fc.integer({ min: 1, max: 12 })), { maxLength: 60 });
    fc.assert(
      fc.property(spans, fc.nat(59), (others, start) => {
        const { cursor, given } = makeCursor('end');
        cursor.begin([{ partition: 0, low: 0, high: start }]);
        for (const [from, length] of others) cursor.take(span(from, Math.min(60, from + length), log));
        for (;;) {
          const [wanted] = [...cursor.wants()].map(([, offset]) => offset);
          if (wanted === undefined || wanted >= 60) break;
          cursor.take(span(wanted, wanted + 5, log));
        }
        expect(given).toEqual(log.filter((offset) => offset >= start));
      }),
    );
  });

  it('passes what was compacted away', async () => {
    const { cursor, given } = makeCursor('beginning');
    cursor.begin([{ partition: 0, low: 0, high: 10 }]);
    const reached = cursor.reached([{ partition: 0, low: 0, high: 10 }]);
    cursor.take(span(0, 9, [4]));
    expect(await hasCome(reached)).toBe(false);
    cursor.take(span(9, 10));
    expect(await hasCome(reached)).toBe(true);
    expect(given).toEqual([4]);
  });

  it('has reached an end only when every partition has', async () => {
    const { cursor } = makeCursor('beginning');
    const ends = [0, 1, 2].map((partition) => ({ partition, low: 0, high: partition }));
    cursor.begin(ends);
    const reached = cursor.reached(ends);
    cursor.take({ partition: 2, from: 0, next: 2, records: [] });
    expect(cursor.hasReached(ends)).toBe(false);
    expect(await hasCome(reached)).toBe(false);
    cursor.take({ partition: 1, from: 0, next: 1, records: [] });
    expect(cursor.hasReached(ends)).toBe(true);
    expect(await hasCome(reached)).toBe(true);
  });

  it('goes on behind a record whose listener threw, and stops amid a span when its listener says so', () => {
    const given: number[] = [];
    const failures: unknown[] = [];
    const cursor: TopicCursor = new TopicCursor({
      from: 'beginning',
      record: ({ offset }) => {
        given.push(offset);
        if (offset === 2) cursor.stop();
        throw new Error('a defect');
      },
      failed: (error) => failures.push(error),
    });
    cursor.begin([{ partition: 0, low: 0, high: 0 }]);
    cursor.take(span(0, 5, [0, 1, 2, 3, 4]));
    expect(given).toEqual([0, 1, 2]);
    expect(failures).toHaveLength(3);
  });

  it('goes on at the first record kept when retention was faster', () => {
    const { cursor } = makeCursor('end');
    cursor.begin([{ partition: 0, low: 0, high: 5 }]);
    expect(cursor.correct({ partition: 0, low: 3, high: 9 })).toBeNull();
    expect(cursor.correct({ partition: 0, low: 8, high: 9 })).toBe(5);
    expect([...cursor.wants()]).toEqual([[0, 8]]);
  });

  it('takes offsets that are given out anew for new: a follower from the end, a table from the beginning', async () => {
    const follower = makeCursor('end');
    const table = makeCursor('beginning');
    const ends = [{ partition: 0, low: 0, high: 10 }];
    for (const { cursor } of [follower, table]) cursor.begin(ends);
    table.cursor.take(span(0, 10, [0, 9]));
    const reached = table.cursor.reached([{ partition: 0, low: 0, high: 12 }]);
    for (const { cursor } of [follower, table]) expect(cursor.correct({ partition: 0, low: 0, high: 6 })).toBe(10);
    expect([...follower.cursor.wants(), ...table.cursor.wants()]).toEqual([
      [0, 6],
      [0, 0],
    ]);
    follower.cursor.take(span(6, 8, [6, 7]));
    table.cursor.take(span(0, 8, [0, 6, 7]));
    expect(follower.given).toEqual([6, 7]);
    expect(table.fresh).toEqual([6, 7]);
    expect(await hasCome(reached)).toBe(true);
  });
});
