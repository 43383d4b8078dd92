import type { Translate } from '../display.js';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** `3.2 s`, `12 s`, `4 min`, `4 h 51 min`, `3 d 4 h`; rounded down, below 0 as 0. */
export function formatDuration(ms: number, t: Translate): string {
  const size = Math.max(0, ms);
  if (size < 10 * SECOND) return t('age.seconds', { s: (Math.floor(size / 100) / 10).toFixed(1) });
  if (size < MINUTE) return t('age.seconds', { s: Math.floor(size / SECOND) });
  if (size < HOUR) return t('age.minutes', { m: Math.floor(size / MINUTE) });
  if (size < DAY) return t('age.hours', { h: Math.floor(size / HOUR), m: Math.floor((size % HOUR) / MINUTE) });
  return t('age.days', { d: Math.floor(size / DAY), h: Math.floor((size % DAY) / HOUR) });
}

/** A device clock may be this much ahead before it is said. */
const AHEAD_MS = 2000;

/** `3.2 s ago`; a time to come by more than two seconds is said as `ahead`, it means a wrong clock. */
export function formatAge(at: number, now: number, t: Translate): string {
  const age = now - at;
  if (age < -AHEAD_MS) return t('age.ahead', { age: formatDuration(-age, t) });
  return t('age.ago', { age: formatDuration(age, t) });
}
