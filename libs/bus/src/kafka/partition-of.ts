import { type TopicName, topicSpec } from '@busbar/events';
import kafkajs, { type PartitionMetadata } from 'kafkajs';

const MAX_CACHED_KEYS = 16_384;
const partition = kafkajs.Partitioners.DefaultPartitioner();
const metadata = new Map<number, PartitionMetadata[]>();
const known = new Map<number, Map<string, number>>();

function metadataOf(count: number): PartitionMetadata[] {
  let found = metadata.get(count);
  if (!found) {
    found = Array.from({ length: count }, (_, partitionId) => ({
      partitionErrorCode: 0,
      partitionId,
      leader: 1,
      replicas: [1],
      isr: [1],
    }));
    metadata.set(count, found);
  }
  return found;
}

/** Partition of a key, as every Kafka client computes it (murmur2); remembered, since keys come again. */
export function partitionOf(topic: TopicName, key: string): number {
  const count = topicSpec(topic).partitions;
  if (count === 1) return 0;
  let keys = known.get(count);
  if (!keys || keys.size > MAX_CACHED_KEYS) {
    keys = new Map();
    known.set(count, keys);
  }
  let found = keys.get(key);
  if (found === undefined) {
    found = partition({ topic, partitionMetadata: metadataOf(count), message: { key, value: null } });
    keys.set(key, found);
  }
  return found;
}
