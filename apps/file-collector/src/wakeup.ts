import type { Pause } from './throttle.js';

/** Waits that somebody else may end. */
export class Wakeup {
  readonly #pause: Pause;
  #isDue = false;
  #end: AbortController | null = null;

  constructor(pause: Pause) {
    this.#pause = pause;
  }

  /** Ends the wait that is on, or the next one. */
  wake(): void {
    this.#isDue = true;
    this.#end?.abort();
  }

  /** Resolves after so long, when woken, or when the signal aborts; never rejects. */
  async wait(ms: number, signal: AbortSignal): Promise<void> {
    if (this.#isDue || signal.aborted) {
      this.#isDue = false;
      return;
    }
    const end = new AbortController();
    this.#end = end;
    await this.#pause(ms, AbortSignal.any([signal, end.signal])).catch(() => undefined);
    this.#end = null;
    this.#isDue = false;
  }
}
