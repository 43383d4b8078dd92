import { BatchBuilder, type SampleBatch, type SideValue, sourceMs, valueAt } from '@busbar/batch';
import type { UploadRule } from '@busbar/events';
import { bad, GOOD, type Quality, uncertain } from '@busbar/model';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UploadProfile } from './profile.js';
import { UploadPolicy } from './upload-policy.js';

type PointValue = number | SideValue;
interface Put {
  readonly point: number;
  readonly value: PointValue;
  readonly quality?: Quality;
}

function batchOf(puts: readonly Put[], atMs: number): SampleBatch {
  const builder = new BatchBuilder(puts.length, 1_000_000);
  for (const { point, value, quality = GOOD } of puts) {
    if (typeof value === 'number') builder.put(point, value, quality, 1_000_000 + atMs);
    else builder.putSide(point, value, quality, 1_000_000 + atMs);
  }
  return builder.finish({ kind: 'points', key: 'a', generation: 1, collectedMs: 1_000_000 + atMs });
}

function rule(type: UploadRule['type'], intervalMs = 0, deadband = 0): UploadRule {
  return { type, intervalMs, deadband };
}

function policyOf(...rules: readonly UploadRule[]): UploadPolicy {
  return new UploadPolicy(new UploadProfile(rules.map((each, i) => ({ number: i + 1, rule: each }))));
}

function selected(policy: UploadPolicy, puts: readonly Put[], atMs: number): number[] {
  const into = new Int32Array(puts.length);
  return [...into.subarray(0, policy.select(batchOf(puts, atMs), atMs, into))];
}

/** Feeds one point once a second and tells which values were sent. */
function sentOf(each: UploadRule, values: readonly PointValue[]): PointValue[] {
  const policy = policyOf(each);
  return values.filter((value, second) => selected(policy, [{ point: 1, value }], second * 1000).length === 1);
}

function dueOf(policy: UploadPolicy, nowMs: number) {
  const out = new BatchBuilder(4, 1_000_000);
  policy.due(nowMs, out);
  const batch = out.finish({ kind: 'points', key: 'a', generation: 1, collectedMs: policy.collectedMs });
  return Array.from({ length: batch.count }, (_, i) => ({
    point: batch.handles[i],
    value: valueAt(batch, i),
    atMs: sourceMs(batch, i) - 1_000_000,
  }));
}

describe('upload policy', () => {
  it('sends every value when REALTIME, none when NOT_UPLOAD or not in the profile', () => {
    expect(sentOf(rule('REALTIME'), [1, 1, 1])).toEqual([1, 1, 1]);
    expect(sentOf(rule('NOT_UPLOAD'), [1, 2, 3])).toEqual([]);
    expect(selected(policyOf(rule('REALTIME')), [{ point: 9, value: 1 }], 0)).toEqual([]);
  });

  it('sends the first value and every change when CHANGE', () => {
    expect(sentOf(rule('CHANGE'), [0, 0, 1, 1, 0, Number.NaN, Number.NaN, 0])).toEqual([0, 1, 0, Number.NaN, 0]);
  });

  it('measures the deadband against the last value sent, and counts a step of its size', () => {
    expect(sentOf(rule('CHANGE', 0, 0.1), [0.2, 0.25, 0.29, 0.3, 0.25, 0.2])).toEqual([0.2, 0.3, 0.2]);
  });

  it('takes another quality for a change', () => {
    const policy = policyOf(rule('CHANGE', 0, 10));
    const qualities = [GOOD, GOOD, uncertain('stale'), uncertain('stale'), uncertain('device'), bad('device'), GOOD];
    const sent = qualities.map((quality, i) => selected(policy, [{ point: 1, value: 5, quality }], i).length);
    expect(sent).toEqual([1, 0, 1, 0, 1, 1, 1]);
  });

  it('compares texts, 64-bit integers, arrays and structs by content', () => {
    const values: SideValue[] = ['a', 'a', 'b', 2n ** 60n, 2n ** 60n, [1, 2], [1, 2], [1, 3], { x: [1] }, { x: [1] }];
    expect(sentOf(rule('CHANGE'), values)).toEqual(['a', 'b', 2n ** 60n, [1, 2], [1, 3], { x: [1] }]);
    expect(sentOf(rule('CHANGE'), ['a', Number.NaN, 3, 'a'])).toEqual(['a', Number.NaN, 3, 'a']);
  });

  it('sends on a beat that does not drift when TIMER', () => {
    const policy = policyOf(rule('TIMER', 2500));
    const sent = Array.from({ length: 11 }, (_, s) => s).filter(
      (s) => selected(policy, [{ point: 1, value: s }], s * 1000).length === 1,
    );
    expect(sent).toEqual([0, 3, 5, 8, 10]);
  });

  it('hands out at the beat what arrived before it, with its own time, and nothing if nothing arrived', () => {
    const policy = policyOf(rule('TIMER', 60_000));
    selected(policy, [{ point: 1, value: 1 }], 0);
    expect(policy.wakeAtMs).toBe(Number.POSITIVE_INFINITY);
    selected(policy, [{ point: 1, value: 2 }], 45_000);
    expect(policy.explain(1)).toEqual({ decision: 'not-due', atMs: 45_000 });
    expect(policy.wakeAtMs).toBe(60_000);
    expect(dueOf(policy, 59_999)).toEqual([]);
    expect(dueOf(policy, 60_000)).toEqual([{ point: 1, value: 2, atMs: 45_000 }]);
    expect(policy.explain(1)).toEqual({ decision: 'sent', atMs: 60_000 });
    expect(dueOf(policy, 500_000)).toEqual([]);
    expect(policy.wakeAtMs).toBe(Number.POSITIVE_INFINITY);
  });

  it('hands out texts at the beat too', () => {
    const policy = policyOf(rule('TIMER', 1000));
    selected(policy, [{ point: 1, value: 'a' }], 0);
    selected(policy, [{ point: 1, value: 'b' }], 500);
    expect(dueOf(policy, 1000)).toEqual([{ point: 1, value: 'b', atMs: 500 }]);
  });

  it('sends changes at once and otherwise each period when CHANGE_TIMER', () => {
    const values = [1, 1, 1, 2, 2, 2, 2, 2, 2];
    const policy = policyOf(rule('CHANGE_TIMER', 3000));
    const sent = values.map((value, s) => selected(policy, [{ point: 1, value }], s * 1000).length);
    expect(sent).toEqual([1, 0, 0, 1, 0, 0, 1, 0, 0]);
    expect(policy.explain(1)).toEqual({ decision: 'unchanged', atMs: 8000 });
  });

  it('sends the next value of a point whose selection was given up', () => {
    const policy = policyOf(rule('CHANGE'), rule('CHANGE'));
    const batch = batchOf(
      [
        { point: 1, value: 1 },
        { point: 2, value: 1 },
      ],
      0,
    );
    const into = new Int32Array(2);
    expect(policy.select(batch, 0, into)).toBe(2);
    policy.release(batch, into, 1);
    expect(policy.select(batch, 1, into)).toBe(1);
    expect(into[0]).toBe(0);
  });

  it('explains what it never saw and what it never sends', () => {
    const policy = policyOf(rule('CHANGE'), rule('NOT_UPLOAD'));
    selected(policy, [{ point: 2, value: 1 }], 7);
    expect(policy.explain(1)).toEqual({ decision: 'never-seen', atMs: Number.NaN });
    expect(policy.explain(2)).toEqual({ decision: 'not-uploaded', atMs: 7 });
    expect(policy.explain(99).decision).toBe('not-uploaded');
  });
});

/** The same rules, one object per point and no thrift. */
class NaivePoint {
  sent: { value: PointValue; quality: Quality } | null = null;
  due = 0;
  waiting: { value: PointValue; quality: Quality } | null = null;

  constructor(readonly rule: UploadRule) {}

  offer(value: PointValue, quality: Quality, now: number): boolean {
    const { type } = this.rule;
    if (type === 'NOT_UPLOAD') return false;
    const isTimed = type === 'TIMER' || type === 'CHANGE_TIMER';
    const changed = !this.sent || quality !== this.sent.quality || this.#differs(value, this.sent.value);
    const isDue = isTimed && now >= this.due;
    const send =
      type === 'REALTIME' || !this.sent || ((type === 'CHANGE' || type === 'CHANGE_TIMER') && changed) || isDue;
    if (send) this.#send(value, quality, now);
    else if (isTimed) this.waiting = { value, quality };
    return send;
  }

  wake(now: number): PointValue | undefined {
    if (!this.waiting || now < this.due) return undefined;
    const { value, quality } = this.waiting;
    this.#send(value, quality, now);
    return value;
  }

  #send(value: PointValue, quality: Quality, now: number): void {
    if (this.rule.type === 'TIMER' && this.sent) while (this.due <= now) this.due += this.rule.intervalMs;
    else this.due = now + this.rule.intervalMs;
    this.sent = { value, quality };
    this.waiting = null;
  }

  #differs(a: PointValue, b: PointValue): boolean {
    if (typeof a !== 'number' || typeof b !== 'number') return a !== b;
    if (Number.isNaN(a) || Number.isNaN(b)) return !Object.is(a, b);
    return a !== b && Math.abs(a - b) >= this.rule.deadband;
  }
}

describe('upload policy against its naive model', () => {
  const rules = fc.array(
    fc.record({
      type: fc.constantFrom<UploadRule['type']>('REALTIME', 'CHANGE', 'TIMER', 'CHANGE_TIMER', 'NOT_UPLOAD'),
      intervalMs: fc.integer({ min: 1, max: 40 }),
      deadband: fc.constantFrom(0, 1, 2),
    }),
    { minLength: 1, maxLength: 4 },
  );
  const value = fc.oneof(fc.integer({ min: 0, max: 4 }), fc.constantFrom<PointValue>(Number.NaN, 'x', 'y', 5n));
  const put = fc.record({
    point: fc.integer({ min: 1, max: 5 }),
    value,
    quality: fc.constantFrom(GOOD, uncertain('stale')),
  });
  const step = fc.record({
    afterMs: fc.integer({ min: 0, max: 25 }),
    puts: fc.array(put, { maxLength: 6 }),
    asksDue: fc.boolean(),
  });

  it('decides the same for any rules, values and times', () => {
    fc.assert(
      fc.property(rules, fc.array(step, { maxLength: 25 }), (each, steps) => {
        const policy = policyOf(...each);
        const naive = each.map((r) => new NaivePoint(r));
        let now = 0;
        for (const { afterMs, puts, asksDue } of steps) {
          now += afterMs;
          if (asksDue) {
            const expected = naive.flatMap((point, i) => {
              const sent = point.wake(now);
              return sent === undefined ? [] : [{ point: i + 1, value: Number.isNaN(sent) ? undefined : sent }];
            });
            expect(dueOf(policy, now)).toMatchObject(expected);
          }
          const expected = [...puts.keys()].filter((i) => {
            const { point, value: v, quality } = puts[i] as Required<Put>;
            return naive[point - 1]?.offer(v, quality, now) ?? false;
          });
          expect(selected(policy, puts, now)).toEqual(expected);
          const waiting = naive.filter((point) => point.waiting).map((point) => point.due);
          expect(policy.wakeAtMs).toBeLessThanOrEqual(Math.min(...waiting));
        }
      }),
      { numRuns: 500 },
    );
  });
});
