import type { Bus, OutRecord } from '@busbar/bus';
import type { Logger } from './log.js';

const RETRY_MS = 200;

/** Publishes in order until durable, for what is never taken back because the bus was slow: decisions and results. */
export class DurableOutbox {
  readonly #bus: Bus;
  readonly #log: Logger;
  #chain: Promise<void> = Promise.resolve();
  /** Refused by the bus and not yet published, with all that was put after it. */
  #waiting = 0;
  #stopped = false;

  constructor(bus: Bus, log: Logger) {
    this.#bus = bus;
    this.#log = log;
  }

  /** Handed to the bus at once when nothing waits before it: readers in this process have it in the same turn. */
  put(records: readonly OutRecord[]): void {
    if (records.length === 0) return;
    const before = this.#chain;
    this.#chain = this.#waiting > 0 ? this.#later(records, before) : this.#now(records, before);
  }

  /** Resolves when everything so far is durable, or when stopped. */
  settled(): Promise<void> {
    return this.#chain;
  }

  stop(): void {
    this.#stopped = true;
  }

  async #now(records: readonly OutRecord[], before: Promise<void>): Promise<void> {
    try {
      await this.#bus.publish(records);
    } catch (error) {
      this.#log.warn({ err: error, records: records.length }, 'not published yet');
      return this.#later(records, before);
    }
    await before;
  }

  async #later(records: readonly OutRecord[], before: Promise<void>): Promise<void> {
    this.#waiting++;
    await before;
    while (!this.#stopped) {
      try {
        await this.#bus.publish(records);
        break;
      } catch {
        // Said once; health of the bus says the rest.
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
    this.#waiting--;
  }
}
