import { BusbarError, type Diagnosis } from '@busbar/errors';
import { TOPICS, type TopicName, type TopicSpec, topicSpec } from '@busbar/events';
import type { Clock } from '@busbar/model';
import { deadLetter, refusalLetter } from '../dead-letter.js';
import { HealthBoard } from '../health-board.js';
import { MAX_WAITING_BYTES } from '../limits.js';
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
import { Ballast } from './ballast.js';
import type { CommitBatch } from './commit-batch.js';
import { CompactedTable } from './compacted-table.js';
import { EmbeddedConsumption } from './embedded-consumption.js';
import { EmbeddedOwnership } from './embedded-ownership.js';
import { Followers } from './followers.js';
import { GroupPosition } from './group-position.js';
import { GroupQueues } from './group-queues.js';
import type { LogFolder } from './log-folder.js';
import type { LogStore } from './log-store.js';
import { LogWriter, RETRY_MS } from './log-writer.js';
import { readRange } from './read-range.js';
import { Slab } from './record-codec.js';
import { isReserved, Room } from './room.js';
import type { Segmentation } from './segments.js';
import { type Range, TopicLog } from './topic-log.js';

const TEND_MS = 5_000;
const DISK_SILENT_MS = 15_000;
const DEFAULT_RANGE_LIMIT = 10_000;

export interface EmbeddedBusParts {
  readonly folder: LogFolder;
  readonly path: string;
  readonly clock: Clock;
  readonly log: BusLogger;
  readonly mapSizeBytes: number;
  readonly reserveBytes: number;
  readonly flushIntervalMs: number;
  readonly segmentation: Segmentation;
  readonly gate?: () => Promise<void>;
}

function isUrgent(topic: TopicName): boolean {
  return topic.startsWith('control.');
}

export class EmbeddedBus implements Bus {
  readonly kind = 'embedded';
  readonly #parts: EmbeddedBusParts;
  readonly #store: LogStore;
  readonly #writer: LogWriter;
  readonly #room: Room;
  readonly #ballast: Ballast;
  readonly #health: HealthBoard;
  readonly #topics = new Map<TopicName, TopicLog>();
  readonly #groups = new Map<TopicLog, Map<string, number>>();
  readonly #positions = new Map<string, GroupPosition>();
  readonly #consumptions = new GroupQueues<EmbeddedConsumption>();
  readonly #owners = new GroupQueues<EmbeddedOwnership>();
  readonly #tables = new Map<TopicName, CompactedTable>();
  readonly #followers: Followers;
  /** Topics appended to in this turn, and the offset up to which everybody had them. */
  readonly #handed = new Map<TopicLog, number>();
  readonly #touched = new Set<TopicLog>();
  readonly #named = new Set<string>();
  #damages: { readonly topic: TopicLog; readonly range: Range }[] = [];
  /** The last record that found no room. */
  #refused: { readonly spec: TopicSpec; readonly bytes: number } | null = null;
  #turn: NodeJS.Immediate | null = null;
  readonly #tending: NodeJS.Timeout;
  #wasWritten = true;
  #isClosed = false;
  #closing: Promise<void> | null = null;

  constructor(parts: EmbeddedBusParts) {
    const { clock, log, path } = parts;
    this.#parts = parts;
    this.#store = parts.folder.store;
    this.#followers = new Followers(log);
    this.#health = new HealthBoard(clock, log);
    const topics = () => this.#topics.values();
    this.#room = new Room({ ...parts, folder: path, topics });
    this.#ballast = new Ballast(path, parts.reserveBytes);
    this.#writer = new LogWriter({
      ...parts,
      store: this.#store,
      room: this.#room,
      ballast: this.#ballast,
      topics,
      committed: (batch) => this.#committed(batch),
      failed: (batch, error) => this.#failed(batch, error),
    });
    this.#tending = setInterval(() => this.#tend(), TEND_MS);
    this.#tending.unref();
  }

  /** Reads what the log holds. */
  async load(): Promise<void> {
    const names = this.#store.topicNames();
    let highest = Math.max(0, ...names.values());
    const slab = new Slab();
    const added: [TopicName, number][] = [];
    for (const name of Object.keys(TOPICS) as TopicName[]) {
      let number = names.get(name);
      if (number === undefined) {
        number = ++highest;
        added.push([name, number]);
      }
      const topic = new TopicLog({
        name,
        number,
        spec: topicSpec(name),
        store: this.#store,
        segmentation: this.#parts.segmentation,
        slab,
        damaged: (damagedTopic, range) => this.#damaged(damagedTopic, range),
      });
      topic.load();
      this.#topics.set(name, topic);
      this.#groups.set(topic, this.#store.groups(number));
      this.#handed.set(topic, topic.next);
    }
    if (added.length > 0) {
      await this.#store.commit((transaction) => {
        for (const [name, number] of added) transaction.putName(name, number);
      });
    }
    this.#nameDamages();
    const { damage } = this.#parts.folder;
    if (damage) {
      this.#health.note(damage);
      this.#record(deadLetter({ topic: '*', partition: 0, offset: 0, group: '', key: '' }, damage, this.#now()));
    }
  }

  async ensureTopics(topics: readonly TopicName[]): Promise<void> {
    for (const topic of topics) this.#topic(topic);
  }

  publish(records: readonly OutRecord[]): Promise<readonly Position[]> {
    try {
      return this.#append(records);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  consume(topic: TopicName, group: string, handler: Handler): Consumption {
    this.#assertOpen(topic);
    const position = this.#position(this.#topic(topic), group);
    const consumption = new EmbeddedConsumption({
      position,
      handler,
      log: this.#parts.log,
      refuse: (record, diagnosis) => this.#refuse(record, group, diagnosis),
      settled: (changed) => this.#writer.positionChanged(changed),
      flush: () => this.#writer.flush(),
      ended: (ended) => this.#consumptions.leave(`${topic} ${group}`, ended)?.activate(),
    });
    if (this.#consumptions.join(`${topic} ${group}`, consumption)) consumption.activate();
    return consumption;
  }

  table(topic: TopicName): TableView {
    this.#assertOpen(topic);
    const log = this.#topic(topic);
    if (!log.spec.compacted) throw new TypeError(`${topic} is not compacted`);
    this.#handOver();
    let table = this.#tables.get(topic);
    if (!table) {
      table = new CompactedTable(log, this.#parts.log);
      this.#tables.set(topic, table);
    }
    return table.view();
  }

  range(topic: TopicName, key: string | null, options: RangeOptions): Promise<InRecord[]> {
    const { fromMs, toMs, limit = DEFAULT_RANGE_LIMIT } = options;
    if (this.#isClosed) return Promise.reject(new BusbarError('BUS_CLOSED', { topic }));
    return readRange(this.#topic(topic), this.#store, { key, fromMs, toMs, limit });
  }

  follow(topic: TopicName, listener: (record: InRecord) => void): Following {
    this.#assertOpen(topic);
    return this.#followers.add(topic, this.#topic(topic).next, listener);
  }

  own(topic: TopicName, group: string, listener: OwnListener): Ownership {
    this.#assertOpen(topic);
    const ownership = new EmbeddedOwnership({
      listener,
      log: this.#parts.log,
      isOpen: () => !this.#isClosed,
      ended: (ended) => this.#owners.leave(`${topic} ${group}`, ended)?.gain(),
    });
    if (this.#owners.join(`${topic} ${group}`, ownership)) ownership.gain();
    else ownership.wait();
    return ownership;
  }

  health(): BusHealth {
    return this.#health.state(this.#writer.waitingBytes);
  }

  onHealth(listener: (health: BusHealth) => void): () => void {
    return this.#health.onChange(() => listener(this.health()));
  }

  async kept(topic: TopicName): Promise<{ readonly oldestMs: number; readonly newestMs: number } | null> {
    const log = this.#topic(topic);
    if (this.#isClosed) throw new BusbarError('BUS_CLOSED', { topic });
    return log.kept();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    clearInterval(this.#tending);
    await Promise.all([...this.#owners].map((owner) => owner.stop()));
    await Promise.all([...this.#consumptions].map((consumption) => consumption.stop()));
    this.#isClosed = true;
    if (this.#turn) clearImmediate(this.#turn);
    this.#handOver();
    this.#followers.clear();
    await this.#writer.close();
    await this.#parts.folder.close(this.#writer.failure === null);
  }

  #append(records: readonly OutRecord[]): Promise<readonly Position[]> {
    let bytes = 0;
    for (const { topic, value, key } of records) {
      this.#assertOpen(topic);
      const { spec } = this.#topic(topic);
      if (value === null && !spec.compacted) throw new TypeError(`${topic} takes no tombstones`);
      bytes += (value?.byteLength ?? 0) + key.length;
    }
    const first = records[0];
    if (first === undefined) return Promise.resolve([]);
    this.#assertRoom(records, first.topic, bytes);
    const { batch } = this.#writer;
    const timestampMs = this.#now();
    let urgent = false;
    const positions: Position[] = [];
    for (const out of records) {
      const topic = this.#topic(out.topic);
      const append = topic.append(out, timestampMs, batch);
      batch.add(append);
      this.#touched.add(topic);
      positions.push({ partition: 0, offset: append.record.offset });
      urgent ||= isUrgent(out.topic);
    }
    this.#turn ??= setImmediate(() => {
      this.#turn = null;
      this.#handOver();
    });
    this.#writer.added(urgent);
    return batch.done.then(() => positions);
  }

  #assertRoom(records: readonly OutRecord[], topic: TopicName, bytes: number): void {
    const { waitingBytes, failure, lastStartMs } = this.#writer;
    if (waitingBytes + bytes > MAX_WAITING_BYTES) throw new BusbarError('BUS_FULL', { topic, waitingBytes });
    for (const record of records) {
      const { spec } = this.#topic(record.topic);
      const size = record.value?.byteLength ?? 0;
      if (!this.#room.admits(spec, size)) {
        const reason = `its limit of ${this.#parts.mapSizeBytes} octets is reached`;
        const error = new BusbarError('LOG_DISK_FULL', { path: this.#parts.path, reason });
        this.#refused = { spec, bytes: size };
        this.#health.down(error.diagnosis);
        throw error;
      }
      // While the disk is full, samples try once a second; control and configuration always.
      if (failure && !isReserved(spec) && this.#parts.clock.monotonicMs() < lastStartMs + RETRY_MS) throw failure;
    }
  }

  /** Gives what was appended in this turn to views, followers and consumers, before its flush. */
  #handOver(): void {
    // Listeners may publish: that is the next turn's.
    const touched = [...this.#touched];
    this.#touched.clear();
    for (const topic of touched) {
      const from = this.#handed.get(topic) ?? 0;
      const end = topic.next;
      this.#handed.set(topic, end);
      if (this.#tables.has(topic.name) || this.#followers.has(topic.name)) this.#show(topic, { from, end });
    }
    for (const topic of touched) this.#pump(topic);
  }

  #show(topic: TopicLog, { from, end }: Range): void {
    const table = this.#tables.get(topic.name);
    for (let next = from; next < end; ) {
      const read = topic.read(next, Number.POSITIVE_INFINITY);
      if (read.next === next) return;
      next = read.next;
      for (const record of read.records) {
        if (record.offset >= end) return;
        table?.apply(record);
        this.#followers.tell(record);
      }
    }
  }

  #pump(topic: TopicLog): void {
    for (const consumption of this.#consumptions) if (consumption.position.topic === topic) consumption.pump();
  }

  #committed(batch: CommitBatch): void {
    if (batch.appends.length > 0) this.#wasWritten = true;
    for (const [topic, { next }] of batch.topics) topic.committed = Math.max(topic.committed, next);
    const now = this.#now();
    for (const topic of batch.topics.keys()) {
      this.#trim(topic);
      if (!topic.spec.compacted) topic.expire(now);
    }
    this.#recover();
  }

  #recover(): void {
    if (this.#refused && this.#room.admits(this.#refused.spec, this.#refused.bytes)) this.#refused = null;
    const { failure, writingSinceMs } = this.#writer;
    if (failure === null && this.#refused === null && writingSinceMs === null) this.#health.up();
  }

  #failed(batch: CommitBatch, error: BusbarError): void {
    const keys = new Map<TopicLog, Set<string>>();
    for (const { topic, record } of batch.appends) {
      const set = keys.get(topic) ?? new Set();
      keys.set(topic, set.add(record.key));
    }
    for (const [topic, set] of keys) this.#tables.get(topic.name)?.restore(set);
    for (const topic of batch.topics.keys()) this.#trim(topic);
    this.#health.down(error.diagnosis);
  }

  #trim(topic: TopicLog): void {
    let slowest = this.#handed.get(topic) ?? 0;
    for (const consumption of this.#consumptions) {
      if (consumption.position.topic === topic && consumption.isActive) slowest = Math.min(slowest, consumption.next);
    }
    topic.trim(slowest);
  }

  #tend(): void {
    const now = this.#now();
    for (const topic of this.#topics.values()) topic.expire(now);
    this.#writer.expired();
    this.#recover();
    const writingSinceMs = this.#writer.writingSinceMs;
    if (writingSinceMs !== null && this.#parts.clock.monotonicMs() - writingSinceMs > DISK_SILENT_MS) {
      const reason = 'the volume does not answer';
      this.#health.down({ code: 'LOG_DISK_FULL', params: { path: this.#parts.path, reason } });
    }
    if (!this.#wasWritten) return;
    this.#wasWritten = false;
    void this.#keepReserve();
    void this.#parts.folder.beat(this.#oldestUnsettledMs(now));
  }

  async #keepReserve(): Promise<void> {
    await this.#room.look();
    if (this.#ballast.isThere || this.#room.isShort || this.#isClosed) return;
    if (await this.#ballast.lay()) return;
    this.#parts.log.warn({ path: this.#parts.path }, 'there is no space for the reserve of the event log');
  }

  #oldestUnsettledMs(now: number): number {
    let oldest = now;
    for (const consumption of this.#consumptions) oldest = Math.min(oldest, consumption.lag().oldestMs ?? now);
    return oldest;
  }

  async #refuse(record: InRecord, group: string, diagnosis: Diagnosis): Promise<void> {
    const { log } = this.#parts;
    const { topic, offset } = record;
    log.warn({ topic, offset, group, code: diagnosis.code, params: diagnosis.params }, 'record refused');
    // A dead letter that cannot be read would only make another.
    if (topic === 'deadletters.recorded.v1') return;
    await this.publish([refusalLetter(record, { group, diagnosis }, this.#now())]);
  }

  #damaged(topic: TopicLog, range: Range): void {
    this.#damages.push({ topic, range });
    if (this.#damages.length === 1) setImmediate(() => this.#nameDamages());
  }

  /** Once each, as a dead letter that names the range. */
  #nameDamages(): void {
    const damages = this.#damages;
    this.#damages = [];
    for (const { topic, range } of damages) {
      const { name } = topic;
      const id = `${name} ${range.from}`;
      if (this.#named.has(id)) continue;
      this.#named.add(id);
      const params = { topic: name, from: range.from, to: range.end - 1 };
      const diagnosis: Diagnosis = { code: 'LOG_RECORD_DAMAGED', params };
      this.#parts.log.error(params, 'records of the event log are damaged and are not delivered');
      this.#health.note(diagnosis);
      this.#record(
        deadLetter({ topic: name, partition: 0, offset: range.from, group: '', key: '' }, diagnosis, this.#now()),
      );
    }
  }

  #record(letter: OutRecord): void {
    this.publish([letter]).catch((error: unknown) => {
      this.#parts.log.error({ err: error }, 'a dead letter could not be recorded');
    });
  }

  #position(topic: TopicLog, group: string): GroupPosition {
    const id = `${topic.name} ${group}`;
    let position = this.#positions.get(id);
    if (!position) {
      const settled = this.#groups.get(topic)?.get(group) ?? topic.first;
      position = new GroupPosition(topic, group, Math.min(settled, topic.next));
      this.#positions.set(id, position);
    }
    return position;
  }

  #topic(topic: TopicName): TopicLog {
    const log = this.#topics.get(topic);
    if (!log) throw new TypeError(`${topic} is no topic`);
    return log;
  }

  #assertOpen(topic: TopicName): void {
    if (this.#isClosed) throw new BusbarError('BUS_CLOSED', { topic });
  }

  #now(): number {
    return this.#parts.clock.wallMs();
  }
}
