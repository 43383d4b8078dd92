import type { Kafka } from 'kafkajs';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { type FetchedMessages, FetchSession } from './fetch-session.js';

interface Request {
  readonly maxWaitTime: number;
  readonly maxBytes: number;
  readonly topics: readonly {
    readonly topic: string;
    readonly partitions: readonly {
      readonly partition: number;
      readonly fetchOffset: string;
      readonly maxBytes: number;
    }[];
  }[];
}

/** A log of a topic: offsets of its records, and what a fetch must allow to get any of them. */
interface FakeLog {
  readonly end: number;
  readonly batchBytes: number;
  readonly failure?: Error;
}

function message(offset: number, batch: { readonly firstOffset: string; readonly lastOffsetDelta: number }) {
  return { offset: String(offset), key: null, value: null, timestamp: '0', batchContext: batch };
}

describe('a session of fetching', () => {
  let logs: Map<string, FakeLog>;
  let requests: Request[];
  let wanted: Map<string, Map<number, number>>;
  let given: (FetchedMessages & { readonly name: string })[];
  let failures: unknown[];
  let outOfRange: string[];
  let session: FetchSession;
  let answer: Promise<void>;

  /** Like a broker: one batch from the offset to the end, if it is allowed that many octets. */
  async function fetch(request: Request): Promise<unknown> {
    requests.push(request);
    await answer;
    await new Promise((resolve) => setImmediate(resolve));
    for (const { topic } of request.topics) {
      const failure = logs.get(topic)?.failure;
      if (failure) throw failure;
    }
    return {
      responses: request.topics.map(({ topic, partitions }) => ({
        topicName: topic,
        partitions: partitions.map(({ partition, fetchOffset, maxBytes }) => {
          const { end, batchBytes } = logs.get(topic) as FakeLog;
          const from = Number(fetchOffset);
          const batch = { firstOffset: fetchOffset, lastOffsetDelta: end - from - 1 };
          const messages = from < end && batchBytes <= maxBytes ? [message(from, batch)] : [];
          return { partition, highWatermark: String(end), lastStableOffset: String(end), messages };
        }),
      })),
    };
  }

  function fakeKafka(): Kafka {
    const cluster = {
      addMultipleTargetTopics: async (names: string[]) => {
        if (names.every((name) => logs.has(name))) return;
        throw Object.assign(new Error('no such topic'), { type: 'UNKNOWN_TOPIC_OR_PARTITION' });
      },
      findTopicPartitionMetadata: (name: string) => (logs.has(name) ? [{ partitionId: 0, leader: 1 }] : []),
      findBroker: async () => ({ fetch }),
    };
    const consumer = {
      events: { REQUEST: 'request' },
      on: () => undefined,
      connect: async () => undefined,
      disconnect: async () => undefined,
    };
    const lend = ({ partitionAssigners }: { partitionAssigners: ((config: object) => unknown)[] }) => {
      for (const assigner of partitionAssigners) assigner({ cluster });
      return consumer;
    };
    return { consumer: lend } as unknown as Kafka;
  }

  beforeEach(() => {
    logs = new Map();
    requests = [];
    wanted = new Map();
    given = [];
    failures = [];
    outOfRange = [];
    answer = Promise.resolve();
    session = new FetchSession({
      kafka: fakeKafka(),
      positions: () => wanted,
      given: (name, fetched) => {
        given.push({ ...fetched, name });
        const places = wanted.get(name);
        places?.set(fetched.partition, fetched.next);
        // A broker that has nothing more would make the loop spin here.
        if ([...wanted].every(([each, offsets]) => [...offsets.values()].every((o) => o >= (logs.get(each)?.end ?? 0))))
          wanted = new Map();
      },
      outOfRange: async (name, partition) => {
        outOfRange.push(`${name} ${partition}`);
        wanted = new Map();
      },
      answered: () => undefined,
      fetched: () => undefined,
      failed: (error) => failures.push(error),
    });
  });

  it('asks alone, and for more each time, for a partition whose next batch is larger than allowed', async () => {
    logs.set('busy', { end: 1_000_000, batchBytes: 100 }).set('large', { end: 5, batchBytes: 1_000_000 });
    wanted.set('busy', new Map([[0, 0]])).set('large', new Map([[0, 0]]));
    await session.open(['busy', 'large']);
    session.run();
    await vi.waitFor(() => expect(given.map(({ name }) => name)).toContain('large'));
    const alone = requests.filter(({ topics }) => topics.length === 1 && topics[0]?.topic === 'large');
    const allowed = alone.map(({ topics }) => topics[0]?.partitions[0]?.maxBytes);
    expect(allowed).toEqual([512 * 1024, 1024 * 1024]);
    expect(alone.every(({ maxWaitTime }) => maxWaitTime === 0)).toBe(true);
    const before = requests.indexOf(alone[1] as Request);
    expect(requests[before - 1]?.topics.length).toBe(2);
    await session.end();
  });

  it('passes to the end of a batch that compaction left one record of', async () => {
    logs.set('table', { end: 400, batchBytes: 100 });
    wanted.set('table', new Map([[0, 7]]));
    await session.open(['table']);
    session.run();
    await vi.waitFor(() => expect(given.length).toBe(1));
    expect(given[0]).toMatchObject({ name: 'table', partition: 0, from: 7, next: 400 });
    await session.end();
  });

  it('tells which topics are not there, and reads the others', async () => {
    logs.set('there', { end: 1, batchBytes: 1 });
    expect(await session.open(['gone', 'there'])).toEqual(['gone']);
    expect([session.covers(['there']), session.covers(['there', 'gone'])]).toEqual([true, false]);
    await session.end();
    expect(session.covers(['there'])).toBe(false);
  });

  it('still gives what was under way when it ends, and asks no more', async () => {
    let release: () => void = () => undefined;
    answer = new Promise((resolve) => {
      release = resolve;
    });
    logs.set('slow', { end: 3, batchBytes: 1 });
    wanted.set('slow', new Map([[0, 0]]));
    await session.open(['slow']);
    session.run();
    await vi.waitFor(() => expect(requests.length).toBe(1));
    await session.end();
    release();
    await vi.waitFor(() => expect(given.length).toBe(1));
    expect(requests.length).toBe(1);
    expect(failures).toEqual([]);
  });

  it('has a place set right that the broker has not, and fails with anything else', async () => {
    const range = Object.assign(new Error('out of range'), {
      name: 'KafkaJSOffsetOutOfRange',
      topic: 'short',
      partition: 0,
    });
    logs.set('short', { end: 3, batchBytes: 1, failure: range });
    wanted.set('short', new Map([[0, 9]]));
    await session.open(['short']);
    session.run();
    await vi.waitFor(() => expect(outOfRange).toEqual(['short 0']));
    expect(failures).toEqual([]);
    logs.set('short', { end: 3, batchBytes: 1, failure: new Error('leader moved') });
    wanted.set('short', new Map([[0, 0]]));
    await vi.waitFor(() => {
      session.run();
      expect(failures).toHaveLength(1);
    });
    await session.end();
  });
});
