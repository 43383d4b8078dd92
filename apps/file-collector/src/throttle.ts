import type { Clock } from '@busbar/model';

/** Waits; rejects when the signal aborts. */
export type Pause = (ms: number, signal: AbortSignal) => Promise<void>;

/** Longest that a limit may be saved up: a quiet second is not made good by a burst. */
const BURST_MS = 250;

/** Lets through so many octets per second, chunk by chunk. */
export class Throttle {
  readonly #rate: number | null;
  readonly #clock: Clock;
  readonly #pause: Pause;
  #freeMs = Number.NEGATIVE_INFINITY;

  /** @param rate octets per second; null: no limit. */
  constructor(rate: number | null, clock: Clock, pause: Pause) {
    this.#rate = rate;
    this.#clock = clock;
    this.#pause = pause;
  }

  /** Resolves when what was let through so far keeps the limit. */
  async pass(octets: number, signal: AbortSignal): Promise<void> {
    if (this.#rate === null) return;
    const now = this.#clock.monotonicMs();
    this.#freeMs = Math.max(this.#freeMs, now - BURST_MS) + (octets / this.#rate) * 1_000;
    const waitMs = this.#freeMs - now;
    if (waitMs > 0) await this.#pause(waitMs, signal);
  }
}
