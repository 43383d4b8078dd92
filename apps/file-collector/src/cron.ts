import { Cron } from 'croner';

/** Expressions of one process; a site has some, never so many. */
const MOST = 1_000;
const known = new Map<string, Cron>();

/**
 * The next start after a moment, epoch ms; null: none comes. By the clock of the site: a start in the hour that the clock
 * skips comes when that hour ends, one in the hour that it repeats comes once, `*` and steps of it in both.
 */
export function nextCron(expression: string, timezone: string, afterMs: number): number | null {
  const key = `${timezone} ${expression}`;
  let cron = known.get(key);
  if (!cron) {
    if (known.size >= MOST) known.clear();
    cron = new Cron(expression, { timezone, mode: '5-part', paused: true });
    known.set(key, cron);
  }
  return cron.nextRun(new Date(afterMs))?.getTime() ?? null;
}
