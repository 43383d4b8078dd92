import type { ControlRequest } from '@busbar/events';
import { type Finding, fact } from './check.js';
import { isPast, makeDeadline, remainingMs } from './deadline.js';
import type { Turn } from './turn.js';

/** So many at once, and one more each `EACH_MS`. */
const MOST = 20;
const EACH_MS = 200;

/**
 * Rule 12: nobody wears out a device. Per source and point, since a cloud that curtails a hundred inverters at once asks
 * for nothing unusual. A dry run is judged alike, and takes nothing away.
 */
export function checkRate({ state, context: { now } }: Turn, { origin, dryRun, items }: ControlRequest): Finding[] {
  if (origin.kind === 'busbar') return [];
  const rests = items.map(({ point }) => {
    const key = `${origin.source} ${point}`;
    const before = state.allowances.get(key);
    return { key, restMs: before ? Math.max(0, remainingMs(before, now)) : 0 };
  });
  if (rests.some(({ restMs }) => restMs + EACH_MS > MOST * EACH_MS)) {
    const rate = `${MOST} at once, then ${1000 / EACH_MS} per second`;
    return [{ rule: 'RATE', facts: [fact('source', origin.source), fact('rate', rate)] }];
  }
  if (!dryRun) for (const { key, restMs } of rests) state.allowances.set(key, makeDeadline(now, restMs + EACH_MS));
  return [];
}

/** Who may ask as much as anybody again needs no memory. */
export function sweepRates({ state, context: { now } }: Turn): void {
  for (const [source, isWholeAt] of state.allowances) if (isPast(isWholeAt, now)) state.allowances.delete(source);
}
