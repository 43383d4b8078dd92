import type { End, Grant } from '@busbar/events';
import { isPast, type Now } from './deadline.js';

export interface Admission {
  readonly grant: Grant;
  /** The epoch under which the executor holds the connection. */
  readonly epoch: string;
  /** The highest term that it has seen on `control.held` or in a grant. */
  readonly highestTerm: number;
  /** `lease('write')` of its ownership, asked in this very turn of the event loop. */
  readonly lease: boolean;
  /** A write of this grant was carried out already: the permit was for its start, the request's expiry still counts. */
  readonly isBegun?: boolean;
  readonly now: Now;
}

/**
 * The executor's gate: asked last, in one turn of the event loop with the first byte (control.md 4). Anything but
 * `execute` means that not a byte may be sent, and says which end that is.
 *
 * An executor publishes that end only for a grant of its own epoch and of the highest term. Another epoch's grant may
 * have been started by its own executor, a lower term's may have its end already: these are dropped and counted, and
 * the arbiter gives their end.
 */
export function admit({ grant, epoch, highestTerm, lease, isBegun = false, now }: Admission): 'execute' | End {
  if (grant.executor.epoch !== epoch) return { kind: 'expired', reason: 'EPOCH' };
  if (grant.term < highestTerm) return { kind: 'expired', reason: 'TERM' };
  if (isPast(grant.request.expiresAt, now)) return { kind: 'expired', reason: 'DEADLINE' };
  if (!isBegun && isPast(grant.permitUntil, now)) return { kind: 'expired', reason: 'PERMIT' };
  // Without the lease the epoch may be over already, and another executor at work.
  if (!lease) return { kind: 'expired', reason: 'EPOCH' };
  return 'execute';
}
