import { crc32 } from 'node:zlib';
import type { SegmentRow } from './log-store.js';

export interface Segmentation {
  /** A segment is sealed with this many records. */
  readonly records: number;
  /** Or with this many octets on disk. */
  readonly bytes: number;
}

export const DEFAULT_SEGMENTATION: Segmentation = { records: 1024, bytes: 8 * 1024 * 1024 };

/** A sealed run of records; retention deletes whole ones, reads by time skip whole ones. */
export interface Segment {
  readonly first: number;
  readonly end: number;
  readonly bytes: number;
  readonly minMs: number;
  readonly maxMs: number;
}

const MAX_CACHED_KEYS = 8192;
const hashes = new Map<string, number>();

export function keyHash(key: string): number {
  const known = hashes.get(key);
  if (known !== undefined) return known;
  if (hashes.size >= MAX_CACHED_KEYS) hashes.clear();
  const hash = crc32(key);
  hashes.set(key, hash);
  return hash;
}

/** Index of a log topic by time and key: sealed segments and the open one at the end. */
export class Segments {
  readonly #segmentation: Segmentation;
  readonly #sealed: Segment[] = [];
  #first = 0;
  #bytes = 0;
  #minMs = Number.POSITIVE_INFINITY;
  #maxMs = Number.NEGATIVE_INFINITY;
  #hashes: number[] = [];
  #sealedBytes = 0;

  constructor(segmentation: Segmentation) {
    this.#segmentation = segmentation;
  }

  get totalBytes(): number {
    return this.#sealedBytes + this.#bytes;
  }

  get oldest(): Segment | undefined {
    return this.#sealed[0];
  }

  get sealed(): readonly Segment[] {
    return this.#sealed;
  }

  /** First offset of the open segment. */
  get openFirst(): number {
    return this.#first;
  }

  get openHashes(): readonly number[] {
    return this.#hashes;
  }

  get openMinMs(): number {
    return this.#minMs;
  }

  get openMaxMs(): number {
    return this.#maxMs;
  }

  /** Start of an empty index. */
  startAt(first: number): void {
    this.#first = first;
  }

  restore(segment: Segment): void {
    this.#sealed.push({
      first: segment.first,
      end: segment.end,
      bytes: segment.bytes,
      minMs: segment.minMs,
      maxMs: segment.maxMs,
    });
    this.#sealedBytes += segment.bytes;
    this.#first = segment.end;
  }

  /** The row of a segment that this record filled, to be written with it; else null. */
  add(key: string, timestampMs: number, bytes: number): SegmentRow | null {
    this.#hashes.push(keyHash(key));
    this.#bytes += bytes;
    if (timestampMs < this.#minMs) this.#minMs = timestampMs;
    if (timestampMs > this.#maxMs) this.#maxMs = timestampMs;
    const isFull = this.#hashes.length >= this.#segmentation.records || this.#bytes >= this.#segmentation.bytes;
    return isFull ? this.seal() : null;
  }

  /** Something lies at the next offset that no one can read. */
  addUnreadable(): void {
    this.#hashes.push(0);
  }

  seal(): SegmentRow | null {
    if (this.#hashes.length === 0) return null;
    const row: SegmentRow = {
      first: this.#first,
      end: this.#first + this.#hashes.length,
      bytes: this.#bytes,
      minMs: this.#minMs,
      maxMs: this.#maxMs,
      keyHashes: Uint32Array.from(this.#hashes),
    };
    this.restore(row);
    this.#hashes = [];
    this.#bytes = 0;
    this.#minMs = Number.POSITIVE_INFINITY;
    this.#maxMs = Number.NEGATIVE_INFINITY;
    return row;
  }

  dropOldest(): Segment | undefined {
    const dropped = this.#sealed.shift();
    if (dropped) this.#sealedBytes -= dropped.bytes;
    return dropped;
  }
}
