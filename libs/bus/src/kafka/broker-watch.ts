import type { Clock } from '@busbar/model';
import type { HealthBoard } from '../health-board.js';
import { type ProbeResult, probeBrokers } from './broker-probe.js';

const TICK_MS = 1_000;
/** So long without an answer before the brokers are asked. */
const QUIET_MS = 1_500;
const DOWN_AFTER_MS = 3_000;

export interface Watched {
  /** Each second. */
  tick(isReachable: boolean): void;
  /** Every broker refused a connection asked for at this monotonic time. */
  refused(askedMs: number): void;
}

export interface BrokerWatchSettings {
  readonly brokers: readonly string[];
  readonly clock: Clock;
  readonly health: HealthBoard;
  /** Since when the oldest publication waits, monotonic; null: none does. */
  readonly waitingSinceMs: () => number | null;
  readonly probe?: (brokers: readonly string[]) => Promise<ProbeResult>;
}

/** Whether the brokers answer: from the traffic there is, else by asking them each second. */
export class BrokerWatch {
  readonly #settings: BrokerWatchSettings;
  readonly #watched = new Set<Watched>();
  readonly #timer: NodeJS.Timeout;
  #answeredMs: number;
  #isProbing = false;
  #isReachable = false;

  constructor(settings: BrokerWatchSettings) {
    this.#settings = settings;
    this.#answeredMs = settings.clock.monotonicMs() - QUIET_MS;
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.#timer.unref();
    this.#tick();
  }

  add(watched: Watched): void {
    this.#watched.add(watched);
  }

  remove(watched: Watched): void {
    this.#watched.delete(watched);
  }

  /** A broker answered a request. */
  answered(): void {
    this.#answeredMs = this.#settings.clock.monotonicMs();
    this.#isReachable = true;
    this.#settings.health.up();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#watched.clear();
  }

  #tick(): void {
    const now = this.#settings.clock.monotonicMs();
    if (now - this.#answeredMs >= QUIET_MS && !this.#isProbing) void this.#probe(now);
    for (const watched of [...this.#watched]) watched.tick(this.#isReachable);
  }

  async #probe(askedMs: number): Promise<void> {
    this.#isProbing = true;
    const { brokers, clock, health, waitingSinceMs, probe = probeBrokers } = this.#settings;
    const result = await probe(brokers);
    this.#isProbing = false;
    // An answer that came meanwhile is the newer news.
    if (this.#answeredMs >= askedMs) return;
    this.#isReachable = result === 'open';
    if (result === 'refused') for (const watched of [...this.#watched]) watched.refused(askedMs);
    const waiting = waitingSinceMs();
    const isStuck = waiting !== null && clock.monotonicMs() - waiting >= DOWN_AFTER_MS;
    if (result !== 'open' || isStuck) {
      health.down({ code: 'BUS_UNREACHABLE', params: { brokers: brokers.join(', ') } });
    } else health.up();
  }
}
