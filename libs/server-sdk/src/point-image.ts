import { bad, type Quality } from '@busbar/model';

const NEVER_READ = bad('never-read');

/**
 * The last known value of every entry of an address plan, as parallel columns; a slot is the index of the entry in
 * `plan.entries`. Written by the forwarder alone: a whole scan of a device in one turn of the event loop, so whoever
 * reads in between sees all of it or none.
 */
export class PointImage {
  /** In units of the point, not yet converted for the wire; bool as 0 and 1; NaN where there is none. */
  readonly value: Float64Array;
  /** Source time, epoch ms; 0 while nothing was ever read. */
  readonly timeMs: Float64Array;
  readonly quality: Uint8Array;
  /** 1: `timeMs` is when Busbar collected it, since the device gives no time. */
  readonly isCollected: Uint8Array;
  /**
   * By slot, for points whose value is a text (`value` is NaN there), and in decimal for 64-bit integers that `value` does
   * not hold exactly.
   */
  readonly text = new Map<number, string>();

  /** Throws RangeError for a negative or fractional count. */
  constructor(slots: number) {
    this.value = new Float64Array(slots).fill(Number.NaN);
    this.timeMs = new Float64Array(slots);
    this.quality = new Uint8Array(slots).fill(NEVER_READ);
    this.isCollected = new Uint8Array(slots);
  }

  get slots(): number {
    return this.value.length;
  }

  set(
    slot: number,
    value: number,
    stamp: { readonly timeMs: number; readonly quality: Quality; isCollected: boolean },
  ) {
    this.value[slot] = value;
    this.timeMs[slot] = stamp.timeMs;
    this.quality[slot] = stamp.quality;
    this.isCollected[slot] = stamp.isCollected ? 1 : 0;
  }

  /** The same values under the slots of another plan: `slotOf[new slot]` is the old one, -1 for a new entry. */
  moved(slotOf: Int32Array): PointImage {
    const image = new PointImage(slotOf.length);
    for (let slot = 0; slot < slotOf.length; slot++) {
      const old = slotOf[slot] as number;
      if (old < 0) continue;
      image.value[slot] = this.value[old] as number;
      image.timeMs[slot] = this.timeMs[old] as number;
      image.quality[slot] = this.quality[old] as number;
      image.isCollected[slot] = this.isCollected[old] as number;
      const text = this.text.get(old);
      if (text !== undefined) image.text.set(slot, text);
    }
    return image;
  }
}
