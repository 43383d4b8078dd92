import { type Database, open, type RootDatabase } from 'lmdb';
import { decodeNumbers, encodeNumbers, type NumberRow } from './record-codec.js';

type Rows = Database<Buffer, (string | number)[]>;

/** Row of a topic: where it begins, ends, what is deleted already, how many records and octets live. */
export interface TopicRow {
  readonly first: number;
  readonly next: number;
  readonly purged: number;
  readonly live: number;
}

export interface SegmentRow {
  readonly first: number;
  readonly end: number;
  readonly bytes: number;
  readonly minMs: number;
  readonly maxMs: number;
  /** CRC-32 of each record's key, by offset. */
  readonly keyHashes: Uint32Array;
}

/** What may be written in one transaction; valid only inside the callback of {@link LogStore.commit}. */
export interface LogTransaction {
  put(topic: number, offset: number, record: Buffer): void;
  remove(topic: number, offset: number): void;
  putName(name: string, topic: number): void;
  putTopic(topic: number, row: TopicRow): void;
  putSegment(topic: number, row: SegmentRow): void;
  removeSegment(topic: number, first: number): void;
  putGroup(topic: number, group: string, next: number): void;
}

/** LMDB reports a failed commit through a second promise, whose rejection nobody else would take. */
interface CommitFailure {
  readonly commitError?: Promise<unknown>;
}

async function causeOf(error: unknown): Promise<unknown> {
  const second = (error as CommitFailure).commitError;
  if (second === undefined) return error;
  try {
    await second;
    return error;
  } catch (cause) {
    return cause;
  }
}

/** The one place that talks to LMDB: records by [topic number, offset], and the rows that describe them. */
export class LogStore {
  readonly #root: RootDatabase<Buffer, string>;
  readonly #records: Database<Buffer, number[]>;
  readonly #state: Rows;
  readonly #transaction: LogTransaction;

  private constructor(root: RootDatabase<Buffer, string>) {
    this.#root = root;
    const records = root.openDB<Buffer, number[]>('records', { encoding: 'binary' });
    const state = root.openDB<Buffer, (string | number)[]>('state', { encoding: 'binary' });
    this.#records = records;
    this.#state = state;
    this.#transaction = {
      put: (topic, offset, record) => void records.put([topic, offset], record),
      remove: (topic, offset) => void records.remove([topic, offset]),
      putName: (name, topic) => void state.put(['name', name], encodeNumbers([topic])),
      putTopic: (topic, row) =>
        void state.put(['topic', topic], encodeNumbers([row.first, row.next, row.purged, row.live])),
      putSegment: (topic, row) =>
        void state.put(
          ['segment', topic, row.first],
          encodeNumbers([row.first, row.end, row.bytes, row.minMs, row.maxMs], row.keyHashes),
        ),
      removeSegment: (topic, first) => void state.remove(['segment', topic, first]),
      putGroup: (topic, group, next) => void state.put(['group', topic, group], encodeNumbers([next])),
    };
  }

  /** A record was found damaged: pages of the file cannot be trusted, so nothing unverified is deleted any more. */
  suspect = false;

  /** Throws what LMDB throws when the file is not one of its own. */
  static open(folder: string, mapSizeBytes: number): LogStore {
    // An event turn's writes are put in one block by commit(); LMDB's own batching would leave a promise of a failed
    // commit that nobody can take.
    const root = open<Buffer, string>({
      path: folder,
      encoding: 'binary',
      compression: false,
      overlappingSync: false,
      eventTurnBatching: false,
      mapSize: mapSizeBytes,
      maxDbs: 4,
    });
    return new LogStore(root);
  }

  /** One atomic transaction; resolves after its flush to the disk. */
  async commit(write: (transaction: LogTransaction) => void): Promise<void> {
    try {
      await this.#root.batch(() => write(this.#transaction));
    } catch (error) {
      throw await causeOf(error);
    }
  }

  /** A copy, safe to keep; undefined when there is none. */
  record(topic: number, offset: number): Buffer | undefined {
    const bytes = this.#records.getBinary([topic, offset]);
    return bytes && Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Offsets present within [from, to), lowest first. */
  offsets(topic: number, [from, to]: readonly [number, number], limit: number): number[] {
    const found: number[] = [];
    for (const key of this.#records.getKeys({ start: [topic, from], end: [topic, to], limit, snapshot: false })) {
      found.push(key[1] as number);
    }
    return found;
  }

  topicNames(): Map<string, number> {
    const names = new Map<string, number>();
    for (const { key, value } of this.#state.getRange({ start: ['name'], end: ['name', '\uffff'] })) {
      const number = decodeNumbers(value, 1)?.numbers[0];
      if (number !== undefined) names.set(key[1] as string, number);
    }
    return names;
  }

  topic(topic: number): TopicRow | null {
    const row = this.#row(['topic', topic], 4);
    if (row === null) return null;
    const [first, next, purged, live] = row.numbers as [number, number, number, number];
    return { first, next, purged, live };
  }

  segment(topic: number, first: number): SegmentRow | null {
    return this.#toSegment(this.#row(['segment', topic, first], 5));
  }

  segments(topic: number): SegmentRow[] {
    const found: SegmentRow[] = [];
    for (const { value } of this.#state.getRange({ start: ['segment', topic], end: ['segment', topic + 1] })) {
      const segment = this.#toSegment(decodeNumbers(value, 5));
      if (segment) found.push(segment);
    }
    return found;
  }

  groups(topic: number): Map<string, number> {
    const found = new Map<string, number>();
    for (const { key, value } of this.#state.getRange({ start: ['group', topic], end: ['group', topic + 1] })) {
      const next = decodeNumbers(value, 1)?.numbers[0];
      if (next !== undefined) found.set(key[2] as string, next);
    }
    return found;
  }

  async close(): Promise<void> {
    await this.#root.close();
  }

  #row(key: (string | number)[], count: number): NumberRow | null {
    const bytes = this.#state.getBinary(key);
    if (!bytes) return null;
    const row = decodeNumbers(bytes, count);
    if (row === null) throw new Error(`row ${key.join('/')} of the event log is damaged`);
    return row;
  }

  #toSegment(row: NumberRow | null): SegmentRow | null {
    if (row === null) return null;
    const [first, end, bytes, minMs, maxMs] = row.numbers as [number, number, number, number, number];
    return { first, end, bytes, minMs, maxMs, keyHashes: row.tail };
  }
}
