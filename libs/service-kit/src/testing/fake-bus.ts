import type {
  Bus,
  BusHealth,
  Consumption,
  Delivery,
  Following,
  Handler,
  InRecord,
  OutRecord,
  Ownership,
  OwnListener,
  Position,
  TableView,
} from '@busbar/bus';
import type { Diagnosis } from '@busbar/errors';
import type { TopicName } from '@busbar/events';

type RecordListener = (record: InRecord) => void;

/** Who owns what is said by the test. */
export class FakeOwnership implements Ownership {
  readonly ready = Promise.resolve();
  readonly keys = new Set<string>();
  readonly member = 'me';
  /** What `isGone` answers; an Error is thrown. */
  gone: boolean | Error = false;
  readonly asked: string[] = [];
  hasLeft = false;
  readonly #listener: OwnListener;

  constructor(listener: OwnListener) {
    this.#listener = listener;
  }

  give(...keys: string[]): void {
    for (const key of keys) this.keys.add(key);
    this.#listener.gained([0]);
  }

  withdraw(...keys: string[]): Promise<void> {
    for (const key of keys) this.keys.delete(key);
    return this.#listener.lost([0]);
  }

  owns(key: string): boolean {
    return this.keys.has(key);
  }

  lease(): boolean {
    return this.keys.size > 0;
  }

  async isGone(member: string): Promise<boolean> {
    this.asked.push(member);
    if (this.gone instanceof Error) throw this.gone;
    return this.gone;
  }

  async stop(): Promise<void> {
    await this.#listener.lost([0]);
    this.hasLeft = true;
  }
}

/** A bus of one partition per topic, in memory: what is published is durable, and seen, at once. */
export class FakeBus implements Bus {
  readonly kind = 'kafka';
  readonly published: OutRecord[] = [];
  readonly consumed: { readonly topic: TopicName; readonly group: string; readonly handler: Handler }[] = [];
  readonly refused: { readonly record: InRecord; readonly diagnosis: Diagnosis }[] = [];
  readonly ownerships: FakeOwnership[] = [];
  state: BusHealth['state'] = 'up';
  /** What `publish` rejects with, while it is set. */
  publishError: Error | null = null;
  stopped = 0;
  readonly #logs = new Map<TopicName, InRecord[]>();
  readonly #listeners = new Map<TopicName, Set<RecordListener>>();
  readonly #onHealth = new Set<() => void>();
  #trouble: Diagnosis | null = null;

  async ensureTopics(): Promise<void> {}

  async publish(records: readonly OutRecord[]): Promise<readonly Position[]> {
    if (this.publishError) throw this.publishError;
    this.published.push(...records);
    return records.map((record) => this.#append(record));
  }

  /** Puts octets on a topic as somebody else would. */
  put(topic: TopicName, key: string, value: Uint8Array | null): void {
    this.#append({ topic, key, value });
  }

  consume(topic: TopicName, group: string, handler: Handler): Consumption {
    this.consumed.push({ topic, group, handler });
    const stop = async () => void this.stopped++;
    return { ready: Promise.resolve(), lag: () => ({ records: 0, oldestMs: null }), stop };
  }

  /** Hands records over to a group as one delivery; the promise is its handler's. */
  deliver(topic: TopicName, group: string, records: readonly InRecord[]): Promise<void> {
    const found = this.consumed.find((each) => each.topic === topic && each.group === group);
    if (!found) throw new Error(`nobody consumes ${topic} in ${group}`);
    const refuse: Delivery['refuse'] = (record, diagnosis) => void this.refused.push({ record, diagnosis });
    const delivery = { topic, partition: 0, records, flushed: async () => undefined, refuse };
    return found.handler(delivery, new AbortController().signal);
  }

  table(topic: TopicName): TableView {
    const newest = () => {
      const records = new Map<string, InRecord>();
      for (const record of this.#logs.get(topic) ?? []) {
        if (record.value === null) records.delete(record.key);
        else records.set(record.key, record);
      }
      return records;
    };
    return {
      ready: Promise.resolve(),
      get: (key) => newest().get(key),
      entries: () => newest().entries(),
      get size() {
        return newest().size;
      },
      onChange: (listener) => this.#listen(topic, listener),
      stop: async () => void this.stopped++,
    };
  }

  follow(topic: TopicName, listener: RecordListener): Following {
    const end = this.#listen(topic, listener);
    return { ready: Promise.resolve(), stop: async () => end() };
  }

  own(_topic: TopicName, _group: string, listener: OwnListener): Ownership {
    const ownership = new FakeOwnership(listener);
    this.ownerships.push(ownership);
    return ownership;
  }

  async range(topic: TopicName, key: string): Promise<InRecord[]> {
    return (this.#logs.get(topic) ?? []).filter((record) => record.key === key);
  }

  health(): BusHealth {
    return { state: this.state, sinceMs: 0, diagnosis: this.#trouble, waitingBytes: 0 };
  }

  onHealth(listener: (health: BusHealth) => void): () => void {
    const own = () => listener(this.health());
    this.#onHealth.add(own);
    return () => void this.#onHealth.delete(own);
  }

  /** Goes down with a reason, or up again. */
  turn(trouble: Diagnosis | null): void {
    this.#trouble = trouble;
    this.state = trouble ? 'down' : 'up';
    for (const listener of [...this.#onHealth]) listener();
  }

  async kept(): Promise<null> {
    return null;
  }

  async close(): Promise<void> {}

  #append({ topic, key, value, object }: OutRecord): Position {
    const log = this.#logs.get(topic) ?? [];
    this.#logs.set(topic, log);
    const position = { partition: 0, offset: log.length };
    const record = { ...position, topic, key, value, object, timestampMs: 0 };
    log.push(record);
    for (const listener of [...(this.#listeners.get(topic) ?? [])]) listener(record);
    return position;
  }

  #listen(topic: TopicName, listener: RecordListener): () => void {
    const listeners = this.#listeners.get(topic) ?? new Set();
    this.#listeners.set(topic, listeners);
    const own: RecordListener = (record) => listener(record);
    listeners.add(own);
    return () => void listeners.delete(own);
  }
}
