import type { TopicName } from '@busbar/events';
import type { OutRecord } from './port.js';

export const POINTS = 'points.updated.v1';
export const TABLE = 'connections.configured.v1';
export const CONTROL = 'control.requested.v1';
export const HELD = 'control.held.v1';
export const LETTERS = 'deadletters.recorded.v1';
export const TOPICS_USED: readonly TopicName[] = [POINTS, TABLE, CONTROL, HELD, LETTERS];
export const WAIT = { timeout: 30_000, interval: 5 };

export function text(value: Uint8Array | null | undefined): string {
  return value ? Buffer.from(value).toString() : '';
}

export function record(topic: TopicName, key: string, value: string): OutRecord {
  return { topic, key, value: Buffer.from(value) };
}

/** Records of the key whose values are the numbers of [from, end). */
export function numbers(topic: TopicName, key: string, [from, end]: readonly [number, number]): OutRecord[] {
  return Array.from({ length: end - from }, (_, i) => record(topic, key, String(from + i)));
}
