import type { Diagnosis } from '@busbar/errors';
import type { TopicName } from '@busbar/events';
import type { Consumer, EachBatchPayload } from 'kafkajs';
import { alreadyFlushed, Lane } from '../lane.js';
import { COMMIT_INTERVAL_MS, recordBytes } from '../limits.js';
import type { BusLogger } from '../logger.js';
import type { Consumption, Handler, InRecord } from '../port.js';
import { settledWithin } from './kafka-client.js';
import { fromMessage } from './kafka-record.js';
import { type Joined, SupervisedConsumer, type SupervisedConsumerSettings } from './supervised-consumer.js';

const COMMIT_WAIT_MS = 2_000;

export interface KafkaConsumptionSettings {
  readonly source: Omit<SupervisedConsumerSettings, 'fromBeginning' | 'events'>;
  readonly topic: TopicName;
  readonly group: string;
  readonly handler: Handler;
  readonly log: BusLogger;
  readonly refuse: (record: InRecord, diagnosis: Diagnosis) => Promise<unknown>;
}

interface PartitionState {
  readonly partition: number;
  readonly lane: Lane;
  /** Fetched, and not handed over for want of room. */
  pending: InRecord[];
  /** Offset behind everything fetched. */
  next: number;
  /** Offset behind the newest record of the log, as far as known. */
  high: number;
  settled: number | null;
  committed: number | null;
  isPaused: boolean;
}

/** A group's reading of one topic: hands over without waiting, commits the longest settled prefix once a second. */
export class KafkaConsumption implements Consumption {
  readonly ready: Promise<void>;
  readonly #settings: KafkaConsumptionSettings;
  readonly #source: SupervisedConsumer;
  readonly #states = new Map<number, PartitionState>();
  #member = '';
  #resolveReady: () => void = () => undefined;
  #commitTimer: NodeJS.Timeout | null = null;
  #committing: Promise<void> | null = null;
  #isStopping = false;
  #stopping: Promise<void> | null = null;

  constructor(settings: KafkaConsumptionSettings) {
    this.#settings = settings;
    this.ready = new Promise((resolve) => {
      this.#resolveReady = resolve;
    });
    this.#source = new SupervisedConsumer({
      ...settings.source,
      fromBeginning: true,
      events: {
        joined: (joined, consumer) => this.#joined(joined, consumer),
        batch: (payload) => this.#take(payload),
        rebalancing: () => void this.#commit(),
        gone: () => this.#drop([...this.#states.keys()]),
      },
    });
  }

  lag(): { readonly records: number; readonly oldestMs: number | null } {
    let records = 0;
    let oldestMs: number | null = null;
    for (const { lane, pending, high, settled } of this.#states.values()) {
      if (settled !== null) records += Math.max(0, high - settled);
      const ms = lane.oldestMs ?? pending[0]?.timestampMs ?? null;
      if (ms !== null && (oldestMs === null || ms < oldestMs)) oldestMs = ms;
    }
    return { records, oldestMs };
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.all([...this.#states.values()].map(({ lane }) => lane.stop()));
    if (this.#commitTimer) clearTimeout(this.#commitTimer);
    await settledWithin(this.#commit(), COMMIT_WAIT_MS);
    this.#states.clear();
    await this.#source.stop();
    this.#resolveReady();
  }

  #joined({ memberId, partitions }: Joined, consumer: Consumer): void {
    // A new member id means that the group went on without us: others may have had every partition meanwhile.
    if (memberId !== this.#member) this.#drop([...this.#states.keys()]);
    this.#member = memberId;
    this.#drop([...this.#states.keys()].filter((partition) => !partitions.includes(partition)));
    const { topic } = this.#settings.source;
    for (const partition of partitions) {
      const state = this.#states.get(partition);
      if (!state) {
        this.#states.set(partition, this.#newState(partition));
        continue;
      }
      // Kept over the rebalance: go on where we are, not at what was committed last.
      if (state.next > 0) consumer.seek({ topic, partition, offset: String(state.next) });
      if (state.isPaused) consumer.pause([{ topic, partitions: [partition] }]);
    }
    this.#resolveReady();
  }

  #newState(partition: number): PartitionState {
    const { topic, group, handler, log, refuse } = this.#settings;
    const state: PartitionState = {
      partition,
      lane: new Lane({
        topic,
        partition,
        group,
        handler,
        log,
        refuse,
        settled: (next) => {
          state.settled = next;
          this.#commitSoon();
        },
        room: () => this.#pump(state),
      }),
      pending: [],
      next: 0,
      high: 0,
      settled: null,
      committed: null,
      isPaused: false,
    };
    return state;
  }

  #drop(partitions: readonly number[]): void {
    for (const partition of partitions) {
      const state = this.#states.get(partition);
      this.#states.delete(partition);
      void state?.lane.stop(0);
    }
  }

  #take({ batch, resolveOffset }: EachBatchPayload): void {
    const state = this.#states.get(batch.partition);
    if (!state || this.#isStopping) return;
    const high = Number(batch.highWatermark);
    // The broker lost the end of its log (a power cut): its offsets are given out anew.
    if (high < state.next) {
      state.next = 0;
      state.high = high;
    }
    state.high = Math.max(state.high, high);
    for (const message of batch.messages) {
      const record = fromMessage(this.#settings.topic, batch.partition, message);
      if (record.offset < state.next) continue;
      state.settled ??= record.offset;
      state.pending.push(record);
    }
    state.next = Math.max(state.next, Number(batch.lastOffset()) + 1);
    resolveOffset(batch.lastOffset());
    this.#pump(state);
  }

  #pump(state: PartitionState): void {
    if (this.#states.get(state.partition) !== state) return;
    while (!this.#isStopping && state.lane.hasRoom && state.pending.length > 0) {
      let bytes = 0;
      let count = 0;
      for (const { key, value } of state.pending) {
        bytes += recordBytes(key, value);
        if (count > 0 && bytes > state.lane.roomBytes) break;
        count++;
      }
      const records = state.pending.slice(0, count);
      state.pending = state.pending.slice(count);
      const next = state.pending[0]?.offset ?? state.next;
      state.lane.hand({ records, next, flushed: alreadyFlushed });
    }
    this.#throttle(state);
  }

  /** The fetch of a partition rests while something fetched still waits. */
  #throttle(state: PartitionState): void {
    const isFull = state.pending.length > 0;
    const { consumer } = this.#source;
    if (isFull === state.isPaused || !consumer) return;
    state.isPaused = isFull;
    const place = [{ topic: this.#settings.source.topic, partitions: [state.partition] }];
    if (isFull) consumer.pause(place);
    else consumer.resume(place);
  }

  #commitSoon(): void {
    if (this.#isStopping) return;
    this.#commitTimer ??= setTimeout(() => {
      this.#commitTimer = null;
      void this.#commit();
    }, COMMIT_INTERVAL_MS);
  }

  async #commit(): Promise<void> {
    // One at a time: a commit that waits for the broker must not be overtaken by another.
    while (this.#committing) await this.#committing;
    const due = [...this.#states.values()].filter(
      ({ settled, committed }) => settled !== null && settled !== committed,
    );
    const { consumer } = this.#source;
    if (due.length === 0 || !consumer) return;
    this.#committing = this.#send(consumer, due);
    await this.#committing;
    this.#committing = null;
  }

  async #send(consumer: Consumer, due: readonly PartitionState[]): Promise<void> {
    const { topic } = this.#settings.source;
    const sent = due.map((state) => ({ state, settled: state.settled as number }));
    try {
      await consumer.commitOffsets(
        sent.map(({ state, settled }) => ({ topic, partition: state.partition, offset: String(settled) })),
      );
      for (const { state, settled } of sent) state.committed = settled;
    } catch (error) {
      this.#settings.log.warn({ topic, group: this.#settings.group, err: error }, 'offsets could not be committed');
      this.#commitSoon();
    }
  }
}
