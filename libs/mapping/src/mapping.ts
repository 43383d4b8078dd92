import { BatchBuilder, HandleIndex, type SampleBatch, sourceMs, valueAt } from '@busbar/batch';
import type { ControlValue } from '@busbar/events';
import { bad, type Quality } from '@busbar/model';
import { type CompiledEntry, compileEntries, convert, type MappingParts } from './entry.js';
import { type FeedbackTarget, type MappingRefusal, type TagTarget, toFeedbackTarget, toTagTarget } from './write.js';

const BAD = 0x80;
const NOT_A_NUMBER = bad('not-a-number');
const FORMULA = bad('formula');

/** Head of a batch of points: the asset that it belongs to and the generation that gives the point numbers their meaning. */
export interface PointBatchHead {
  readonly asset: string;
  readonly generation: number;
}

/**
 * Tags of one table to points of one model, both ways. Holds no state of values: one serves every device and asset of
 * its template and table.
 *
 * Quality goes with the value. A bad operand gives no value, with its quality; a value that does not fit the point,
 * or fits no pair of `values` where there is no `else`, is `bad formula`; not a number, or infinite, is `bad not-a-number`.
 */
export class Mapping {
  /** True when every tag read has the number of its point and is copied: a batch may be passed on as it is. */
  readonly isIdentity: boolean;
  readonly #entries: readonly CompiledEntry[];
  readonly #byPoint: ReadonlyMap<string, CompiledEntry>;
  readonly #index: HandleIndex;
  /** Entries that read the tag of slot s are #reads[#from[s]] to before #reads[#from[s + 1]]. */
  readonly #from: Int32Array;
  readonly #reads: readonly CompiledEntry[];
  readonly #points: Uint32Array;
  readonly #copied: Uint8Array;
  readonly #collected: Uint8Array;

  constructor(entries: readonly CompiledEntry[]) {
    this.#entries = entries;
    this.#byPoint = new Map(entries.map((entry) => [entry.point.id, entry]));
    const byTag = new Map<number, CompiledEntry[]>();
    for (const entry of entries) {
      if (!entry.read) continue;
      const list = byTag.get(entry.read.number);
      if (list) list.push(entry);
      else byTag.set(entry.read.number, [entry]);
    }
    this.#index = new HandleIndex([...byTag.keys()]);
    this.#reads = [...byTag.values()].flat();
    this.#from = new Int32Array(byTag.size + 1);
    let at = 0;
    let slot = 0;
    for (const list of byTag.values()) {
      at += list.length;
      slot += 1;
      this.#from[slot] = at;
    }
    this.#points = Uint32Array.from(this.#reads, (entry) => entry.point.number);
    this.#copied = Uint8Array.from(this.#reads, (entry) => Number(entry.isCopied));
    this.#collected = Uint8Array.from(this.#reads, (entry) => Number(entry.isCollected));
    this.isIdentity =
      this.#reads.length === byTag.size &&
      this.#reads.every((entry) => entry.isCopied && !entry.isCollected && entry.read?.number === entry.point.number);
  }

  /** Points that this mapping can give, by number. */
  get pointNumbers(): readonly number[] {
    return this.#reads.map((entry) => entry.point.number);
  }

  /**
   * Puts what the samples of a device say about the asset's points. Tags that no point reads are left out.
   * @param batch of kind `tags`, of a device with the table this was compiled for.
   */
  map(batch: SampleBatch, out: BatchBuilder): void {
    const { count, values, dt, handles, quality, side, baseMs, collectedMs } = batch;
    const index = this.#index;
    const from = this.#from;
    const points = this.#points;
    for (let i = 0; i < count; i++) {
      const slot = index.slotOf(handles[i] as number);
      if (slot === -1) continue;
      const q = quality[i] as Quality;
      const value = values[i] as number;
      const source = baseMs + (dt[i] as number);
      const end = from[slot + 1] as number;
      for (let k = from[slot] as number; k < end; k++) {
        const timeMs = this.#collected[k] === 1 ? collectedMs : source;
        if (q >= BAD) out.put(points[k] as number, Number.NaN, q, timeMs);
        // Infinity minus infinity is not a number either.
        else if (this.#copied[k] === 1 && value - value === 0) out.put(points[k] as number, value, q, timeMs);
        else if (side === null && value - value !== 0) out.put(points[k] as number, Number.NaN, NOT_A_NUMBER, timeMs);
        else this.#convert(batch, i, k, out);
      }
    }
  }

  /**
   * The batch of points that the samples make, null if no point reads any of them. Shares the arrays of `batch` where
   * nothing has to change, which makes a direct template nearly free.
   */
  toPoints(batch: SampleBatch, head: PointBatchHead): SampleBatch | null {
    if (this.isIdentity && this.#canShare(batch)) {
      return { ...batch, kind: 'points', key: head.asset, generation: head.generation };
    }
    const out = new BatchBuilder(batch.count, batch.baseMs);
    this.map(batch, out);
    if (out.count === 0) return null;
    return out.finish({
      kind: 'points',
      key: head.asset,
      generation: head.generation,
      collectedMs: batch.collectedMs,
    });
  }

  /** The write that gives the point this value, or why there is none. Writing is one to one. */
  toTagWrite(point: string, value: ControlValue): TagTarget | MappingRefusal {
    const entry = this.#byPoint.get(point);
    if (!entry) return { rule: 'NOT_CONTROLLABLE', reason: `${point} is not mapped to a tag` };
    return toTagTarget(entry, value);
  }

  /**
   * What the tag read shows once the point has the value, in tag units, never finer than the tag can hold; null where
   * nothing can be read back.
   * @param tolerance in units of the point.
   */
  feedback(point: string, value: ControlValue, tolerance: number): FeedbackTarget | null {
    const entry = this.#byPoint.get(point);
    return entry ? toFeedbackTarget(entry, value, tolerance) : null;
  }

  /** True if the template says anything about this point. */
  has(point: string): boolean {
    return this.#byPoint.has(point);
  }

  /** Ids of the points that can be written through this template. */
  get writablePoints(): readonly string[] {
    return this.#entries.filter((entry) => entry.write !== undefined).map((entry) => entry.point.id);
  }

  #canShare({ count, values, handles, quality, side }: SampleBatch): boolean {
    if (count === 0 || side !== null) return false;
    const index = this.#index;
    for (let i = 0; i < count; i++) {
      if (index.slotOf(handles[i] as number) === -1) return false;
      const value = values[i] as number;
      if ((quality[i] as Quality) >= BAD ? !Number.isNaN(value) : value - value !== 0) return false;
    }
    return true;
  }

  #convert(batch: SampleBatch, i: number, k: number, out: BatchBuilder): void {
    const point = this.#points[k] as number;
    const quality = batch.quality[i] as Quality;
    const timeMs = this.#collected[k] === 1 ? batch.collectedMs : sourceMs(batch, i);
    const value = valueAt(batch, i);
    if (value === undefined || (typeof value === 'number' && !Number.isFinite(value))) {
      out.put(point, Number.NaN, NOT_A_NUMBER, timeMs);
      return;
    }
    const converted = convert(this.#reads[k] as CompiledEntry, value);
    if (converted === undefined) out.put(point, Number.NaN, FORMULA, timeMs);
    else if (typeof converted === 'number') out.put(point, converted, quality, timeMs);
    else out.putSide(point, converted, quality, timeMs);
  }
}

/** Throws MAPPING_INCONSISTENT if a name of the template is neither in the model nor in the table. */
export function compileMapping(parts: MappingParts): Mapping {
  return new Mapping(compileEntries(parts));
}

/** Tells a refusal from what it stands in for. */
export function isMappingRefusal(result: TagTarget | MappingRefusal): result is MappingRefusal {
  return 'rule' in result;
}
