import { refuse } from './refuse.js';

/** What a clock on the wall shows. */
export interface CivilTime {
  /** With century. */
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  /** 1 to 31. */
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  /** 0 to 59999: the seconds are in it. */
  readonly millisecond: number;
  /** Daylight saving is in force: it tells the two turns of the repeated hour apart. */
  readonly isSummer: boolean;
}

/** A station's zone: IEC 104 times carry none, both sides must know it. */
export interface TimeZone {
  toCivil(epochMs: number): CivilTime;
  /**
   * The instant of this civil time. Null if no such time exists: a field out of range, or an hour that is skipped.
   * Summer time only decides between the two turns of a repeated hour, because many stations never set it.
   */
  toEpoch(civil: CivilTime): number | null;
}

interface Offset {
  readonly ms: number;
  readonly isSummer: boolean;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
const MAX_CACHED = 512;
const NO_OFFSET: Offset = { ms: 0, isSummer: false };

/** Milliseconds as if the civil fields were UTC; null if they are no time of the calendar. */
function civilToWallMs(civil: CivilTime): number | null {
  const { year, month, day, hour, minute, millisecond } = civil;
  if (hour > 23 || minute > 59 || millisecond > 59_999 || month < 1 || month > 12 || day < 1) return null;
  const wallMs = Date.UTC(year, month - 1, day, hour, minute, 0, 0) + millisecond;
  // Day 31 of a short month would roll over.
  return new Date(wallMs).getUTCDate() === day ? wallMs : null;
}

function wallMsToCivil(wallMs: number, isSummer: boolean): CivilTime {
  const date = new Date(wallMs);
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    millisecond: date.getUTCSeconds() * 1000 + date.getUTCMilliseconds(),
    isSummer,
  };
}

export const UTC: TimeZone = {
  toCivil: (epochMs) => wallMsToCivil(epochMs, false),
  toEpoch: civilToWallMs,
};

/** The zone of an IANA name (`Europe/Berlin`) or `UTC`. Throws FRAME_INVALID for a name that is not known. */
export function timeZone(name: string): TimeZone {
  return name === 'UTC' ? UTC : new IanaZone(name);
}

export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

class IanaZone implements TimeZone {
  private readonly format: Intl.DateTimeFormat;
  /** By hour while it holds no change; Intl costs some microseconds per call, a stamp must not. */
  private readonly hours = new Map<number, Offset | 'changes'>();
  private readonly standardMs = new Map<number, number>();

  constructor(name: string) {
    if (!isTimeZone(name)) refuse(`the time zone ${name}, which is no IANA name`);
    this.format = new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      hourCycle: 'h23',
      calendar: 'gregory',
      numberingSystem: 'latn',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  }

  toCivil(epochMs: number): CivilTime {
    const offset = this.offsetAt(epochMs);
    return wallMsToCivil(epochMs + offset.ms, offset.isSummer);
  }

  toEpoch(civil: CivilTime): number | null {
    const wallMs = civilToWallMs(civil);
    if (wallMs === null) return null;
    // The offsets a day before and after are the only candidates: a zone does not change twice in two days.
    const before = this.turn(wallMs, this.offsetAt(wallMs - DAY_MS));
    const after = this.turn(wallMs, this.offsetAt(wallMs + DAY_MS));
    if (before === null || after === null || before.epochMs === after.epochMs)
      return (before ?? after)?.epochMs ?? null;
    return (before.isSummer === civil.isSummer ? before : after).epochMs;
  }

  private turn(wallMs: number, offset: Offset): { epochMs: number; isSummer: boolean } | null {
    const epochMs = wallMs - offset.ms;
    const actual = this.offsetAt(epochMs);
    return actual.ms === offset.ms ? { epochMs, isSummer: actual.isSummer } : null;
  }

  private offsetAt(epochMs: number): Offset {
    const hour = Math.floor(epochMs / HOUR_MS);
    let offset = this.hours.get(hour);
    if (offset === undefined) {
      const first = this.measure(hour * HOUR_MS);
      const next = this.measure((hour + 1) * HOUR_MS);
      offset = first.ms === next.ms && first.isSummer === next.isSummer ? first : 'changes';
      if (this.hours.size >= MAX_CACHED) this.hours.clear();
      this.hours.set(hour, offset);
    }
    return offset === 'changes' ? this.measure(Math.floor(epochMs / MINUTE_MS) * MINUTE_MS) : offset;
  }

  private measure(epochMs: number): Offset {
    const ms = this.offsetMs(epochMs);
    if (Number.isNaN(ms)) return NO_OFFSET;
    return { ms, isSummer: ms > this.standardOffsetMs(new Date(epochMs).getUTCFullYear()) };
  }

  /** The smaller offset of January and July, so that it holds in both hemispheres. */
  private standardOffsetMs(year: number): number {
    let ms = this.standardMs.get(year);
    if (ms === undefined) {
      ms = Math.min(this.offsetMs(Date.UTC(year, 0, 1)), this.offsetMs(Date.UTC(year, 6, 1)));
      if (this.standardMs.size >= MAX_CACHED) this.standardMs.clear();
      this.standardMs.set(year, ms);
    }
    return ms;
  }

  private offsetMs(epochMs: number): number {
    if (!Number.isFinite(epochMs) || Math.abs(epochMs) > 8.64e15) return Number.NaN;
    const fields: Record<string, number> = {};
    for (const { type, value } of this.format.formatToParts(epochMs)) fields[type] = Number(value);
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = fields;
    return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(epochMs / 1000) * 1000;
  }
}
