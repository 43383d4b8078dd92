import { BusbarError, type Diagnosis } from '@busbar/errors';
import { type TopicName, topicSpec } from '@busbar/events';
import type { Clock } from '@busbar/model';
import type { Admin, Kafka } from 'kafkajs';
import { refusalLetter } from '../dead-letter.js';
import { HealthBoard } from '../health-board.js';
import { MAX_WAITING_BYTES, recordBytes } from '../limits.js';
import type { BusLogger } from '../logger.js';
import type {
  Bus,
  BusHealth,
  Consumption,
  Following,
  Handler,
  InRecord,
  OutRecord,
  Ownership,
  OwnListener,
  Position,
  RangeOptions,
  TableView,
} from '../port.js';
import { type ProbeResult, probeBrokers } from './broker-probe.js';
import { BrokerWatch } from './broker-watch.js';
import { ensureTopics, type Replication } from './ensure-topics.js';
import { createClient, createReadingClient, settledWithin } from './kafka-client.js';
import { KafkaConsumption } from './kafka-consumption.js';
import { KafkaOwnership } from './kafka-ownership.js';
import { type Admission, type KafkaSecurity, secured } from './kafka-security.js';
import { KafkaTable } from './kafka-table.js';
import { type ReadOnceSettings, readKept, readRange } from './read-once.js';
import { SharedReader } from './shared-reader.js';
import type { SupervisedConsumerSettings } from './supervised-consumer.js';
import { TickBatcher } from './tick-batcher.js';
import { TopicGate } from './topic-gate.js';

const DEFAULT_TICK_MS = 10;
const DEFAULT_RANGE_LIMIT = 10_000;
const DISCONNECT_WAIT_MS = 1_000;

export interface KafkaBusSettings {
  /** `host:port` each. */
  readonly brokers: readonly string[];
  /** Service and instance, as the broker's log shall name them. */
  readonly clientId: string;
  readonly clock: Clock;
  readonly log: BusLogger;
  /** Before the names of topics and groups: several sites on one broker. Default none. */
  readonly prefix?: string;
  /** Records of so long share a request, control topics excepted. Default 10 ms. */
  readonly tickMs?: number;
  /** Default: plain text, no user. */
  readonly security?: KafkaSecurity;
  /** Of the topics that it creates. Default: what the brokers are set to. */
  readonly replication?: Replication;
  readonly probe?: (brokers: readonly string[]) => Promise<ProbeResult>;
}

/** Control must not wait for a tick, nor ownership news for samples. */
function isUrgent(topic: TopicName): boolean {
  return topic.startsWith('control.') || topic === 'connections.changed.v1';
}

export class KafkaBus implements Bus {
  readonly kind = 'kafka';
  readonly #settings: KafkaBusSettings;
  readonly #kafka: Kafka;
  readonly #health: HealthBoard;
  readonly #watch: BrokerWatch;
  readonly #ticked: TickBatcher;
  readonly #urgent: TickBatcher;
  readonly #gate: TopicGate;
  readonly #reader: SharedReader;
  readonly #tables = new Map<TopicName, KafkaTable>();
  readonly #parts = new Set<{ stop(): Promise<void> }>();
  #admin: Promise<Admin> | null = null;
  #isClosed = false;
  #closing: Promise<void> | null = null;

  constructor(settings: KafkaBusSettings) {
    const { brokers, clientId, clock, log, tickMs = DEFAULT_TICK_MS, security = {} } = settings;
    const { probe = (list) => probeBrokers(list, security.tls) } = settings;
    this.#settings = settings;
    const admission: Admission = {
      letIn: (broker) => this.#watch.letIn(broker),
      turnedAway: (broker, reason) => this.#watch.turnedAway(broker, reason),
    };
    const access = { clientId, brokers, ...secured(security, admission) };
    this.#kafka = createClient(access);
    this.#health = new HealthBoard(clock, log);
    this.#health.down({ code: 'BUS_UNREACHABLE', params: { brokers: brokers.join(', ') } });
    const publisher = {
      kafka: this.#kafka,
      clock,
      log,
      nameOf: (topic: TopicName) => this.#name(topic),
      answered: () => this.#watch.answered(),
    };
    this.#ticked = new TickBatcher({ ...publisher, tickMs });
    this.#urgent = new TickBatcher({ ...publisher, tickMs: 0 });
    this.#watch = new BrokerWatch({
      brokers,
      clock,
      health: this.#health,
      waitingSinceMs: () => this.#urgent.waitingSinceMs ?? this.#ticked.waitingSinceMs,
      probe,
      log,
    });
    const topics = { nameOf: (topic: TopicName) => this.#name(topic), clock, log };
    this.#gate = new TopicGate({ ...topics, admin: () => this.#connectedAdmin() });
    this.#reader = new SharedReader({
      ...topics,
      kafka: createReadingClient(access),
      gate: this.#gate,
      answered: () => this.#watch.answered(),
    });
  }

  async ensureTopics(topics: readonly TopicName[]): Promise<void> {
    const { log, replication = {} } = this.#settings;
    const nameOf = (topic: TopicName) => this.#name(topic);
    await ensureTopics(await this.#connectedAdmin(), topics, { nameOf, replication, log });
    this.#gate.open(topics);
  }

  async publish(records: readonly OutRecord[]): Promise<readonly Position[]> {
    let bytes = 0;
    for (const { topic, key, value } of records) {
      this.#assertOpen(topic);
      if (value === null && !topicSpec(topic).compacted) throw new TypeError(`${topic} takes no tombstones`);
      bytes += recordBytes(key, value);
    }
    const first = records[0];
    if (first === undefined) return [];
    const waitingBytes = this.#waitingBytes;
    if (waitingBytes + bytes > MAX_WAITING_BYTES)
      throw new BusbarError('BUS_FULL', { topic: first.topic, waitingBytes });
    const urgent = records.filter(({ topic }) => isUrgent(topic));
    if (urgent.length === 0) return this.#ticked.publish(records);
    if (urgent.length === records.length) return this.#urgent.publish(records);
    const others = records.filter(({ topic }) => !isUrgent(topic));
    const [fast, slow] = await Promise.all([this.#urgent.publish(urgent), this.#ticked.publish(others)]);
    let fastIndex = 0;
    let slowIndex = 0;
    return records.map(({ topic }) => (isUrgent(topic) ? fast[fastIndex++] : slow[slowIndex++]) as Position);
  }

  consume(topic: TopicName, group: string, handler: Handler): Consumption {
    this.#assertOpen(topic);
    return this.#keep(
      new KafkaConsumption({
        source: this.#source(topic, `${this.#prefix}${group}`),
        topic,
        group,
        handler,
        log: this.#settings.log,
        refuse: (record, diagnosis) => this.#refuse(record, group, diagnosis),
      }),
    );
  }

  table(topic: TopicName): TableView {
    this.#assertOpen(topic);
    if (!topicSpec(topic).compacted) throw new TypeError(`${topic} is not compacted`);
    const { log } = this.#settings;
    const table =
      this.#tables.get(topic) ??
      new KafkaTable({ topic, reader: this.#reader, log, ended: () => this.#tables.delete(topic) });
    this.#tables.set(topic, table);
    return table.view();
  }

  async range(topic: TopicName, key: string | null, options: RangeOptions): Promise<InRecord[]> {
    const { fromMs, toMs, limit = DEFAULT_RANGE_LIMIT } = options;
    return readRange(await this.#readOnce(topic), { key, fromMs, toMs, limit });
  }

  follow(topic: TopicName, listener: (record: InRecord) => void): Following {
    this.#assertOpen(topic);
    const reading = this.#reader.read({ topic, from: 'end', record: listener });
    return { ready: reading.caughtUp(), stop: async () => reading.stop() };
  }

  own(topic: TopicName, group: string, listener: OwnListener): Ownership {
    this.#assertOpen(topic);
    const { clock, log } = this.#settings;
    return this.#keep(
      new KafkaOwnership({
        source: { ...this.#source(topic, `${this.#prefix}${group}`), partitionBytes: 64 * 1024 },
        topic,
        listener,
        admin: () => this.#connectedAdmin(),
        clock,
        log,
        watch: this.#watch,
      }),
    );
  }

  health(): BusHealth {
    return this.#health.state(this.#waitingBytes);
  }

  onHealth(listener: (health: BusHealth) => void): () => void {
    return this.#health.onChange(() => listener(this.health()));
  }

  async kept(topic: TopicName): Promise<{ readonly oldestMs: number; readonly newestMs: number } | null> {
    return readKept(await this.#readOnce(topic));
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    // Handlers that are under way may still publish; then nobody may.
    await Promise.all([...[...this.#parts].map((part) => part.stop()), this.#reader.close()]);
    this.#gate.close();
    this.#isClosed = true;
    await Promise.all([this.#ticked.close(), this.#urgent.close()]);
    this.#watch.stop();
    if (this.#admin)
      await settledWithin(
        this.#admin.then((admin) => admin.disconnect()),
        DISCONNECT_WAIT_MS,
      );
  }

  get #prefix(): string {
    return this.#settings.prefix ?? '';
  }

  get #waitingBytes(): number {
    return this.#ticked.waitingBytes + this.#urgent.waitingBytes;
  }

  #name(topic: TopicName): string {
    return `${this.#prefix}${topic}`;
  }

  #source(topic: TopicName, groupId: string): Omit<SupervisedConsumerSettings, 'fromBeginning' | 'events'> {
    const { clock, log } = this.#settings;
    const present = (signal: AbortSignal) => this.#gate.wait(topic, signal);
    return { kafka: this.#kafka, clock, log, watch: this.#watch, present, topic: this.#name(topic), groupId };
  }

  #keep<Part extends { stop(): Promise<void> }>(part: Part): Part {
    this.#parts.add(part);
    return part;
  }

  #connectedAdmin(): Promise<Admin> {
    this.#admin ??= this.#connectAdmin();
    return this.#admin;
  }

  async #connectAdmin(): Promise<Admin> {
    const admin = this.#kafka.admin();
    admin.on(admin.events.REQUEST, () => this.#watch.answered());
    try {
      await admin.connect();
      return admin;
    } catch (error) {
      this.#admin = null;
      throw error;
    }
  }

  async #readOnce(topic: TopicName): Promise<ReadOnceSettings> {
    this.#assertOpen(topic);
    return {
      kafka: this.#kafka,
      admin: await this.#connectedAdmin(),
      topic,
      name: this.#name(topic),
      groupId: `${this.#prefix}${this.#settings.clientId}.range`,
      answered: () => this.#watch.answered(),
    };
  }

  async #refuse(record: InRecord, group: string, diagnosis: Diagnosis): Promise<void> {
    const { log, clock } = this.#settings;
    const { topic, partition, offset } = record;
    log.warn({ topic, partition, offset, group, code: diagnosis.code, params: diagnosis.params }, 'record refused');
    // A dead letter that cannot be read would only make another.
    if (topic === 'deadletters.recorded.v1') return;
    await this.publish([refusalLetter(record, { group, diagnosis }, clock.wallMs())]);
  }

  #assertOpen(topic: TopicName): void {
    if (this.#isClosed) throw new BusbarError('BUS_CLOSED', { topic });
  }
}

/** Resolves at once: whether the broker is there shows in health, and everything waits for it. */
export async function openKafkaBus(settings: KafkaBusSettings): Promise<Bus> {
  return new KafkaBus(settings);
}
