import type { PlanEntry } from '@busbar/address-plan';
import type { WriteRange } from './write-items.js';

interface Begun {
  readonly entry: PlanEntry;
  readonly octets: readonly number[];
  readonly untilMs: number;
}

/**
 * Joins single register writes to one value of several registers, for masters that know no other: in order, each within
 * the limit after the one before. Whatever comes between ends it, and nothing is written.
 */
export class WideWrite {
  #begun: Begun | null = null;
  readonly #withinMs: number;

  constructor(withinMs: number) {
    this.#withinMs = withinMs;
  }

  /** The whole value, `more` while it is not whole; undefined: this register cannot be joined to anything. */
  add(entry: PlanEntry, { address, octets }: WriteRange, nowMs: number): WriteRange | 'more' | undefined {
    const begun = this.#begun;
    this.#begun = null;
    if (entry.width === 1) return undefined;
    const isFirst = address === entry.address;
    const before = isFirst ? [] : begun?.octets;
    const isNext =
      begun?.entry === entry && nowMs <= begun.untilMs && address === entry.address + begun.octets.length / 2;
    if (!before || !(isFirst || isNext)) return undefined;
    const joined = [...before, ...octets];
    if (joined.length === entry.width * 2) {
      return { address: entry.address, quantity: entry.width, octets: Uint8Array.from(joined) };
    }
    this.#begun = { entry, octets: joined, untilMs: nowMs + this.#withinMs };
    return 'more';
  }

  /** Another request came between. */
  end(): void {
    this.#begun = null;
  }
}
