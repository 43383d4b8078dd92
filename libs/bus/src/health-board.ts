import type { Diagnosis } from '@busbar/errors';
import type { Clock } from '@busbar/model';
import type { BusLogger } from './logger.js';
import type { BusHealth } from './port.js';

/** The state of the bus, told when it changes. */
export class HealthBoard {
  readonly #clock: Clock;
  readonly #log: BusLogger;
  readonly #listeners = new Set<() => void>();
  #state: 'up' | 'down' = 'up';
  #sinceMs: number;
  #trouble: Diagnosis | null = null;
  /** What stays true although the bus works, such as values that are missing. */
  #note: Diagnosis | null = null;

  constructor(clock: Clock, log: BusLogger) {
    this.#clock = clock;
    this.#log = log;
    this.#sinceMs = clock.wallMs();
  }

  state(waitingBytes: number): BusHealth {
    const diagnosis = this.#trouble ?? this.#note;
    return { state: this.#state, sinceMs: this.#sinceMs, diagnosis, waitingBytes };
  }

  note(diagnosis: Diagnosis): void {
    this.#note = diagnosis;
    this.#tell();
  }

  down(diagnosis: Diagnosis): void {
    const isNew = this.#state === 'up' || this.#trouble?.code !== diagnosis.code;
    this.#trouble = diagnosis;
    if (!isNew) return;
    if (this.#state === 'up') this.#sinceMs = this.#clock.wallMs();
    this.#state = 'down';
    this.#tell();
  }

  up(): void {
    if (this.#state === 'up') return;
    this.#state = 'up';
    this.#trouble = null;
    this.#sinceMs = this.#clock.wallMs();
    this.#tell();
  }

  onChange(listener: () => void): () => void {
    const own = () => listener();
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  #tell(): void {
    for (const listener of this.#listeners) {
      try {
        listener();
      } catch (error) {
        this.#log.error({ err: error }, 'health listener failed');
      }
    }
  }
}
