import type { Clock } from '@busbar/model';

interface Pending {
  readonly dueMs: number;
  readonly order: number;
  readonly run: () => void;
}

/** Lets everything happen that is ready to happen: promises, and whatever they start. */
export async function settle(turns = 4): Promise<void> {
  for (let i = 0; i < turns; i++) await new Promise<void>((resolve) => setImmediate(resolve));
}

/** A clock and timers that stand still until they are told to go on. */
export class FakeTime implements Clock {
  #nowMs: number;
  #wallOffsetMs: number;
  #pending: Pending[] = [];
  #order = 0;

  constructor(startMs = 1_000, wallMs = 1_700_000_000_000) {
    this.#nowMs = startMs;
    this.#wallOffsetMs = wallMs - startMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return Math.floor(this.#nowMs + this.#wallOffsetMs);
  }

  /** Sets the wall clock alone. */
  stepWall(ms: number): void {
    this.#wallOffsetMs += ms;
  }

  /** Timers waiting. */
  get pendingCount(): number {
    return this.#pending.length;
  }

  after(delayMs: number, run: () => void): () => void {
    const entry = { dueMs: this.#nowMs + Math.max(0, delayMs), order: this.#order++, run };
    this.#pending.push(entry);
    return () => {
      this.#pending = this.#pending.filter((other) => other !== entry);
    };
  }

  /** Lets `ms` pass: every timer runs at its time, and what it started settles before the next one. */
  async advance(ms: number): Promise<void> {
    const end = this.#nowMs + ms;
    await settle();
    for (let next = this.#next(end); next; next = this.#next(end)) {
      const entry = next;
      this.#nowMs = Math.max(this.#nowMs, entry.dueMs);
      this.#pending = this.#pending.filter((other) => other !== entry);
      entry.run();
      await settle();
    }
    this.#nowMs = end;
  }

  /** The loop stands still for `ms`: no timer runs until the end, then all that are due. */
  async stall(ms: number): Promise<void> {
    this.#nowMs += ms;
    await this.advance(0);
  }

  #next(end: number): Pending | undefined {
    return this.#pending
      .filter((entry) => entry.dueMs <= end)
      .sort((a, b) => a.dueMs - b.dueMs || a.order - b.order)[0];
  }
}
