import { setTimeout as delay } from 'node:timers/promises';
import kafkajs, { type Broker, type Cluster, type Consumer, type Kafka, type KafkaMessage } from 'kafkajs';
import Batch, { type FetchedPartition } from 'kafkajs/src/consumer/batch.js';
import { isUnknownTopic } from './ensure-topics.js';
import { MAX_WAIT_MS, settledWithin } from './kafka-client.js';
import type { PartitionOffsets } from './topic-cursor.js';

const FETCH_BYTES = 4 * 1024 * 1024;
/** A partition with much to read leaves room for others; kafkajs shuffles them, so that each has its turn to be first. */
const PARTITION_BYTES = 256 * 1024;
/** Twice the largest record that a topic takes. */
const MAX_PARTITION_BYTES = 16 * 1024 * 1024;
const OUT_OF_RANGE_REST_MS = 100;
const DISCONNECT_WAIT_MS = 3_000;

/** What one fetch gave of a partition, as kafkajs decodes it. */
export interface FetchedMessages {
  readonly partition: number;
  /** Offset that was asked for. */
  readonly from: number;
  /** Offset behind everything that was looked at. */
  readonly next: number;
  readonly messages: readonly KafkaMessage[];
}

export interface FetchSessionSettings {
  readonly kafka: Kafka;
  /** Offsets wanted now, by topic as the broker knows it and partition. */
  readonly positions: () => ReadonlyMap<string, ReadonlyMap<number, number>>;
  /** Must not throw. */
  readonly given: (name: string, fetched: FetchedMessages) => void;
  /** The broker has not what was asked for there. */
  readonly outOfRange: (name: string, partition: number) => Promise<void>;
  /** A broker answered any request. */
  readonly answered: () => void;
  /** A fetch went well. */
  readonly fetched: () => void;
  /** The session can no longer read. Called once at most, never after its end. */
  readonly failed: (error: unknown) => void;
}

interface FetchAnswer {
  readonly responses: readonly { readonly topicName: string; readonly partitions: readonly FetchedPartition[] }[];
}

/** Gave nothing although they have something: what they may give next, in octets, the longest hungry first. */
type Hungry = Map<string, number>;

interface Asked {
  readonly key: string;
  readonly name: string;
  readonly partition: number;
  readonly from: number;
}

interface Round {
  readonly wanted: readonly Asked[];
  readonly hungry: Hungry;
}

function keyOf(name: string, partition: number): string {
  return `${name} ${partition}`;
}

/** Offset behind what a fetch covers: a compacted batch reaches farther than the last record that is left in it. */
function behind(batch: Batch, { messages }: FetchedPartition): number {
  const context = messages.at(-1)?.batchContext;
  const batchEnd = context ? Number(context.firstOffset) + context.lastOffsetDelta : -1;
  return Math.max(Number(batch.lastOffset()), batchEnd) + 1;
}

/** Alone a partition gets at least its next batch, however large (KIP-74). */
function longestHungry(wanted: readonly Asked[], hungry: Hungry): readonly Asked[] {
  for (const hungriest of hungry.keys()) {
    const asked = wanted.find(({ key }) => key === hungriest);
    if (asked) return [asked];
    hungry.delete(hungriest);
  }
  return wanted;
}

function requestFor({ wanted, hungry }: Round): Parameters<Broker['fetch']>[0] {
  const [only] = wanted.length === 1 ? wanted : [];
  const grown = only ? hungry.get(only.key) : undefined;
  const topics = new Map<string, { partition: number; fetchOffset: string; maxBytes: number }[]>();
  for (const { name, partition, from } of wanted) {
    const partitions = topics.get(name) ?? [];
    topics.set(name, partitions);
    partitions.push({ partition, fetchOffset: String(from), maxBytes: grown ?? PARTITION_BYTES });
  }
  return {
    maxWaitTime: grown ? 0 : MAX_WAIT_MS,
    minBytes: 1,
    maxBytes: Math.max(FETCH_BYTES, grown ?? 0),
    topics: [...topics].map(([topic, partitions]) => ({ topic, partitions })),
  };
}

/**
 * Fetches partitions from their leaders at given offsets without a consumer group: kafkajs lends its connections
 * through an assigner, and a consumer that never runs never joins. Its topics are fixed; for others open a new session.
 */
export class FetchSession {
  readonly #settings: FetchSessionSettings;
  readonly #consumer: Consumer;
  readonly #leaders = new Map<string, ReadonlyMap<number, string>>();
  /** Brokers that are being asked. */
  readonly #loops = new Set<string>();
  #cluster: Cluster | null = null;
  #isEnded = false;
  #ending: Promise<void> | null = null;

  constructor(settings: FetchSessionSettings) {
    this.#settings = settings;
    this.#consumer = settings.kafka.consumer({
      groupId: 'none',
      allowAutoTopicCreation: false,
      partitionAssigners: [
        (config) => {
          this.#cluster = config.cluster;
          return kafkajs.PartitionAssigners.roundRobin(config);
        },
      ],
    });
    this.#consumer.on(this.#consumer.events.REQUEST, settings.answered);
  }

  covers(names: Iterable<string>): boolean {
    if (this.#isEnded) return false;
    for (const name of names) if (!this.#leaders.has(name)) return false;
    return true;
  }

  /** Connects and finds the leaders. Returns the topics that cannot be read now; rejects if it can read none. */
  async open(names: readonly string[]): Promise<string[]> {
    await this.#consumer.connect();
    const absent = new Set(await this.#target(names));
    for (const name of names) {
      const leaders = absent.has(name) ? null : this.#leadersOf(name);
      if (leaders) this.#leaders.set(name, leaders);
      else absent.add(name);
    }
    if (!this.#isEnded) return [...absent];
    // Ended while it connected: what came up after that is closed too.
    void settledWithin(this.#consumer.disconnect(), DISCONNECT_WAIT_MS);
    throw new Error('the session was ended');
  }

  /** Where its topics begin and end now; records of a transaction that is open lie behind the end. */
  async offsets(names: Iterable<string>): Promise<Map<string, PartitionOffsets[]>> {
    const topics = [...names].map((topic) => ({
      topic,
      partitions: [...(this.#leaders.get(topic)?.keys() ?? [])].map((partition) => ({ partition })),
    }));
    const ask = (fromBeginning: boolean) =>
      this.#cluster?.fetchTopicsOffset(topics.map((each) => ({ ...each, fromBeginning }))) ?? [];
    const [lows, highs] = await Promise.all([ask(true), ask(false)]);
    const lowOf = new Map(
      lows.flatMap(({ topic, partitions }) =>
        partitions.map(({ partition, offset }) => [keyOf(topic, partition), Number(offset)]),
      ),
    );
    const offsets = new Map<string, PartitionOffsets[]>();
    for (const { topic, partitions } of highs) {
      offsets.set(
        topic,
        partitions.map(({ partition, offset }) => ({
          partition,
          low: lowOf.get(keyOf(topic, partition)) ?? 0,
          high: Number(offset),
        })),
      );
    }
    return offsets;
  }

  /** Fetches what is wanted of its topics; again after more came to be wanted. */
  run(): void {
    for (const leaders of this.#leaders.values()) {
      for (const nodeId of leaders.values()) {
        if (this.#loops.has(nodeId)) continue;
        this.#loops.add(nodeId);
        void this.#loop(nodeId);
      }
    }
  }

  /** Asks no more; what is being fetched is still given. */
  end(): Promise<void> {
    this.#isEnded = true;
    this.#ending ??= settledWithin(this.#consumer.disconnect(), DISCONNECT_WAIT_MS).then(() => undefined);
    return this.#ending;
  }

  async #target(names: readonly string[]): Promise<string[]> {
    try {
      await this.#cluster?.addMultipleTargetTopics([...names]);
      return [];
    } catch (error) {
      if (!isUnknownTopic(error) || names.length === 1) throw error;
    }
    // One that was deleted must not hold up the others.
    const absent: string[] = [];
    for (const name of names) {
      try {
        await this.#cluster?.addMultipleTargetTopics([name]);
      } catch (error) {
        if (!isUnknownTopic(error)) throw error;
        absent.push(name);
      }
    }
    return absent;
  }

  #leadersOf(name: string): ReadonlyMap<number, string> | null {
    const partitions = this.#cluster?.findTopicPartitionMetadata(name) ?? [];
    if (partitions.length === 0 || partitions.some(({ leader }) => leader < 0)) return null;
    return new Map(partitions.map(({ partitionId, leader }) => [partitionId, String(leader)]));
  }

  async #loop(nodeId: string): Promise<void> {
    const hungry: Hungry = new Map();
    let isTurnOfHungry = false;
    try {
      while (!this.#isEnded) {
        const wanted = this.#wanted(nodeId);
        if (wanted.length === 0) break;
        isTurnOfHungry = !isTurnOfHungry && hungry.size > 0;
        await this.#fetch(nodeId, { wanted: isTurnOfHungry ? longestHungry(wanted, hungry) : wanted, hungry });
        this.#settings.fetched();
      }
    } catch (error) {
      if (!this.#isEnded) this.#settings.failed(error);
    }
    this.#loops.delete(nodeId);
  }

  #wanted(nodeId: string): Asked[] {
    const wanted: Asked[] = [];
    for (const [name, positions] of this.#settings.positions()) {
      const leaders = this.#leaders.get(name);
      for (const [partition, from] of positions) {
        if (leaders?.get(partition) === nodeId) wanted.push({ key: keyOf(name, partition), name, partition, from });
      }
    }
    return wanted;
  }

  async #fetch(nodeId: string, { wanted, hungry }: Round): Promise<void> {
    try {
      const broker = await this.#cluster?.findBroker({ nodeId });
      const answer: FetchAnswer | undefined = await broker?.fetch(requestFor({ wanted, hungry }));
      this.#take(answer?.responses ?? [], { wanted, hungry });
    } catch (error) {
      const { name, topic, partition } = error as { name?: string; topic?: string; partition?: number };
      if (name !== 'KafkaJSOffsetOutOfRange' || topic === undefined || partition === undefined) throw error;
      await this.#settings.outOfRange(topic, partition);
      await delay(OUT_OF_RANGE_REST_MS);
    }
  }

  #take(responses: FetchAnswer['responses'], { wanted, hungry }: Round): void {
    const froms = new Map(wanted.map(({ key, from }) => [key, from]));
    for (const { topicName, partitions } of responses) {
      for (const fetched of partitions) {
        const key = keyOf(topicName, fetched.partition);
        const from = froms.get(key);
        if (from === undefined) continue;
        const isEmpty = fetched.messages.length === 0;
        const isHungry = isEmpty && Number(fetched.lastStableOffset ?? -1) > from;
        const allowed = hungry.get(key) ?? PARTITION_BYTES;
        if (!isHungry) hungry.delete(key);
        else if (wanted.length === 1 || !hungry.has(key)) hungry.set(key, Math.min(2 * allowed, MAX_PARTITION_BYTES));
        this.#give(topicName, { from, fetched });
      }
    }
  }

  #give(name: string, { from, fetched }: { readonly from: number; readonly fetched: FetchedPartition }): void {
    const batch = new Batch(name, String(from), fetched);
    if (batch.isEmpty() && !batch.isEmptyDueToFiltering()) return;
    const { partition } = fetched;
    this.#settings.given(name, { partition, from, next: behind(batch, fetched), messages: batch.messages });
  }
}
