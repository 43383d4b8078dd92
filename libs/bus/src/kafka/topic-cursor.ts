import type { InRecord } from '../port.js';

/** First offset kept of a partition, and the offset behind its newest record. */
export interface PartitionOffsets {
  readonly partition: number;
  readonly low: number;
  readonly high: number;
}

/** What one fetch gave of a partition. */
export interface FetchedSpan {
  readonly partition: number;
  /** Offset that was asked for. */
  readonly from: number;
  /** Offset behind everything that was looked at. */
  readonly next: number;
  readonly records: readonly InRecord[];
}

export interface TopicCursorSettings {
  readonly from: 'beginning' | 'end';
  /** `isNew`: appended after the reading began. */
  readonly record: (record: InRecord, isNew: boolean) => void;
  readonly failed: (error: unknown) => void;
}

interface Place {
  next: number;
  /** Where the log ended when the reading began. */
  end: number;
}

interface Waiter {
  readonly ends: Map<number, number>;
  readonly resolve: () => void;
}

/** Where one reader of a topic stands, by partition. Several share what is fetched: each gets what it has not seen. */
export class TopicCursor {
  readonly #settings: TopicCursorSettings;
  readonly #waiters = new Set<Waiter>();
  #places: Map<number, Place> | null = null;
  #isStopped = false;

  constructor(settings: TopicCursorSettings) {
    this.#settings = settings;
  }

  get isStanding(): boolean {
    return this.#places !== null && !this.#isStopped;
  }

  /** From here on nothing that is appended can be missed. Only the first call counts. */
  begin(offsets: readonly PartitionOffsets[]): void {
    const { from } = this.#settings;
    this.#places ??= new Map(
      offsets.map(({ partition, low, high }) => [partition, { next: from === 'end' ? high : low, end: high }]),
    );
  }

  stop(): void {
    this.#isStopped = true;
    this.#waiters.clear();
  }

  /** Partition and offset of what it wants next. */
  *wants(): IterableIterator<[number, number]> {
    if (this.#isStopped) return;
    for (const [partition, { next }] of this.#places ?? []) yield [partition, next];
  }

  hasReached(offsets: readonly PartitionOffsets[]): boolean {
    return offsets.every(({ partition, high }) => (this.#places?.get(partition)?.next ?? 0) >= high);
  }

  /** Resolves when everything below the ends given was looked at; never after a stop. */
  reached(offsets: readonly PartitionOffsets[]): Promise<void> {
    return new Promise((resolve) => {
      if (this.#isStopped) return;
      this.#waiters.add({ ends: new Map(offsets.map(({ partition, high }) => [partition, high])), resolve });
      this.#check();
    });
  }

  take({ partition, from, next, records }: FetchedSpan): void {
    const place = this.#places?.get(partition);
    // What lies between its place and the span is fetched for it later.
    if (!place || place.next < from) return;
    for (const record of records) {
      // A listener may stop its own reading.
      if (this.#isStopped) return;
      if (record.offset < place.next) continue;
      place.next = record.offset + 1;
      this.#give(record, record.offset >= place.end);
    }
    place.next = Math.max(place.next, next);
    this.#check();
  }

  /**
   * The broker has not what stands at its place. Returns the offset of the wrong place, null if it is none: below `low`
   * records went before they were read, above `high` the log lost its end and gives its offsets out anew.
   */
  correct({ partition, low, high }: PartitionOffsets): number | null {
    const place = this.#places?.get(partition);
    if (!place || this.#isStopped || (place.next >= low && place.next <= high)) return null;
    const wrong = place.next;
    place.next = wrong > high && this.#settings.from === 'end' ? high : low;
    place.end = Math.min(place.end, high);
    for (const { ends } of this.#waiters) ends.set(partition, Math.min(ends.get(partition) ?? 0, high));
    this.#check();
    return wrong;
  }

  #give(record: InRecord, isNew: boolean): void {
    try {
      this.#settings.record(record, isNew);
    } catch (error) {
      this.#settings.failed(error);
    }
  }

  #check(): void {
    for (const waiter of this.#waiters) {
      if ([...waiter.ends].some(([partition, end]) => (this.#places?.get(partition)?.next ?? 0) < end)) continue;
      this.#waiters.delete(waiter);
      waiter.resolve();
    }
  }
}
