import type { BusLogger } from '../logger.js';
import type { InRecord, TableView } from '../port.js';
import { withOwnOctets } from './kafka-record.js';
import { PositionReader, type PositionReaderSettings } from './position-reader.js';

type Listener = (record: InRecord) => void;

export type KafkaTableSettings = Omit<PositionReaderSettings, 'from' | 'record'> & {
  readonly ended: (table: KafkaTable) => void;
};

/** The newest record of every key of a compacted topic. */
export class KafkaTable implements TableView {
  readonly ready: Promise<void>;
  readonly #records = new Map<string, InRecord>();
  readonly #listeners = new Set<Listener>();
  readonly #reader: PositionReader;
  readonly #log: BusLogger;
  readonly #ended: (table: KafkaTable) => void;

  constructor(settings: KafkaTableSettings) {
    this.#log = settings.log;
    this.#ended = settings.ended;
    this.#reader = new PositionReader({
      ...settings,
      from: 'beginning',
      record: (record, isNew) => this.#apply(withOwnOctets(record), isNew),
    });
    this.ready = this.#reader.ready;
  }

  get size(): number {
    return this.#records.size;
  }

  get(key: string): InRecord | undefined {
    return this.#records.get(key);
  }

  entries(): IterableIterator<[string, InRecord]> {
    return this.#records.entries();
  }

  onChange(listener: Listener): () => void {
    const own: Listener = (record) => listener(record);
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  async stop(): Promise<void> {
    this.#listeners.clear();
    await this.#reader.stop();
    this.#ended(this);
  }

  #apply(record: InRecord, isNew: boolean): void {
    if (record.value === null) this.#records.delete(record.key);
    else this.#records.set(record.key, record);
    if (!isNew) return;
    for (const listener of this.#listeners) {
      try {
        listener(record);
      } catch (error) {
        this.#log.error({ topic: record.topic, err: error }, 'table listener failed');
      }
    }
  }
}
