import type { Clock } from '@busbar/model';

export const LEASE_MS = 4_000;
/** The wall clock may differ so much from the monotonic one between two looks before an answer's age is not believed. */
const MAX_DRIFT_MS = 250;

/**
 * May this process still act for what the group gave it? Runs from the moment the last answered heartbeat was sent,
 * since a process frozen in between must not thaw with a fresh lease (runtime contracts, section 2).
 */
export class Lease {
  readonly #clock: Clock;
  #isMember = false;
  #isStepped = false;
  #sentMs = Number.NEGATIVE_INFINITY;
  #refusedMs = Number.NEGATIVE_INFINITY;
  #wallAheadMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#wallAheadMs = this.#lookAtClocks();
  }

  /** A heartbeat or sync was answered well, this long (by the wall clock) after it was sent. */
  answered(tookMs: number): void {
    this.look();
    // The wall clock may have been set while this answer was under way: nobody knows when it was sent. The next one is
    // sent after this.
    const isDoubtful = this.#isStepped;
    this.#isStepped = false;
    if (isDoubtful) return;
    this.#isMember = true;
    this.#sentMs = Math.max(this.#sentMs, this.#clock.monotonicMs() - Math.max(0, tookMs));
  }

  /** Called each second, so that slow drift is not taken for a step of the wall clock. */
  look(): void {
    const before = this.#wallAheadMs;
    this.#wallAheadMs = this.#lookAtClocks();
    if (Math.abs(this.#wallAheadMs - before) > MAX_DRIFT_MS) this.#isStepped = true;
  }

  /** Every broker refused a connection asked for at this monotonic time: until then nobody else was given anything. */
  refused(askedMs: number): void {
    if (this.#isMember && askedMs < this.#readsUntilMs) this.#refusedMs = Math.max(this.#refusedMs, askedMs);
  }

  /** No member any more. */
  end(): void {
    this.#isMember = false;
    this.#sentMs = Number.NEGATIVE_INFINITY;
    this.#refusedMs = Number.NEGATIVE_INFINITY;
  }

  isValid(use: 'read' | 'write'): boolean {
    const now = this.#clock.monotonicMs();
    return this.#isMember && now < (use === 'write' ? this.#sentMs + LEASE_MS : this.#readsUntilMs);
  }

  get #readsUntilMs(): number {
    return Math.max(this.#sentMs, this.#refusedMs) + LEASE_MS;
  }

  #lookAtClocks(): number {
    return this.#clock.wallMs() - this.#clock.monotonicMs();
  }
}
