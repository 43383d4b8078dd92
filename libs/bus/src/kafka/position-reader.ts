import type { TopicName } from '@busbar/events';
import type { Admin } from 'kafkajs';
import type { BusLogger } from '../logger.js';
import type { InRecord } from '../port.js';
import { retryAdmin } from './kafka-client.js';
import { fromMessage } from './kafka-record.js';
import { SupervisedConsumer, type SupervisedConsumerSettings } from './supervised-consumer.js';

export interface PositionReaderSettings {
  readonly source: Omit<SupervisedConsumerSettings, 'fromBeginning' | 'events'>;
  readonly topic: TopicName;
  readonly from: 'beginning' | 'end';
  readonly admin: () => Promise<Admin>;
  readonly log: BusLogger;
  readonly record: (record: InRecord, isNew: boolean) => void;
}

/**
 * Reads all partitions of a topic without commits, from its beginning or its end as taken before the first join, and
 * goes on at its own positions at every later one: kafkajs alone would begin anew.
 */
export class PositionReader {
  /** Resolves when the reader stands in the log and everything appended before the start was read. */
  readonly ready: Promise<void>;
  readonly #settings: PositionReaderSettings;
  readonly #consumer: SupervisedConsumer;
  readonly #positions = new Map<number, number>();
  /** End offsets at the start. */
  #ends: Map<number, number> | null = null;
  #hasJoined = false;
  #resolveReady: () => void = () => undefined;
  #stopping: Promise<void> | null = null;

  constructor(settings: PositionReaderSettings) {
    this.#settings = settings;
    this.ready = new Promise((resolve) => {
      this.#resolveReady = resolve;
    });
    const { topic } = settings.source;
    this.#consumer = new SupervisedConsumer({
      ...settings.source,
      fromBeginning: true,
      events: {
        prepare: () => this.#prepare(),
        joined: ({ partitions }, consumer) => {
          for (const partition of partitions) {
            consumer.seek({ topic, partition, offset: String(this.#positions.get(partition) ?? 0) });
          }
          this.#hasJoined = true;
          this.#check();
        },
        batch: ({ batch, resolveOffset }) => {
          this.#noticeLoss(batch.partition, Number(batch.highWatermark));
          for (const message of batch.messages) {
            const record = fromMessage(settings.topic, batch.partition, message);
            if (record.offset >= (this.#positions.get(batch.partition) ?? 0)) this.#give(record);
          }
          resolveOffset(batch.lastOffset());
          this.#pass(batch.partition, Number(batch.lastOffset()));
        },
        passed: (partition, lastOffset) => this.#pass(partition, lastOffset),
      },
    });
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#consumer.stop();
    return this.#stopping;
  }

  async #prepare(): Promise<void> {
    if (this.#ends) return;
    const admin = await this.#settings.admin();
    const ends = new Map<number, number>();
    const offsets = await retryAdmin(() => admin.fetchTopicOffsets(this.#settings.source.topic));
    for (const { partition, high, low } of offsets) {
      ends.set(partition, Number(high));
      this.#positions.set(partition, this.#settings.from === 'end' ? Number(high) : Number(low));
    }
    this.#ends = ends;
  }

  /** The broker lost the end of its log (a power cut): its offsets are given out anew. */
  #noticeLoss(partition: number, high: number): void {
    if (high < (this.#positions.get(partition) ?? 0)) {
      this.#positions.set(partition, this.#settings.from === 'end' ? high : 0);
    }
  }

  #give(record: InRecord): void {
    try {
      this.#settings.record(record, record.offset >= (this.#ends?.get(record.partition) ?? 0));
    } catch (error) {
      this.#settings.log.error({ topic: record.topic, err: error }, 'listener failed');
    }
  }

  #pass(partition: number, lastOffset: number): void {
    if (lastOffset + 1 > (this.#positions.get(partition) ?? 0)) this.#positions.set(partition, lastOffset + 1);
    this.#check();
  }

  #check(): void {
    if (!this.#hasJoined || !this.#ends) return;
    for (const [partition, end] of this.#ends) if ((this.#positions.get(partition) ?? 0) < end) return;
    this.#resolveReady();
  }
}
