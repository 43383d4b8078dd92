/** Numbers of a device's own tags (and of points made for them) begin here, those of tables and models below. */
const OWN_TAGS = 1_000_000;
/** Beyond this span a dense array would waste memory on numbers that lie far apart. */
const MAX_SPAN = 1 << 20;

/** A dense array over the numbers [base, base + length), -1 where there is no slot. */
class Segment {
  readonly #base: number;
  readonly #slots: Int32Array;

  constructor(numbers: readonly number[], slots: ReadonlyMap<number, number>) {
    this.#base = numbers.reduce((least, number) => Math.min(least, number), Number.POSITIVE_INFINITY);
    const span = numbers.reduce((most, number) => Math.max(most, number - this.#base + 1), 0);
    this.#slots = new Int32Array(span).fill(-1);
    for (const number of numbers) this.#slots[number - this.#base] = slots.get(number) as number;
  }

  slotOf(number: number): number {
    const slot = this.#slots[number - this.#base];
    return slot === undefined ? -1 : slot;
  }
}

/** Finds the slot of a handle without hashing where numbers lie close, as they do in practice. */
export class HandleIndex {
  readonly #low: Segment;
  readonly #high: Segment;
  readonly #rest: ReadonlyMap<number, number> | null;

  /** @param numbers distinct numbers of tags or points; the slot of each is its place in the list. */
  constructor(numbers: readonly number[]) {
    const slots = new Map(numbers.map((number, slot) => [number, slot]));
    const low = numbers.filter((number) => number < OWN_TAGS);
    const high = numbers.filter((number) => number >= OWN_TAGS && number - OWN_TAGS < MAX_SPAN);
    this.#low = new Segment(low, slots);
    this.#high = new Segment(high, slots);
    this.#rest = low.length + high.length === numbers.length ? null : slots;
  }

  /** -1 for a number that is not listed. */
  slotOf(number: number): number {
    const slot = number < OWN_TAGS ? this.#low.slotOf(number) : this.#high.slotOf(number);
    return slot === -1 && this.#rest !== null ? (this.#rest.get(number) ?? -1) : slot;
  }
}
