import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatClock, formatIso, formatOffset, formatTime, isZone } from './format-time.js';

const at = Date.UTC(2026, 10, 4, 6, 3, 22, 131);

describe('times', () => {
  it('are those of the site, with milliseconds', () => {
    expect(formatClock(at, 'Asia/Shanghai')).toBe('14:03:22.131');
    expect(formatOffset(at, 'Asia/Shanghai')).toBe('UTC+08:00');
    expect(formatOffset(at, 'America/St_Johns')).toBe('UTC-03:30');
  });

  it('carry the day when it is not today', () => {
    expect(formatTime(at, at + 1000, 'Asia/Shanghai')).toBe('14:03:22.131');
    expect(formatTime(at, at + 86_400_000, 'Asia/Shanghai')).toBe('2026-11-04 14:03:22.131');
  });

  it('follow the summer time of the zone', () => {
    expect(formatClock(Date.UTC(2026, 2, 29, 0, 59, 59), 'Europe/Berlin')).toBe('01:59:59.000');
    expect(formatClock(Date.UTC(2026, 2, 29, 1, 0, 0), 'Europe/Berlin')).toBe('03:00:00.000');
  });

  it('come back from the copied form to the millisecond', () => {
    const zone = fc.constantFrom('Asia/Shanghai', 'Europe/Berlin', 'America/St_Johns', 'UTC');
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4e12 - 1 }), zone, (time, name) => {
        expect(Date.parse(formatIso(time, name))).toBe(time);
      }),
    );
  });

  it('say ? for what is no time at all', () => {
    expect(formatClock(Number.NaN, 'UTC')).toBe('?');
    expect(formatIso(9e15, 'UTC')).toBe('?');
    expect(isZone('Mars/Base')).toBe(false);
  });
});
