import type { LastGood, PointValue } from '@busbar/api-schema';
import type { SampleBatch, SideValue } from '@busbar/batch';
import type { PointType, Quality } from '@busbar/model';
import { bad, qualityLevel, qualityText } from '@busbar/model';
import type { PointDirectory } from './point-directory.js';

const NEVER_READ: Quality = bad('never-read');

/** Newest value of every row of a directory, as columns; a value costs no object. */
export class LiveValues {
  readonly directory: PointDirectory;
  readonly #values: Float64Array;
  readonly #sourceMs: Float64Array;
  readonly #collectedMs: Float64Array;
  readonly #quality: Uint8Array;
  readonly #texts = new Map<number, string>();
  readonly #lastValues: Float64Array;
  readonly #lastMs: Float64Array;
  readonly #lastTexts = new Map<number, string>();
  /** Number of the change that set the row; 0: never set. */
  readonly #stamps: Float64Array;
  #stamp = 0;

  /** @param previous values of the generation before, kept by asset and point. */
  constructor(directory: PointDirectory, previous?: LiveValues) {
    const { size } = directory;
    this.directory = directory;
    this.#values = new Float64Array(size).fill(Number.NaN);
    this.#sourceMs = new Float64Array(size).fill(Number.NaN);
    this.#collectedMs = new Float64Array(size).fill(Number.NaN);
    this.#quality = new Uint8Array(size).fill(NEVER_READ);
    this.#lastValues = new Float64Array(size).fill(Number.NaN);
    this.#lastMs = new Float64Array(size).fill(Number.NaN);
    this.#stamps = new Float64Array(size);
    if (previous) this.#keep(previous);
  }

  /** Number of the newest change. */
  get stamp(): number {
    return this.#stamp;
  }

  stampAt(row: number): number {
    return this.#stamps[row] as number;
  }

  qualityAt(row: number): Quality {
    return this.#quality[row] as Quality;
  }

  /** NaN: none, or it is a text. */
  numberAt(row: number): number {
    return this.#values[row] as number;
  }

  textAt(row: number): string | undefined {
    return this.#texts.get(row);
  }

  /** Epoch ms; null: no value came yet. */
  sourceMsAt(row: number): number | null {
    const time = this.#sourceMs[row] as number;
    return Number.isNaN(time) ? null : time;
  }

  /** Null when the row never had a value. */
  lastGoodAt(row: number): LastGood | null {
    const sourceTime = this.#lastMs[row] as number;
    if (Number.isNaN(sourceTime)) return null;
    const text = this.#lastTexts.get(row);
    const number = this.#lastValues[row] as number;
    return { value: text ?? this.#typed(row, number), sourceTime };
  }

  valueAt(row: number): PointValue {
    const number = this.numberAt(row);
    const text = this.textAt(row);
    const collected = this.#collectedMs[row] as number;
    const isBad = qualityLevel(this.qualityAt(row)) === 'bad';
    return {
      value: text ?? (Number.isNaN(number) ? null : this.#typed(row, number)),
      quality: qualityText(this.qualityAt(row)),
      sourceTime: this.sourceMsAt(row),
      collectedTime: Number.isNaN(collected) ? null : collected,
      ...(isBad ? { lastGood: this.lastGoodAt(row) } : {}),
    };
  }

  /** Takes over a batch of points; the last to arrive counts. Values of points that are not here are left out. */
  apply(batch: SampleBatch): void {
    this.#apply(batch, false);
  }

  /** Takes over an image: only rows without a value yet. */
  applyImage(batch: SampleBatch): void {
    this.#apply(batch, true);
  }

  #apply(batch: SampleBatch, onlyMissing: boolean): void {
    const rows = this.directory.rowsOf(batch.key, batch.generation);
    if (!rows) return;
    const { base, handles } = rows;
    const stamp = ++this.#stamp;
    for (let i = 0; i < batch.count; i++) {
      const slot = handles.slotOf(batch.handles[i] as number);
      if (slot < 0) continue;
      const row = base + slot;
      if (onlyMissing && (this.#stamps[row] as number) > 0) continue;
      const quality = batch.quality[i] as Quality;
      this.#stamps[row] = stamp;
      this.#quality[row] = quality;
      this.#sourceMs[row] = batch.baseMs + (batch.dt[i] as number);
      this.#collectedMs[row] = batch.collectedMs;
      if (quality >= 0x80) this.#clear(row);
      else this.#put(row, batch.values[i] as number, batch.side?.get(i));
    }
  }

  /** Bad: whatever stands in the batch is no value. */
  #clear(row: number): void {
    this.#values[row] = Number.NaN;
    this.#texts.delete(row);
  }

  #put(row: number, value: number, side: SideValue | undefined): void {
    this.#values[row] = value;
    this.#lastMs[row] = this.#sourceMs[row] as number;
    this.#lastValues[row] = value;
    if (side !== undefined) {
      const text = typeof side === 'object' ? JSON.stringify(side) : String(side);
      this.#texts.set(row, text);
      this.#lastTexts.set(row, text);
    } else if (this.#texts.size > 0 || this.#lastTexts.size > 0) {
      this.#texts.delete(row);
      this.#lastTexts.delete(row);
    }
  }

  #typed(row: number, value: number): number | boolean {
    return typedNumber(this.directory.pointAt(row).type, value);
  }

  #keep(previous: LiveValues): void {
    this.#stamp = 1;
    for (let row = 0; row < this.directory.size; row++) {
      const { asset, point } = this.directory.idsAt(row);
      const old = previous.directory.rowOf(asset, point);
      // A point of another type is another point; what it had says nothing about it.
      if (old < 0 || previous.directory.pointAt(old).type !== this.directory.pointAt(row).type) continue;
      this.#copy(previous, old, row);
    }
  }

  #copy(previous: LiveValues, from: number, to: number): void {
    this.#values[to] = previous.#values[from] as number;
    this.#sourceMs[to] = previous.#sourceMs[from] as number;
    this.#collectedMs[to] = previous.#collectedMs[from] as number;
    this.#quality[to] = previous.#quality[from] as number;
    this.#lastValues[to] = previous.#lastValues[from] as number;
    this.#lastMs[to] = previous.#lastMs[from] as number;
    this.#stamps[to] = (previous.#stamps[from] as number) > 0 ? 1 : 0;
    const text = previous.#texts.get(from);
    if (text !== undefined) this.#texts.set(to, text);
    const lastText = previous.#lastTexts.get(from);
    if (lastText !== undefined) this.#lastTexts.set(to, lastText);
  }
}

/** Columns carry bools as 0 and 1. */
export function typedNumber(type: PointType, value: number): number | boolean {
  return type === 'bool' ? value !== 0 : value;
}
