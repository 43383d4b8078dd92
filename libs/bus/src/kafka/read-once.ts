import { randomUUID } from 'node:crypto';
import type { TopicName } from '@busbar/events';
import type { Admin, Kafka } from 'kafkajs';
import type { InRecord } from '../port.js';
import { MAX_WAIT_MS, RETRY, retryAdmin, SESSION_MS, settledWithin } from './kafka-client.js';
import { fromMessage, withOwnOctets } from './kafka-record.js';
import { partitionOf } from './partition-of.js';

const READ_WAIT_MS = 20_000;

export interface ReadOnceSettings {
  readonly kafka: Kafka;
  readonly admin: Admin;
  readonly topic: TopicName;
  /** As the broker knows it. */
  readonly name: string;
  readonly groupId: string;
  readonly answered: () => void;
}

export interface Span {
  readonly from: number;
  /** Exclusive. */
  readonly end: number;
}

export interface RangeQuery {
  readonly key: string | null;
  readonly fromMs: number;
  readonly toMs: number;
  readonly limit: number;
}

/** Reads spans of offsets with a consumer of its own that leaves no trace in any other group. */
async function readSpans(
  settings: ReadOnceSettings,
  spans: ReadonlyMap<number, Span>,
  visit: (record: InRecord) => void,
): Promise<void> {
  const { kafka, name, topic, groupId, answered } = settings;
  const open = new Map([...spans].filter(([, { from, end }]) => from < end));
  if (open.size === 0) return;
  const consumer = kafka.consumer({
    groupId: `${groupId}.${randomUUID()}`,
    sessionTimeout: SESSION_MS,
    maxWaitTimeInMs: MAX_WAIT_MS,
    maxBytesPerPartition: 256 * 1024,
    allowAutoTopicCreation: false,
    retry: RETRY,
  });
  const positions = new Map([...open].map(([partition, { from }]) => [partition, from]));
  let finish: () => void = () => undefined;
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const pass = (partition: number, offset: number) => {
    const span = open.get(partition);
    positions.set(partition, Math.max(positions.get(partition) ?? 0, offset + 1));
    if (!span || (positions.get(partition) ?? 0) < span.end) return;
    open.delete(partition);
    if (open.size === 0) finish();
    else consumer.pause([{ topic: name, partitions: [partition] }]);
  };
  consumer.on(consumer.events.REQUEST, answered);
  consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload }) => pass(payload.partition, Number(payload.lastOffset)));
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    for (const partition of payload.memberAssignment[name] ?? []) {
      if (open.has(partition)) {
        consumer.seek({ topic: name, partition, offset: String(positions.get(partition) ?? 0) });
      } else consumer.pause([{ topic: name, partitions: [partition] }]);
    }
  });
  const run = async () => {
    await consumer.connect();
    await consumer.subscribe({ topics: [name], fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: 24,
      eachBatch: async ({ batch, resolveOffset }) => {
        const span = open.get(batch.partition);
        for (const message of span ? batch.messages : []) {
          const record = fromMessage(topic, batch.partition, message);
          const isWanted = record.offset >= (positions.get(batch.partition) ?? 0) && record.offset < (span?.end ?? 0);
          if (isWanted) visit(record);
        }
        resolveOffset(batch.lastOffset());
        pass(batch.partition, Number(batch.lastOffset()));
      },
    });
    await finished;
  };
  try {
    let failure: unknown = null;
    const running = run().catch((error: unknown) => {
      failure = error;
    });
    const isFinished = await settledWithin(running, READ_WAIT_MS);
    if (failure !== null) throw failure;
    if (!isFinished) throw new Error(`${name} could not be read within ${READ_WAIT_MS} ms`);
  } finally {
    await settledWithin(consumer.disconnect(), 2 * MAX_WAIT_MS);
  }
}

async function offsetsAt(settings: ReadOnceSettings, timeMs: number): Promise<Map<number, number>> {
  const offsets = await retryAdmin(() =>
    settings.admin.fetchTopicOffsetsByTimestamp(settings.name, Math.max(0, timeMs)),
  );
  return new Map(offsets.map(({ partition, offset }) => [partition, Number(offset)]));
}

async function limits(settings: ReadOnceSettings): Promise<Map<number, Span>> {
  const offsets = await retryAdmin(() => settings.admin.fetchTopicOffsets(settings.name));
  return new Map(offsets.map(({ partition, low, high }) => [partition, { from: Number(low), end: Number(high) }]));
}

/** Records by append time, oldest first; the newest of them where the limit cuts. */
export async function readRange(settings: ReadOnceSettings, query: RangeQuery): Promise<InRecord[]> {
  const { key, fromMs, toMs, limit } = query;
  const [kept, starts, ends] = await Promise.all([
    limits(settings),
    offsetsAt(settings, fromMs),
    // Beyond what a Kafka timestamp holds there is nothing.
    toMs >= Number.MAX_SAFE_INTEGER ? new Map<number, number>() : offsetsAt(settings, toMs + 1),
  ]);
  const only = key === null ? null : partitionOf(settings.topic, key);
  const spans = new Map<number, Span>();
  for (const [partition, { from, end }] of kept) {
    if (only !== null && partition !== only) continue;
    const start = starts.get(partition) ?? -1;
    const stop = ends.get(partition) ?? -1;
    spans.set(partition, { from: start < 0 ? end : Math.max(from, start), end: stop < 0 ? end : Math.min(end, stop) });
  }
  let found: InRecord[] = [];
  await readSpans(settings, spans, (record) => {
    if (key !== null && record.key !== key) return;
    if (record.timestampMs < fromMs || record.timestampMs > toMs) return;
    found.push(withOwnOctets(record));
    if (found.length >= 2 * limit + 1024) found = newest(found, limit);
  });
  return newest(found, limit);
}

function newest(records: InRecord[], limit: number): InRecord[] {
  return [...records]
    .sort((a, b) => a.timestampMs - b.timestampMs || a.partition - b.partition || a.offset - b.offset)
    .slice(-limit);
}

export async function readKept(settings: ReadOnceSettings): Promise<{ oldestMs: number; newestMs: number } | null> {
  const kept = [...(await limits(settings))].filter(([, { from, end }]) => from < end);
  if (kept.length === 0) return null;
  let oldestMs = Number.POSITIVE_INFINITY;
  let newestMs = 0;
  const look = ({ timestampMs }: InRecord) => {
    oldestMs = Math.min(oldestMs, timestampMs);
    newestMs = Math.max(newestMs, timestampMs);
  };
  const firsts = kept.map(([partition, { from }]) => [partition, { from, end: from + 1 }] as const);
  const lasts = kept.map(([partition, { end }]) => [partition, { from: end - 1, end }] as const);
  await readSpans(settings, new Map(firsts), look);
  await readSpans(settings, new Map(lasts), look);
  return newestMs === 0 ? null : { oldestMs, newestMs };
}
