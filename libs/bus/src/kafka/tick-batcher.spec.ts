import type { Kafka, ProducerBatch, RecordMetadata } from 'kafkajs';
import { describe, expect, it } from 'vitest';
import { TickBatcher } from './tick-batcher.js';

const CLOCK = { monotonicMs: () => performance.now(), wallMs: () => Date.now() };
const SILENT = { info: () => undefined, warn: () => undefined, error: () => undefined };
const POINTS = 'points.updated.v1';

type Answer = (sent: readonly string[]) => readonly string[];

/** A broker that answers for some of what each request brings, by value; `sent` is what every request brought. */
function batcherOn(answer: Answer): { readonly batcher: TickBatcher; readonly sent: string[][] } {
  const sent: string[][] = [];
  const offsets = new Map<number, number>();
  const sendBatch = async ({ topicMessages = [] }: ProducerBatch): Promise<RecordMetadata[]> => {
    const all = topicMessages.flatMap(({ topic, messages }) => messages.map((message) => ({ topic, ...message })));
    const values = all.map(({ value }) => String(value));
    sent.push(values);
    const taken = answer(values);
    const answers = new Map<number, RecordMetadata>();
    for (const { topic, partition = 0, value } of all) {
      if (!taken.includes(String(value))) continue;
      const offset = offsets.get(partition) ?? 0;
      offsets.set(partition, offset + 1);
      if (!answers.has(partition)) {
        answers.set(partition, { topicName: topic, partition, errorCode: 0, baseOffset: String(offset) });
      }
    }
    return [...answers.values()];
  };
  const producer = {
    events: { REQUEST: 'producer.network.request' },
    on: () => undefined,
    connect: async () => undefined,
    disconnect: async () => undefined,
    sendBatch,
  };
  const kafka = { producer: () => producer } as unknown as Kafka;
  const settings = { kafka, clock: CLOCK, log: SILENT, tickMs: 0, nameOf: (topic: string) => topic };
  return { batcher: new TickBatcher({ ...settings, answered: () => undefined }), sent };
}

const record = (key: string, value: string) => ({ topic: POINTS, key, value: Buffer.from(value) }) as const;

describe('a request of several partitions', () => {
  it('counts as published only what a broker answered for; the rest is sent again, alone and in order', async () => {
    let request = 0;
    const { batcher, sent } = batcherOn((values) =>
      ++request === 1 ? values.filter((value) => value.startsWith('a')) : values,
    );
    const records = [record('a', 'a1'), record('b', 'b1'), record('a', 'a2'), record('b', 'b2')];
    const positions = await batcher.publish(records);
    expect(sent).toEqual([
      ['a1', 'b1', 'a2', 'b2'],
      ['b1', 'b2'],
    ]);
    expect(positions.map(({ offset }) => offset)).toEqual([0, 0, 1, 1]);
    expect(batcher.waitingBytes).toBe(0);
    await batcher.close();
  });

  it('keeps waiting for what is never answered, and tells at the end that it was not published', async () => {
    const { batcher, sent } = batcherOn((values) => values.filter((value) => value === 'a1'));
    const published = batcher.publish([record('a', 'a1')]);
    const lost = batcher.publish([record('b', 'b1')]).catch((error: { code?: string }) => error.code);
    await published;
    await expect.poll(() => sent.length).toBeGreaterThan(2);
    await batcher.close();
    expect(await lost).toBe('BUS_CLOSED');
    expect(batcher.waitingBytes).toBe(0);
  });
});
