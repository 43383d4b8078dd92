import { BatchBuilder, encodeBatch } from '@busbar/batch';
import type { Bus, InRecord } from '@busbar/bus';
import { bad, GOOD, type Quality } from '@busbar/model';
import { type AppliedGeneration, createLogger } from '@busbar/service-kit';
import { describe, expect, it } from 'vitest';
import { PointsWatch } from './points-watch.js';
import { task } from './testing/file-bench.js';

function watching(becomes: number | string | undefined) {
  let take: (record: InRecord) => void = () => undefined;
  const follow = (_topic: string, listener: typeof take) => {
    take = listener;
    return { ready: Promise.resolve(), stop: async () => undefined };
  };
  const started: string[] = [];
  const watch = new PointsWatch(
    { follow } as unknown as Bus,
    createLogger('file-collector', 'silent'),
    (connection, one) => started.push(`${connection} ${one}`),
  );
  const startOn = { asset: 'bay', point: 'Fault', delayMs: 0, ...(becomes === undefined ? {} : { becomes }) };
  watch.apply({
    number: 1,
    digest: 'g',
    configuration: {
      connections: [{ kind: 'file', id: 'c', tasks: [task({ startOn })] }],
      assets: [{ id: 'bay', model: 'm' }],
      models: [{ id: 'm', points: [{ id: 'Fault', number: 7 }] }],
    } as unknown as AppliedGeneration['configuration'],
  });
  const say = (value: number | string | bigint, quality: Quality = GOOD, { key = 'bay', handle = 7 } = {}): number => {
    const batch = new BatchBuilder(1, 1_000);
    if (typeof value === 'number') batch.put(handle, value, quality, 1_000);
    else batch.putSide(handle, value, quality, 1_000);
    const octets = encodeBatch(batch.finish({ kind: 'points', key, generation: 1, collectedMs: 1_000 }));
    const record = { topic: 'points.updated.v1', key, value: octets, object: undefined } as const;
    take({ ...record, partition: 0, offset: 0, timestampMs: 0 });
    return started.length;
  };
  return { say, started, take: (record: InRecord) => take(record) };
}

describe('a point that starts a task', () => {
  it('does so each time it becomes the value, and not while it stays', () => {
    const { say, started } = watching(1);
    expect([0, 1, 1, 0, 1].map((value) => say(value))).toEqual([0, 1, 1, 1, 2]);
    expect(started[0]).toBe('c t');
  });

  it('does so whenever it is another, when no value is named', () => {
    const { say } = watching(undefined);
    expect([5, 5, 6, 5].map((value) => say(value))).toEqual([1, 1, 2, 3]);
  });

  it('may be a text or a long number', () => {
    expect(watching('tripped').say('tripped')).toBe(1);
    expect(watching('9007199254740993').say(9_007_199_254_740_993n)).toBe(1);
  });

  it('does nothing by a bad value, by that of another point or asset, and by what cannot be read', () => {
    const { say, take } = watching(1);
    expect(say(1, bad('not-connected'))).toBe(0);
    expect(say(1, GOOD, { handle: 8 })).toBe(0);
    expect(say(1, GOOD, { key: 'bay-2' })).toBe(0);
    const record = {
      topic: 'points.updated.v1',
      key: 'bay',
      value: new Uint8Array([1, 2]),
      object: undefined,
    } as const;
    take({ ...record, partition: 0, offset: 0, timestampMs: 0 });
    expect(say(1)).toBe(1);
  });
});
