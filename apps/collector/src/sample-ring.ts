import { encodeBatch, type SampleBatch } from '@busbar/batch';
import type { Bus, OutRecord } from '@busbar/bus';
import type { Clock } from '@busbar/model';

/** What waits for a bus that does not take it: about 35 s at 100,000 values/s. */
const RING_BYTES = 64 * 1024 * 1024;
/** Handed to the bus and not durable yet. More would only wait there, out of reach of "drop the oldest". */
const IN_FLIGHT_BYTES = 8 * 1024 * 1024;
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
}

/** Between the drivers and the bus: takes every batch at once, keeps their order, drops the oldest when full. */
export class SampleRing {
  readonly #parts: SampleRingParts;
  #entries: Entry[] = [];
  #waitingBytes = 0;
  #inFlightBytes = 0;
  #timer: NodeJS.Timeout | null = null;
  #isScheduled = false;
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
    this.#entries.push({
      record: { topic: 'tags.sampled.v1', key: batch.key, value, object: batch },
      values: batch.count,
      putMs: this.#parts.clock.monotonicMs(),
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

  /** Resolves when nothing waits any more, or after `timeoutMs`. */
  async drain(timeoutMs: number): Promise<void> {
    if (this.waitingBytes === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#idle.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
    if (this.#timer) clearTimeout(this.#timer);
  }

  #trim(): void {
    const most = this.#parts.ringBytes ?? RING_BYTES;
    while (this.#waitingBytes > most && this.#entries.length > 1) {
      const oldest = this.#entries.shift() as Entry;
      this.#waitingBytes -= oldest.record.value.length;
      this.#parts.dropped(oldest.values);
    }
  }

  #pump(): void {
    if (this.#entries.length === 0 || this.#inFlightBytes >= IN_FLIGHT_BYTES) return;
    const taken = this.#entries;
    this.#entries = [];
    const bytes = this.#waitingBytes;
    this.#waitingBytes = 0;
    this.#inFlightBytes += bytes;
    this.#parts.bus.publish(taken.map((entry) => entry.record)).then(
      () => {
        this.#inFlightBytes -= bytes;
        if (this.waitingBytes === 0) this.#tellIdle();
        else if (!this.#timer) this.#pump();
      },
      () => {
        this.#inFlightBytes -= bytes;
        this.#entries = [...taken, ...this.#entries];
        this.#waitingBytes += bytes;
        this.#trim();
        this.#timer ??= setTimeout(() => {
          this.#timer = null;
          this.#pump();
        }, RETRY_MS);
      },
    );
  }

  #tellIdle(): void {
    const idle = this.#idle;
    this.#idle = [];
    for (const resolve of idle) resolve();
  }
}
