import { cronProblem, localTime } from '@busbar/model';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nextCron } from './cron.js';
import { isInWindow, nextRun } from './schedule.js';

const at = (text: string) => Date.parse(text);
const minute = fc.integer({ min: 0, max: 1_439 });
const zone = fc.constantFrom('UTC', 'Asia/Shanghai', 'Europe/Berlin', 'America/St_Johns');

describe('when a task runs', () => {
  it('is at once first, then after its period', () => {
    const every = { everyMs: 900_000, window: null };
    expect(nextRun(every, { lastMs: null, metMs: 0, nowMs: 5_000, timezone: 'UTC' })).toBe(5_000);
    expect(nextRun(every, { lastMs: 5_000, metMs: 0, nowMs: 6_000, timezone: 'UTC' })).toBe(905_000);
    expect(nextRun({ everyMs: null, window: null }, { lastMs: null, metMs: 0, nowMs: 0, timezone: 'UTC' })).toBeNull();
  });

  it('is when its window opens, by the clock of the site', () => {
    const night = { everyMs: 900_000, window: { from: 22 * 60, to: 6 * 60 } };
    const noon = at('2026-03-04T04:00:00Z');
    expect(nextRun(night, { lastMs: null, metMs: 0, nowMs: noon, timezone: 'Asia/Shanghai' })).toBe(
      at('2026-03-04T14:00:00Z'),
    );
    expect(
      nextRun(night, { lastMs: null, metMs: 0, nowMs: at('2026-03-04T20:00:00Z'), timezone: 'Asia/Shanghai' }),
    ).toBe(at('2026-03-04T20:00:00Z'));
  });

  it('does not wait longer than the period after the clock was set back', () => {
    expect(
      nextRun(
        { everyMs: 1_000, window: null },
        { metMs: 0, lastMs: at('2030-01-01T00:00Z'), nowMs: at('2026-01-01T00:00Z'), timezone: 'UTC' },
      ),
    ).toBe(at('2026-01-01T00:00:01Z'));
  });

  it('is never outside of its window, nor in the past', () => {
    const moment = fc.integer({ min: at('2020-01-01T00:00Z'), max: at('2035-01-01T00:00Z') });
    fc.assert(
      fc.property(minute, minute, moment, zone, (from, to, nowMs, timezone) => {
        fc.pre(from !== to);
        const window = { from, to };
        const next = nextRun({ everyMs: 60_000, window }, { lastMs: null, metMs: 0, nowMs, timezone }) ?? 0;
        expect(next).toBeGreaterThanOrEqual(nowMs);
        const local = localTime(next, timezone);
        // A window that lies in the hour that a clock skips is not met that day.
        expect(isInWindow(local.hour * 60 + local.minute, window) || next - nowMs > 86_400_000).toBe(true);
      }),
      { numRuns: 60 },
    );
  });
});

describe('starts by cron', () => {
  const starts = (expression: string, timezone: string, from: string, count: number): string[] => {
    const found: string[] = [];
    for (let last = at(from); found.length < count; ) {
      last = nextCron(expression, timezone, last) ?? Number.NaN;
      found.push(new Date(last).toISOString().slice(5, 16));
    }
    return found;
  };

  it('come by the clock of the site, and in the hour that it skips when that hour ends', () => {
    const nights = ['03-29T01:00', '03-30T00:30', '03-31T00:30'];
    expect(starts('30 2 * * *', 'Europe/Berlin', '2026-03-28T12:00:00Z', 3)).toEqual(nights);
  });

  it('come once in the hour that it repeats, and by steps in both of them', () => {
    const nights = ['10-25T00:30', '10-26T01:30'];
    expect(starts('30 2 * * *', 'Europe/Berlin', '2026-10-24T12:00:00Z', 2)).toEqual(nights);
    const hours = ['10-24T23:30', '10-25T00:30', '10-25T01:30', '10-25T02:30'];
    expect(starts('30 * * * *', 'Europe/Berlin', '2026-10-24T23:10:00Z', 4)).toEqual(hours);
  });

  it('come on either day when both kinds of days are named', () => {
    const days = ['01-02T00:00', '01-09T00:00', '01-13T00:00'];
    expect(starts('0 0 13 * FRI', 'UTC', '2026-01-01T00:00:00Z', 3)).toEqual(days);
  });

  it('come after the moment asked for, for every expression that a package may have', () => {
    const number = (low: number, high: number) => fc.integer({ min: low, max: high });
    const field = (low: number, high: number) =>
      fc.oneof(
        fc.constant('*'),
        number(low, high).map(String),
        fc.tuple(number(low, high), number(low, high)).map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`),
        number(1, 30).map((step) => `*/${step}`),
        fc.tuple(number(low, high), number(low, high)).map(([a, b]) => `${a},${b}`),
      );
    const expression = fc
      .tuple(field(0, 59), field(0, 23), field(1, 31), field(1, 12), field(0, 7))
      .map((fields) => fields.join(' '))
      .filter((text) => cronProblem(text) === undefined);
    const moment = fc.integer({ min: at('2020-01-01T00:00Z'), max: at('2035-01-01T00:00Z') });
    fc.assert(
      fc.property(expression, moment, zone, (text, fromMs, timezone) => {
        const next = nextCron(text, timezone, fromMs);
        expect(next).not.toBeNull();
        expect(next).toBeGreaterThan(fromMs);
      }),
      { numRuns: 200 },
    );
  });
});
