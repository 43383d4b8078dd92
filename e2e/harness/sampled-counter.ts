import { decodeBatch } from '@busbar/batch';
import kafkajs, { type KafkaConfig } from 'kafkajs';
import { type CountingShape, decodeCounted, Tally } from './counting.js';

const { Kafka, logLevel } = kafkajs;

/** A consumer of the test's own on tags.sampled: what it sees was acknowledged by the bus, and counts. */
export class SampledCounter {
  readonly counted: Tally;
  #wrong = 0;
  /** Newest offset by partition. */
  readonly #seen = new Map<number, number>();
  readonly #shape: CountingShape;
  readonly #consumer: ReturnType<InstanceType<typeof Kafka>['consumer']>;

  constructor(brokers: string, shape: CountingShape, access: Pick<KafkaConfig, 'ssl' | 'sasl'> = {}) {
    this.#shape = shape;
    this.counted = new Tally(shape);
    const retry = { retries: 100_000, initialRetryTime: 100, maxRetryTime: 1000 };
    const where = { clientId: 'counter', brokers: brokers.split(','), ...access };
    const kafka = new Kafka({ ...where, retry, logLevel: logLevel.NOTHING });
    this.#consumer = kafka.consumer({ groupId: `counter-${process.pid}-${Date.now()}`, sessionTimeout: 30_000, retry });
  }

  /** Values that no read of their device and tag can have made. */
  get wrong(): number {
    return this.#wrong;
  }

  async start(): Promise<void> {
    await this.#consumer.connect();
    await this.#consumer.subscribe({ topic: 'tags.sampled.v1', fromBeginning: true });
    await this.#consumer.run({
      autoCommit: false,
      eachMessage: async ({ partition, message }) => {
        // After a rejoin it starts anew: what it saw already is not a repeat of the product's.
        const offset = Number(message.offset);
        if (offset <= (this.#seen.get(partition) ?? -1)) return;
        this.#seen.set(partition, offset);
        this.#take(message.key?.toString() ?? '', message.value);
      },
    });
  }

  async stop(): Promise<void> {
    await this.#consumer.disconnect();
  }

  #take(device: string, value: Buffer | null): void {
    if (!value) return;
    const batch = decodeBatch(value);
    for (let i = 0; i < batch.count; i++) {
      if (batch.quality[i] !== 0) continue;
      const decoded = decodeCounted(batch.values[i] as number, this.#shape);
      const isRight = decoded && `d${decoded.device}` === device && decoded.tag + 1 === batch.handles[i];
      if (isRight) this.counted.add(decoded);
      else this.#wrong++;
    }
  }
}
