import { BusbarError } from '@busbar/errors';
import type { Clock } from '@busbar/model';
import type { BusLogger } from '../logger.js';
import type { Ballast } from './ballast.js';
import { type Append, CommitBatch } from './commit-batch.js';
import type { GroupPosition } from './group-position.js';
import type { LogStore } from './log-store.js';
import { isDroppable, type Room } from './room.js';
import type { TopicLog } from './topic-log.js';

/** Records deleted per transaction and topic: more than come in, so that a backlog shrinks. */
const PURGE_LEAST = 512;
const IDLE_COMMIT_MS = 1_000;
export const RETRY_MS = 1_000;
const ROUNDS = 3;

export interface LogWriterSettings {
  readonly store: LogStore;
  readonly clock: Clock;
  readonly log: BusLogger;
  readonly room: Room;
  readonly ballast: Ballast;
  readonly topics: () => Iterable<TopicLog>;
  readonly path: string;
  /** Flushes are at least this far apart, records of control topics excepted. */
  readonly flushIntervalMs: number;
  /** Awaited before each transaction; a rejection counts as the failure of the transaction. */
  readonly gate?: () => Promise<void>;
  readonly committed: (batch: CommitBatch) => void;
  readonly failed: (batch: CommitBatch, error: BusbarError) => void;
}

/** Why a write failed, in words; LMDB says EIO where the file could be extended only in part. */
function reasonOf(error: unknown): string {
  const code = (error as { code?: unknown }).code;
  if (code === 'ENOSPC' || code === 28) return 'no space left on the volume';
  if (code === 5) return 'the volume does not take the write, it is full or failing';
  return error instanceof Error ? error.message : String(error);
}

/** Gathers records, deletions and group positions into transactions, one at a time; one flush each. */
export class LogWriter {
  readonly #settings: LogWriterSettings;
  #pending = new CommitBatch();
  #inFlight: CommitBatch | null = null;
  #groups = new Set<GroupPosition>();
  #lastStartMs = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | null = null;
  #timerAt = Number.POSITIVE_INFINITY;
  #immediate: NodeJS.Immediate | null = null;
  #isClosed = false;
  /** Set while writing fails. */
  failure: BusbarError | null = null;

  constructor(settings: LogWriterSettings) {
    this.#settings = settings;
  }

  get waitingBytes(): number {
    return this.#pending.bytes + (this.#inFlight?.bytes ?? 0);
  }

  /** Since when the disk has a transaction and does not answer, monotonic; null: it has none. */
  get writingSinceMs(): number | null {
    return this.#inFlight ? this.#lastStartMs : null;
  }

  get lastStartMs(): number {
    return this.#lastStartMs;
  }

  /** The batch that takes the next records. */
  get batch(): CommitBatch {
    return this.#pending;
  }

  /** Records were added to {@link batch}. */
  added(isUrgent: boolean): void {
    if (isUrgent) this.#pending.isUrgent = true;
    this.#schedule();
  }

  /** Deletions wait: they go along with the next transaction, or alone after a second. */
  expired(): void {
    this.#schedule();
  }

  /** The position goes along with the next transaction, or alone after a second. */
  positionChanged(group: GroupPosition): void {
    this.#groups.add(group);
    this.#schedule();
  }

  /** Resolves when everything added so far is on disk or has failed. */
  async flush(): Promise<void> {
    const batch = this.#hasWork() ? this.#pending : this.#inFlight;
    if (batch === null) return;
    batch.isUrgent = true;
    this.#schedule();
    await batch.done.catch(() => undefined);
  }

  async close(): Promise<void> {
    await this.flush();
    this.#isClosed = true;
    if (this.#timer) clearTimeout(this.#timer);
    if (this.#immediate) clearImmediate(this.#immediate);
    this.#timer = null;
  }

  #hasWork(): boolean {
    if (this.#pending.appends.length > 0 || this.#groups.size > 0) return true;
    for (const topic of this.#settings.topics()) if (topic.hasUnwritten) return true;
    return false;
  }

  #schedule(): void {
    if (this.#inFlight || this.#immediate || this.#isClosed || !(this.failure || this.#hasWork())) return;
    const { clock, flushIntervalMs } = this.#settings;
    const now = clock.monotonicMs();
    let due = this.#lastStartMs + flushIntervalMs;
    if (this.#pending.isUrgent) due = now;
    else if (this.#pending.appends.length === 0) due = now + (this.failure ? RETRY_MS : IDLE_COMMIT_MS);
    if (due <= now) {
      // After the consumers of this turn had their records: what they publish at once shares the flush.
      this.#immediate = setImmediate(() => {
        this.#immediate = null;
        if (!this.#inFlight) void this.#commit();
      });
      return;
    }
    if (this.#timer && this.#timerAt <= due) return;
    if (this.#timer) clearTimeout(this.#timer);
    this.#timerAt = due;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#timerAt = Number.POSITIVE_INFINITY;
      if (!this.#inFlight) void this.#commit();
    }, due - now);
  }

  async #commit(): Promise<void> {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    this.#timerAt = Number.POSITIVE_INFINITY;
    const batch = this.#pending;
    this.#pending = new CommitBatch();
    this.#inFlight = batch;
    this.#lastStartMs = this.#settings.clock.monotonicMs();
    batch.close(this.#settings.topics(), this.failure !== null);
    if (this.failure) await this.#settings.room.look();
    const error = await this.#write(batch);
    this.#inFlight = null;
    if (error === null) {
      if (this.failure && (batch.appends.length > 0 || !this.#settings.room.isShort)) {
        this.#settings.log.info({ path: this.#settings.path }, 'event log writes again');
        this.failure = null;
      }
      this.#settings.committed(batch);
      batch.succeed();
    } else this.#fail(batch, error);
    this.#schedule();
  }

  /** Null when written; the last error after what could make room did not. */
  async #write(batch: CommitBatch): Promise<unknown> {
    const { room, ballast } = this.#settings;
    const groups = this.#groups;
    this.#groups = new Set();
    room.makeFor(batch.bytes);
    let failure: unknown = null;
    for (let round = 0; round < ROUNDS; round++) {
      failure = await this.#attempt(batch.topics.keys(), batch, groups);
      if (failure === null) return null;
      if (await ballast.give()) {
        await room.look();
        continue;
      }
      // What was given up before and is not deleted yet comes first: more would be lost in vain.
      let doomed = [...this.#settings.topics()].filter((topic) => isDroppable(topic.spec) && topic.hasUnwritten);
      if (doomed.length === 0)
        doomed = room.giveUp(Math.max(4 * batch.bytes, 4 * 1024 * 1024)).map(({ topic }) => topic);
      if (doomed.length === 0) break;
      // Pages that a transaction frees can be used by the one after the next.
      if ((await this.#attempt(doomed, null, new Set())) !== null) break;
    }
    for (const group of groups) this.#groups.add(group);
    return failure;
  }

  async #attempt(
    topics: Iterable<TopicLog>,
    batch: CommitBatch | null,
    groups: ReadonlySet<GroupPosition>,
  ): Promise<unknown> {
    const undo: (() => void)[] = [];
    const maxPurged = Math.max(PURGE_LEAST, 2 * (batch?.appends.length ?? 0));
    try {
      if (this.#settings.gate) await this.#settings.gate();
      await this.#settings.store.commit((transaction) => {
        for (const append of batch?.appends ?? []) append.topic.writeRecord(transaction, append);
        for (const topic of topics) {
          const snapshot = batch?.topics.get(topic) ?? topic.committedSnapshot();
          undo.push(topic.write(transaction, snapshot, maxPurged));
        }
        for (const group of groups) transaction.putGroup(group.topic.number, group.name, group.next);
      });
      return null;
    } catch (error) {
      for (const restore of undo.reverse()) restore();
      return error ?? new Error('the transaction failed');
    }
  }

  #fail(batch: CommitBatch, cause: unknown): void {
    const { path, log } = this.#settings;
    const reason = reasonOf(cause);
    const error = new BusbarError('LOG_DISK_FULL', { path, reason }, { cause });
    if (this.failure === null) log.error({ path, reason, err: cause }, 'event log cannot be written');
    this.failure = error;
    const byTopic = new Map<TopicLog, Append[]>();
    for (const append of batch.appends) {
      const appends = byTopic.get(append.topic);
      if (appends) appends.push(append);
      else byTopic.set(append.topic, [append]);
    }
    for (const [topic, appends] of byTopic) topic.void(appends);
    batch.fail(error);
    this.#settings.failed(batch, error);
  }
}
