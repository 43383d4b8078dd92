import type { FileTaskConfig } from '@busbar/events';
import { localTime } from '@busbar/model';
import { nextCron } from './cron.js';

const MINUTE_MS = 60_000;
const DAY_MINUTES = 1_440;

export type Schedule = Pick<FileTaskConfig, 'everyMs' | 'window' | 'cron'>;

/** What is known of a task when it is asked for its next run; epoch ms. */
export interface Reach {
  /** When the last run of this owner was over; null: it had none. */
  readonly lastMs: number | null;
  /** Starts by cron until then have been met. */
  readonly metMs: number;
  readonly nowMs: number;
  readonly timezone: string;
}

/** Is this minute of the day in the window? Its end is not; it may go over midnight. */
export function isInWindow(minute: number, window: FileTaskConfig['window']): boolean {
  if (!window) return true;
  const { from, to } = window;
  return from < to ? minute >= from && minute < to : minute >= from || minute < to;
}

/**
 * When a task runs next by itself, epoch ms: at its period, or when its window opens (the site's clock; a day of 23 or
 * 25 hours included), or at the first start by cron that was not met yet, however many were. null: only when asked.
 */
export function nextRun({ everyMs, window, cron }: Schedule, { lastMs, metMs, nowMs, timezone }: Reach): number | null {
  if (cron !== undefined) {
    const next = nextCron(cron, timezone, metMs);
    return next === null ? null : Math.max(next, nowMs);
  }
  if (everyMs === null) return null;
  // A clock set back must not make it wait longer than its period.
  const due = lastMs === null ? nowMs : Math.max(nowMs, Math.min(lastMs, nowMs) + everyMs);
  if (!window) return due;
  let at = due;
  for (let step = 0; step <= 2 * DAY_MINUTES; step++) {
    const { hour, minute } = localTime(at, timezone);
    if (isInWindow(hour * 60 + minute, window)) return at;
    at = (Math.floor(at / MINUTE_MS) + 1) * MINUTE_MS;
  }
  return at;
}
