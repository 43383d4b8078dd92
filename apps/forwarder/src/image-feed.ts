import { BatchBuilder, type SampleBatch, sourceMs } from '@busbar/batch';
import { qualityLevel, uncertain } from '@busbar/model';
import type { PointImage } from '@busbar/server-sdk';
import type { ExecutedValue } from './executed-values.js';
import type { AssetSlots, PlanIndex } from './plan-index.js';

const STALE = uncertain('stale');

/** What one batch changed. */
export interface Fed {
  /** The first `count` are slots whose value, quality or time is another now. */
  readonly slots: Uint32Array;
  readonly count: number;
  /** The changes of points that want every one of them; null: none. */
  readonly events: SampleBatch | null;
}

const NOTHING: Fed = { slots: new Uint32Array(0), count: 0, events: null };

/** Keeps the image of a plan by batches of points, and tells which of them are events. */
export class ImageFeed {
  #index: PlanIndex;
  #image: PointImage;
  #slots: Uint32Array;
  /** By asset: offset of the newest record that the image shows, and its partition. A repeated one changes nothing. */
  readonly #offsets = new Map<string, number>();

  constructor(index: PlanIndex, image: PointImage) {
    this.#index = index;
    this.#image = image;
    this.#slots = new Uint32Array(image.slots);
  }

  get image(): PointImage {
    return this.#image;
  }

  get index(): PlanIndex {
    return this.#index;
  }

  /** The same values under another plan. */
  replan(index: PlanIndex): Int32Array {
    const slotOf = index.slotsFrom(this.#index.plan);
    this.#image = this.#image.moved(slotOf);
    this.#index = index;
    this.#slots = new Uint32Array(this.#image.slots);
    return slotOf;
  }

  /** What was known before this start: good values are as old as they are, and nobody has seen them since. */
  remember(batch: SampleBatch): void {
    const asset = this.#index.of(batch.key);
    if (!asset) return;
    for (let i = 0; i < batch.count; i++) {
      const at = asset.handles.slotOf(batch.handles[i] as number);
      if (at === -1) continue;
      for (const slot of asset.slots[at] as readonly number[]) {
        // A record of points.updated that came first is newer than the image of all.
        if (this.#image.timeMs[slot] !== 0) continue;
        this.#put(slot, batch, i);
        if (qualityLevel(batch.quality[i] as number) === 'good') this.#image.quality[slot] = STALE;
      }
    }
  }

  /** What a command left at a point without feedback. Gives the slots that show it. */
  execute({ path, value, timeMs, quality }: ExecutedValue): Uint32Array {
    const at = path.indexOf('/');
    const [asset, point] = [path.slice(0, at), path.slice(at + 1)];
    const slots: number[] = [];
    this.#index.plan.entries.forEach((entry, slot) => {
      if (entry.asset !== asset || entry.point !== point) return;
      if (entry.role !== 'value' && entry.role !== 'control') return;
      const image = this.#image;
      if (timeMs < (image.timeMs[slot] as number)) return;
      if (value === null) {
        // Nobody knows whether it is still this one.
        if (image.timeMs[slot] === 0) return;
        image.quality[slot] = quality;
      } else {
        if (typeof value === 'string') image.text.set(slot, value);
        else image.text.delete(slot);
        const number = typeof value === 'string' ? Number.NaN : Number(value);
        image.set(slot, number, { timeMs, quality, isCollected: true });
      }
      slots.push(slot);
    });
    return Uint32Array.from(slots);
  }

  /** The slots belong to the feed and are overwritten by the next call. */
  feed(batch: SampleBatch, offset: number): Fed {
    const asset = this.#index.of(batch.key);
    if (!asset || offset <= (this.#offsets.get(batch.key) ?? -1)) return NOTHING;
    this.#offsets.set(batch.key, offset);
    let count = 0;
    let events: BatchBuilder | null = null;
    for (let i = 0; i < batch.count; i++) {
      const at = asset.handles.slotOf(batch.handles[i] as number);
      if (at === -1) continue;
      if (asset.isEvent[at] && this.#isEvent(asset, at, { batch, i })) {
        events ??= new BatchBuilder(batch.count, batch.baseMs);
        const side = batch.side?.get(i);
        const [handle, quality, timeMs] = [batch.handles[i] as number, batch.quality[i] as number, sourceMs(batch, i)];
        if (side === undefined) events.put(handle, batch.values[i] as number, quality, timeMs);
        else events.putSide(handle, side, quality, timeMs);
      }
      for (const slot of asset.slots[at] as readonly number[]) {
        this.#put(slot, batch, i);
        if (count === this.#slots.length) this.#grow();
        this.#slots[count++] = slot;
      }
    }
    const { kind, key, generation, collectedMs } = batch;
    return {
      slots: this.#slots,
      count,
      events: events && events.count > 0 ? events.finish({ kind, key, generation, collectedMs }) : null,
    };
  }

  /**
   * A change of value or quality, so that what a restart showed as stale is told to be good again; and, after a start, what is older than the image: it may have been queued before,
   * or not, and twice is better than never.
   */
  #isEvent(asset: AssetSlots, at: number, { batch, i }: { readonly batch: SampleBatch; readonly i: number }): boolean {
    const slot = asset.slots[at]?.[0] as number;
    const image = this.#image;
    if (sourceMs(batch, i) < (image.timeMs[slot] as number)) return true;
    const before = image.quality[slot] as number;
    const quality = batch.quality[i] as number;
    const side = batch.side?.get(i);
    const isSame =
      typeof side === 'string'
        ? image.text.get(slot) === side
        : Object.is(image.value[slot], side === undefined ? batch.values[i] : numberOf(side));
    return !isSame || before !== quality;
  }

  /** A batch may hold several samples of a point. */
  #grow(): void {
    const slots = new Uint32Array(2 * this.#slots.length);
    slots.set(this.#slots);
    this.#slots = slots;
  }

  #put(slot: number, batch: SampleBatch, i: number): void {
    const side = batch.side?.get(i);
    // A 64-bit integer keeps all its digits as text, for servers that can say them.
    if (typeof side === 'string' || typeof side === 'bigint') this.#image.text.set(slot, String(side));
    else if (this.#image.text.size > 0) this.#image.text.delete(slot);
    const timeMs = sourceMs(batch, i);
    this.#image.value[slot] = side === undefined ? (batch.values[i] as number) : numberOf(side);
    this.#image.quality[slot] = batch.quality[i] as number;
    // Nothing is refreshed by being old: the stamp stays that of the last good sample.
    if (batch.quality[i] === STALE && this.#image.timeMs[slot] !== 0) return;
    this.#image.timeMs[slot] = timeMs;
    this.#image.isCollected[slot] = timeMs === batch.collectedMs ? 1 : 0;
  }
}

function numberOf(side: unknown): number {
  return typeof side === 'bigint' ? Number(side) : Number.NaN;
}
