import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keptBytes, makeRoom, outdated } from './quota.js';
import type { SpooledFile } from './spool.js';

function spooled(id: number, size: number, uploadedAt: number | null): SpooledFile {
  const file = { path: `/${id}`, name: `${id}`, size, modifiedMs: 0, tag: null };
  const whole = { size, sha256: '', md5: '', collectedAt: 0, timeMs: id };
  return {
    id,
    task: 't',
    to: { asset: 'a', point: 'p' },
    file,
    partBytes: 0,
    whole,
    sinks: [],
    uploadedAt,
    isAgain: false,
  };
}

const files = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 50 }), fc.option(fc.integer({ min: 1, max: 1_000 }))), { maxLength: 12 })
  .map((list) => list.map(([size, uploadedAt], i) => spooled(i + 1, size, uploadedAt)));

describe('room for files', () => {
  it('is made from delivered files alone, the one delivered first before others, and no more than is needed', () => {
    fc.assert(
      fc.property(files, fc.integer({ min: 0, max: 120 }), (list, bytes) => {
        const keep = { ms: 0, bytes: 100 };
        const used = list.reduce((sum, one) => sum + keptBytes(one), 0);
        const waiting = list.filter((one) => one.uploadedAt === null).reduce((sum, one) => sum + keptBytes(one), 0);
        const room = makeRoom(list, bytes, keep);
        if (bytes > 100) expect(room.kind).toBe('too-large');
        else if (waiting + bytes > 100) expect(room).toEqual({ kind: 'full', waitingBytes: waiting });
        else {
          if (room.kind !== 'free') throw new Error(room.kind);
          const dropped = room.drop.map((id) => list.find((one) => one.id === id) as SpooledFile);
          const freed = dropped.reduce((sum, one) => sum + keptBytes(one), 0);
          expect(used - freed + bytes).toBeLessThanOrEqual(100);
          expect(dropped.every((one) => one.uploadedAt !== null)).toBe(true);
          const times = dropped.map((one) => one.uploadedAt ?? 0);
          expect(times).toEqual([...times].sort((a, b) => a - b));
          const last = dropped.at(-1);
          if (last) expect(used - freed + keptBytes(last) + bytes).toBeGreaterThan(100);
        }
      }),
    );
  });

  it('is not made by age from what no cloud has', () => {
    const list = [spooled(1, 5, null), spooled(2, 5, 1_000), spooled(3, 5, 5_000)];
    expect(outdated(list, 7_000, { ms: 3_000, bytes: 1 })).toEqual([2]);
  });
});
