import type { TopicName } from '@busbar/events';
import type { KafkaMessage } from 'kafkajs';
import type { InRecord } from '../port.js';

/** The value is a view into the answer of a fetch: safe to keep, but it keeps the whole answer. */
export function fromMessage(topic: TopicName, partition: number, message: KafkaMessage): InRecord {
  return {
    topic,
    partition,
    offset: Number(message.offset),
    key: message.key?.toString() ?? '',
    value: message.value,
    object: undefined,
    timestampMs: Number(message.timestamp),
  };
}

/** For what is kept long: octets of its own. */
export function withOwnOctets(record: InRecord): InRecord {
  return record.value === null ? record : { ...record, value: Buffer.from(record.value) };
}
