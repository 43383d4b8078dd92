import type { TopicName, TopicSpec } from '@busbar/events';
import type { InRecord, OutRecord } from '../port.js';
import type { Append, CommitBatch, KeyPlace } from './commit-batch.js';
import type { LogStore, LogTransaction, SegmentRow } from './log-store.js';
import { decodeRecord, encodeGap, encodeRecord, type Slab, toInRecord, topicSeed } from './record-codec.js';
import { type Segmentation, Segments } from './segments.js';

/** Consumers that are this close behind get the objects themselves instead of reading the log. */
const MAX_TAIL_BYTES = 1024 * 1024;
const MAX_LOOKUPS = 2048;
const MAX_RECORDS = 1024;
const TOMBSTONE_KEPT_MS = 24 * 3_600_000;

export interface Range {
  readonly from: number;
  /** Exclusive. */
  readonly end: number;
}

export interface LogRead {
  readonly records: readonly InRecord[];
  readonly next: number;
  /** Transactions that some of the records still wait for. */
  readonly batches: readonly CommitBatch[];
}

export interface TopicSnapshot {
  readonly next: number;
  /** Keys with a record; compacted topics only. */
  readonly live: number;
}

export interface TopicLogSettings {
  readonly name: TopicName;
  readonly number: number;
  readonly spec: TopicSpec;
  readonly store: LogStore;
  readonly segmentation: Segmentation;
  /** Memory of records that live short. */
  readonly slab: Slab;
  readonly damaged: (topic: TopicLog, range: Range) => void;
}

function diskBytes(recordBytes: number): number {
  return recordBytes > 2000 ? Math.ceil((recordBytes + 16) / 4096) * 4096 + 48 : (recordBytes + 48) * 1.4;
}

/** One topic of the embedded log: offsets, the newest records in memory, the index by time and key. */
export class TopicLog {
  readonly name: TopicName;
  readonly number: number;
  readonly spec: TopicSpec;
  readonly segments: Segments;
  /** Newest record of each key; compacted topics only. */
  readonly keys = new Map<string, KeyPlace>();
  /** First offset kept. */
  first = 0;
  next = 0;
  /** Offsets before this one are on disk, or void. */
  committed = 0;
  newestMs = 0;
  readonly #settings: TopicLogSettings;
  readonly #seed: number;
  readonly #voids: Range[] = [];
  #unwrittenVoids: Range[] = [];
  #unwrittenSegments: SegmentRow[] = [];
  /** Rows of the newest transaction, which may still be under way. */
  #writtenSegments: SegmentRow[] = [];
  #purgedSegments: number[] = [];
  #tombstones: number[] = [];
  #purged = 0;
  #tail: Append[] = [];
  #tailFirst = 0;
  #tailBytes = 0;
  #keyBytes = 0;

  constructor(settings: TopicLogSettings) {
    this.#settings = settings;
    this.name = settings.name;
    this.number = settings.number;
    this.spec = settings.spec;
    this.segments = new Segments(settings.segmentation);
    this.#seed = topicSeed(settings.name);
  }

  /** Offsets from here on are in memory. */
  get tailFirst(): number {
    return this.#tailFirst;
  }

  /** Octets on disk, about. */
  get diskBytes(): number {
    return this.spec.compacted ? this.#keyBytes : this.segments.totalBytes;
  }

  /** Deletions or voids are waiting for a transaction. */
  get hasUnwritten(): boolean {
    return this.#purged < this.first || this.#tombstones.length > 0 || this.#unwrittenVoids.length > 0;
  }

  load(): void {
    const { store } = this.#settings;
    const row = store.topic(this.number);
    if (row === null) return;
    this.first = row.first;
    this.next = row.next;
    this.#purged = row.purged;
    this.committed = row.next;
    this.#tailFirst = row.next;
    if (this.spec.compacted) this.#loadKeys(row.live);
    else this.#loadSegments();
  }

  append(out: OutRecord, timestampMs: number, batch: CommitBatch): Append {
    const offset = this.next;
    const { key, value } = out;
    const take = this.spec.compacted
      ? (bytes: number) => Buffer.allocUnsafeSlow(bytes)
      : (n: number) => this.#settings.slab.take(n);
    const bytes = encodeRecord({ seed: this.#seed, offset, timestampMs, key, value }, take);
    const record: InRecord = {
      topic: this.name,
      partition: 0,
      offset,
      key,
      value: value === null ? null : bytes.subarray(32, 32 + value.byteLength),
      object: out.object,
      timestampMs,
    };
    this.next++;
    this.newestMs = timestampMs;
    const append: Append = { topic: this, record, bytes, batch, replaced: this.keys.get(key) ?? null };
    this.#tail.push(append);
    this.#tailBytes += bytes.length;
    if (this.spec.compacted) this.#index(record, bytes.length);
    else {
      const sealed = this.segments.add(key, timestampMs, diskBytes(bytes.length));
      if (sealed) this.#unwrittenSegments.push(sealed);
    }
    return append;
  }

  /** What the next transaction says of this topic, taken together with its records. */
  snapshot(): TopicSnapshot {
    return { next: this.next, live: this.keys.size };
  }

  /** The same for a transaction without records; log topics only. */
  committedSnapshot(): TopicSnapshot {
    return { next: this.committed, live: 0 };
  }

  /**
   * What the topic adds to a transaction beside its records: deletions, sealed segments, its row. Returns what must be
   * called if the transaction fails.
   */
  write(transaction: LogTransaction, { next, live }: TopicSnapshot, maxPurged: number): () => void {
    const voids = this.#unwrittenVoids;
    const segments = this.#unwrittenSegments;
    const purged = this.#purged;
    const purgedSegments = this.#purgedSegments;
    for (const { from, end } of voids) {
      transaction.put(this.number, from, encodeGap(this.#seed, { from, end }, this.newestMs));
    }
    for (const segment of segments) {
      if (segment.first >= this.first) transaction.putSegment(this.number, segment);
    }
    const purgeEnd = Math.min(this.first, purged + maxPurged);
    for (let offset = purged; offset < purgeEnd; offset++) this.#remove(transaction, offset);
    for (const first of purgedSegments) if (first < purgeEnd) transaction.removeSegment(this.number, first);
    const tombstones = this.#tombstones.splice(0, maxPurged);
    for (const offset of tombstones) this.#remove(transaction, offset);
    transaction.putTopic(this.number, { first: this.first, next, purged: purgeEnd, live });
    this.#unwrittenVoids = [];
    this.#unwrittenSegments = [];
    this.#writtenSegments = segments;
    this.#purged = purgeEnd;
    this.#purgedSegments = purgedSegments.filter((first) => first >= purgeEnd);
    return () => {
      this.#unwrittenVoids.unshift(...voids);
      this.#unwrittenSegments.unshift(...segments);
      this.#tombstones.unshift(...tombstones);
      this.#purged = purged;
      this.#purgedSegments = purgedSegments;
    };
  }

  writeRecord(transaction: LogTransaction, append: Append): void {
    transaction.put(this.number, append.record.offset, append.bytes);
    if (append.replaced) this.#remove(transaction, append.replaced.offset);
  }

  /** These appends never became durable; their offsets are skipped by everybody. */
  void(appends: readonly Append[]): void {
    const offsets = appends.map((append) => append.record.offset);
    const range: Range = { from: Math.min(...offsets), end: Math.max(...offsets) + 1 };
    this.#voids.push(range);
    this.#unwrittenVoids.push(range);
    this.committed = Math.max(this.committed, range.end);
    if (!this.spec.compacted) return;
    for (const append of [...appends].reverse()) {
      const { key, offset } = append.record;
      const place = this.keys.get(key);
      if (place?.offset !== offset) continue;
      this.#keyBytes -= place.diskBytes;
      if (append.replaced) {
        this.keys.set(key, append.replaced);
        this.#keyBytes += append.replaced.diskBytes;
      } else this.keys.delete(key);
    }
  }

  /** A sealed segment whose row waits for its transaction. */
  unwrittenSegment(first: number): SegmentRow | undefined {
    const isIt = (segment: SegmentRow) => segment.first === first;
    return this.#unwrittenSegments.find(isIt) ?? this.#writtenSegments.find(isIt);
  }

  isVoid(offset: number): boolean {
    return this.#voids.some((range) => range.from <= offset && offset < range.end);
  }

  /** Lets go of what is on disk and behind every consumer, or beyond what is kept for those close behind. */
  trim(slowest: number): void {
    let drop = 0;
    while (drop < this.#tail.length) {
      const { record, bytes } = this.#tail[drop] as Append;
      if (record.offset >= this.committed) break;
      if (record.offset >= slowest && this.#tailBytes <= MAX_TAIL_BYTES) break;
      this.#tailBytes -= bytes.length;
      drop++;
    }
    if (drop === 0) return;
    this.#tail = drop === this.#tail.length ? [] : this.#tail.slice(drop);
    this.#tailFirst += drop;
  }

  read(position: number, maxBytes: number): LogRead {
    const from = Math.max(position, this.first);
    if (from >= this.#tailFirst) return this.#readTail(from, maxBytes);
    return this.spec.compacted ? this.#readKeys(from, maxBytes) : this.#readLog(from, maxBytes);
  }

  /** Null: nothing there, or void, or damaged (and then reported). */
  at(offset: number): InRecord | null {
    if (offset >= this.#tailFirst) {
      const append = this.#tail[offset - this.#tailFirst];
      return append && append.batch.state !== 'failed' ? append.record : null;
    }
    const bytes = this.#settings.store.record(this.number, offset);
    if (!bytes) return null;
    const decoded = decodeRecord(bytes, this.#seed, offset);
    if (decoded === null) this.#report(offset, offset + 1);
    return decoded === null || decoded.gapEnd !== null ? null : toInRecord(this.name, decoded);
  }

  /** Append times of the oldest and the newest record; null when there is none. */
  kept(): { readonly oldestMs: number; readonly newestMs: number } | null {
    let offset: number | undefined = this.first;
    if (this.spec.compacted) offset = this.#settings.store.offsets(this.number, [this.first, this.#tailFirst], 1)[0];
    for (let next = offset ?? this.#tailFirst; next < this.next; next++) {
      const record = this.at(next);
      if (record) return { oldestMs: record.timestampMs, newestMs: this.newestMs };
    }
    return null;
  }

  /** Moves the start of the topic on by age and size; deleting follows with the next transactions. */
  expire(nowMs: number): void {
    if (this.spec.compacted) {
      this.#expireTombstones(nowMs - TOMBSTONE_KEPT_MS);
      return;
    }
    const { retentionMs, retentionBytes } = this.spec;
    if (retentionMs !== null && this.segments.openMaxMs < nowMs - retentionMs) this.#sealNow();
    for (let oldest = this.segments.oldest; oldest && oldest.end <= this.committed; oldest = this.segments.oldest) {
      const isOld = retentionMs !== null && oldest.maxMs < nowMs - retentionMs;
      const isOver = retentionBytes !== null && this.segments.totalBytes > retentionBytes;
      if (!isOld && !isOver) break;
      this.#dropSegment();
    }
  }

  /** Gives up the oldest segment; the octets freed, 0 when there is none. */
  dropOldest(): number {
    if (this.spec.compacted) return 0;
    if (!this.segments.oldest && this.segments.openFirst < this.committed) this.#sealNow();
    const oldest = this.segments.oldest;
    return oldest && oldest.end <= this.committed ? this.#dropSegment() : 0;
  }

  #sealNow(): void {
    const sealed = this.segments.seal();
    if (sealed) this.#unwrittenSegments.push(sealed);
  }

  #dropSegment(): number {
    const dropped = this.segments.dropOldest();
    if (!dropped) return 0;
    this.first = dropped.end;
    this.#purgedSegments.push(dropped.first);
    return dropped.bytes;
  }

  #expireTombstones(beforeMs: number): void {
    for (const [key, place] of this.keys) {
      if (!place.isTombstone || place.timestampMs >= beforeMs || place.offset >= this.committed) continue;
      this.keys.delete(key);
      this.#keyBytes -= place.diskBytes;
      this.#tombstones.push(place.offset);
    }
  }

  /** A record that does not stand its check may lie on a foreign page; deleting it would free that page. */
  #remove(transaction: LogTransaction, offset: number): void {
    const { store } = this.#settings;
    if (store.suspect) {
      const bytes = store.record(this.number, offset);
      if (bytes && decodeRecord(bytes, this.#seed, offset) === null) return;
    }
    transaction.remove(this.number, offset);
  }

  #index(record: InRecord, recordBytes: number): void {
    const old = this.keys.get(record.key);
    const place: KeyPlace = {
      offset: record.offset,
      diskBytes: diskBytes(recordBytes),
      isTombstone: record.value === null,
      timestampMs: record.timestampMs,
    };
    this.#keyBytes += place.diskBytes - (old?.diskBytes ?? 0);
    this.keys.set(record.key, place);
  }

  #report(from: number, end: number): void {
    this.#settings.store.suspect = true;
    this.#settings.damaged(this, { from, end });
  }

  #readTail(from: number, maxBytes: number): LogRead {
    const records: InRecord[] = [];
    const batches: CommitBatch[] = [];
    let bytes = 0;
    let index = Math.max(0, from - this.#tailFirst);
    for (; index < this.#tail.length && records.length < MAX_RECORDS; index++) {
      const append = this.#tail[index] as Append;
      if (append.batch.state === 'failed') continue;
      bytes += append.bytes.length;
      if (bytes > maxBytes && records.length > 0) break;
      records.push(append.record);
      if (append.batch.state === 'open' && batches.at(-1) !== append.batch) batches.push(append.batch);
    }
    return { records, next: Math.max(from, this.#tailFirst + index), batches };
  }

  #readLog(from: number, maxBytes: number): LogRead {
    const { store } = this.#settings;
    const records: InRecord[] = [];
    let bytes = 0;
    let offset = from;
    let damagedFrom: number | null = null;
    const endDamage = () => {
      if (damagedFrom !== null) this.#report(damagedFrom, offset);
      damagedFrom = null;
    };
    for (let lookups = 0; offset < this.#tailFirst && lookups < MAX_LOOKUPS; lookups++) {
      const raw = store.record(this.number, offset);
      const decoded = raw ? decodeRecord(raw, this.#seed, offset) : null;
      if (decoded === null) {
        const skipped = raw ? undefined : this.#voids.find((range) => range.from <= offset && offset < range.end);
        if (skipped) endDamage();
        else damagedFrom ??= offset;
        offset = skipped ? skipped.end : offset + 1;
        continue;
      }
      endDamage();
      if (decoded.gapEnd !== null) {
        offset = decoded.gapEnd;
        continue;
      }
      bytes += (raw as Buffer).length;
      if (bytes > maxBytes && records.length > 0) break;
      records.push(toInRecord(this.name, decoded));
      offset++;
    }
    endDamage();
    return { records, next: offset, batches: [] };
  }

  #readKeys(from: number, maxBytes: number): LogRead {
    const records: InRecord[] = [];
    let bytes = 0;
    const offsets = this.#settings.store.offsets(this.number, [from, this.#tailFirst], 256);
    for (const offset of offsets) {
      const record = this.at(offset);
      if (record === null) continue;
      bytes += record.value?.byteLength ?? 0;
      if (bytes > maxBytes && records.length > 0) return { records, next: offset, batches: [] };
      records.push(record);
    }
    const last = offsets.at(-1);
    return { records, next: offsets.length < 256 || last === undefined ? this.#tailFirst : last + 1, batches: [] };
  }

  #loadSegments(): void {
    const { store } = this.#settings;
    this.segments.startAt(this.first);
    for (const segment of store.segments(this.number)) {
      if (segment.first >= this.first) this.segments.restore(segment);
      else this.#purgedSegments.push(segment.first);
    }
    for (let offset = this.segments.openFirst; offset < this.next; offset++) {
      const raw = store.record(this.number, offset);
      const decoded = raw ? decodeRecord(raw, this.#seed, offset) : null;
      if (decoded === null || decoded.gapEnd !== null) this.segments.addUnreadable();
      else {
        const sealed = this.segments.add(decoded.key, decoded.timestampMs, diskBytes((raw as Buffer).length));
        if (sealed) this.#unwrittenSegments.push(sealed);
      }
    }
    this.newestMs = Math.max(0, this.segments.openMaxMs, this.segments.sealed.at(-1)?.maxMs ?? 0);
  }

  #loadKeys(live: number): void {
    const { store } = this.#settings;
    for (let from = 0; ; ) {
      const offsets = store.offsets(this.number, [from, this.next], 512);
      for (const offset of offsets) {
        const raw = store.record(this.number, offset);
        const decoded = raw ? decodeRecord(raw, this.#seed, offset) : null;
        if (decoded === null) this.#report(offset, offset + 1);
        else if (decoded.gapEnd === null) {
          this.#index(toInRecord(this.name, decoded), (raw as Buffer).length);
          this.newestMs = Math.max(this.newestMs, decoded.timestampMs);
        }
      }
      if (offsets.length < 512) break;
      from = (offsets.at(-1) as number) + 1;
    }
    if (this.keys.size < live) this.#report(this.first, this.next);
  }
}
