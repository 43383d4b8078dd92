/** What kafkajs makes of a fetched partition: without records of aborted transactions and markers; it does not declare it. */
declare module 'kafkajs/src/consumer/batch.js' {
  import type { KafkaMessage } from 'kafkajs';

  export interface RawMessage extends KafkaMessage {
    /** Of the record batch that it came in; absent in the format before Kafka 0.11. */
    readonly batchContext?: { readonly firstOffset: string; readonly lastOffsetDelta: number };
  }

  export interface FetchedPartition {
    readonly partition: number;
    readonly highWatermark: string;
    readonly lastStableOffset?: string;
    readonly messages: readonly RawMessage[];
  }

  export default class Batch {
    constructor(topic: string, fetchedOffset: string, partition: FetchedPartition);
    readonly messages: readonly KafkaMessage[];
    isEmpty(): boolean;
    isEmptyDueToFiltering(): boolean;
    lastOffset(): string;
  }
}
