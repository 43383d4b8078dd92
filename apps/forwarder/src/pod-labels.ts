import { setTimeout as delay } from 'node:timers/promises';
import { LOGGER, type Logger, SETTINGS, type Settings } from '@busbar/service-kit';
import type { FactoryProvider } from '@nestjs/common';
import { type PodApi, podApi } from './pod-api.js';

/** {@link PodLabels}, or null where no pod is named. */
export const POD_LABELS = Symbol('PodLabels');

const OWNER = 'owner';
const PREFIX = 'forwarding.busbar.io/';
/** A label of Kubernetes takes so many characters behind its prefix. */
const NAME = /^[a-zA-Z0-9]([a-zA-Z0-9._-]{0,61}[a-zA-Z0-9])?$/;
const RETRY_FIRST_MS = 250;
const RETRY_MOST_MS = 10_000;

/**
 * Keeps the labels of this pod equal to the forwarding connections that it runs, so that the Service of each leads to
 * its owner alone. A failed write is tried again with the newest wish; what an earlier process of the pod left is taken off.
 */
export class PodLabels {
  readonly #api: PodApi;
  readonly #log: Logger;
  readonly #owned = new Set<string>();
  readonly #stopping = new AbortController();
  /** As the pod has them, once known. */
  #written: Set<string> | null = null;
  #working: Promise<void> | null = null;

  constructor(api: PodApi, log: Logger) {
    this.#api = api;
    this.#log = log;
    this.#wake();
  }

  own(connection: string): void {
    if (!NAME.test(connection)) {
      this.#log.warn({ connection }, 'the name is no label of Kubernetes: its Service leads nowhere');
      return;
    }
    this.#owned.add(connection);
    this.#wake();
  }

  disown(connection: string): void {
    this.#owned.delete(connection);
    this.#wake();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#working;
  }

  #wake(): void {
    this.#working ??= this.#work().finally(() => {
      this.#working = null;
      if (!this.#isWritten() && !this.#stopping.signal.aborted) this.#wake();
    });
  }

  #isWritten(): boolean {
    const written = this.#written;
    return written !== null && written.size === this.#owned.size && [...written].every((id) => this.#owned.has(id));
  }

  async #work(): Promise<void> {
    const { signal } = this.#stopping;
    let pauseMs = RETRY_FIRST_MS;
    while (!signal.aborted && !this.#isWritten()) {
      try {
        await this.#write(signal);
        pauseMs = RETRY_FIRST_MS;
      } catch (error) {
        if (signal.aborted) return;
        this.#log.warn({ reason: (error as Error).message }, 'the pod could not be labeled');
        await delay(pauseMs, undefined, { signal }).catch(() => undefined);
        pauseMs = Math.min(pauseMs * 2, RETRY_MOST_MS);
      }
    }
  }

  async #write(signal: AbortSignal): Promise<void> {
    const before = this.#written ?? ownersOf(await this.#api.labels(signal));
    const wanted = new Set(this.#owned);
    const changes: Record<string, string | null> = {};
    for (const id of wanted) if (!before.has(id)) changes[PREFIX + id] = OWNER;
    for (const id of before) if (!wanted.has(id)) changes[PREFIX + id] = null;
    if (Object.keys(changes).length > 0) await this.#api.label(changes, signal);
    this.#written = wanted;
  }
}

function ownersOf(labels: Readonly<Record<string, string>>): Set<string> {
  const names = Object.keys(labels).filter((name) => name.startsWith(PREFIX));
  return new Set(names.map((name) => name.slice(PREFIX.length)));
}

export const POD_LABELS_PROVIDER: FactoryProvider<PodLabels | null> = {
  provide: POD_LABELS,
  useFactory: ({ pod }: Settings, log: Logger) => (pod === undefined ? null : new PodLabels(podApi({ pod }), log)),
  inject: [SETTINGS, LOGGER],
};
