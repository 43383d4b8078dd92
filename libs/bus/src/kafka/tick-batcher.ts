import { BusbarError } from '@busbar/errors';
import type { TopicName } from '@busbar/events';
import type { Clock } from '@busbar/model';
import type { Kafka, Message, Producer, TopicMessages } from 'kafkajs';
import kafkajs from 'kafkajs';
import { recordBytes } from '../limits.js';
import type { BusLogger } from '../logger.js';
import type { OutRecord, Position } from '../port.js';
import { settledWithin } from './kafka-client.js';
import { partitionOf } from './partition-of.js';

/** A partition's records of one request form one record batch, which a broker refuses above its message limit. */
const MAX_PARTITION_BYTES = 900 * 1024;
const MAX_REQUEST_BYTES = 8 * 1024 * 1024;
const CLOSE_WAIT_MS = 5_000;
/** Before what a request left out is sent again. */
const AGAIN_MS = 50;

export interface TickBatcherSettings {
  readonly kafka: Kafka;
  readonly clock: Clock;
  readonly log: BusLogger;
  /** Records of so long go in one request; 0: at once when nothing is under way. */
  readonly tickMs: number;
  readonly nameOf: (topic: TopicName) => string;
  readonly answered: () => void;
}

interface Publication {
  readonly positions: (Position | null)[];
  missing: number;
  readonly resolve: (positions: Position[]) => void;
  readonly reject: (error: unknown) => void;
}

interface Queued {
  readonly publication: Publication;
  readonly index: number;
  readonly topic: TopicName;
  readonly partition: number;
  readonly message: Message;
  readonly bytes: number;
  readonly queuedMs: number;
}

/**
 * One request in flight, over all topics: concurrent sends of kafkajs retry each on its own clock and change the
 * order, even of an idempotent producer.
 */
export class TickBatcher {
  readonly #settings: TickBatcherSettings;
  #producer: Producer;
  #connecting: Promise<void> | null = null;
  #queue: Queued[] = [];
  #inFlight: readonly Queued[] = [];
  #isSending = false;
  #isScheduled = false;
  #timer: NodeJS.Timeout | null = null;
  #waitingBytes = 0;
  #isClosed = false;
  #idle: (() => void)[] = [];

  constructor(settings: TickBatcherSettings) {
    this.#settings = settings;
    this.#producer = this.#newProducer();
  }

  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  get waitingSinceMs(): number | null {
    return (this.#inFlight[0] ?? this.#queue[0])?.queuedMs ?? null;
  }

  /** Resolves when the broker has all of them. The octets are copied. */
  publish(records: readonly OutRecord[]): Promise<readonly Position[]> {
    return new Promise((resolve, reject) => {
      const positions: (Position | null)[] = records.map(() => null);
      const publication: Publication = { positions, missing: records.length, resolve, reject };
      const timestamp = String(this.#settings.clock.wallMs());
      const queuedMs = this.#settings.clock.monotonicMs();
      records.forEach(({ topic, key, value }, index) => {
        const partition = partitionOf(topic, key);
        const bytes = recordBytes(key, value);
        const copy = value === null ? null : Buffer.from(value);
        const message: Message = { key, value: copy, partition, timestamp };
        this.#queue.push({ publication, index, topic, partition, message, bytes, queuedMs });
        this.#waitingBytes += bytes;
      });
      this.#schedule();
    });
  }

  /** Sends what waits, 5 s at most; what is left then is rejected. */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#queue.length > 0 || this.#isSending) {
      const idle = new Promise<void>((resolve) => this.#idle.push(resolve));
      void this.#send();
      await settledWithin(idle, CLOSE_WAIT_MS);
    }
    this.#giveUp([...this.#inFlight, ...this.#queue]);
    this.#queue = [];
    await settledWithin(this.#producer.disconnect(), CLOSE_WAIT_MS);
  }

  #newProducer(): Producer {
    const producer = this.#settings.kafka.producer({
      createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
      idempotent: true,
      allowAutoTopicCreation: false,
    });
    producer.on(producer.events.REQUEST, () => this.#settings.answered());
    return producer;
  }

  #schedule(): void {
    if (this.#isSending || this.#isScheduled || this.#queue.length === 0) return;
    this.#isScheduled = true;
    const send = () => {
      this.#isScheduled = false;
      this.#timer = null;
      void this.#send();
    };
    if (this.#settings.tickMs === 0) queueMicrotask(send);
    else this.#timer = setTimeout(send, this.#settings.tickMs);
  }

  /** What fits in one request, in order: a partition that is full holds back its own later records only. */
  #take(): Queued[] {
    const taken: Queued[] = [];
    const left: Queued[] = [];
    const partitionBytes = new Map<string, number>();
    let bytes = 0;
    for (const queued of this.#queue) {
      const place = `${queued.topic} ${queued.partition}`;
      const before = partitionBytes.get(place) ?? 0;
      const fits = before === 0 || before + queued.bytes <= MAX_PARTITION_BYTES;
      if (fits && (bytes === 0 || bytes + queued.bytes <= MAX_REQUEST_BYTES)) {
        taken.push(queued);
        partitionBytes.set(place, before + queued.bytes);
        bytes += queued.bytes;
      } else {
        left.push(queued);
        partitionBytes.set(place, Number.POSITIVE_INFINITY);
      }
    }
    this.#queue = left;
    return taken;
  }

  async #send(): Promise<void> {
    if (this.#isSending) return;
    this.#isSending = true;
    while (this.#queue.length > 0) {
      const taken = this.#take();
      this.#inFlight = taken;
      await this.#deliver(taken);
      this.#inFlight = [];
      if (this.#settings.tickMs > 0 && !this.#isClosed) break;
    }
    this.#isSending = false;
    if (this.#queue.length > 0) this.#schedule();
    else {
      const idle = this.#idle;
      this.#idle = [];
      for (const resolve of idle) resolve();
    }
  }

  async #deliver(all: readonly Queued[]): Promise<void> {
    let taken = all;
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#connected();
        taken = await this.#request(taken);
        if (taken.length === 0) return;
        this.#inFlight = taken;
        if (this.#isClosed) return this.#giveUp(taken);
        await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
      } catch (error) {
        if (this.#isClosed) return this.#giveUp(taken);
        if (taken.length > 1 && (error as { type?: string }).type === 'MESSAGE_TOO_LARGE') {
          for (const one of taken) await this.#deliver([one]);
          return;
        }
        if ((error as { type?: string }).type === 'MESSAGE_TOO_LARGE') {
          for (const queued of taken) this.#refuse(queued, error);
          return;
        }
        if (attempt === 1) this.#settings.log.warn({ err: error }, 'Kafka producer failed, building a new one');
        await this.#renew();
      }
    }
  }

  #giveUp(taken: readonly Queued[]): void {
    for (const queued of taken) this.#refuse(queued, new BusbarError('BUS_CLOSED', { topic: queued.topic }));
  }

  #refuse({ publication, bytes }: Queued, error: unknown): void {
    this.#waitingBytes -= bytes;
    publication.reject(error);
  }

  async #connected(): Promise<void> {
    this.#connecting ??= this.#producer.connect();
    try {
      await this.#connecting;
    } catch (error) {
      this.#connecting = null;
      throw error;
    }
  }

  async #renew(): Promise<void> {
    await settledWithin(this.#producer.disconnect(), 1_000);
    await new Promise((resolve) => setTimeout(resolve, 200));
    this.#producer = this.#newProducer();
    this.#connecting = null;
  }

  /**
   * Gives what no broker answered for, to be sent again: kafkajs 2.2.4 leaves out, without a word, the partitions of a dead
   * broker whose next leader answered for others in the same request already (producer/sendMessages.js).
   */
  async #request(taken: readonly Queued[]): Promise<readonly Queued[]> {
    const byTopic = new Map<TopicName, Message[]>();
    for (const { topic, message } of taken) {
      const messages = byTopic.get(topic);
      if (messages) messages.push(message);
      else byTopic.set(topic, [message]);
    }
    const topicMessages: TopicMessages[] = [...byTopic].map(([topic, messages]) => ({
      topic: this.#settings.nameOf(topic),
      messages,
    }));
    const answers = await this.#producer.sendBatch({ topicMessages, acks: -1 });
    const nextOffsets = new Map<string, number>();
    for (const { topicName, partition, baseOffset } of answers) {
      nextOffsets.set(`${topicName} ${partition}`, Number(baseOffset));
    }
    const unanswered: Queued[] = [];
    for (const queued of taken) {
      const { publication, index, topic, partition, bytes } = queued;
      const place = `${this.#settings.nameOf(topic)} ${partition}`;
      const offset = nextOffsets.get(place);
      if (offset === undefined) {
        unanswered.push(queued);
        continue;
      }
      this.#waitingBytes -= bytes;
      nextOffsets.set(place, offset + 1);
      publication.positions[index] = { partition, offset };
      publication.missing--;
      if (publication.missing === 0) publication.resolve(publication.positions as Position[]);
    }
    return unanswered;
  }
}
