import { BatchBuilder, type SampleBatch, type SideValue } from '@busbar/batch';

/** Newest value of every point of one asset, as columns by point number. */
export class AssetImage {
  readonly asset: string;
  #values: Float64Array = new Float64Array(0);
  #times: Float64Array = new Float64Array(0);
  #quality: Uint8Array = new Uint8Array(0);
  #known: Uint8Array = new Uint8Array(0);
  readonly #side = new Map<number, SideValue>();
  #count = 0;
  #dirty = false;

  constructor(asset: string) {
    this.asset = asset;
  }

  get isDirty(): boolean {
    return this.#dirty;
  }

  /** Takes over what a batch of points says. The last to arrive counts: a device's clock may have been set back. */
  update(batch: SampleBatch): void {
    const { count, values, handles, quality, dt, baseMs, side } = batch;
    for (let i = 0; i < count; i++) {
      const point = handles[i] as number;
      if (point >= this.#known.length) this.#grow(point);
      if (this.#known[point] === 0) {
        this.#known[point] = 1;
        this.#count++;
      }
      this.#values[point] = values[i] as number;
      this.#times[point] = baseMs + (dt[i] as number);
      this.#quality[point] = quality[i] as number;
      const text = side?.get(i);
      if (text !== undefined) this.#side.set(point, text);
      else if (this.#side.size > 0) this.#side.delete(point);
    }
    this.#dirty = true;
  }

  /** Takes over an image that was written earlier, without calling itself changed. */
  restore(batch: SampleBatch): void {
    const dirty = this.#dirty;
    this.update(batch);
    this.#dirty = dirty;
  }

  /** The image as a batch of kind `image`; from then on it is no longer dirty. */
  take(generation: number, collectedMs: number): SampleBatch {
    const builder = new BatchBuilder(this.#count, collectedMs);
    for (let point = 0; point < this.#known.length; point++) {
      if (this.#known[point] === 0) continue;
      const side = this.#side.get(point);
      const quality = this.#quality[point] as number;
      const time = this.#times[point] as number;
      if (side === undefined) builder.put(point, this.#values[point] as number, quality, time);
      else builder.putSide(point, side, quality, time);
    }
    this.#dirty = false;
    return builder.finish({ kind: 'image', key: this.asset, generation, collectedMs });
  }

  #grow(point: number): void {
    const size = Math.max(16, this.#known.length * 2, point + 1);
    const values = new Float64Array(size);
    values.set(this.#values);
    this.#values = values;
    const times = new Float64Array(size);
    times.set(this.#times);
    this.#times = times;
    const quality = new Uint8Array(size);
    quality.set(this.#quality);
    this.#quality = quality;
    const known = new Uint8Array(size);
    known.set(this.#known);
    this.#known = known;
  }
}
