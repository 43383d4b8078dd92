import type { TopicName } from '@busbar/events';
import type { BusLogger } from '../logger.js';
import type { InRecord, TableView } from '../port.js';
import { withOwnOctets } from './kafka-record.js';
import type { Reading, SharedReader } from './shared-reader.js';

type Listener = (record: InRecord) => void;

export interface KafkaTableSettings {
  readonly topic: TopicName;
  readonly reader: SharedReader;
  readonly log: BusLogger;
  /** The last view was stopped. */
  readonly ended: () => void;
}

/** The newest record of every key of a compacted topic, shared by all views of this process. */
export class KafkaTable {
  readonly #records = new Map<string, InRecord>();
  readonly #listeners = new Set<Listener>();
  readonly #settings: KafkaTableSettings;
  readonly #reading: Reading;
  #views = 0;

  constructor(settings: KafkaTableSettings) {
    this.#settings = settings;
    const { topic, reader } = settings;
    this.#reading = reader.read({
      topic,
      from: 'beginning',
      record: (record, isNew) => this.#apply(withOwnOctets(record), isNew),
    });
  }

  view(): TableView {
    const records = this.#records;
    const listeners = new Set<Listener>();
    let isStopped = false;
    this.#views++;
    return {
      ready: this.#reading.caughtUp(),
      get: (key) => records.get(key),
      entries: () => records.entries(),
      get size() {
        return records.size;
      },
      onChange: (listener) => {
        // A function of its own, so that one listener given twice is called twice.
        const own: Listener = (record) => listener(record);
        if (isStopped) return () => undefined;
        listeners.add(own);
        this.#listeners.add(own);
        return () => {
          listeners.delete(own);
          this.#listeners.delete(own);
        };
      },
      stop: async () => {
        if (isStopped) return;
        isStopped = true;
        for (const own of listeners) this.#listeners.delete(own);
        listeners.clear();
        if (--this.#views === 0) this.#end();
      },
    };
  }

  #end(): void {
    this.#reading.stop();
    this.#settings.ended();
  }

  #apply(record: InRecord, isNew: boolean): void {
    if (record.value === null) this.#records.delete(record.key);
    else this.#records.set(record.key, record);
    if (!isNew) return;
    for (const listener of this.#listeners) {
      try {
        listener(record);
      } catch (error) {
        this.#settings.log.error({ topic: record.topic, err: error }, 'table listener failed');
      }
    }
  }
}
