import type { Deadline } from '@busbar/events';

/** Both clocks at one moment, and the boot to which the monotonic one belongs: the form of a deadline that is now. */
export type Now = Deadline;

/** What clocks of two nodes may differ by: another node's deadline is over this much earlier (control.md 3). */
const FOREIGN_MARGIN_MS = 1000;

/** The moment `ms` from now. */
export function makeDeadline(now: Now, ms: number): Deadline {
  return { bootId: now.bootId, monotonicMs: now.monotonicMs + ms, wallMs: now.wallMs + ms };
}

/** Same boot: the monotonic clock alone counts. Another: the wall clock, less one second. Negative when over. */
export function remainingMs(deadline: Deadline, now: Now): number {
  return deadline.bootId === now.bootId
    ? deadline.monotonicMs - now.monotonicMs
    : deadline.wallMs - FOREIGN_MARGIN_MS - now.wallMs;
}

/** True from the very moment of the deadline on. */
export function isPast(deadline: Deadline, now: Now): boolean {
  return remainingMs(deadline, now) <= 0;
}

export function earlierOf(a: Deadline, b: Deadline, now: Now): Deadline {
  return remainingMs(a, now) <= remainingMs(b, now) ? a : b;
}

/** How long a request lives: as asked, else the policy's; longer than the policy allows is cut, and the asker told so. */
export function expiryOf(
  askedMs: number | undefined,
  limits: { readonly expiryMs: number; readonly maxExpiryMs: number },
): { readonly ms: number; readonly isCut: boolean } {
  const ms = askedMs ?? limits.expiryMs;
  return ms > limits.maxExpiryMs ? { ms: limits.maxExpiryMs, isCut: true } : { ms, isCut: false };
}
