import { localTime } from '@busbar/model';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isInWindow, nextRun } from './schedule.js';

const at = (text: string) => Date.parse(text);
const minute = fc.integer({ min: 0, max: 1_439 });
const zone = fc.constantFrom('UTC', 'Asia/Shanghai', 'Europe/Berlin', 'America/St_Johns');

describe('when a task runs', () => {
  it('is at once first, then after its period', () => {
    const every = { everyMs: 900_000, window: null };
    expect(nextRun(every, { lastMs: null, nowMs: 5_000, timezone: 'UTC' })).toBe(5_000);
    expect(nextRun(every, { lastMs: 5_000, nowMs: 6_000, timezone: 'UTC' })).toBe(905_000);
    expect(nextRun({ everyMs: null, window: null }, { lastMs: null, nowMs: 0, timezone: 'UTC' })).toBeNull();
  });

  it('is when its window opens, by the clock of the site', () => {
    const night = { everyMs: 900_000, window: { from: 22 * 60, to: 6 * 60 } };
    const noon = at('2026-03-04T04:00:00Z');
    expect(nextRun(night, { lastMs: null, nowMs: noon, timezone: 'Asia/Shanghai' })).toBe(at('2026-03-04T14:00:00Z'));
    expect(nextRun(night, { lastMs: null, nowMs: at('2026-03-04T20:00:00Z'), timezone: 'Asia/Shanghai' })).toBe(
      at('2026-03-04T20:00:00Z'),
    );
  });

  it('does not wait longer than the period after the clock was set back', () => {
    expect(
      nextRun(
        { everyMs: 1_000, window: null },
        { lastMs: at('2030-01-01T00:00Z'), nowMs: at('2026-01-01T00:00Z'), timezone: 'UTC' },
      ),
    ).toBe(at('2026-01-01T00:00:01Z'));
  });

  it('is never outside of its window, nor in the past', () => {
    const moment = fc.integer({ min: at('2020-01-01T00:00Z'), max: at('2035-01-01T00:00Z') });
    fc.assert(
      fc.property(minute, minute, moment, zone, (from, to, nowMs, timezone) => {
        fc.pre(from !== to);
        const window = { from, to };
        const next = nextRun({ everyMs: 60_000, window }, { lastMs: null, nowMs, timezone }) ?? 0;
        expect(next).toBeGreaterThanOrEqual(nowMs);
        const local = localTime(next, timezone);
        // A window that lies in the hour that a clock skips is not met that day.
        expect(isInWindow(local.hour * 60 + local.minute, window) || next - nowMs > 86_400_000).toBe(true);
      }),
      { numRuns: 60 },
    );
  });
});
