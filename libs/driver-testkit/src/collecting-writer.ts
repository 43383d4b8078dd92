import type { SampleWriter } from '@busbar/driver-sdk';
import type { Quality } from '@busbar/model';

export interface CollectedSample {
  readonly value: number | string | bigint | readonly (number | string | bigint)[];
  readonly quality: Quality;
  readonly sourceTimeMs: number;
}

/** Keeps what a driver puts, by tag index; a second put of a tag is kept apart. */
export class CollectingWriter implements SampleWriter {
  readonly samples = new Map<number, CollectedSample>();
  readonly repeated: number[] = [];

  put(tagIndex: number, value: number, quality: Quality, sourceTimeMs: number): void {
    this.#add(tagIndex, { value, quality, sourceTimeMs });
  }

  putText(tagIndex: number, value: string, quality: Quality, sourceTimeMs: number): void {
    this.#add(tagIndex, { value, quality, sourceTimeMs });
  }

  putInt64(tagIndex: number, value: bigint, quality: Quality, sourceTimeMs: number): void {
    this.#add(tagIndex, { value, quality, sourceTimeMs });
  }

  putArray(
    tagIndex: number,
    value: readonly (number | string | bigint)[],
    quality: Quality,
    sourceTimeMs: number,
  ): void {
    this.#add(tagIndex, { value, quality, sourceTimeMs });
  }

  #add(tagIndex: number, sample: CollectedSample): void {
    if (this.samples.has(tagIndex)) this.repeated.push(tagIndex);
    else this.samples.set(tagIndex, sample);
  }
}
