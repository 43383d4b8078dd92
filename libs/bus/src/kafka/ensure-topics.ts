import { BusbarError } from '@busbar/errors';
import { type TopicName, type TopicSpec, topicSpec } from '@busbar/events';
import type { Admin, ITopicConfig } from 'kafkajs';
import type { BusLogger } from '../logger.js';
import { isPassing } from './kafka-trouble.js';

const POLL_MS = 100;
const MIB = 1024 * 1024;
const MAX_RECORD_BYTES = 8 * MIB;

/** How often a record is kept. What is not given is as the brokers are set. */
export interface Replication {
  readonly factor?: number | undefined;
  /** So many replicas must have a record before it counts as published. */
  readonly minInSync?: number | undefined;
}

export interface TopicShape {
  readonly nameOf: (topic: TopicName) => string;
  readonly replication: Replication;
  readonly log: BusLogger;
}

function configOf(spec: TopicSpec, { minInSync }: Replication): { name: string; value: string }[] {
  const config = new Map<string, number | string>([['max.message.bytes', MAX_RECORD_BYTES]]);
  if (minInSync !== undefined) config.set('min.insync.replicas', minInSync);
  if (spec.compacted) {
    config.set('cleanup.policy', 'compact').set('segment.bytes', 16 * MIB);
    config.set('min.cleanable.dirty.ratio', '0.2').set('max.compaction.lag.ms', 3_600_000);
  } else {
    config.set('cleanup.policy', 'delete').set('retention.ms', spec.retentionMs ?? -1);
    const bytes = spec.retentionBytes === null ? -1 : Math.ceil(spec.retentionBytes / spec.partitions);
    config.set('retention.bytes', bytes);
    // Retention deletes whole segments: small ones keep it close to the size wanted.
    const segmentBytes = bytes < 0 ? 64 * MIB : Math.min(64 * MIB, Math.max(MAX_RECORD_BYTES + MIB, bytes / 8));
    config.set('segment.bytes', Math.floor(segmentBytes));
  }
  return [...config].map(([name, value]) => ({ name, value: String(value) }));
}

const PASSING = new Set(['UNKNOWN_TOPIC_OR_PARTITION', 'LEADER_NOT_AVAILABLE', 'NOT_CONTROLLER']);
/** Brokers of a cluster come one after the other: what needs three of them has to wait for the third. */
const TOO_FEW_BROKERS = 'INVALID_REPLICATION_FACTOR';
const FEW_MS = 1_000;

export function isUnknownTopic(error: unknown): boolean {
  const { type, cause } = error as { type?: string; cause?: unknown };
  return (type !== undefined && PASSING.has(type)) || (cause instanceof Error && isUnknownTopic(cause));
}

/** Partition count of a topic; 0 while there is none or its leaders are not chosen. */
async function partitionsOf(admin: Admin, topic: string): Promise<number> {
  try {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
    const partitions = topics.find(({ name }) => name === topic)?.partitions ?? [];
    return partitions.every(({ leader }) => leader >= 0) ? partitions.length : 0;
  } catch (error) {
    if (isUnknownTopic(error)) return 0;
    throw error;
  }
}

/** Creates what is missing and waits until it can be used. Throws TOPIC_SHAPE. */
export async function ensureTopics(admin: Admin, topics: readonly TopicName[], shape: TopicShape): Promise<void> {
  for (let isTold = false; ; ) {
    try {
      await ensureOnce(admin, topics, shape);
      return;
    } catch (error) {
      if (causesOf(error).includes(TOO_FEW_BROKERS)) {
        const { factor = 'as the brokers are set' } = shape.replication;
        if (!isTold) shape.log.warn({ replicas: factor }, 'too few Kafka brokers are there to create topics, waiting');
        isTold = true;
        await new Promise((resolve) => setTimeout(resolve, FEW_MS));
        continue;
      }
      // While topics are being made, by others too, any call may stumble over metadata that lags (metadata of KRaft follows
      // a creation late); and a broker may go away in the middle of one.
      if (!isUnknownTopic(error) && !isPassing(error)) throw error;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }
}

async function ensureOnce(
  admin: Admin,
  topics: readonly TopicName[],
  { nameOf, replication }: TopicShape,
): Promise<void> {
  const present = new Set(await admin.listTopics());
  const missing: ITopicConfig[] = topics
    .filter((topic) => !present.has(nameOf(topic)))
    .map((topic) => ({
      topic: nameOf(topic),
      numPartitions: topicSpec(topic).partitions,
      ...(replication.factor === undefined ? {} : { replicationFactor: replication.factor }),
      configEntries: configOf(topicSpec(topic), replication),
    }));
  // waitForLeaders fails on KRaft although the topics are created (metadata of KRaft follows a creation late).
  if (missing.length > 0) await createMissing(admin, missing);
  for (const topic of topics) {
    let actual = await partitionsOf(admin, nameOf(topic));
    while (actual === 0) {
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      actual = await partitionsOf(admin, nameOf(topic));
    }
    const wanted = topicSpec(topic).partitions;
    if (actual !== wanted) throw new BusbarError('TOPIC_SHAPE', { topic: nameOf(topic), actual, wanted });
  }
}

/** Why topics could not be created, one by one. */
function causesOf(error: unknown): (string | undefined)[] {
  const errors = (error as { errors?: { type?: string }[] }).errors ?? [error as { type?: string }];
  return errors.map(({ type }) => type);
}

async function createMissing(admin: Admin, topics: ITopicConfig[]): Promise<void> {
  try {
    await admin.createTopics({ waitForLeaders: false, topics });
  } catch (error) {
    // Another service was faster with some of them.
    if (causesOf(error).every((type) => type === 'TOPIC_ALREADY_EXISTS')) return;
    throw error;
  }
}
