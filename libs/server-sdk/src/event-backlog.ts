import type { EventCursor, EventSlice } from './event-queue.js';

const FIRST_CAPACITY = 1_024;
/** Slot of an event that was taken already when its address went: it counts, and says nothing. */
export const GONE = 0xffff_ffff;

/** One event to append; the object may be used again by the caller. */
export interface QueuedEvent {
  slot: number;
  value: number;
  timeMs: number;
  quality: number;
  isCollected: boolean;
}

interface Mark {
  /** Sequence number of the event that settles it. */
  readonly at: number;
  resolve(): void;
  reject(error: Error): void;
}

class Columns {
  readonly slot: Uint32Array;
  readonly value: Float64Array;
  readonly timeMs: Float64Array;
  readonly quality: Uint8Array;
  readonly isCollected: Uint8Array;

  constructor(readonly capacity: number) {
    this.slot = new Uint32Array(capacity);
    this.value = new Float64Array(capacity);
    this.timeMs = new Float64Array(capacity);
    this.quality = new Uint8Array(capacity);
    this.isCollected = new Uint8Array(capacity);
  }

  copy(from: Columns, at: number, to: number): void {
    this.slot[to] = from.slot[at] as number;
    this.value[to] = from.value[at] as number;
    this.timeMs[to] = from.timeMs[at] as number;
    this.quality[to] = from.quality[at] as number;
    this.isCollected[to] = from.isCollected[at] as number;
  }
}

/**
 * Events of one group of masters in memory, as a ring of columns: confirmed ones leave at the front, new ones come in at
 * the end. Events have sequence numbers from 0; `confirmed <= taken <= end`.
 */
export class EventBacklog implements EventCursor {
  readonly #most: number;
  #columns = new Columns(FIRST_CAPACITY);
  #confirmed = 0;
  #taken = 0;
  #end = 0;
  #dropped = 0;
  #marks: Mark[] = [];
  readonly #listeners = new Set<() => void>();

  /** @param most events not yet taken; beyond it the oldest of them are dropped. */
  constructor(most: number) {
    this.#most = most;
  }

  get waiting(): number {
    return this.#end - this.#taken;
  }

  /** Taken by a master and not confirmed yet. */
  get underWay(): number {
    return this.#taken - this.#confirmed;
  }

  get dropped(): number {
    return this.#dropped;
  }

  append({ slot, value, timeMs, quality, isCollected }: QueuedEvent): void {
    if (this.#end - this.#confirmed === this.#columns.capacity) this.#grow();
    const columns = this.#columns;
    const at = this.#end % columns.capacity;
    columns.slot[at] = slot;
    columns.value[at] = value;
    columns.timeMs[at] = timeMs;
    columns.quality[at] = quality;
    columns.isCollected[at] = isCollected ? 1 : 0;
    this.#end++;
    if (this.waiting > this.#most) this.#drop(this.waiting - this.#most);
    if (this.waiting === 1) for (const listener of this.#listeners) listener();
  }

  /** Resolves when everything appended so far is confirmed or dropped; rejects with an AbortError by {@link close}. */
  settled(): Promise<void> {
    if (this.#end === this.#confirmed) return Promise.resolve();
    const at = this.#end;
    return new Promise((resolve, reject) => void this.#marks.push({ at, resolve, reject }));
  }

  take(most: number): EventSlice {
    const count = Math.max(0, Math.min(most, this.waiting));
    const slice = new Columns(count);
    for (let i = 0; i < count; i++) slice.copy(this.#columns, (this.#taken + i) % this.#columns.capacity, i);
    this.#taken += count;
    const { slot, value, timeMs, quality, isCollected } = slice;
    return { count, slot, value, timeMs, quality, isCollected };
  }

  /** Throws RangeError for more than was taken. */
  confirm(count: number): void {
    if (count > this.underWay) throw new RangeError(`${count} confirmed, ${this.underWay} under way`);
    this.#confirmed += count;
    this.#settle();
  }

  rewind(): void {
    const hadNone = this.waiting === 0;
    this.#taken = this.#confirmed;
    if (this.waiting > this.#most) this.#drop(this.waiting - this.#most);
    if (hadNone && this.waiting > 0) for (const listener of this.#listeners) listener();
  }

  onReady(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Another plan: `slotOf` gives the new slot of an old one, -1 for an address that is gone. Events of gone addresses are
   * dropped and counted; one that was taken already keeps its place as {@link GONE}, since it will be confirmed.
   */
  remap(slotOf: (old: number) => number): void {
    const { capacity } = this.#columns;
    for (let at = this.#confirmed; at < this.#taken; at++) {
      const slot = this.#columns.slot[at % capacity] as number;
      const next = slot === GONE ? -1 : slotOf(slot);
      if (next < 0 && slot !== GONE) this.#dropped++;
      this.#columns.slot[at % capacity] = next < 0 ? GONE : next;
    }
    let to = this.#taken;
    for (let from = this.#taken; from < this.#end; from++) {
      const before = this.#columns.slot[from % capacity] as number;
      const slot = before === GONE ? -1 : slotOf(before);
      if (slot < 0) {
        if (before !== GONE) this.#dropped++;
        // Whoever waits for it waits for what lies before it.
        this.#marks = this.#marks.map((mark) => (mark.at > to ? { ...mark, at: mark.at - 1 } : mark));
        continue;
      }
      this.#columns.copy(this.#columns, from % capacity, to % capacity);
      this.#columns.slot[to % capacity] = slot;
      to++;
    }
    this.#end = to;
    this.#settle();
  }

  /** Nothing more is confirmed: who waits is told so. */
  close(): void {
    const marks = this.#marks;
    this.#marks = [];
    for (const mark of marks) mark.reject(new DOMException('the queue ends', 'AbortError'));
  }

  /** The oldest that nobody took: they are taken and confirmed in one, behind what is under way. */
  #drop(count: number): void {
    if (this.underWay === 0) {
      this.#taken += count;
      this.#confirmed += count;
      this.#dropped += count;
      this.#settle();
      return;
    }
    // What is under way keeps its place: the rest moves up.
    const { capacity } = this.#columns;
    for (let from = this.#taken + count; from < this.#end; from++) {
      this.#columns.copy(this.#columns, from % capacity, (from - count) % capacity);
    }
    const taken = this.#taken;
    this.#marks = this.#marks.map((mark) =>
      mark.at > taken ? { ...mark, at: Math.max(taken, mark.at - count) } : mark,
    );
    this.#end -= count;
    this.#dropped += count;
  }

  #settle(): void {
    while (this.#marks[0] && this.#marks[0].at <= this.#confirmed) this.#marks.shift()?.resolve();
  }

  #grow(): void {
    const columns = new Columns(this.#columns.capacity * 2);
    for (let at = this.#confirmed; at < this.#end; at++) {
      columns.copy(this.#columns, at % this.#columns.capacity, at % columns.capacity);
    }
    this.#columns = columns;
  }
}
