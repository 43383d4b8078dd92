import type { TopicName } from '@busbar/events';
import type { Clock } from '@busbar/model';
import type { Admin } from 'kafkajs';
import type { BusLogger } from '../logger.js';
import { rest } from './kafka-client.js';

const FIRST_POLL_MS = 100;
const MAX_POLL_MS = 1_000;
/** At a first start all services make their topics within a second or two. */
const TELL_AFTER_MS = 5_000;

export interface TopicGateSettings {
  readonly admin: () => Promise<Admin>;
  /** As the broker knows it. */
  readonly nameOf: (topic: TopicName) => string;
  readonly clock: Clock;
  readonly log: BusLogger;
}

/**
 * Holds readers back until their topic can be used. kafkajs must not be asked for a topic that is missing: one such
 * question makes each refresh of metadata on the same client fail, that of whoever creates the topic too.
 */
export class TopicGate {
  readonly #settings: TopicGateSettings;
  readonly #present = new Set<TopicName>();
  readonly #waiting = new Map<TopicName, Set<() => void>>();
  readonly #closing = new AbortController();
  #isPolling = false;

  constructor(settings: TopicGateSettings) {
    this.#settings = settings;
  }

  /** These were just seen to be usable. */
  open(topics: readonly TopicName[]): void {
    for (const topic of topics) {
      this.#present.add(topic);
      for (const pass of this.#waiting.get(topic) ?? []) pass();
      this.#waiting.delete(topic);
    }
  }

  /** Rejects when the signal is given. */
  async wait(topic: TopicName, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#present.has(topic)) return;
    const waiting = this.#waiting.get(topic) ?? new Set();
    this.#waiting.set(topic, waiting);
    let isGivenUp: () => void = () => undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        waiting.add(resolve);
        isGivenUp = () => {
          waiting.delete(resolve);
          if (waiting.size === 0 && this.#waiting.get(topic) === waiting) this.#waiting.delete(topic);
          reject(signal.reason);
        };
        signal.addEventListener('abort', isGivenUp);
        void this.#poll();
      });
    } finally {
      signal.removeEventListener('abort', isGivenUp);
    }
  }

  close(): void {
    this.#closing.abort();
  }

  async #poll(): Promise<void> {
    if (this.#isPolling) return;
    this.#isPolling = true;
    const { signal } = this.#closing;
    const { clock, log } = this.#settings;
    const tellAt = clock.monotonicMs() + TELL_AFTER_MS;
    let told: readonly TopicName[] = [];
    for (let pauseMs = FIRST_POLL_MS; !signal.aborted; pauseMs = Math.min(2 * pauseMs, MAX_POLL_MS)) {
      // Whoever cannot be asked is away, and health says so.
      await this.#look().catch(() => undefined);
      if (this.#waiting.size === 0) break;
      if (told.length === 0 && clock.monotonicMs() >= tellAt) {
        told = [...this.#waiting.keys()];
        log.info({ topics: told }, 'topics are not there yet, waiting for them');
      }
      await rest(pauseMs, signal);
    }
    if (told.length > 0 && !signal.aborted) log.info({ topics: told }, 'topics are there');
    this.#isPolling = false;
  }

  async #look(): Promise<void> {
    const admin = await this.#settings.admin();
    const names = new Set(await admin.listTopics());
    for (const topic of [...this.#waiting.keys()]) {
      if (names.has(this.#settings.nameOf(topic))) this.open([topic]);
    }
  }
}
