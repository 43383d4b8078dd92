import type { Diagnosis } from '@busbar/errors';
import type { Clock } from '@busbar/model';
import type { HealthBoard } from '../health-board.js';
import type { BusLogger } from '../logger.js';
import type { ProbeResult } from './broker-probe.js';
import type { Admission } from './kafka-security.js';

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
  readonly probe: (brokers: readonly string[]) => Promise<ProbeResult>;
  readonly log: BusLogger;
}

/** Whether the brokers answer: from the traffic there is, else by asking them each second. */
export class BrokerWatch implements Admission {
  readonly #settings: BrokerWatchSettings;
  readonly #watched = new Set<Watched>();
  readonly #timer: NodeJS.Timeout;
  #answeredMs: number;
  #isProbing = false;
  #isReachable = false;
  /** Why a broker turned this client away when it came last; null: it was let in. */
  readonly #admissions = new Map<string, string | null>();

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
    // One that asks who is there answers too.
    if (this.#refusal !== null) return;
    this.#answeredMs = this.#settings.clock.monotonicMs();
    this.#isReachable = true;
    this.#settings.health.up();
  }

  letIn(broker: string): void {
    this.#admissions.set(broker, null);
  }

  turnedAway(broker: string, reason: string): void {
    const { log, health } = this.#settings;
    if (this.#admissions.get(broker) !== reason)
      log.warn({ broker, reason }, 'Kafka broker does not let this client in');
    this.#admissions.set(broker, reason);
    if (this.#refusal === null) return;
    this.#isReachable = false;
    health.down(this.#trouble(reason));
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#watched.clear();
  }

  /** Only when none lets it in: with one of several the others do the work. */
  get #refusal(): string | null {
    const reasons = [...this.#admissions.values()];
    return reasons.includes(null) ? null : (reasons[0] ?? null);
  }

  #trouble(refusal: string | null): Diagnosis {
    const brokers = this.#settings.brokers.join(', ');
    if (refusal === null) return { code: 'BUS_UNREACHABLE', params: { brokers } };
    return { code: 'BUS_REFUSED', params: { brokers, reason: refusal } };
  }

  #tick(): void {
    const now = this.#settings.clock.monotonicMs();
    if (now - this.#answeredMs >= QUIET_MS && !this.#isProbing) void this.#probe(now);
    for (const watched of [...this.#watched]) watched.tick(this.#isReachable);
  }

  async #probe(askedMs: number): Promise<void> {
    this.#isProbing = true;
    const { brokers, clock, health, waitingSinceMs, probe } = this.#settings;
    const result = await probe(brokers);
    this.#isProbing = false;
    // An answer that came meanwhile is the newer news.
    if (this.#answeredMs >= askedMs) return;
    const refusal = result === 'refused' ? null : this.#refusal;
    this.#isReachable = result === 'open' && refusal === null;
    if (result === 'refused') for (const watched of [...this.#watched]) watched.refused(askedMs);
    const waiting = waitingSinceMs();
    const isStuck = waiting !== null && clock.monotonicMs() - waiting >= DOWN_AFTER_MS;
    if (result === 'open' && refusal === null && !isStuck) health.up();
    else health.down(this.#trouble(refusal));
  }
}
