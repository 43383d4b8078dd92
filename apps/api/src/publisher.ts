import { setTimeout as delay } from 'node:timers/promises';
import type { Bus } from '@busbar/bus';
import { BusbarError, type Diagnosis, isBusbarError } from '@busbar/errors';
import { GENERATION_TOPICS } from '@busbar/events';
import type { Logger } from '@busbar/service-kit';
import type { Store, WholeGeneration } from '@busbar/store';
import type { Outbox } from './outbox.js';
import type { PackagePublisher } from './package-publisher.js';

const RETRY_FIRST_MS = 500;
const RETRY_MOST_MS = 10_000;
/** Services that say nothing are taken to have applied a generation after this. */
const APPLIED_MS = 60_000;
const APPLIED_POLL_MS = 1_000;
const STOP_MS = 3_000;

export interface PublisherPorts {
  readonly bus: Bus;
  readonly outbox: Outbox;
  readonly packages: PackagePublisher;
  readonly log: Logger;
  openStore(): Promise<Store>;
  /** Smallest generation that the services report as applied; undefined: one has not reported yet. */
  applied(): number | undefined;
}

/** Takes care that the database has a generation and the bus has the database's newest, whatever is away meanwhile. */
export class Publisher {
  readonly #ports: PublisherPorts;
  readonly #stopping = new AbortController();
  #store: Store | null = null;
  #newest: WholeGeneration | null = null;
  #differs: string[] = [];
  #diagnosis: Diagnosis | null = null;
  #since: ReadonlyMap<string, number> = new Map();
  #hasRaised = false;
  #running: Promise<void> = Promise.resolve();
  #wake: () => void = () => undefined;

  constructor(ports: PublisherPorts) {
    this.#ports = ports;
  }

  get newest(): WholeGeneration | null {
    return this.#newest;
  }

  /** How the package folder differs from the running generation. */
  get differs(): readonly string[] {
    return this.#differs;
  }

  /** Why the configuration is not on the bus, or that it came back from a copy; null when all is well. */
  get diagnosis(): Diagnosis | null {
    if (this.#diagnosis) return this.#diagnosis;
    const restoration = this.#store?.restoration;
    if (!restoration) return null;
    const { damaged, generation } = restoration;
    return { code: 'STORE_RESTORED', params: { damaged, generation } };
  }

  /** By asset, since which generation it is the same: what older records of the log mean. */
  get since(): ReadonlyMap<string, number> {
    return this.#since;
  }

  /** The first try, before anything listens: a package that is wrong ends the start, a database that is away does not. */
  async prepare(): Promise<void> {
    try {
      await this.#prepare();
    } catch (error) {
      if (!isBusbarError(error, 'STORE_UNREACHABLE')) throw error;
      this.#failed(error);
    }
  }

  /** Goes on in the background until stopped. */
  start(): void {
    const unsubscribe = this.#ports.bus.onHealth((health) => {
      if (health.state === 'up') this.#wake();
    });
    this.#running = this.#run().finally(unsubscribe);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#wake();
    // A bus that is away may keep a publication waiting: it is made again at the next start.
    await Promise.race([this.#running, delay(STOP_MS, undefined, { ref: false })]);
    await this.#ports.outbox.stop();
    await this.#store?.close();
  }

  async #run(): Promise<void> {
    let pauseMs = RETRY_FIRST_MS;
    while (!this.#stopping.signal.aborted) {
      const woken = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      try {
        await this.#prepare();
        await this.#publish();
        this.#diagnosis = null;
        pauseMs = RETRY_FIRST_MS;
        await Promise.race([woken, this.#bury()]);
        await woken;
      } catch (error) {
        if (this.#stopping.signal.aborted) return;
        this.#failed(error);
        await Promise.race([
          delay(pauseMs, undefined, { signal: this.#stopping.signal }).catch(() => undefined),
          woken,
        ]);
        pauseMs = Math.min(RETRY_MOST_MS, pauseMs * 2);
      }
    }
  }

  async #prepare(): Promise<void> {
    if (this.#newest) return;
    const { packages, log } = this.#ports;
    this.#store ??= await this.#ports.openStore();
    const existing = await this.#store.newest();
    if (existing) {
      this.#differs = await packages.differences(this.#store, existing);
      if (this.#differs.length > 0) {
        log.warn({ differences: this.#differs.length }, 'package folder differs from the running generation');
      }
    }
    this.#newest = existing ?? (await this.#publishFirst(this.#store));
    this.#since = await this.#store.unchangedSince('asset');
  }

  async #publishFirst(store: Store): Promise<WholeGeneration> {
    try {
      return await this.#ports.packages.publishFirst(store);
    } catch (error) {
      // Another instance was quicker.
      const newest = isBusbarError(error, 'GENERATION_STALE') ? await store.newest() : null;
      if (newest) return newest;
      throw error;
    }
  }

  async #publish(): Promise<void> {
    const { bus, outbox, log } = this.#ports;
    await bus.ensureTopics(GENERATION_TOPICS);
    const brought = await outbox.bring(this.#newest as WholeGeneration);
    if (brought.kind === 'ahead') {
      await this.#catchUp(brought.number);
      return this.#publish();
    }
    const { number } = this.#newest as WholeGeneration;
    if (brought.written > 0) log.info({ generation: number, records: brought.written }, 'generation is on the bus');
    await this.#store?.markPublishedOnBus(number);
  }

  /** The bus has a number that we have not, or another content for ours: another instance's, or an older database. */
  async #catchUp(number: number): Promise<void> {
    const store = this.#store as Store;
    const before = this.#newest as WholeGeneration;
    const newest = (await store.newest()) as WholeGeneration;
    if (newest.number > before.number) {
      this.#newest = newest;
      return;
    }
    if (this.#hasRaised) throw new BusbarError('GENERATION_FOREIGN', { number });
    this.#hasRaised = true;
    this.#ports.log.warn({ generation: before.number, bus: number }, 'bus is ahead of the database: published anew');
    const { configuration, files } = newest;
    const lock = await store.lock();
    const note = `the bus had generation ${number}`;
    const publication = { basedOn: newest.number, configuration, files, lock, by: 'start', note, above: number };
    this.#newest = (await store.publish(publication)).generation;
  }

  /** Tombstones once every service has the generation. */
  async #bury(): Promise<void> {
    const { outbox, log } = this.#ports;
    const generation = this.#newest as WholeGeneration;
    if (!outbox.hasRemoved(generation)) return;
    const { signal } = this.#stopping;
    for (let waitedMs = 0; waitedMs < APPLIED_MS && !signal.aborted; waitedMs += APPLIED_POLL_MS) {
      if ((this.#ports.applied() ?? 0) >= generation.number) break;
      await delay(APPLIED_POLL_MS, undefined, { signal }).catch(() => undefined);
    }
    if (signal.aborted || generation !== this.#newest) return;
    const records = await outbox.bury(generation);
    if (records > 0) log.info({ generation: generation.number, records }, 'removed entities are off the bus');
  }

  #failed(error: unknown): void {
    const diagnosis = isBusbarError(error)
      ? error.diagnosis
      : new BusbarError('INTERNAL', { reason: String(error) }).diagnosis;
    if (this.#diagnosis?.code !== diagnosis.code) this.#ports.log.warn({ err: error }, 'configuration not published');
    this.#diagnosis = diagnosis;
  }
}
