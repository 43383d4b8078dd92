import type { Measured } from '@busbar/events';

/** A snapshot comes every 10 s; each slot holds the newest of its 10 s. */
export const SLOT_MS = 10_000;
/** 15 minutes. */
export const SLOTS = 90;
/** A snapshot counts for the two slots after its own: a late timer is no gap, a killed process is one after 30 s. */
const CARRY = 2;
/** Slots over which the present rate is taken. */
const RATE_SLOTS = 6;
const SERIES = 5_000;
/** Gauges that only grow, since what they show is counted elsewhere. */
const GROWING = new Set(['forwarder_queue_dropped']);

export const slotOf = (ms: number): number => Math.floor(ms / SLOT_MS);

export interface Series {
  readonly name: string;
  readonly kind: 'counter' | 'gauge';
  readonly labels: Readonly<Record<string, string>>;
  /** By slot: the value of a gauge, or a counter without its resets; NaN: nothing known. */
  readonly ring: Float64Array;
  seenSlot: number;
  raw: number;
}

/** The last 15 minutes of one process. */
export class FigureInstance {
  readonly #series = new Map<string, Series>();
  readonly #times = new Float64Array(SLOTS).fill(Number.NaN);
  #newest: Measured;
  #slot: number;

  constructor(first: Measured, slot: number) {
    this.#newest = first;
    this.#slot = slot;
    this.#write(first, slot, true);
  }

  get newest(): Measured {
    return this.#newest;
  }

  /** Of the newest snapshot. */
  get slot(): number {
    return this.#slot;
  }

  /** False for what is older than the newest: it is known already. */
  take(measured: Measured, slot: number): boolean {
    if (this.#newest.isLast || measured.monotonicMs <= this.#newest.monotonicMs) return false;
    this.#advance(slot);
    this.#newest = measured;
    // The last one says that the process ended, not how it was.
    if (!measured.isLast) this.#write(measured, this.#slot, false);
    return true;
  }

  isLive(slot: number): boolean {
    return !this.#newest.isLast && slot - this.#slot <= CARRY;
  }

  series(): Iterable<Series> {
    return this.#series.values();
  }

  /** Of a gauge; NaN when nothing is known. */
  valueAt({ ring }: Series, slot: number): number {
    const at = this.#snapshotAt(slot);
    return at === null ? Number.NaN : read(ring, at);
  }

  /** Per second, of a counter, up to the snapshot that counts for the slot, since the one before it. */
  rateAt(series: Series, slot: number): number {
    const at = this.#snapshotAt(slot);
    return at === null ? Number.NaN : this.#rate(series, this.#before(at), at);
  }

  /** Per second over the last minute. */
  rateNow(series: Series, slot: number): number {
    const at = this.#snapshotAt(slot);
    if (at === null) return Number.NaN;
    let from: number | null = null;
    for (let one = at - RATE_SLOTS; one < at && from === null; one++) if (this.#has(one)) from = one;
    return this.#rate(series, from, at);
  }

  /** By how much a counter grew within so many slots, also after the end of the process; NaN when nothing is known. */
  increase({ ring }: Series, slot: number, slots: number): number {
    let first = Number.NaN;
    let last = Number.NaN;
    for (let one = slot - slots; one <= slot; one++) {
      if (!this.#has(one)) continue;
      const value = read(ring, one);
      if (Number.isNaN(first)) first = value;
      last = value;
    }
    return last - first;
  }

  #rate({ ring }: Series, from: number | null, to: number): number {
    if (from === null) return Number.NaN;
    const ms = read(this.#times, to) - read(this.#times, from);
    return ((read(ring, to) - read(ring, from)) * 1000) / ms;
  }

  #before(slot: number): number | null {
    for (let one = slot - 1; one >= slot - 1 - CARRY; one--) if (this.#has(one)) return one;
    return null;
  }

  /** The slot of the snapshot that counts for a slot. */
  #snapshotAt(slot: number): number | null {
    if (this.#newest.isLast && slot > this.#slot) return null;
    for (let one = slot; one >= slot - CARRY; one--) if (this.#has(one)) return one;
    return null;
  }

  #has(slot: number): boolean {
    return slot <= this.#slot && slot > this.#slot - SLOTS && !Number.isNaN(read(this.#times, slot));
  }

  #advance(slot: number): void {
    // A clock that was set back leaves the snapshots in the newest slot.
    const to = Math.max(slot, this.#slot);
    for (let one = Math.max(this.#slot, to - SLOTS) + 1; one <= to; one++) {
      this.#times[one % SLOTS] = Number.NaN;
      for (const { ring } of this.#series.values()) ring[one % SLOTS] = Number.NaN;
    }
    this.#slot = to;
    for (const [key, { seenSlot }] of this.#series) if (to - seenSlot >= SLOTS) this.#series.delete(key);
  }

  #write({ figures, monotonicMs }: Measured, slot: number, isFirst: boolean): void {
    const place = slot % SLOTS;
    const written = new Set<Series>();
    for (const [name, { kind: told, series: list }] of Object.entries(figures)) {
      const kind = GROWING.has(name) ? 'counter' : told;
      for (const { labels, value } of list) {
        const series = this.#find(name, kind, labels, isFirst);
        if (!series) continue;
        const last = series.ring[place] as number;
        series.ring[place] = kind === 'gauge' ? value : this.#total(series, last) + growth(series.raw, value);
        series.raw = value;
        series.seenSlot = slot;
        written.add(series);
      }
    }
    for (const series of this.#series.values()) {
      if (written.has(series)) continue;
      series.ring[place] = series.kind === 'gauge' ? Number.NaN : this.#total(series, series.ring[place] as number);
      // Left out: at 0, or gone.
      series.raw = 0;
    }
    this.#times[place] = monotonicMs;
  }

  /** A counter before this snapshot, without resets. */
  #total({ ring }: Series, inSlot: number): number {
    if (!Number.isNaN(inSlot)) return inSlot;
    for (let one = this.#slot - 1; one > this.#slot - SLOTS; one--) {
      const value = read(ring, one);
      if (!Number.isNaN(value)) return value;
    }
    return 0;
  }

  #find(name: string, kind: Series['kind'], labels: Series['labels'], isFirst: boolean): Series | undefined {
    const key = `${name} ${JSON.stringify(labels)}`;
    const known = this.#series.get(key);
    if (known) return known;
    if (this.#series.size >= SERIES) return undefined;
    const ring = new Float64Array(SLOTS).fill(Number.NaN);
    // It was not there before because it stood at 0.
    if (kind === 'counter' && !isFirst) {
      for (const [place, time] of this.#times.entries()) if (!Number.isNaN(time)) ring[place] = 0;
    }
    const made: Series = { name, kind, labels, ring, seenSlot: this.#slot, raw: 0 };
    this.#series.set(key, made);
    return made;
  }
}

const read = (ring: Float64Array, slot: number): number => ring[((slot % SLOTS) + SLOTS) % SLOTS] as number;

/** A counter that fell began anew. */
const growth = (before: number, now: number): number => (now >= before ? now - before : now);
