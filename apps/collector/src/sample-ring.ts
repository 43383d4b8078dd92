import { encodeBatch, type SampleBatch } from '@busbar/batch';
import type { Bus, OutRecord } from '@busbar/bus';
import type { Clock } from '@busbar/model';

/** What waits for a bus that does not take it: about 35 s at 100,000 values/s. */
const RING_BYTES = 64 * 1024 * 1024;
/** Handed to the bus and not durable yet. More would only wait there, out of reach of "drop the oldest". */
const IN_FLIGHT_BYTES = 8 * 1024 * 1024;
/** Of one call: what was refused goes again, and a call near the limit of the bus would be refused for ever. */
const CALL_BYTES = 4 * 1024 * 1024;
const RETRY_MS = 100;

export interface SampleRingParts {
  readonly bus: Bus;
  readonly clock: Clock;
  /** Called with values dropped because the ring was full. */
  dropped(values: number): void;
  readonly ringBytes?: number;
}

interface Entry {
  readonly record: OutRecord & { readonly value: Uint8Array };
  readonly values: number;
  readonly putMs: number;
  /** Place in the order of arrival. */
  readonly number: number;
}

/** Between the drivers and the bus: takes every batch at once, keeps their order, drops the oldest when full. */
export class SampleRing {
  readonly #parts: SampleRingParts;
  #entries: Entry[] = [];
  #waitingBytes = 0;
  #inFlightBytes = 0;
  #next = 0;
  /** The bus refused the last call: one call at a time until it takes one. */
  #isRefused = false;
  #timer: NodeJS.Timeout | null = null;
  #isScheduled = false;
  #isStopped = false;
  #idle: (() => void)[] = [];

  constructor(parts: SampleRingParts) {
    this.#parts = parts;
  }

  get waitingBytes(): number {
    return this.#waitingBytes + this.#inFlightBytes;
  }

  /** Age of the oldest batch that is not with the bus yet, ms; 0 when none waits. */
  get oldestMs(): number {
    const oldest = this.#entries[0];
    return oldest ? this.#parts.clock.monotonicMs() - oldest.putMs : 0;
  }

  put(batch: SampleBatch): void {
    const value = encodeBatch(batch);
    const record = { topic: 'tags.sampled.v1' as const, key: batch.key, value };
    this.#entries.push({
      // The object is for readers that are up to date; what waits would only take its room twice.
      record: this.#isRefused ? record : { ...record, object: batch },
      values: batch.count,
      putMs: this.#parts.clock.monotonicMs(),
      number: this.#next++,
    });
    this.#waitingBytes += value.length;
    this.#trim();
    if (this.#isScheduled || this.#timer) return;
    // What one turn of the event loop brings goes to the bus as one call.
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      this.#pump();
    });
  }

  /** Resolves when nothing waits any more, or after `timeoutMs`; then nothing is tried again. */
  async drain(timeoutMs: number): Promise<void> {
    if (this.waitingBytes > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, timeoutMs);
        this.#idle.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
    this.#isStopped = true;
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #trim(): void {
    const most = this.#parts.ringBytes ?? RING_BYTES;
    let count = 0;
    while (this.#waitingBytes > most && count < this.#entries.length - 1) {
      const oldest = this.#entries[count] as Entry;
      this.#waitingBytes -= oldest.record.value.length;
      this.#parts.dropped(oldest.values);
      count += 1;
    }
    if (count > 0) this.#entries.splice(0, count);
  }

  #pump(): void {
    if (this.#timer || this.#isStopped) return;
    while (this.#entries.length > 0 && this.#inFlightBytes < IN_FLIGHT_BYTES) {
      if (this.#isRefused && this.#inFlightBytes > 0) return;
      this.#publish(this.#take());
    }
  }

  /** The oldest that go into one call, at least one. */
  #take(): Entry[] {
    let bytes = 0;
    let count = 0;
    for (const { record } of this.#entries) {
      if (count > 0 && bytes + record.value.length > CALL_BYTES) break;
      bytes += record.value.length;
      count += 1;
    }
    this.#waitingBytes -= bytes;
    this.#inFlightBytes += bytes;
    if (count === this.#entries.length) {
      const taken = this.#entries;
      this.#entries = [];
      return taken;
    }
    return this.#entries.splice(0, count);
  }

  #publish(taken: readonly Entry[]): void {
    const bytes = taken.reduce((sum, { record }) => sum + record.value.length, 0);
    this.#parts.bus.publish(taken.map((entry) => entry.record)).then(
      () => {
        this.#inFlightBytes -= bytes;
        this.#isRefused = false;
        if (this.waitingBytes === 0) this.#tellIdle();
        else this.#pump();
      },
      () => {
        this.#inFlightBytes -= bytes;
        this.#waitingBytes += bytes;
        this.#isRefused = true;
        // Calls end in any order; samples of one device must not.
        this.#entries = [...taken, ...this.#entries].sort((a, b) => a.number - b.number);
        this.#trim();
        this.#retryLater();
      },
    );
  }

  #retryLater(): void {
    if (this.#isStopped) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      this.#pump();
    }, RETRY_MS);
  }

  #tellIdle(): void {
    const idle = this.#idle;
    this.#idle = [];
    for (const resolve of idle) resolve();
  }
}
