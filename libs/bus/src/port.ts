import type { Diagnosis } from '@busbar/errors';
import type { TopicName } from '@busbar/events';

export interface OutRecord {
  readonly topic: TopicName;
  readonly key: string;
  /** null: a tombstone; in compacted topics only. */
  readonly value: Uint8Array | null;
  /** The decoded form: an up-to-date consumer in the same process gets it instead of decoding again. Not changed by anybody. */
  readonly object?: unknown;
}

export interface Position {
  readonly partition: number;
  readonly offset: number;
}

export interface InRecord extends Position {
  readonly topic: TopicName;
  readonly key: string;
  readonly value: Uint8Array | null;
  /** See {@link OutRecord.object}; undefined when the record came from the log. */
  readonly object: unknown;
  /** Epoch ms at which it was appended. */
  readonly timestampMs: number;
}

/** Records of one partition, in order. */
export interface Delivery {
  readonly topic: TopicName;
  readonly partition: number;
  readonly records: readonly InRecord[];
  /** Resolves once every record here is durable. Awaited only before an effect outside the bus. */
  flushed(): Promise<void>;
  /** This record can never succeed: it goes to deadletters.recorded with the reason, the others are settled as usual. */
  refuse(record: InRecord, diagnosis: Diagnosis): void;
}

/**
 * Resolves when the outputs of the delivery are durable; a rejection has it tried again with back-off (100 ms doubled
 * to 10 s) before anything newer of its partition; what was under way beside it ends first and is not repeated.
 * Called for the next deliveries without awaiting this one: at most 4 deliveries and 1 MiB per partition are under
 * way. Must not block the event loop.
 */
export type Handler = (delivery: Delivery, signal: AbortSignal) => Promise<void>;

export interface Consumption {
  /** Resolves once the group has its first assignment (embedded: at once). */
  readonly ready: Promise<void>;
  /** Records appended and not yet settled, over the partitions held here. */
  lag(): { readonly records: number; readonly oldestMs: number | null };
  /** Takes no more, waits for what is under way (5 s at most), commits, leaves. Safe twice. */
  stop(): Promise<void>;
}

/** Live view of a compacted topic: the newest record of every key, without tombstones. */
export interface TableView {
  /** Resolves when everything appended before the call is in the view. */
  readonly ready: Promise<void>;
  get(key: string): InRecord | undefined;
  entries(): IterableIterator<[string, InRecord]>;
  readonly size: number;
  /** Called for each later change, tombstones (value null) included. Returns the way to end it. */
  onChange(listener: (record: InRecord) => void): () => void;
  stop(): Promise<void>;
}

export interface Following {
  /** Resolves when no record appended from then on can be missed. */
  readonly ready: Promise<void>;
  stop(): Promise<void>;
}

export interface OwnListener {
  /** These partitions are ours from now on. */
  gained(partitions: readonly number[]): void;
  /** These partitions go; resolves when nothing of them is under way any more. The group waits for it, 5 s at most. */
  lost(partitions: readonly number[]): Promise<void>;
}

/** Membership of a group that shares the keys of a topic out by partition. */
export interface Ownership {
  readonly ready: Promise<void>;
  owns(key: string): boolean;
  /**
   * May this process still act for what it owns? 4 s from when the last answered heartbeat was sent. `read` also holds
   * while every broker refuses the connection, since nobody can be given the key then (runtime contracts, section 2).
   */
  lease(use: 'read' | 'write'): boolean;
  /** Group member id, `local` when embedded. */
  readonly member: string;
  /**
   * Asks the group: true if that member is certainly no longer in it; false without an answer within 3 s. Embedded:
   * always true, since whoever had the lock on the folder before is gone.
   */
  isGone(member: string): Promise<boolean>;
  /** Calls `lost` for all, then leaves the group in order. */
  stop(): Promise<void>;
}

export interface BusHealth {
  readonly state: 'up' | 'down';
  readonly sinceMs: number;
  readonly diagnosis: Diagnosis | null;
  readonly waitingBytes: number;
}

export interface RangeOptions {
  /** Epoch ms, both ends included. */
  readonly fromMs: number;
  readonly toMs: number;
  /** Default 10,000. */
  readonly limit?: number;
}

/** The event log. Two implementations pass one contract suite. */
export interface Bus {
  readonly kind: 'embedded' | 'kafka';
  /** Creates what is missing; TOPIC_SHAPE when a partition count differs. Resolves when the topics can be used. */
  ensureTopics(topics: readonly TopicName[]): Promise<void>;
  /**
   * Resolves with the positions when all records are durable, in the order given. Rejects with BUS_FULL at once when
   * 64 MiB wait already, with BUS_CLOSED after close. Records of one key keep their order. Kafka: control topics go
   * past the tick batcher on a producer of their own.
   */
  publish(records: readonly OutRecord[]): Promise<readonly Position[]>;
  consume(topic: TopicName, group: string, handler: Handler): Consumption;
  table(topic: TopicName): TableView;
  /** Records of a key (null: of every key) appended within [fromMs, toMs], oldest first; of the newest if the limit cuts. */
  range(topic: TopicName, key: string | null, options: RangeOptions): Promise<InRecord[]>;
  /** From the end, without a group or commits. */
  follow(topic: TopicName, listener: (record: InRecord) => void): Following;
  own(topic: TopicName, group: string, listener: OwnListener): Ownership;
  health(): BusHealth;
  onHealth(listener: (health: BusHealth) => void): () => void;
  /** Oldest and newest append time kept of a topic; null when empty. */
  kept(topic: TopicName): Promise<{ readonly oldestMs: number; readonly newestMs: number } | null>;
  /** Flushes what was published, ends every consumption. Safe twice. */
  close(): Promise<void>;
}
