import type { Clock } from '@busbar/model';
import type { BusLogger } from '../logger.js';

/** Not of the kind `retriable` in kafkajs, although they pass by themselves. */
const PASSING = new Set(['KafkaJSNoBrokerAvailableError', 'KafkaJSGroupCoordinatorNotFound', 'KafkaJSLockTimeout']);

interface KafkaError {
  readonly name?: string;
  readonly retriable?: boolean;
  readonly cause?: unknown;
}

/** What goes by without anybody's help: a topic or leader still forming, a rebalance, a broker that is away. */
export function isPassing(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false;
  const { name, retriable, cause } = error as KafkaError;
  return retriable === true || (name !== undefined && PASSING.has(name)) || isPassing(cause);
}

/** What passes sooner is not worth a line: at a first start all topics, leaders and groups are still forming. */
const TELL_AFTER_MS = 3_000;

export interface KafkaTroubleSettings {
  readonly log: BusLogger;
  readonly clock: Clock;
  readonly fields: object;
  readonly begun: string;
  readonly over: string;
}

/**
 * One line when something goes wrong and one when it is well again, however often it is tried between. What passes by
 * itself is told without a stack, and once it has lasted; anything else at once.
 */
export class KafkaTrouble {
  readonly #settings: KafkaTroubleSettings;
  #sinceMs: number | null = null;
  #told: string | null = null;

  constructor(settings: KafkaTroubleSettings) {
    this.#settings = settings;
  }

  tell(error: unknown): void {
    const { log, clock, fields, begun } = this.#settings;
    this.#sinceMs ??= clock.monotonicMs();
    const reason = error instanceof Error ? error.message : String(error);
    if (!isPassing(error)) {
      if (this.#told !== reason) log.warn({ ...fields, err: error }, begun);
      this.#told = reason;
    } else if (this.#told === null && clock.monotonicMs() - this.#sinceMs >= TELL_AFTER_MS) {
      log.info({ ...fields, reason }, begun);
      this.#told = reason;
    }
  }

  over(): void {
    this.#sinceMs = null;
    if (this.#told === null) return;
    this.#told = null;
    this.#settings.log.info(this.#settings.fields, this.#settings.over);
  }
}
