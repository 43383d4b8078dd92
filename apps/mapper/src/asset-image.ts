import { BatchBuilder, type SampleBatch, type SideValue, sourceMs } from '@busbar/batch';
import type { Quality } from '@busbar/model';

/**
 * Newest value of every point of one asset, by point number. Several mappers may feed one asset, each from other
 * devices: what this one has not changed since its last image is taken from the image that stands in the log.
 */
export class AssetImage {
  readonly asset: string;
  /** First generation with the asset's model: point numbers of an older image mean something else. */
  readonly #sinceGeneration: number;
  #values: Float64Array = new Float64Array(0);
  #times: Float64Array = new Float64Array(0);
  #quality: Uint8Array = new Uint8Array(0);
  #known: Uint8Array = new Uint8Array(0);
  /** Round in which a point was changed here; 0 once that is durable. */
  #changed: Uint32Array = new Uint32Array(0);
  readonly #side = new Map<number, SideValue>();
  #count = 0;
  #round = 1;
  #isDirty = false;

  constructor(asset: string, sinceGeneration = 0) {
    this.asset = asset;
    this.#sinceGeneration = sinceGeneration;
  }

  /** Something changed that is in no image yet. */
  get isDirty(): boolean {
    return this.#isDirty;
  }

  /** Takes over what a batch of points says. The last to arrive counts: a device's clock may have been set back. */
  update(batch: SampleBatch): void {
    const { count, handles } = batch;
    for (let i = 0; i < count; i++) {
      const point = handles[i] as number;
      this.#set(point, batch, i);
      this.#changed[point] = this.#round;
    }
    this.#isDirty = true;
  }

  /**
   * The image as a batch of kind `image`.
   * @param standing the image in the log, of whichever mapper.
   */
  take(standing: SampleBatch | null, generation: number, collectedMs: number): SampleBatch {
    if (standing && standing.generation >= this.#sinceGeneration) this.#merge(standing);
    const builder = new BatchBuilder(this.#count, collectedMs);
    for (let point = 0; point < this.#known.length; point++) {
      if (this.#known[point] === 0) continue;
      const side = this.#side.get(point);
      const quality = this.#quality[point] as Quality;
      const time = this.#times[point] as number;
      if (side === undefined) builder.put(point, this.#values[point] as number, quality, time);
      else builder.putSide(point, side, quality, time);
    }
    this.#round += 1;
    this.#isDirty = false;
    return builder.finish({ kind: 'image', key: this.asset, generation, collectedMs });
  }

  /** The image that was taken last became durable, or did not and has to be taken again. */
  written(isDurable: boolean): void {
    if (!isDurable) {
      this.#isDirty = true;
      return;
    }
    const { length } = this.#changed;
    for (let point = 0; point < length; point++) {
      if ((this.#changed[point] as number) < this.#round) this.#changed[point] = 0;
    }
  }

  #merge(standing: SampleBatch): void {
    for (let i = 0; i < standing.count; i++) {
      const point = standing.handles[i] as number;
      if ((this.#changed[point] ?? 0) === 0) this.#set(point, standing, i);
    }
  }

  #set(point: number, batch: SampleBatch, i: number): void {
    if (point >= this.#known.length) this.#grow(point);
    if (this.#known[point] === 0) {
      this.#known[point] = 1;
      this.#count += 1;
    }
    this.#values[point] = batch.values[i] as number;
    this.#times[point] = sourceMs(batch, i);
    this.#quality[point] = batch.quality[i] as number;
    const side = batch.side?.get(i);
    if (side !== undefined) this.#side.set(point, side);
    else if (this.#side.size > 0) this.#side.delete(point);
  }

  #grow(point: number): void {
    const size = Math.max(16, this.#known.length * 2, point + 1);
    const grown = <A extends Float64Array | Uint8Array | Uint32Array>(next: A, old: A): A => {
      next.set(old);
      return next;
    };
    this.#values = grown(new Float64Array(size), this.#values);
    this.#times = grown(new Float64Array(size), this.#times);
    this.#quality = grown(new Uint8Array(size), this.#quality);
    this.#known = grown(new Uint8Array(size), this.#known);
    this.#changed = grown(new Uint32Array(size), this.#changed);
  }
}
