import type { PlanEntry } from '@busbar/address-plan';
import type { EventCursor, PointImage } from '@busbar/server-sdk';
import type { MasterLink } from './master-link.js';
import { imageWire, type LostRule, qualityBits, typeOf } from './wire-point.js';

/** No quality descriptor: nothing was sent of the slot yet. */
const UNSENT = 0xff;

/** Masters of one redundancy group (IEC 60870-5-104 §10): one active link, one queue of events, one state of what was sent. */
export class MasterGroup {
  readonly name: string;
  readonly cursor: EventCursor;
  active: MasterLink | null = null;
  /** End of initialization was sent once. */
  isInitialized = false;
  /** Slots of `latest` rows whose newest value was not sent yet, in the order in which they changed. */
  readonly #dirty = new Set<number>();
  #lastValue: Float64Array;
  #lastBits: Uint8Array;
  #entries: readonly PlanEntry[];
  #image: PointImage;
  readonly #lost: LostRule;

  constructor(
    name: string,
    parts: {
      readonly cursor: EventCursor;
      readonly entries: readonly PlanEntry[];
      readonly image: PointImage;
      readonly lost: LostRule;
    },
  ) {
    this.name = name;
    this.cursor = parts.cursor;
    this.#entries = parts.entries;
    this.#image = parts.image;
    this.#lost = parts.lost;
    this.#lastValue = new Float64Array(parts.entries.length).fill(Number.NaN);
    this.#lastBits = new Uint8Array(parts.entries.length).fill(UNSENT);
    this.cursor.onReady(() => this.active?.wake());
  }

  /** Another plan: what was sent of a slot is forgotten where the slot is another one, so that its value goes out. */
  replan(entries: readonly PlanEntry[], image: PointImage): void {
    const before = new Map(this.#entries.map((entry, slot) => [keyOf(entry), slot]));
    const lastValue = new Float64Array(entries.length).fill(Number.NaN);
    const lastBits = new Uint8Array(entries.length).fill(UNSENT);
    entries.forEach((entry, slot) => {
      const old = before.get(keyOf(entry));
      if (old === undefined) return;
      lastValue[slot] = this.#lastValue[old] as number;
      lastBits[slot] = this.#lastBits[old] as number;
    });
    this.#entries = entries;
    this.#image = image;
    this.#lastValue = lastValue;
    this.#lastBits = lastBits;
    this.#dirty.clear();
    for (let slot = 0; slot < entries.length; slot++) this.mark(slot);
  }

  /** A slot of the image changed: it is sent unless it is the same, within its deadband. */
  mark(slot: number): void {
    const entry = this.#entries[slot];
    if (!entry || !isLatest(entry)) return;
    // What was never read is no event; an interrogation says so.
    if (this.#image.timeMs[slot] === 0 && this.#lastBits[slot] === UNSENT) return;
    const bits = qualityBits(this.#image.quality[slot] as number, this.#lost);
    if (bits === this.#lastBits[slot]) {
      const value = imageWire(entry, this.#image, slot);
      const before = this.#lastValue[slot] as number;
      const isSame = Object.is(value, before) || (Number.isNaN(value) && Number.isNaN(before));
      if (isSame || Math.abs(value - before) <= entry.deadband) {
        // Back within the deadband before it went out: nothing to tell.
        this.#dirty.delete(slot);
        return;
      }
    }
    this.#dirty.add(slot);
  }

  /** The slot that has waited longest; it counts as sent. Empty when none waits. */
  takeLatest(): number | undefined {
    for (const slot of this.#dirty) {
      this.#taken(slot);
      return slot;
    }
    return undefined;
  }

  /** More of the same type and station, at most `most`; they count as sent. */
  takeLatestLike(first: PlanEntry, most: number, except: ReadonlyMap<number, unknown>): number[] {
    const kind = kindOf(first);
    const taken: number[] = [];
    for (const slot of this.#dirty) {
      if (taken.length >= most) break;
      if (kindOf(this.#entries[slot] as PlanEntry) === kind && !except.has(slot)) taken.push(slot);
    }
    for (const slot of taken) this.#taken(slot);
    return taken;
  }

  #taken(slot: number): void {
    this.#dirty.delete(slot);
    this.#lastValue[slot] = imageWire(this.#entries[slot] as PlanEntry, this.#image, slot);
    this.#lastBits[slot] = qualityBits(this.#image.quality[slot] as number, this.#lost);
  }

  /** What was sent of these slots did not arrive. */
  putBack(slots: readonly number[]): void {
    for (const slot of slots) {
      const entry = this.#entries[slot];
      if (entry && isLatest(entry)) this.#dirty.add(slot);
    }
  }
}

/** Service points are no part of the durable queue: their newest value counts. */
function isLatest({ role, event }: PlanEntry): boolean {
  return (role === 'value' && event === 'latest') || (role === 'service' && event !== 'none');
}

/** What may share an ASDU. */
export function kindOf(entry: PlanEntry): number {
  return entry.station * 256 + (typeOf(entry)?.timed ?? 0);
}

function keyOf({ id, class: name, station, address, type, scale, offset }: PlanEntry): string {
  return `${station} ${name} ${id} ${address} ${type} ${scale} ${offset}`;
}
