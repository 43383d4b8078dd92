import type { Clock } from '@busbar/model';
import type { Consumer, EachBatchPayload, Kafka } from 'kafkajs';
import type { BusLogger } from '../logger.js';
import type { BrokerWatch, Watched } from './broker-watch.js';
import { HEARTBEAT_MS, MAX_WAIT_MS, RETRY, rest, SESSION_MS, settledWithin } from './kafka-client.js';
import { KafkaTrouble } from './kafka-trouble.js';
import { stickyAssigner } from './sticky-assigner.js';

const FIRST_PAUSE_MS = 100;
const REBUILD_MS = 1_000;
const DISCONNECT_WAIT_MS = 3_000;
/** kafkajs can stop for good after a rebalance (tulios/kafkajs #1441, #659): two group time-outs are enough. */
const SILENT_MS = 2 * SESSION_MS;

export interface Joined {
  readonly memberId: string;
  readonly partitions: readonly number[];
}

export interface ConsumerEvents {
  /** Runs before the first fetch after a join, so that a seek in it counts. */
  readonly joined: (joined: Joined, consumer: Consumer) => void;
  /** Must not throw and not wait for what the records lead to. */
  readonly batch: (payload: EachBatchPayload, consumer: Consumer) => void;
  /** The group is about to share out anew; what is sent now still counts for the old membership. */
  readonly rebalancing?: (consumer: Consumer) => void;
  /** Heartbeat or sync answered well, this long after it was sent. */
  readonly answered?: (tookMs: number) => void;
  /** No member any more: the consumer is built anew or stopped. */
  readonly gone?: () => void;
}

export interface SupervisedConsumerSettings {
  readonly kafka: Kafka;
  readonly clock: Clock;
  readonly log: BusLogger;
  readonly watch: BrokerWatch;
  /** As the broker knows it. */
  readonly topic: string;
  readonly groupId: string;
  /** Resolves when the topic can be used; rejects when the signal is given. */
  readonly present: (signal: AbortSignal) => Promise<void>;
  /** Where a group without positions begins. */
  readonly fromBeginning: boolean;
  readonly partitionBytes?: number;
  readonly events: ConsumerEvents;
}

/** A kafkajs consumer that comes again by itself, whatever ended it. */
export class SupervisedConsumer implements Watched {
  readonly #settings: SupervisedConsumerSettings;
  readonly #trouble: KafkaTrouble;
  readonly #stopping = new AbortController();
  #consumer: Consumer | null = null;
  #owned: readonly number[] = [];
  #aliveMs = 0;
  #isBuilding = false;
  /** What ended the consumer while it was being built. */
  #crash: unknown = null;

  constructor(settings: SupervisedConsumerSettings) {
    this.#settings = settings;
    const { log, clock, topic, groupId } = settings;
    this.#trouble = new KafkaTrouble({
      log,
      clock,
      fields: { topic, group: groupId },
      begun: 'Kafka consumer ended, building a new one',
      over: 'Kafka consumer is back',
    });
    settings.watch.add(this);
    void this.#build();
  }

  get consumer(): Consumer | null {
    return this.#consumer;
  }

  get #isStopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  tick(isReachable: boolean): void {
    const now = this.#settings.clock.monotonicMs();
    // Without a broker nothing can be heard; kafkajs goes on by itself when it is back, without a rebalance.
    if (!isReachable) this.#aliveMs = now;
    if (this.#isBuilding || this.#isStopped || now - this.#aliveMs < SILENT_MS) return;
    this.#settings.log.warn({ group: this.#settings.groupId }, 'Kafka consumer fell silent, building a new one');
    void this.#rebuild();
  }

  refused(_askedMs: number): void {
    this.#aliveMs = this.#settings.clock.monotonicMs();
  }

  /** Leaves the group; bounded, since kafkajs waits for ever while the broker is away. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#settings.watch.remove(this);
    await this.#drop();
  }

  async #rebuild(): Promise<void> {
    if (this.#isBuilding) return;
    this.#isBuilding = true;
    await this.#drop();
    await rest(REBUILD_MS, this.#stopping.signal);
    await this.#build();
  }

  async #drop(): Promise<void> {
    const consumer = this.#consumer;
    this.#consumer = null;
    this.#owned = [];
    if (!consumer) return;
    this.#settings.events.gone?.();
    await settledWithin(consumer.disconnect(), DISCONNECT_WAIT_MS);
  }

  async #build(): Promise<void> {
    this.#isBuilding = true;
    for (let pauseMs = FIRST_PAUSE_MS; !this.#isStopped; pauseMs = Math.min(2 * pauseMs, REBUILD_MS)) {
      try {
        // A group that is joined before its topic is there crashes or gets nothing.
        await this.#settings.present(this.#stopping.signal);
        await this.#start();
        break;
      } catch (error) {
        if (this.#isStopped) break;
        this.#trouble.tell(error);
        await this.#drop();
        await rest(pauseMs, this.#stopping.signal);
      }
    }
    this.#isBuilding = false;
    if (this.#isStopped) await this.#drop();
  }

  async #start(): Promise<void> {
    const { topic, fromBeginning, events, log, groupId } = this.#settings;
    const consumer = this.#create();
    this.#consumer = consumer;
    this.#crash = null;
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning });
    this.#aliveMs = this.#settings.clock.monotonicMs();
    if (this.#isStopped) return;
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: 24,
      eachBatch: async (payload) => {
        if (this.#consumer !== consumer || !payload.isRunning() || payload.isStale()) return;
        // Whatever is thrown here ends the consumer; a TypeError even for good (kafka.md T6).
        try {
          events.batch(payload, consumer);
        } catch (error) {
          log.error({ topic, group: groupId, err: error }, 'a batch of Kafka could not be handed over');
        }
      },
    });
    // `run` resolves although the first join failed.
    if (this.#crash !== null) throw this.#crash;
  }

  #create(): Consumer {
    const { kafka, clock, groupId, watch, events, topic, partitionBytes } = this.#settings;
    const consumer = kafka.consumer({
      groupId,
      partitionAssigners: [stickyAssigner(() => this.#owned)],
      sessionTimeout: SESSION_MS,
      rebalanceTimeout: 10_000,
      heartbeatInterval: HEARTBEAT_MS,
      maxWaitTimeInMs: MAX_WAIT_MS,
      minBytes: 1,
      maxBytesPerPartition: partitionBytes ?? 1024 * 1024,
      allowAutoTopicCreation: false,
      retry: { ...RETRY, restartOnFailure: async () => false },
    });
    const isCurrent = () => this.#consumer === consumer;
    const tookMs = { Heartbeat: 0, SyncGroup: 0 };
    consumer.on(consumer.events.REQUEST, ({ payload }) => {
      watch.answered();
      if (payload.apiName === 'Heartbeat' || payload.apiName === 'SyncGroup')
        tookMs[payload.apiName] = payload.duration;
    });
    consumer.on(consumer.events.HEARTBEAT, () => {
      if (!isCurrent()) return;
      this.#aliveMs = clock.monotonicMs();
      this.#trouble.over();
      events.answered?.(tookMs.Heartbeat);
    });
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      if (!isCurrent()) return;
      this.#aliveMs = clock.monotonicMs();
      this.#owned = payload.memberAssignment[topic] ?? [];
      events.answered?.(tookMs.SyncGroup);
      events.joined({ memberId: payload.memberId, partitions: this.#owned }, consumer);
    });
    consumer.on(consumer.events.REBALANCING, () => {
      if (isCurrent()) events.rebalancing?.(consumer);
    });
    consumer.on(consumer.events.CRASH, ({ payload }) => {
      if (!isCurrent() || this.#isStopped) return;
      if (this.#isBuilding) this.#crash = payload.error;
      else {
        this.#trouble.tell(payload.error);
        void this.#rebuild();
      }
    });
    return consumer;
  }
}
