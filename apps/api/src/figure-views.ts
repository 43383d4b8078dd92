import { setTimeout as delay } from 'node:timers/promises';
import type { FiguresView } from '@busbar/api-schema';
import type { Bus, Following, InRecord } from '@busbar/bus';
import { decodeJson, type Measured } from '@busbar/events';
import type { Clock } from '@busbar/model';
import { SLOT_MS, SLOTS } from './figure-instance.js';
import { FigureStore } from './figure-store.js';
import { figuresView } from './figures-view.js';

/** Of the past that is read at the start: 15 minutes of the most processes that are kept. */
const PAST_RECORDS = 12_000;
/** That arrive while it is read. */
const EARLY_RECORDS = 1_000;
const RETRY_MS = 2_000;

/** The figures of all processes: those of the last 15 minutes from the log, then what is told. */
export class FigureViews {
  readonly #bus: Bus;
  readonly #clock: Clock;
  readonly #store = new FigureStore();
  readonly #following: Following;
  readonly #stopping = new AbortController();
  /** What comes while the past is read; null from then on. */
  #early: InRecord[] | null = [];
  readonly ready: Promise<void>;

  constructor(bus: Bus, clock: Clock) {
    this.#bus = bus;
    this.#clock = clock;
    this.#following = bus.follow('services.measured.v1', (record) => {
      if (!this.#early) this.#take(record);
      else if (this.#early.push(record) > EARLY_RECORDS) this.#goLive();
    });
    this.ready = this.#readPast();
  }

  view(): FiguresView {
    return figuresView(this.#store, this.#clock.wallMs());
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#following.stop();
  }

  async #readPast(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted && this.#early) {
      try {
        await this.#following.ready;
        const toMs = this.#clock.wallMs() + 60_000;
        const fromMs = this.#clock.wallMs() - SLOTS * SLOT_MS;
        const past = await this.#bus.range('services.measured.v1', null, { fromMs, toMs, limit: PAST_RECORDS });
        if (this.#early) for (const record of past) this.#take(record);
        this.#goLive();
      } catch {
        await delay(RETRY_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  #goLive(): void {
    const early = this.#early ?? [];
    this.#early = null;
    for (const record of early) this.#take(record);
  }

  #take({ value, timestampMs }: InRecord): void {
    if (!value) return;
    let measured: Measured;
    try {
      measured = decodeJson('services.measured.v1', value);
    } catch {
      // A view goes without what cannot be read.
      return;
    }
    this.#store.take(measured, timestampMs);
  }
}
