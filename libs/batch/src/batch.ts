import type { Quality } from '@busbar/model';

/** What the key and the handles of a batch are. */
export type BatchKind = 'tags' | 'points' | 'image';

/** What does not fit a Float64: texts, 64-bit integers, arrays and structs (JSON values). */
export type SideValue = string | bigint | readonly unknown[] | { readonly [field: string]: unknown };

/**
 * Samples of one device (`tags`) or one asset (`points`, `image`) as columns. The arrays have `count` elements
 * and belong to the batch: nobody changes them after it was handed on.
 */
export interface SampleBatch {
  readonly kind: BatchKind;
  /** Device id for `tags`, asset id for the others. */
  readonly key: string;
  /** Generation of the configuration that gives the handles their meaning. */
  readonly generation: number;
  /** Epoch ms at which Busbar had the values. */
  readonly collectedMs: number;
  /** Epoch ms to which `dt` adds. */
  readonly baseMs: number;
  readonly count: number;
  /** The value, bools as 0 and 1; NaN where there is none (bad) or where it stands in `side`. */
  readonly values: Float64Array;
  /** Source time minus `baseMs`, ms. */
  readonly dt: Int32Array;
  readonly handles: Uint32Array;
  readonly quality: Uint8Array;
  /** By index into the columns; null when empty. */
  readonly side: ReadonlyMap<number, SideValue> | null;
}

export function sourceMs(batch: SampleBatch, index: number): number {
  return batch.baseMs + (batch.dt[index] as number);
}

/** The value at an index: from the side table if it stands there; undefined if there is none. */
export function valueAt(batch: SampleBatch, index: number): number | SideValue | undefined {
  const side = batch.side?.get(index);
  if (side !== undefined) return side;
  const value = batch.values[index] as number;
  return Number.isNaN(value) ? undefined : value;
}

/** Collects the samples of one batch. One object per batch, none per value. */
export class BatchBuilder {
  #count = 0;
  #capacity: number;
  #values: Float64Array;
  #dt: Int32Array;
  #handles: Uint32Array;
  #quality: Uint8Array;
  #side: Map<number, SideValue> | null = null;
  readonly #baseMs: number;

  constructor(capacity: number, baseMs: number) {
    this.#capacity = Math.max(1, capacity);
    this.#baseMs = baseMs;
    this.#values = new Float64Array(this.#capacity);
    this.#dt = new Int32Array(this.#capacity);
    this.#handles = new Uint32Array(this.#capacity);
    this.#quality = new Uint8Array(this.#capacity);
  }

  get count(): number {
    return this.#count;
  }

  /** @param sourceTimeMs epoch ms; kept within 24 days of the base (clamped beyond). */
  put(handle: number, value: number, quality: Quality, sourceTimeMs: number): void {
    const at = this.#count;
    if (at === this.#capacity) this.#grow();
    this.#values[at] = value;
    this.#dt[at] = Math.max(-2147483648, Math.min(2147483647, sourceTimeMs - this.#baseMs));
    this.#handles[at] = handle;
    this.#quality[at] = quality;
    this.#count = at + 1;
  }

  putSide(handle: number, value: SideValue, quality: Quality, sourceTimeMs: number): void {
    this.#side ??= new Map();
    this.#side.set(this.#count, value);
    this.put(handle, Number.NaN, quality, sourceTimeMs);
  }

  /** The batch. The builder must not be used afterwards. */
  finish(head: {
    readonly kind: BatchKind;
    readonly key: string;
    readonly generation: number;
    readonly collectedMs: number;
  }): SampleBatch {
    const n = this.#count;
    const whole = n === this.#capacity;
    return {
      ...head,
      baseMs: this.#baseMs,
      count: n,
      values: whole ? this.#values : this.#values.subarray(0, n),
      dt: whole ? this.#dt : this.#dt.subarray(0, n),
      handles: whole ? this.#handles : this.#handles.subarray(0, n),
      quality: whole ? this.#quality : this.#quality.subarray(0, n),
      side: this.#side,
    };
  }

  #grow(): void {
    const capacity = this.#capacity * 2;
    const values = new Float64Array(capacity);
    values.set(this.#values);
    this.#values = values;
    const dt = new Int32Array(capacity);
    dt.set(this.#dt);
    this.#dt = dt;
    const handles = new Uint32Array(capacity);
    handles.set(this.#handles);
    this.#handles = handles;
    const quality = new Uint8Array(capacity);
    quality.set(this.#quality);
    this.#quality = quality;
    this.#capacity = capacity;
  }
}
