import type { Diagnosis } from '@busbar/errors';
import { type ConnectionState, diagnosisRecord } from '@busbar/events';
import type { Clock } from '@busbar/model';
import type { ConnectionReport } from '@busbar/service-kit';

/** A sink that refused something is not called well before this long has passed without another refusal. */
const REFUSAL_STANDS_MS = 60_000;

export interface SinkHealthParts {
  readonly clock: Clock;
  report(report: ConnectionReport): void;
  /** Records that wait for this sink. */
  waiting(): number;
}

/** What a sink tells of itself. */
export class SinkHealth {
  readonly #parts: SinkHealthParts;
  #state: ConnectionState = 'starting';
  #since: number;
  #diagnosis: Diagnosis | null = null;
  #acknowledged = 0;
  #refused = 0;
  #lastAcknowledgedAt: number | null = null;
  #refusedMs = Number.NEGATIVE_INFINITY;

  constructor(parts: SinkHealthParts) {
    this.#parts = parts;
    this.#since = parts.clock.wallMs();
  }

  opened(): void {
    this.#set('active', null);
  }

  failed(diagnosis: Diagnosis): void {
    this.#set('degraded', diagnosis);
  }

  /** A send came to its end. */
  counted(acknowledged: number, refused: number, diagnosis: Diagnosis | null): void {
    const now = this.#parts.clock.monotonicMs();
    this.#acknowledged += acknowledged;
    this.#refused += refused;
    if (acknowledged > 0) this.#lastAcknowledgedAt = this.#parts.clock.wallMs();
    if (refused > 0) {
      this.#refusedMs = now;
      this.#set('degraded', diagnosis);
    } else if (acknowledged > 0 && now - this.#refusedMs >= REFUSAL_STANDS_MS) this.#set('active', null);
    else this.#tell();
  }

  #set(state: ConnectionState, diagnosis: Diagnosis | null): void {
    if (state !== this.#state || diagnosis?.code !== this.#diagnosis?.code) this.#since = this.#parts.clock.wallMs();
    this.#state = state;
    this.#diagnosis = diagnosis;
    this.#tell();
  }

  #tell(): void {
    const diagnosis = this.#diagnosis;
    this.#parts.report({
      state: this.#state,
      since: this.#since,
      diagnosis: diagnosis && diagnosisRecord(diagnosis),
      scanLoad: null,
      devices: [],
      sink: {
        acknowledged: this.#acknowledged,
        refused: this.#refused,
        lastAcknowledgedAt: this.#lastAcknowledgedAt,
        waiting: this.#parts.waiting(),
      },
    });
  }
}
