import type { Clock } from '@busbar/model';
import type { Timers } from './ports.js';

interface Entry {
  dueMs: number;
  readonly periodMs: number;
  /** null: canceled; it leaves the heap when its time comes. */
  run: ((missed: number) => void) | null;
}

const FEWEST_SLOTS = 4;
const ENTRIES_PER_SLOT = 16;
const SHORTEST_SLOT_MS = 10;
/** Timers fire up to a millisecond early. */
const EARLY_MS = 1;
const GOLDEN = 0.6180339887498949;

/**
 * Few scans share few slots, which costs few wake-ups; many are spread over more, so that no turn of the event loop
 * grows long.
 */
function slotCount(periodMs: number, taken: number): number {
  const wanted = 2 ** Math.ceil(Math.log2(Math.max(1, taken / ENTRIES_PER_SLOT)));
  return Math.max(1, Math.min(Math.max(FEWEST_SLOTS, wanted), Math.floor(periodMs / SHORTEST_SLOT_MS)));
}

/**
 * All times of one host behind a single timer. Periodic entries are spread over their period in slots, so that
 * thousands of scans neither start together nor wake the process one by one.
 */
export class Scheduler {
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #failed: (error: unknown) => void;
  readonly #heap: Entry[] = [];
  readonly #spread = new Map<number, number>();
  #cancelTimer: (() => void) | null = null;
  #armedFor = Number.POSITIVE_INFINITY;
  #firing = false;

  /** @param failed told what a callback threw; the others run all the same. */
  constructor(clock: Clock, timers: Timers, failed: (error: unknown) => void) {
    this.#clock = clock;
    this.#timers = timers;
    this.#failed = failed;
  }

  now(): number {
    return this.#clock.monotonicMs();
  }

  /** Once, after `delayMs`. */
  after(delayMs: number, run: () => void): () => void {
    return this.#add({ dueMs: this.now() + Math.max(0, delayMs), periodMs: 0, run });
  }

  /** At a fixed rate on the monotonic clock, phase chosen here. `missed`: periods that passed without a call. */
  every(periodMs: number, run: (missed: number) => void): () => void {
    const taken = this.#spread.get(periodMs) ?? 0;
    this.#spread.set(periodMs, taken + 1);
    const slots = slotCount(periodMs, taken);
    const phaseMs = (Math.floor(((taken * GOLDEN) % 1) * slots) * periodMs) / slots;
    const now = this.now();
    const dueMs = Math.ceil((now - phaseMs + EARLY_MS) / periodMs) * periodMs + phaseMs;
    return this.#add({ dueMs, periodMs, run });
  }

  stop(): void {
    this.#heap.length = 0;
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    this.#armedFor = Number.POSITIVE_INFINITY;
  }

  #add(entry: Entry): () => void {
    this.#push(entry);
    this.#arm();
    return () => {
      entry.run = null;
    };
  }

  #arm(): void {
    const first = this.#heap[0];
    if (this.#firing || first === undefined || first.dueMs >= this.#armedFor) return;
    this.#cancelTimer?.();
    this.#armedFor = first.dueMs;
    this.#cancelTimer = this.#timers.after(Math.max(0, Math.ceil(first.dueMs - this.now())), () => this.#fire());
  }

  #fire(): void {
    this.#cancelTimer = null;
    this.#armedFor = Number.POSITIVE_INFINITY;
    this.#firing = true;
    const now = this.now();
    for (let entry = this.#heap[0]; entry !== undefined && entry.dueMs <= now + EARLY_MS; entry = this.#heap[0]) {
      this.#pop();
      if (entry.run === null) continue;
      const missed = entry.periodMs > 0 ? Math.max(0, Math.floor((now - entry.dueMs) / entry.periodMs)) : 0;
      try {
        entry.run(missed);
      } catch (error) {
        this.#failed(error);
      }
      if (entry.periodMs > 0 && entry.run !== null) {
        entry.dueMs += (missed + 1) * entry.periodMs;
        this.#push(entry);
      }
    }
    this.#firing = false;
    this.#arm();
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(entry);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent] as Entry;
      if (above.dueMs <= entry.dueMs) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop() as Entry;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = at * 2 + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && (heap[child + 1] as Entry).dueMs < (heap[child] as Entry).dueMs) child++;
      const below = heap[child] as Entry;
      if (below.dueMs >= last.dueMs) break;
      heap[at] = below;
      at = child;
    }
    heap[at] = last;
  }
}
