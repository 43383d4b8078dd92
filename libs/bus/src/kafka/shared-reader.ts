import type { TopicName } from '@busbar/events';
import type { Clock } from '@busbar/model';
import type { Kafka } from 'kafkajs';
import type { BusLogger } from '../logger.js';
import type { InRecord } from '../port.js';
import { type FetchedMessages, FetchSession } from './fetch-session.js';
import { fromMessage } from './kafka-record.js';
import { KafkaTrouble } from './kafka-trouble.js';
import { TopicCursor } from './topic-cursor.js';
import type { TopicGate } from './topic-gate.js';

/** Topics asked for in one burst share a session. */
const BURST_MS = 20;
const FIRST_RETRY_MS = 100;
const MAX_RETRY_MS = 1_000;
/** A session that read so long is no passing success between failures. */
const SETTLED_MS = 1_000;

export interface SharedReaderSettings {
  /** With few retries of its own: an attempt that fails is made anew here. */
  readonly kafka: Kafka;
  readonly gate: TopicGate;
  /** As the broker knows it. */
  readonly nameOf: (topic: TopicName) => string;
  readonly answered: () => void;
  readonly clock: Clock;
  readonly log: BusLogger;
}

export interface ReadingSettings {
  readonly topic: TopicName;
  readonly from: 'beginning' | 'end';
  /** `isNew`: appended after the reading began. */
  readonly record: (record: InRecord, isNew: boolean) => void;
}

/** One table's or follower's part in the reading of its process. */
export interface Reading {
  /** Resolves when nothing can be missed from here on and everything appended before the call was given; never after a stop. */
  caughtUp(): Promise<void>;
  /** Nothing is given any more. Safe twice. */
  stop(): void;
}

interface Reader {
  readonly topic: TopicName;
  readonly name: string;
  readonly cursor: TopicCursor;
  readonly stopping: AbortController;
}

/** Where does the topic end now? */
interface Ask {
  readonly reader: Reader;
  readonly resolve: () => void;
}

/** The one reader of a process for all its tables and followers: no group, no commits, positions of its own. */
export class SharedReader {
  readonly #settings: SharedReaderSettings;
  readonly #trouble: KafkaTrouble;
  readonly #absence: KafkaTrouble;
  readonly #readers = new Set<Reader>();
  readonly #asks = new Set<Ask>();
  /** Not ended: the one that reads and the next one while it opens. */
  readonly #sessions = new Set<FetchSession>();
  readonly #endings = new Set<Promise<void>>();
  #session: FetchSession | null = null;
  #openedMs = 0;
  #timer: NodeJS.Timeout | null = null;
  #isWorking = false;
  #hasWork = false;
  #retryMs = 0;
  #isClosed = false;

  constructor(settings: SharedReaderSettings) {
    this.#settings = settings;
    const { log, clock } = settings;
    this.#trouble = new KafkaTrouble({
      log,
      clock,
      fields: {},
      begun: 'tables and followers cannot be read, trying again',
      over: 'tables and followers are read again',
    });
    this.#absence = new KafkaTrouble({
      log,
      clock,
      fields: {},
      begun: 'some topics cannot be read, trying again',
      over: 'all topics are read again',
    });
  }

  read({ topic, from, record }: ReadingSettings): Reading {
    const { log, nameOf } = this.#settings;
    const failed = (error: unknown) => log.error({ topic, err: error }, 'listener failed');
    const cursor = new TopicCursor({ from, record, failed });
    const reader: Reader = { topic, name: nameOf(topic), cursor, stopping: new AbortController() };
    this.#readers.add(reader);
    return { caughtUp: () => this.#caughtUp(reader), stop: () => this.#stop(reader) };
  }

  /** Bounded, also while the broker is away. */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#timer) clearTimeout(this.#timer);
    for (const reader of this.#readers) this.#stop(reader);
    for (const session of this.#sessions) this.#end(session);
    await Promise.all(this.#endings);
  }

  async #caughtUp(reader: Reader): Promise<void> {
    const { signal } = reader.stopping;
    try {
      await this.#settings.gate.wait(reader.topic, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
    return new Promise((resolve) => {
      if (signal.aborted) return;
      this.#asks.add({ reader, resolve });
      this.#workSoon(BURST_MS);
    });
  }

  #stop(reader: Reader): void {
    reader.stopping.abort();
    reader.cursor.stop();
    this.#readers.delete(reader);
    for (const ask of this.#asks) if (ask.reader === reader) this.#asks.delete(ask);
    if (this.#readers.size === 0 && this.#session) this.#end(this.#session);
  }

  #end(session: FetchSession): void {
    this.#sessions.delete(session);
    if (session === this.#session) this.#session = null;
    const ending = session.end();
    this.#endings.add(ending);
    void ending.then(() => this.#endings.delete(ending));
  }

  #workSoon(waitMs: number): void {
    this.#hasWork = true;
    if (this.#isWorking || this.#isClosed) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      void this.#work();
    }, waitMs);
  }

  async #work(): Promise<void> {
    this.#isWorking = true;
    this.#hasWork = false;
    let waitMs = BURST_MS;
    try {
      await this.#renew();
    } catch (error) {
      waitMs = this.#backOff(error);
      this.#hasWork = true;
    }
    this.#isWorking = false;
    if (this.#hasWork) this.#workSoon(waitMs);
  }

  /** How long to wait before the next attempt. */
  #backOff(error: unknown): number {
    this.#trouble.tell(error);
    this.#retryMs = Math.min(2 * this.#retryMs || FIRST_RETRY_MS, MAX_RETRY_MS);
    return this.#retryMs;
  }

  /** The next session is up before the last one ends: whoever is being read notices nothing. */
  async #renew(): Promise<void> {
    const asks = [...this.#asks];
    const names = new Set([...this.#positions().keys(), ...asks.map(({ reader }) => reader.name)]);
    if (names.size === 0 || this.#isClosed) return;
    let session = this.#session;
    try {
      if (!session?.covers(names)) session = await this.#open(names);
      const isBehind = await this.#begin(asks, session);
      // A fetch that is under way would hold up what is to be read behind it.
      if (isBehind && session === this.#session) session = await this.#open(names);
    } catch (error) {
      if (session) this.#end(session);
      throw error;
    }
    this.#goOn(session);
    if (session.covers(names)) this.#absence.over();
    else {
      const absent = [...names].filter((name) => !session.covers([name]));
      const reason = `not there, or without a leader: ${absent.join(', ')}`;
      this.#absence.tell(Object.assign(new Error(reason), { retriable: true }));
      setTimeout(() => this.#workSoon(0), MAX_RETRY_MS).unref();
    }
  }

  async #open(names: Iterable<string>): Promise<FetchSession> {
    const session = this.#newSession();
    this.#sessions.add(session);
    try {
      await session.open([...names]);
      return session;
    } catch (error) {
      this.#end(session);
      throw error;
    }
  }

  /** True if one of those that begin has records to catch up with. */
  async #begin(asks: readonly Ask[], session: FetchSession): Promise<boolean> {
    const open = asks.filter(({ reader }) => session.covers([reader.name]));
    if (open.length === 0) return false;
    const offsets = await session.offsets(new Set(open.map(({ reader }) => reader.name)));
    let isBehind = false;
    for (const ask of open) {
      const { cursor, name } = ask.reader;
      const ends = offsets.get(name);
      if (!ends || !this.#asks.delete(ask)) continue;
      const isFirst = !cursor.isStanding;
      cursor.begin(ends);
      if (isFirst && !cursor.hasReached(ends)) isBehind = true;
      void cursor.reached(ends).then(ask.resolve);
    }
    return isBehind;
  }

  #goOn(session: FetchSession): void {
    if (session !== this.#session) {
      if (this.#session) this.#end(this.#session);
      this.#session = session;
      this.#openedMs = this.#settings.clock.monotonicMs();
    }
    if (this.#readers.size === 0) this.#end(session);
    else session.run();
  }

  #newSession(): FetchSession {
    const { kafka, answered } = this.#settings;
    const session: FetchSession = new FetchSession({
      kafka,
      answered,
      positions: () => this.#positions(),
      given: (name, fetched) => this.#give(name, fetched),
      outOfRange: (name, partition) => this.#outOfRange({ session, name, partition }),
      fetched: () => {
        if (session !== this.#session || this.#settings.clock.monotonicMs() - this.#openedMs < SETTLED_MS) return;
        this.#retryMs = 0;
        this.#trouble.over();
      },
      failed: (error) => {
        const isCurrent = session === this.#session;
        this.#end(session);
        if (isCurrent) this.#workSoon(this.#backOff(error));
      },
    });
    return session;
  }

  #positions(): Map<string, Map<number, number>> {
    const positions = new Map<string, Map<number, number>>();
    for (const { name, cursor } of this.#readers) {
      const offsets = positions.get(name) ?? new Map<number, number>();
      for (const [partition, next] of cursor.wants()) {
        offsets.set(partition, Math.min(next, offsets.get(partition) ?? next));
      }
      if (offsets.size > 0) positions.set(name, offsets);
    }
    return positions;
  }

  #give(name: string, { partition, from, next, messages }: FetchedMessages): void {
    const readers = [...this.#readers].filter((reader) => reader.name === name);
    const topic = readers[0]?.topic;
    if (topic === undefined) return;
    const records = messages.map((message) => fromMessage(topic, partition, message));
    for (const { cursor } of readers) cursor.take({ partition, from, next, records });
  }

  async #outOfRange({ session, name, partition }: { session: FetchSession; name: string; partition: number }) {
    const offsets = (await session.offsets([name])).get(name)?.find((each) => each.partition === partition);
    if (!offsets) return;
    const { low, high } = offsets;
    for (const reader of this.#readers) {
      const wanted = reader.name === name ? reader.cursor.correct(offsets) : null;
      if (wanted === null) continue;
      const lost = 'the log of the broker lost its end, its offsets are given out anew';
      const message = wanted < low ? 'records were deleted before they were read' : lost;
      this.#settings.log.warn({ topic: name, partition, wanted, low, high }, message);
    }
  }
}
