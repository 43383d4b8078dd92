import { BusbarError } from '@busbar/errors';
import type { z } from 'zod';
import { type JsonPayload, TOPICS, type TopicName } from './topics.js';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

export function encodeJson<Topic extends TopicName>(_topic: Topic, payload: JsonPayload<Topic>): Uint8Array {
  return encoder.encode(JSON.stringify(payload));
}

/** Throws RECORD_REFUSED when the octets are no JSON or not of the topic's schema: such a record can never succeed. */
export function decodeJson<Topic extends TopicName>(topic: Topic, value: Uint8Array): JsonPayload<Topic> {
  const schema = TOPICS[topic].payload as z.ZodType | 'columnar';
  if (schema === 'columnar') throw new BusbarError('RECORD_REFUSED', { topic, reason: 'columnar, not JSON' });
  let parsed: unknown;
  try {
    parsed = JSON.parse(decoder.decode(value));
  } catch (cause) {
    throw new BusbarError('RECORD_REFUSED', { topic, reason: 'not JSON' }, { cause });
  }
  const result = schema.safeParse(parsed);
  if (!result.success) {
    const issue = result.error.issues[0];
    const reason = `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'wrong shape'}`;
    throw new BusbarError('RECORD_REFUSED', { topic, reason }, { cause: result.error });
  }
  return result.data as JsonPayload<Topic>;
}
