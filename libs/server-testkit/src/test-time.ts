import type { Clock } from '@busbar/model';
import type { ServerTimers } from '@busbar/server-sdk';

interface Pending {
  readonly dueMs: number;
  readonly work: () => void;
}

/** A clock and timers that stand still until they are told to go on. */
export class TestTime implements Clock, ServerTimers {
  #nowMs = 1_000;
  #wallMs = 1_767_225_600_000;
  readonly #pending = new Set<Pending>();

  monotonicMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#wallMs;
  }

  /** Sets the wall clock alone. */
  stepWall(ms: number): void {
    this.#wallMs += ms;
  }

  get pendingCount(): number {
    return this.#pending.size;
  }

  setTimeout(work: () => void, ms: number): unknown {
    const pending = { dueMs: this.#nowMs + Math.max(0, ms), work };
    this.#pending.add(pending);
    return pending;
  }

  clearTimeout(timer: unknown): void {
    this.#pending.delete(timer as Pending);
  }

  /** Every timer runs at its time, and what it started settles before the next one. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    await settled();
    for (let next = this.#next(endMs); next; next = this.#next(endMs)) {
      this.#to(Math.max(this.#nowMs, next.dueMs));
      this.#pending.delete(next);
      next.work();
      await settled();
    }
    this.#to(endMs);
  }

  #to(ms: number): void {
    this.#wallMs += ms - this.#nowMs;
    this.#nowMs = ms;
  }

  #next(endMs: number): Pending | undefined {
    return [...this.#pending].filter(({ dueMs }) => dueMs <= endMs).sort((a, b) => a.dueMs - b.dueMs)[0];
  }
}

/** Lets everything happen that is ready to happen. */
export async function settled(turns = 4): Promise<void> {
  for (let i = 0; i < turns; i++) await new Promise<void>((resolve) => setImmediate(resolve));
}
