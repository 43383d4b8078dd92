import type { BusLogger } from '../logger.js';
import type { InRecord, TableView } from '../port.js';
import type { TopicLog } from './topic-log.js';

const LOAD_AT_ONCE = 256;

type Listener = (record: InRecord) => void;

/** The newest record of every key of one topic, shared by all views of this process. */
export class CompactedTable {
  readonly topic: TopicLog;
  readonly #log: BusLogger;
  readonly #records = new Map<string, InRecord>();
  readonly #listeners = new Set<Listener>();
  readonly #loaded: Promise<void>;

  constructor(topic: TopicLog, log: BusLogger) {
    this.topic = topic;
    this.#log = log;
    this.#loaded = this.#load();
  }

  /** A record that was just appended. */
  apply(record: InRecord): void {
    if (record.value === null) this.#records.delete(record.key);
    else this.#records.set(record.key, record);
    this.#tell(record);
  }

  /** Appends of these keys were never written: the view goes back to what is in the log. */
  restore(keys: Iterable<string>): void {
    for (const key of keys) {
      const place = this.topic.keys.get(key);
      const record = place && !place.isTombstone ? this.topic.at(place.offset) : null;
      const old = this.#records.get(key);
      if (record) this.#records.set(key, record);
      else this.#records.delete(key);
      if (record) this.#tell(record);
      else if (old) this.#tell({ ...old, value: null, object: undefined });
    }
  }

  view(): TableView {
    const listeners = new Set<Listener>();
    const records = this.#records;
    return {
      ready: this.#loaded,
      get: (key) => records.get(key),
      entries: () => records.entries(),
      get size() {
        return records.size;
      },
      onChange: (listener) => {
        // A function of its own, so that one listener given twice is called twice.
        const own: Listener = (record) => listener(record);
        listeners.add(own);
        this.#listeners.add(own);
        return () => {
          listeners.delete(own);
          this.#listeners.delete(own);
        };
      },
      stop: async () => {
        for (const own of listeners) this.#listeners.delete(own);
        listeners.clear();
      },
    };
  }

  async #load(): Promise<void> {
    const keys = [...this.topic.keys.keys()];
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i] as string;
      const place = this.topic.keys.get(key);
      // Read at its turn: a newer record may have come meanwhile and is in the view already.
      if (place && !place.isTombstone && !this.#records.has(key)) {
        const record = this.topic.at(place.offset);
        if (record) this.#records.set(key, record);
      }
      if (i % LOAD_AT_ONCE === LOAD_AT_ONCE - 1) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  #tell(record: InRecord): void {
    for (const listener of this.#listeners) {
      try {
        listener(record);
      } catch (error) {
        this.#log.error({ topic: this.topic.name, err: error }, 'table listener failed');
      }
    }
  }
}
