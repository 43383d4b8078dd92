import type { InRecord } from '../port.js';
import type { TopicLog, TopicSnapshot } from './topic-log.js';

/** A record on its way to the disk. */
export interface Append {
  readonly topic: TopicLog;
  readonly record: InRecord;
  readonly bytes: Buffer;
  readonly batch: CommitBatch;
  /** Compacted topics: the record that this one replaces. */
  readonly replaced: KeyPlace | null;
}

/** Where the newest record of a key of a compacted topic lies. */
export interface KeyPlace {
  readonly offset: number;
  readonly diskBytes: number;
  readonly isTombstone: boolean;
  readonly timestampMs: number;
}

/** What goes to the disk in one transaction. */
export class CommitBatch {
  readonly appends: Append[] = [];
  /** Topics with something in it, as they stood when it was closed. */
  readonly topics = new Map<TopicLog, TopicSnapshot>();
  bytes = 0;
  /** Written at once, without waiting for others to share the flush. */
  isUrgent = false;
  state: 'open' | 'done' | 'failed' = 'open';
  readonly done: Promise<void>;
  #resolve: () => void = () => undefined;
  #reject: (error: unknown) => void = () => undefined;

  constructor() {
    this.done = new Promise<void>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.done.catch(() => undefined);
  }

  add(append: Append): void {
    this.appends.push(append);
    this.bytes += append.bytes.length;
  }

  /** Nothing is added any more. `probe`: write something in any case, to see whether it can be written. */
  close(topics: Iterable<TopicLog>, probe: boolean): void {
    for (const { topic } of this.appends) if (!this.topics.has(topic)) this.topics.set(topic, topic.snapshot());
    for (const topic of topics) {
      if ((topic.hasUnwritten || probe) && !this.topics.has(topic)) this.topics.set(topic, topic.snapshot());
    }
  }

  succeed(): void {
    this.state = 'done';
    this.#resolve();
  }

  fail(error: unknown): void {
    this.state = 'failed';
    this.#reject(error);
  }
}
