import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hex, toHex } from './test-frames.js';
import { anyTimeTag } from './test-objects.js';
import {
  readTimeTag,
  shortTimeTagEpochMs,
  TIME_BIT,
  TimeTagWriter,
  timeTagEpochMs,
  timeTagOctets,
  toTimeTag,
} from './time-tag.js';
import { timeZone, UTC } from './time-zone.js';

const captured = hex('31 10 17 08 84 07 0D');
const thatMorning = Date.UTC(2013, 6, 4, 8, 23, 4, 145);
const berlin = timeZone('Europe/Berlin');

describe('time tags', () => {
  it('mean the instant that the zone says', () => {
    const tag = readTimeTag(captured, 0, 7);
    expect(timeTagEpochMs(tag, UTC)).toBe(thatMorning);
    expect(timeTagEpochMs(tag, berlin)).toBe(thatMorning - 2 * 3_600_000);
    expect(timeTagEpochMs(tag, timeZone('Asia/Shanghai'))).toBe(thatMorning - 8 * 3_600_000);
  });

  it('are written with weekday, summer time and marks', () => {
    expect(toHex(timeTagOctets(toTimeTag(thatMorning, UTC), 7))).toBe(toHex(captured));
    const summer = toTimeTag(thatMorning, berlin, TIME_BIT.invalid | TIME_BIT.substituted);
    expect(toHex(timeTagOctets(summer, 7))).toBe(toHex(hex('31 10 D7 8A 84 07 0D')));
    expect(summer).toMatchObject({ hour: 10, isSummer: true, isInvalid: true, isSubstituted: true, weekday: 4 });
    expect(toTimeTag(Date.UTC(2026, 10, 1), UTC).weekday).toBe(7);
  });

  it('come back with each bit they had', () => {
    fc.assert(
      fc.property(anyTimeTag, (tag) => {
        expect(readTimeTag(timeTagOctets(tag, 7), 0, 7)).toEqual(tag);
      }),
    );
  });

  it('of a clock that was never set are no instant', () => {
    expect(timeTagEpochMs(readTimeTag(new Uint8Array(7), 0, 7), UTC)).toBeNull();
  });

  it('beyond their 128 years are marked invalid instead of wrong', () => {
    for (const epochMs of [Number.NaN, Number.POSITIVE_INFINITY, 0, Date.UTC(2128, 0, 1), 1e300]) {
      for (const zone of [UTC, berlin]) {
        const octets = new Uint8Array(9).fill(0xee);
        new TimeTagWriter(zone).put(octets, 1, epochMs, 0);
        expect(toHex(octets)).toBe('ee00008000010100ee');
      }
    }
    expect(toTimeTag(Date.UTC(2127, 11, 31), UTC)).toMatchObject({ year: 2127, isInvalid: false });
    expect(toTimeTag(Date.UTC(2000, 0, 1), UTC)).toMatchObject({ year: 2000, isInvalid: false });
  });

  it('refuse a field beyond its bits', () => {
    const tag = readTimeTag(captured, 0, 7);
    expect(() => timeTagOctets({ ...tag, year: 1999 }, 7)).toThrow(/year 1999/);
    expect(() => timeTagOctets({ ...tag, minute: 64 }, 7)).toThrow(/minute 64/);
  });

  it('without a date mean the nearest such minute', () => {
    const kathmandu = timeZone('Asia/Kathmandu');
    fc.assert(
      fc.property(
        fc.integer({ min: Date.UTC(2020, 0, 1), max: Date.UTC(2030, 0, 1) }),
        fc.integer({ min: -1_799_999, max: 1_799_999 }),
        fc.constantFrom(UTC, kathmandu),
        (nearMs, ahead, zone) => {
          const { minute, millisecond } = zone.toCivil(nearMs + ahead);
          const tag = { ...readTimeTag(new Uint8Array(3), 0, 3), minute, millisecond };
          expect(shortTimeTagEpochMs(tag, zone, nearMs)).toBe(nearMs + ahead);
        },
      ),
    );
    const tag = readTimeTag(hex('31 10 3C'), 0, 3);
    expect(shortTimeTagEpochMs(tag, UTC, thatMorning)).toBeNull();
  });
});
