import type { Bus, OutRecord } from '@busbar/bus';
import type { Logger } from './log.js';

const RETRY_MS = 200;

/** Publishes in order until durable, for what is never taken back because the bus was slow: decisions and results. */
export class DurableOutbox {
  readonly #bus: Bus;
  readonly #log: Logger;
  #chain: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(bus: Bus, log: Logger) {
    this.#bus = bus;
    this.#log = log;
  }

  /** Handed to the bus at once when nothing waits before it: readers in this process have it in the same turn. */
  put(records: readonly OutRecord[]): void {
    if (records.length === 0) return;
    const first = this.#bus.publish(records);
    const before = this.#chain;
    this.#chain = (async () => {
      try {
        await first;
      } catch (error) {
        this.#log.warn({ err: error, records: records.length }, 'not published yet');
        await before;
        await this.#untilPublished(records);
      }
    })();
  }

  /** Resolves when everything so far is durable, or when stopped. */
  settled(): Promise<void> {
    return this.#chain;
  }

  stop(): void {
    this.#stopped = true;
  }

  async #untilPublished(records: readonly OutRecord[]): Promise<void> {
    while (!this.#stopped) {
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      try {
        await this.#bus.publish(records);
        return;
      } catch {
        // Said once; health of the bus says the rest.
      }
    }
  }
}
