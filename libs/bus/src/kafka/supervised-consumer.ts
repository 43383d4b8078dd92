import type { Clock } from '@busbar/model';
import type { Consumer, EachBatchPayload, Kafka } from 'kafkajs';
import type { BusLogger } from '../logger.js';
import type { BrokerWatch, Watched } from './broker-watch.js';
import { HEARTBEAT_MS, MAX_WAIT_MS, RETRY, SESSION_MS, settledWithin } from './kafka-client.js';
import { stickyAssigner } from './sticky-assigner.js';

const REBUILD_MS = 1_000;
const DISCONNECT_WAIT_MS = 3_000;
/** kafkajs can stop for good after a rebalance (tulios/kafkajs #1441, #659): two group time-outs are enough. */
const SILENT_MS = 2 * SESSION_MS;

export interface Joined {
  readonly memberId: string;
  readonly partitions: readonly number[];
}

export interface ConsumerEvents {
  /** Before each run of a consumer: what it must know, such as end offsets. Tried again until it succeeds. */
  readonly prepare?: () => Promise<void>;
  /** Runs before the first fetch after a join, so that a seek in it counts. */
  readonly joined: (joined: Joined, consumer: Consumer) => void;
  /** Must not throw and not wait for what the records lead to. */
  readonly batch: (payload: EachBatchPayload, consumer: Consumer) => void;
  /** The group is about to share out anew; what is sent now still counts for the old membership. */
  readonly rebalancing?: (consumer: Consumer) => void;
  /** Everything up to this offset was looked at, records or not. */
  readonly passed?: (partition: number, lastOffset: number) => void;
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
  /** Where a group without positions begins. */
  readonly fromBeginning: boolean;
  readonly partitionBytes?: number;
  readonly events: ConsumerEvents;
}

/** A kafkajs consumer that comes again by itself, whatever ended it. */
export class SupervisedConsumer implements Watched {
  readonly #settings: SupervisedConsumerSettings;
  #consumer: Consumer | null = null;
  #owned: readonly number[] = [];
  #aliveMs = 0;
  #isStopped = false;
  #isBuilding = false;
  #wake: () => void = () => undefined;

  constructor(settings: SupervisedConsumerSettings) {
    this.#settings = settings;
    settings.watch.add(this);
    void this.#build();
  }

  get consumer(): Consumer | null {
    return this.#consumer;
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
    this.#isStopped = true;
    this.#settings.watch.remove(this);
    this.#wake();
    await this.#drop();
  }

  async #rebuild(): Promise<void> {
    if (this.#isBuilding) return;
    this.#isBuilding = true;
    await this.#drop();
    await this.#pause(REBUILD_MS);
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
    const { topic, fromBeginning, events, log, groupId } = this.#settings;
    for (let isTold = false; !this.#isStopped; await this.#pause(REBUILD_MS)) {
      const consumer = this.#create();
      this.#consumer = consumer;
      try {
        await consumer.connect();
        await events.prepare?.();
        await consumer.subscribe({ topics: [topic], fromBeginning });
        this.#aliveMs = this.#settings.clock.monotonicMs();
        if (this.#isStopped) break;
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
        break;
      } catch (error) {
        if (!isTold) log.warn({ topic, group: groupId, err: error }, 'Kafka consumer could not start, trying again');
        isTold = true;
        await this.#drop();
      }
    }
    this.#isBuilding = false;
    if (this.#isStopped) await this.#drop();
  }

  #create(): Consumer {
    const { kafka, clock, log, groupId, watch, events, topic, partitionBytes } = this.#settings;
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
    consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload }) => {
      if (isCurrent()) events.passed?.(payload.partition, Number(payload.lastOffset));
    });
    consumer.on(consumer.events.CRASH, ({ payload }) => {
      if (!isCurrent() || this.#isStopped) return;
      log.warn({ topic, group: groupId, err: payload.error }, 'Kafka consumer crashed, building a new one');
      void this.#rebuild();
    });
    return consumer;
  }

  #pause(ms: number): Promise<void> {
    if (this.#isStopped) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
