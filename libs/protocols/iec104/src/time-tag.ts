import { requireInteger } from './refuse.js';
import type { CivilTime, TimeZone } from './time-zone.js';

/** CP56Time2a (IEC 60870-5-101 §7.2.6.18) as it stands on the wire, which need not be a time of the calendar. */
export interface TimeTag extends CivilTime {
  /** 1 Monday to 7 Sunday; 0 not used. */
  readonly weekday: number;
  /** IV: the clock was not synchronized. */
  readonly isInvalid: boolean;
  /** Not the source's own stamp, another clock stood in for it. */
  readonly isSubstituted: boolean;
}

/** Bits of the minute octet of a time tag. */
export const TIME_BIT = { substituted: 0x40, invalid: 0x80 } as const;

const YEAR_MIN = 2000;
const YEAR_MAX = 2127;
const HALF_HOUR_MS = 1_800_000;
const HOUR_MS = 3_600_000;

const LIMITS = {
  millisecond: { min: 0, max: 0xffff },
  minute: { min: 0, max: 0x3f },
  hour: { min: 0, max: 0x1f },
  day: { min: 0, max: 0x1f },
  weekday: { min: 0, max: 7 },
  month: { min: 0, max: 0x0f },
  year: { min: YEAR_MIN, max: YEAR_MAX },
} as const;

const LIMITED = Object.keys(LIMITS) as (keyof typeof LIMITS)[];

/** Of CP24 only minute, milliseconds and the two marks; hour, day and month are 0 then. */
export function readTimeTag(octets: Uint8Array, at: number, timeOctets: 3 | 7): TimeTag {
  const minute = octets[at + 2] ?? 0;
  const hasDate = timeOctets === 7;
  const hour = hasDate ? (octets[at + 3] ?? 0) : 0;
  const day = hasDate ? (octets[at + 4] ?? 0) : 0;
  return {
    year: YEAR_MIN + (hasDate ? (octets[at + 6] ?? 0) & 0x7f : 0),
    month: hasDate ? (octets[at + 5] ?? 0) & 0x0f : 0,
    day: day & 0x1f,
    weekday: day >> 5,
    hour: hour & 0x1f,
    minute: minute & 0x3f,
    millisecond: (octets[at] ?? 0) | ((octets[at + 1] ?? 0) << 8),
    isSummer: (hour & 0x80) !== 0,
    isSubstituted: (minute & TIME_BIT.substituted) !== 0,
    isInvalid: (minute & TIME_BIT.invalid) !== 0,
  };
}

/** 3 octets for CP24, 7 for CP56. Throws FRAME_INVALID for a field beyond its bits. */
export function timeTagOctets(tag: TimeTag, timeOctets: 3 | 7): Uint8Array {
  for (const name of LIMITED) requireInteger(name, tag[name], LIMITS[name]);
  const octets = new Uint8Array(7);
  writeFields(octets, 0, tag, (tag.isSubstituted ? TIME_BIT.substituted : 0) | (tag.isInvalid ? TIME_BIT.invalid : 0));
  octets[4] = tag.day | (tag.weekday << 5);
  return octets.subarray(0, timeOctets);
}

function writeFields(octets: Uint8Array, at: number, civil: CivilTime, marks: number): void {
  octets[at] = civil.millisecond & 0xff;
  octets[at + 1] = civil.millisecond >> 8;
  octets[at + 2] = civil.minute | marks;
  octets[at + 3] = civil.hour | (civil.isSummer ? 0x80 : 0);
  octets[at + 4] = civil.day;
  octets[at + 5] = civil.month;
  octets[at + 6] = civil.year - YEAR_MIN;
}

/** Writes CP56 tags in a station's zone; never throws. */
export class TimeTagWriter {
  constructor(private readonly zone: TimeZone) {}

  /**
   * @param marks TIME_BIT bits.
   * A time outside the years 2000 to 2127 cannot be told: 1 January 2000, marked invalid, stands for it.
   */
  put(octets: Uint8Array, at: number, epochMs: number, marks: number): void {
    const civil = Number.isFinite(epochMs) ? this.zone.toCivil(Math.floor(epochMs)) : null;
    if (civil === null || !(civil.year >= YEAR_MIN && civil.year <= YEAR_MAX)) {
      octets.fill(0, at, at + 7);
      octets[at + 2] = (marks & TIME_BIT.substituted) | TIME_BIT.invalid;
      octets[at + 4] = 1;
      octets[at + 5] = 1;
      return;
    }
    writeFields(octets, at, civil, marks & (TIME_BIT.substituted | TIME_BIT.invalid));
    const weekday = new Date(Date.UTC(civil.year, civil.month - 1, civil.day)).getUTCDay();
    octets[at + 4] = civil.day | ((weekday === 0 ? 7 : weekday) << 5);
  }
}

/** The tag of an instant; for single commands and answers, TimeTagWriter for many. */
export function toTimeTag(epochMs: number, zone: TimeZone, marks = 0): TimeTag {
  const octets = new Uint8Array(7);
  new TimeTagWriter(zone).put(octets, 0, epochMs, marks);
  return readTimeTag(octets, 0, 7);
}

/**
 * The instant of a CP56 tag; null if it is no time of the calendar or of the zone (a clock that was never set).
 * The marks are the caller's to judge.
 */
export function timeTagEpochMs(tag: TimeTag, zone: TimeZone): number | null {
  return zone.toEpoch(tag);
}

/** The instant of a CP24 tag: the one nearest to `nearMs`, within half an hour; null for minute or seconds beyond 59. */
export function shortTimeTagEpochMs(tag: TimeTag, zone: TimeZone, nearMs: number): number | null {
  if (tag.minute > 59 || tag.millisecond > 59_999) return null;
  const near = zone.toCivil(nearMs);
  const ahead = (tag.minute - near.minute) * 60_000 + tag.millisecond - near.millisecond;
  return nearMs + ((((ahead + HALF_HOUR_MS) % HOUR_MS) + HOUR_MS) % HOUR_MS) - HALF_HOUR_MS;
}
