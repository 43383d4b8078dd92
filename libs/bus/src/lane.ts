import { BusbarError, type Diagnosis, isBusbarError } from '@busbar/errors';
import type { TopicName } from '@busbar/events';
import { MAX_DELIVERIES, MAX_DELIVERY_BYTES, recordBytes, STOP_WAIT_MS } from './limits.js';
import type { BusLogger } from './logger.js';
import type { Delivery, Handler, InRecord } from './port.js';

export interface LaneSettings {
  readonly topic: TopicName;
  readonly partition: number;
  readonly group: string;
  readonly handler: Handler;
  readonly log: BusLogger;
  /** Everything before this offset is settled; called in rising order. */
  readonly settled: (next: number) => void;
  /** Called when another delivery may be handed over. */
  readonly room: () => void;
  /** Resolves when the dead letter is durable. */
  readonly refuse: (record: InRecord, diagnosis: Diagnosis) => Promise<unknown>;
  readonly firstRetryMs?: number;
  readonly lastRetryMs?: number;
}

export interface Chunk {
  readonly records: readonly InRecord[];
  /** Offset that follows the chunk, holes included. */
  readonly next: number;
  readonly flushed: () => Promise<void>;
  /** Records that never became durable: not tried again. */
  readonly isVoid?: (record: InRecord) => boolean;
}

interface Entry {
  chunk: Chunk;
  readonly bytes: number;
  state: 'running' | 'failed' | 'done';
}

const DURABLE = Promise.resolve();
export const alreadyFlushed = (): Promise<void> => DURABLE;

/**
 * The way of one partition to one handler: a few deliveries under way, the longest settled prefix known, and what
 * failed tried again from memory before anything newer of the partition is handed over.
 */
export class Lane {
  readonly #settings: LaneSettings;
  readonly #entries: Entry[] = [];
  readonly #abort = new AbortController();
  #bytes = 0;
  #running = 0;
  #attempts = 0;
  #stopped = false;
  #retry: NodeJS.Timeout | null = null;
  #idle: (() => void)[] = [];

  constructor(settings: LaneSettings) {
    this.#settings = settings;
  }

  get hasRoom(): boolean {
    return (
      !this.#stopped &&
      this.#attempts === 0 &&
      this.#entries.length < MAX_DELIVERIES &&
      this.#bytes < MAX_DELIVERY_BYTES
    );
  }

  /** Octets that the next delivery may have. */
  get roomBytes(): number {
    return MAX_DELIVERY_BYTES - this.#bytes;
  }

  /** Append time of the oldest record under way; null when none is. */
  get oldestMs(): number | null {
    for (const entry of this.#entries) {
      const first = entry.chunk.records[0];
      if (entry.state !== 'done' && first) return first.timestampMs;
    }
    return null;
  }

  hand(chunk: Chunk): void {
    let bytes = 0;
    for (const record of chunk.records) bytes += recordBytes(record.key, record.value);
    const entry: Entry = { chunk, bytes, state: 'running' };
    this.#entries.push(entry);
    this.#bytes += bytes;
    if (chunk.records.length === 0) {
      entry.state = 'done';
      this.#settle();
      return;
    }
    this.#run(entry);
  }

  /** Takes no more; resolves when nothing runs, or after 5 s with the signal aborted. What failed is left unsettled. */
  async stop(waitMs: number = STOP_WAIT_MS): Promise<void> {
    this.#stopped = true;
    if (this.#retry) clearTimeout(this.#retry);
    this.#retry = null;
    if (this.#running > 0) {
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        this.#idle.push(resolve);
        timer = setTimeout(resolve, waitMs);
      });
      clearTimeout(timer);
    }
    this.#abort.abort();
  }

  #run(entry: Entry): void {
    const { handler, topic, partition } = this.#settings;
    entry.state = 'running';
    this.#running++;
    const letters: Promise<unknown>[] = [];
    const delivery: Delivery = {
      topic,
      partition,
      records: entry.chunk.records,
      flushed: entry.chunk.flushed,
      refuse: (record, diagnosis) => {
        letters.push(this.#settings.refuse(record, diagnosis));
      },
    };
    let outcome: Promise<void>;
    try {
      outcome = Promise.resolve(handler(delivery, this.#abort.signal));
    } catch (error) {
      outcome = Promise.reject(error);
    }
    outcome
      .then(() => (letters.length === 0 ? undefined : Promise.all(letters)))
      .then(
        () => this.#succeeded(entry),
        (error: unknown) => this.#failed(entry, error, letters),
      );
  }

  #succeeded(entry: Entry): void {
    entry.state = 'done';
    this.#ended();
    this.#settle();
    if (this.#attempts > 0) this.#retrySoon();
    else this.#settings.room();
  }

  #failed(entry: Entry, error: unknown, letters: readonly Promise<unknown>[]): void {
    for (const letter of letters) letter.catch(() => undefined);
    entry.state = 'failed';
    // Whoever gives up in order says so by an AbortError: nothing went wrong.
    const isGivenUp = error instanceof Error && error.name === 'AbortError';
    if (this.#attempts === 0) {
      const { topic, partition, group, log } = this.#settings;
      const reason = error instanceof Error ? error.message : String(error);
      const failure = isBusbarError(error)
        ? error
        : new BusbarError('HANDLER_FAILED', { topic, group, reason }, { cause: error });
      if (!isGivenUp) {
        log.warn({ topic, partition, group, code: failure.code, err: error }, 'handler failed, trying again');
      }
      this.#attempts = 1;
    }
    this.#ended();
    this.#retrySoon();
  }

  #ended(): void {
    this.#running--;
    if (this.#running > 0) return;
    const waiting = this.#idle;
    this.#idle = [];
    for (const resolve of waiting) resolve();
  }

  /** Order of a partition: whatever is under way ends first, then what failed goes again, oldest first. */
  #retrySoon(): void {
    if (this.#stopped || this.#running > 0 || this.#retry) return;
    const { firstRetryMs = 100, lastRetryMs = 10_000 } = this.#settings;
    if (!this.#entries.some((entry) => entry.state === 'failed')) {
      this.#attempts = 0;
      const { topic, partition, group, log } = this.#settings;
      log.info({ topic, partition, group }, 'handler recovered');
      this.#settings.room();
      return;
    }
    const delay = Math.min(firstRetryMs * 2 ** (this.#attempts - 1), lastRetryMs);
    this.#retry = setTimeout(() => {
      this.#retry = null;
      this.#attempts++;
      this.#again();
    }, delay);
  }

  #again(): void {
    for (const entry of this.#entries.filter(({ state }) => state === 'failed')) {
      const { isVoid } = entry.chunk;
      if (isVoid) entry.chunk = { ...entry.chunk, records: entry.chunk.records.filter((record) => !isVoid(record)) };
      if (entry.chunk.records.length > 0) this.#run(entry);
      else entry.state = 'done';
    }
    this.#settle();
    this.#retrySoon();
  }

  #settle(): void {
    let next: number | null = null;
    while (this.#entries[0]?.state === 'done') {
      const entry = this.#entries.shift() as Entry;
      this.#bytes -= entry.bytes;
      next = entry.chunk.next;
    }
    if (next !== null) this.#settings.settled(next);
  }
}
