import { setTimeout as delay } from 'node:timers/promises';
import { decodeBatch, type SampleBatch } from '@busbar/batch';
import type { Bus, Following, InRecord } from '@busbar/bus';
import type { Clock } from '@busbar/model';
import type { AppliedGeneration, Logger } from '@busbar/service-kit';
import { LiveValues } from './live-values.js';
import { PointDirectory } from './point-directory.js';

/** An image may be this much older than its asset: the values since then are read from the log. */
const IMAGE_GAP_MS = 30_000;
/** Records of a generation that is not whole here yet. */
const HELD_RECORDS = 10_000;
const RETRY_MS = 2_000;

/** Keeps the newest value of every point: the images first, then what follows. Every instance has them all. */
export class LiveFeed {
  readonly #bus: Bus;
  readonly #clock: Clock;
  readonly #log: Logger;
  #values = new LiveValues(new PointDirectory(0, null));
  #following: Following | null = null;
  /** While the past is read, and for batches of a newer generation than ours. */
  #early: InRecord[] | null = [];
  #held: SampleBatch[] = [];
  #refused = 0;
  readonly #stopping = new AbortController();

  constructor(bus: Bus, clock: Clock, log: Logger) {
    this.#bus = bus;
    this.#clock = clock;
    this.#log = log;
  }

  get values(): LiveValues {
    return this.#values;
  }

  /** Batches that could not be decoded. */
  get refused(): number {
    return this.#refused;
  }

  start(): void {
    this.#following = this.#bus.follow('points.updated.v1', (record) => {
      if (!this.#early) this.#take(record);
      // The past does not come: its records would be older than these by then, only the images still count.
      else if (this.#early.push(record) > HELD_RECORDS) this.#goLive();
    });
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#following?.stop();
  }

  /**
   * The directory of a generation, with the values that its points had.
   * @param since for the first: by asset, since which generation it is the same.
   */
  apply({ number, configuration }: AppliedGeneration, since?: ReadonlyMap<string, number>): void {
    const before = this.#values.directory;
    const known = since ?? (before.generation > 0 ? before.sinceFor(number, configuration) : undefined);
    const directory = new PointDirectory(number, configuration, known);
    this.#values = new LiveValues(directory, this.#values);
    const held = this.#held;
    this.#held = [];
    for (const batch of held) this.#applyBatch(batch);
  }

  /**
   * Images and the newest records of the log, then what arrived meanwhile; tried again while the bus is away. To be
   * called once, with a directory there.
   */
  async readPast(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        await this.#readOnce();
        return;
      } catch (error) {
        this.#log.warn({ err: error }, 'newest values could not be read');
        await delay(RETRY_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  async #readOnce(): Promise<void> {
    await this.#following?.ready;
    const images = this.#bus.table('assets.imaged.v1');
    try {
      await images.ready;
      const toMs = this.#clock.wallMs() + 60_000;
      const fromMs = this.#clock.wallMs() - IMAGE_GAP_MS;
      const records = await this.#bus.range('points.updated.v1', null, { fromMs, toMs });
      if (this.#early) for (const record of records) this.#take(record);
      for (const [, record] of images.entries()) {
        const batch = this.#decode(record);
        if (batch) this.#values.applyImage(batch);
      }
      this.#goLive();
    } finally {
      await images.stop();
    }
  }

  /** What waited comes after the past, in its order. */
  #goLive(): void {
    const early = this.#early ?? [];
    this.#early = null;
    for (const record of early) this.#take(record);
  }

  #take(record: InRecord): void {
    const batch = this.#decode(record);
    if (batch) this.#applyBatch(batch);
  }

  #applyBatch(batch: SampleBatch): void {
    if (batch.generation <= this.#values.directory.generation) {
      this.#values.apply(batch);
      return;
    }
    this.#held.push(batch);
    if (this.#held.length > HELD_RECORDS) this.#held.shift();
  }

  #decode(record: InRecord): SampleBatch | undefined {
    if (record.object !== undefined) return record.object as SampleBatch;
    if (!record.value) return undefined;
    try {
      return decodeBatch(record.value);
    } catch (error) {
      if (this.#refused++ === 0) this.#log.warn({ err: error, topic: record.topic }, 'batch refused');
      return undefined;
    }
  }
}
