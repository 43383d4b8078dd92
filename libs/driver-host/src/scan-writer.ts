import { BatchBuilder, type SampleBatch, type SideValue } from '@busbar/batch';
import type { SampleWriter } from '@busbar/driver-sdk';
import { bad, type Clock, GOOD, type Quality, qualityLevel, uncertain, worseQuality } from '@busbar/model';
import { type CompiledTags, DIVIDE, FULL, IDENTITY, LINEAR } from './compiled-table.js';
import { cleanDecimal, isInvalidCode } from './conversion.js';

const BAD = 0x80;
const NOT_A_NUMBER = bad('not-a-number');
const NO_VALUE = bad('device');
const OUT_OF_RANGE = uncertain('out-of-range');
const NEVER_READ = bad('never-read');
const NO_EXPONENT = bad('operand');

/** Place in the batch and in the tags of a value that waits for its power of ten. */
interface Deferred {
  readonly at: number;
  readonly tag: number;
}

export interface ScanHead {
  readonly key: string;
  readonly generation: number;
}

/**
 * Takes raw values from a driver, converts them and fills the batch of one scan. Accepts only tags of the request that
 * is under way, each once, so that a driver which answers late or twice changes nothing.
 */
export class ScanWriter implements SampleWriter {
  /** Converted value and quality of every tag as last published; texts and 64-bit integers in `lastSide`. */
  readonly lastValue: Float64Array;
  readonly lastQuality: Uint8Array;
  lastSide: Map<number, SideValue> | null = null;
  /** Puts that did not belong to the request: defects of the driver. */
  strayCount = 0;

  readonly #tags: CompiledTags;
  readonly #clock: Clock;
  /** Values of the tags that others scale by, by tag number; shared by the groups of a device. */
  readonly #exponents: Map<number, number>;
  readonly #requestOf: Int32Array;
  readonly #stamp: Uint32Array;
  #scan = 1;
  #request = -1;
  #putCount = 0;
  #builder: BatchBuilder | null = null;
  #stampMs = 0;
  #deferred: Deferred[] | null = null;

  constructor(tags: CompiledTags, clock: Clock, exponents: Map<number, number>) {
    this.#tags = tags;
    this.#clock = clock;
    this.#exponents = exponents;
    const n = tags.tags.length;
    this.lastValue = new Float64Array(n).fill(Number.NaN);
    this.lastQuality = new Uint8Array(n).fill(NEVER_READ);
    this.#requestOf = new Int32Array(n).fill(-1);
    this.#stamp = new Uint32Array(n);
  }

  /**
   * Takes this writer's place when a read was given up that never ended: whatever the driver still puts into the old
   * one is lost, even while the same tags are being read again.
   */
  successor(): ScanWriter {
    this.stop();
    const next = new ScanWriter(this.#tags, this.#clock, this.#exponents);
    next.lastValue.set(this.lastValue);
    next.lastQuality.set(this.lastQuality);
    next.lastSide = this.lastSide;
    next.#requestOf.set(this.#requestOf);
    return next;
  }

  /** The plan in use: tag indexes by request. */
  setRequests(requests: readonly { readonly tags: readonly number[] }[]): void {
    this.#requestOf.fill(-1);
    requests.forEach((request, index) => {
      for (const tag of request.tags) this.#requestOf[tag] = index;
    });
  }

  /** Some values of a scan wait for {@link finish}. */
  get isOpen(): boolean {
    return this.#builder !== null;
  }

  isPlanned(tag: number): boolean {
    return this.#requestOf[tag] !== -1;
  }

  begin(request: number): void {
    this.#request = request;
    this.#putCount = 0;
  }

  /** The tag has a value in the batch that waits for {@link finish}. */
  hasPut(tag: number): boolean {
    return this.#stamp[tag] === this.#scan;
  }

  /** Nothing is taken any more until the next `begin`. */
  stop(): void {
    this.#request = -1;
  }

  /** Ends the request; tags that got no answer become bad. Returns how many. */
  end(tags: readonly number[]): number {
    this.#request = -1;
    const missing = tags.length - this.#putCount;
    if (missing > 0) {
      for (const tag of tags) if (this.#stamp[tag] !== this.#scan) this.putOwn(tag, Number.NaN, NO_VALUE);
    }
    return missing;
  }

  put(tagIndex: number, value: number, quality: Quality, sourceTimeMs: number): void {
    if (!this.#accepts(tagIndex)) return;
    const tags = this.#tags;
    if (quality >= BAD) {
      if (tags.isExponent[tagIndex] === 1) this.#exponents.delete(this.#number(tagIndex));
      this.#store(tagIndex, Number.NaN, quality, sourceTimeMs);
      return;
    }
    const mode = tags.mode[tagIndex] as number;
    let converted: number;
    if (mode === IDENTITY) converted = value;
    else if (mode === DIVIDE) converted = value / (tags.scale[tagIndex] as number);
    else if (mode === LINEAR) {
      converted = cleanDecimal(value * (tags.scale[tagIndex] as number) + (tags.offset[tagIndex] as number));
    } else {
      this.#putFull(tagIndex, value, quality, sourceTimeMs);
      return;
    }
    // NaN and both infinities: no JSON, no trend and no cloud can carry them.
    if (!Number.isFinite(converted)) this.#store(tagIndex, Number.NaN, NOT_A_NUMBER, sourceTimeMs);
    else this.#store(tagIndex, converted, quality, sourceTimeMs);
  }

  putText(tagIndex: number, value: string, quality: Quality, sourceTimeMs: number): void {
    if (!this.#accepts(tagIndex)) return;
    if (quality >= BAD) this.#store(tagIndex, Number.NaN, quality, sourceTimeMs);
    else this.#storeSide(tagIndex, value, quality, sourceTimeMs);
  }

  putInt64(tagIndex: number, value: bigint, quality: Quality, sourceTimeMs: number): void {
    const mode = this.#tags.mode[tagIndex] as number;
    const config = this.#tags.configs[tagIndex];
    if ((mode & ~FULL) !== IDENTITY || config?.scaleBy !== undefined) {
      const invalid = config !== undefined && isInvalidCode(config.invalid, value, config.type);
      this.put(tagIndex, Number(value), invalid && quality < BAD ? NO_VALUE : quality, sourceTimeMs);
      return;
    }
    if (!this.#accepts(tagIndex)) return;
    if (quality >= BAD) {
      this.#store(tagIndex, Number.NaN, quality, sourceTimeMs);
      return;
    }
    if (config && isInvalidCode(config.invalid, value, config.type)) {
      this.#store(tagIndex, Number.NaN, NO_VALUE, sourceTimeMs);
      return;
    }
    this.#storeSide(tagIndex, value, this.#ranged(tagIndex, Number(value), quality), sourceTimeMs);
  }

  putArray(
    tagIndex: number,
    value: readonly (number | string | bigint)[],
    quality: Quality,
    sourceTimeMs: number,
  ): void {
    if (!this.#accepts(tagIndex)) return;
    if (quality >= BAD) {
      this.#store(tagIndex, Number.NaN, quality, sourceTimeMs);
      return;
    }
    const elements: (number | string)[] = [];
    for (const element of value) {
      if (typeof element !== 'number') elements.push(String(element));
      else {
        const converted = this.#linear(tagIndex, element);
        if (!Number.isFinite(converted)) {
          this.#store(tagIndex, Number.NaN, NOT_A_NUMBER, sourceTimeMs);
          return;
        }
        elements.push(converted);
      }
    }
    this.#storeSide(tagIndex, elements, quality, sourceTimeMs);
  }

  /** The host's own word about a tag (refused address, stale, not connected), whatever request is under way. */
  putOwn(tagIndex: number, value: number, quality: Quality): void {
    this.#store(tagIndex, value, quality, Number.NaN);
    if (quality >= BAD && this.#tags.isExponent[tagIndex] === 1) this.#exponents.delete(this.#number(tagIndex));
  }

  /** The last value again with another quality. */
  putAgain(tagIndex: number, quality: Quality): void {
    const side = this.lastSide?.get(tagIndex);
    if (side === undefined) this.putOwn(tagIndex, this.lastValue[tagIndex] as number, quality);
    else this.#storeSide(tagIndex, side, quality, Number.NaN);
  }

  /** The batch of what came since the last call, or null. */
  finish(head: ScanHead): SampleBatch | null {
    this.#scan = (this.#scan + 1) >>> 0 || 1;
    const builder = this.#builder;
    this.#builder = null;
    if (builder === null || builder.count === 0) return null;
    const batch = builder.finish({ kind: 'tags', collectedMs: this.#stampMs, ...head });
    if (this.#deferred) this.#raise(batch, this.#deferred);
    this.#deferred = null;
    return batch;
  }

  #accepts(tagIndex: number): boolean {
    if (this.#request < 0 || this.#requestOf[tagIndex] !== this.#request || this.#stamp[tagIndex] === this.#scan) {
      this.strayCount++;
      return false;
    }
    this.#stamp[tagIndex] = this.#scan;
    this.#putCount++;
    return true;
  }

  #number(tagIndex: number): number {
    return this.#tags.handles[tagIndex] as number;
  }

  #linear(tagIndex: number, value: number): number {
    const tags = this.#tags;
    const scale = tags.scale[tagIndex] as number;
    switch ((tags.mode[tagIndex] as number) & ~FULL) {
      case IDENTITY:
        return value;
      case DIVIDE:
        return value / scale;
      default:
        return cleanDecimal(value * scale + (tags.offset[tagIndex] as number));
    }
  }

  #ranged(tagIndex: number, value: number, quality: Quality): Quality {
    const { min, max } = this.#tags.configs[tagIndex] ?? {};
    const outside = (min !== undefined && value < min) || (max !== undefined && value > max);
    return outside ? worseQuality(quality, OUT_OF_RANGE) : quality;
  }

  #putFull(tagIndex: number, value: number, quality: Quality, sourceTimeMs: number): void {
    const config = this.#tags.configs[tagIndex] as CompiledTags['configs'][number];
    const isExponent = this.#tags.isExponent[tagIndex] === 1;
    const converted = this.#linear(tagIndex, value);
    let result = quality;
    if (isInvalidCode(config.invalid, value, config.type)) result = Number.isNaN(value) ? NOT_A_NUMBER : NO_VALUE;
    else if (!Number.isFinite(converted)) result = NOT_A_NUMBER;
    if (result >= BAD) {
      if (isExponent) this.#exponents.delete(config.number);
      this.#store(tagIndex, Number.NaN, result, sourceTimeMs);
      return;
    }
    if (isExponent) this.#exponents.set(config.number, converted);
    if (config.scaleBy === undefined) result = this.#ranged(tagIndex, converted, result);
    this.#store(tagIndex, converted, result, sourceTimeMs);
    if (config.scaleBy !== undefined) {
      this.#deferred ??= [];
      this.#deferred.push({ at: (this.#builder as BatchBuilder).count - 1, tag: tagIndex });
    }
  }

  #open(): BatchBuilder {
    if (this.#builder === null) {
      // One stamp for all of a scan, taken when its first answer came: never later than any of its values was read.
      this.#stampMs = this.#clock.wallMs();
      this.#builder = new BatchBuilder(this.#tags.tags.length, this.#stampMs);
    }
    return this.#builder;
  }

  #store(tagIndex: number, value: number, quality: Quality, sourceTimeMs: number): void {
    const builder = this.#builder ?? this.#open();
    builder.put(
      this.#tags.handles[tagIndex] as number,
      value,
      quality,
      Number.isNaN(sourceTimeMs) ? this.#stampMs : sourceTimeMs,
    );
    this.lastValue[tagIndex] = value;
    this.lastQuality[tagIndex] = quality;
    if (this.lastSide !== null) this.lastSide.delete(tagIndex);
  }

  #storeSide(tagIndex: number, value: SideValue, quality: Quality, sourceTimeMs: number): void {
    const builder = this.#open();
    builder.putSide(
      this.#tags.handles[tagIndex] as number,
      value,
      quality,
      Number.isNaN(sourceTimeMs) ? this.#stampMs : sourceTimeMs,
    );
    this.lastSide ??= new Map();
    this.lastSide.set(tagIndex, value);
    this.lastValue[tagIndex] = Number.NaN;
    this.lastQuality[tagIndex] = quality;
  }

  /** Powers of ten come last: the tag that holds one may stand behind its values. */
  #raise(batch: SampleBatch, deferred: readonly Deferred[]): void {
    for (const { at, tag } of deferred) {
      const config = this.#tags.configs[tag] as CompiledTags['configs'][number];
      const exponent = this.#exponents.get(config.scaleBy as number);
      const value = exponent === undefined ? Number.NaN : cleanDecimal((batch.values[at] as number) * 10 ** exponent);
      const finite = Number.isFinite(value);
      const given = batch.quality[at] as Quality;
      const quality = exponent === undefined ? NO_EXPONENT : finite ? this.#ranged(tag, value, given) : NOT_A_NUMBER;
      batch.values[at] = finite ? value : Number.NaN;
      batch.quality[at] = quality;
      this.lastValue[tag] = finite ? value : Number.NaN;
      this.lastQuality[tag] = quality;
    }
  }

  /** Tags whose last quality is good. */
  countGood(): number {
    let good = 0;
    for (const quality of this.lastQuality) if (quality === GOOD) good++;
    return good;
  }

  /** True when the tag has a value that may still be shown, older or not. */
  hasValue(tagIndex: number): boolean {
    return qualityLevel(this.lastQuality[tagIndex] as number) !== 'bad';
  }
}
