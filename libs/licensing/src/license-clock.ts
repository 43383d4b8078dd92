import type { Clock } from '@busbar/model';

/**
 * Time as licenses count it: never before the highest wall time that this site has seen, and going on from there with
 * the monotonic clock. A wall clock that is set back gains nothing, while the process runs or while it does not.
 */
export class LicenseClock {
  readonly #clock: Clock;
  #highestMs: number;
  #monotonicMs: number;

  /** @param knownMs highest time kept from before, epoch ms; 0: none. */
  constructor(clock: Clock, knownMs: number) {
    this.#clock = clock;
    this.#highestMs = knownMs;
    this.#monotonicMs = clock.monotonicMs();
  }

  /** Epoch ms, never less than before; what must be kept for the next start. */
  nowMs(): number {
    const monotonicMs = this.#clock.monotonicMs();
    const goneMs = Math.max(0, monotonicMs - this.#monotonicMs);
    this.#monotonicMs = monotonicMs;
    // Fractions stay in: many short spans must not add up to nothing.
    this.#highestMs = Math.max(this.#highestMs + goneMs, this.#clock.wallMs());
    return Math.floor(this.#highestMs);
  }

  /** How far the wall clock is behind. */
  behindMs(): number {
    return this.nowMs() - this.#clock.wallMs();
  }

  /** The highest time was wrong: counts from `issuedMs` on, which the issuer signed, or from the wall clock if that is later. */
  reset(issuedMs: number): void {
    this.#monotonicMs = this.#clock.monotonicMs();
    this.#highestMs = Math.max(issuedMs, this.#clock.wallMs());
  }
}
