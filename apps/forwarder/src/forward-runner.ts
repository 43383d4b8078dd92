import { diff } from '@busbar/address-plan';
import { decodeBatch, encodeBatch, type SampleBatch } from '@busbar/batch';
import type { Bus, Consumption, Delivery, InRecord, TableView } from '@busbar/bus';
import { BusbarError, type Diagnosis, isBusbarError } from '@busbar/errors';
import { diagnosisRecord } from '@busbar/events';
import type { Clock } from '@busbar/model';
import { type Listening, PointImage, type ServerCounts, type ServerSpec } from '@busbar/server-sdk';
import type { ConnectionReport, Logger } from '@busbar/service-kit';
import { BusEventQueue } from './bus-event-queue.js';
import type { ControlDesk } from './control-desk.js';
import { type ExecutedValue, ExecutedValues } from './executed-values.js';
import type { ForwardTarget } from './forward-target.js';
import { ImageFeed } from './image-feed.js';
import { PlanIndex } from './plan-index.js';
import { ServicePoints } from './service-points.js';

const RETRY_FIRST_MS = 1_000;
const RETRY_MOST_MS = 30_000;
/** The server listens when what was appended before it is in the image, or after this. */
const CATCH_UP_MS = 5_000;
const PUBLISH_RETRY_MS = 200;
const SECOND_MS = 1_000;
const STOP_MS = 3_000;
/** A refused client is shown for so long. */
const NOTICE_MS = 600_000;

export interface ForwardRunnerParts {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly log: Logger;
  readonly spec: ServerSpec;
  readonly desk: ControlDesk;
  readonly counts: ServerCounts;
  secret(reference: string): Promise<string>;
  report(report: ConnectionReport): void;
}

const timers = {
  setTimeout: (work: () => void, ms: number) => setTimeout(work, ms),
  clearTimeout: (timer: unknown) => clearTimeout(timer as NodeJS.Timeout),
};

/** One forwarding connection: its image, its event queue, its server. */
export class ForwardRunner {
  readonly #parts: ForwardRunnerParts;
  readonly #stopping = new AbortController();
  readonly #feed: ImageFeed;
  readonly #queue: BusEventQueue;
  readonly #service: ServicePoints;
  readonly #executed: ExecutedValues;
  readonly #sinceMs: number;
  #target: ForwardTarget;
  #listening: Listening | null = null;
  #diagnosis: Diagnosis | null = null;
  #noticed: { readonly diagnosis: Diagnosis; readonly untilMs: number } | null = null;
  #consumption: Consumption | null = null;
  #imaged: TableView | null = null;
  #serving: Promise<void> = Promise.resolve();
  #tick: NodeJS.Timeout | null = null;
  /** Ends the wait before the listener is made anew. */
  #again: () => void = () => undefined;

  constructor(parts: ForwardRunnerParts, target: ForwardTarget) {
    const { bus, clock } = parts;
    this.#parts = parts;
    this.#target = target;
    this.#sinceMs = clock.wallMs();
    const index = new PlanIndex(target.joined);
    this.#feed = new ImageFeed(index, new PointImage(target.plan.entries.length));
    const groups = [...new Set(target.clients.map(({ group }) => group))];
    this.#queue = new BusEventQueue({ bus, connection: target.connection, index, groups });
    this.#service = new ServicePoints(target, clock);
    this.#executed = new ExecutedValues({
      bus,
      hasAny: () => this.#target.withoutFeedback.size > 0,
      isWanted: (path) => this.#target.withoutFeedback.has(path),
      put: (value) => this.#execute(value),
      failed: (err) => parts.log.error({ err, connection: target.connection }, 'what was executed cannot be read'),
    });
  }

  start(): void {
    this.#serving = this.#serve();
    this.#tick = setInterval(() => this.#second(), SECOND_MS);
    this.#tell();
  }

  /** A new generation of the same connection. Masters that are still allowed stay. */
  apply(target: ForwardTarget): void {
    const before = this.#target;
    this.#target = target;
    this.#service.replan(target);
    if (before.digest === target.digest) return;
    const index = new PlanIndex(target.joined);
    const slotOf = this.#feed.replan(index);
    this.#queue.replan(index, slotOf);
    const { plan, clients, control } = target;
    const next = { plan, image: this.#feed.image, diff: diff(before.plan, plan), clients, control };
    const isSameListener = before.listener === target.listener;
    if (this.#listening && (!isSameListener || !this.#listening.replan(next))) this.#renew();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#again();
    if (this.#tick) clearInterval(this.#tick);
    // A bus that is away may keep the start waiting.
    await settledWithin(this.#serving, STOP_MS);
    await this.#listening?.close();
    this.#listening = null;
    await Promise.all([this.#queue.stop(), this.#consumption?.stop(), this.#imaged?.stop(), this.#executed.stop()]);
  }

  /** Records that the image has not taken yet, and for how long the oldest waits. */
  lag(): { readonly records: number; readonly ageMs: number } {
    const { records, oldestMs } = this.#consumption?.lag() ?? { records: 0, oldestMs: null };
    return { records, ageMs: oldestMs === null ? 0 : Math.max(0, this.#parts.clock.wallMs() - oldestMs) };
  }

  /** Loads the image, follows the points, and keeps a listener open until the stop. */
  async #serve(): Promise<void> {
    const { bus, log } = this.#parts;
    const { signal } = this.#stopping;
    try {
      this.#imaged = bus.table('assets.imaged.v1');
      await this.#imaged.ready;
      for (const asset of this.#feed.index.assets) {
        const record = this.#imaged.get(asset);
        if (!record?.value) continue;
        const batch = this.#readImage(record);
        if (!batch) continue;
        this.#feed.remember(batch);
        this.#service.seen(batch, Math.max(0, this.#parts.clock.wallMs() - batch.collectedMs));
      }
      if (signal.aborted) return;
      await this.#executed.start(this.#parts.clock.wallMs());
      if (signal.aborted) return;
      this.#consumption = bus.consume('points.updated.v1', `forwarder.${this.#target.connection}`, (delivery, stop) =>
        this.#take(delivery, stop),
      );
      await this.#consumption.ready;
      await this.#caughtUp();
    } catch (error) {
      if (!signal.aborted) this.#failed(error);
      return;
    }
    let pauseMs = RETRY_FIRST_MS;
    while (!signal.aborted) {
      const renewed = new Promise<void>((resolve) => {
        this.#again = resolve;
      });
      try {
        const target = this.#target;
        const listening = await this.#listen();
        if (this.#target.digest !== target.digest) {
          // Another generation came meanwhile: this one would serve the image of before.
          await listening.close();
          continue;
        }
        this.#listening = listening;
        this.#diagnosis = null;
        pauseMs = RETRY_FIRST_MS;
        log.info({ connection: this.#target.connection, port: listening.port }, 'server listens');
        this.#tell();
        await renewed;
        if (signal.aborted) return;
        const closing = this.#listening;
        this.#listening = null;
        await closing.close();
      } catch (error) {
        this.#failed(error);
        await Promise.race([renewed, pause(pauseMs, signal)]);
        pauseMs = Math.min(RETRY_MOST_MS, pauseMs * 2);
      }
    }
  }

  /** Undefined for one that cannot be read: its points stay without a value until they are read anew. */
  #readImage(record: InRecord): SampleBatch | undefined {
    try {
      return batchOf(record);
    } catch (error) {
      this.#parts.log.error({ err: error, asset: record.key }, 'the last values of an asset cannot be read');
      return undefined;
    }
  }

  #listen(): Promise<Listening> {
    const { spec, desk, clock, log, counts } = this.#parts;
    const { connection, site, config, clients, control, plan } = this.#target;
    if (plan.entries.length === 0) throw new BusbarError('FORWARD_EMPTY', { connection });
    const host = {
      connection,
      site,
      config,
      clients,
      control,
      plan,
      image: this.#feed.image,
      queue: this.#queue,
      controls: desk.portOf(() => this.#target),
      clock,
      timers,
      log: log.child({ connection }),
      counts,
      secret: (reference: string) => this.#parts.secret(reference),
      changed: () => this.#tell(),
      notice: (diagnosis: Diagnosis) => this.#notice(diagnosis),
      lost: (diagnosis: Diagnosis) => {
        this.#diagnosis = diagnosis;
        this.#renew();
      },
    };
    return spec.listen(host, this.#stopping.signal);
  }

  #notice(diagnosis: Diagnosis): void {
    this.#noticed = { diagnosis, untilMs: this.#parts.clock.monotonicMs() + NOTICE_MS };
    this.#tell();
  }

  /** Of what keeps it from listening, else of a client that was refused lately. */
  #told(): Diagnosis | null {
    if (this.#noticed && this.#parts.clock.monotonicMs() >= this.#noticed.untilMs) this.#noticed = null;
    return this.#diagnosis ?? this.#noticed?.diagnosis ?? null;
  }

  #renew(): void {
    this.#again();
  }

  async #caughtUp(): Promise<void> {
    const until = this.#parts.clock.monotonicMs() + CATCH_UP_MS;
    while ((this.#consumption?.lag().records ?? 0) > 0 && this.#parts.clock.monotonicMs() < until) {
      await pause(20, this.#stopping.signal);
      if (this.#stopping.signal.aborted) return;
    }
  }

  /** Into the image at once and in order; the position moves when the events are durable in their queue. */
  async #take(delivery: Delivery, signal: AbortSignal): Promise<void> {
    const { bus } = this.#parts;
    const { connection } = this.#target;
    const events: { readonly topic: 'changes.queued.v1'; key: string; value: Uint8Array; object: SampleBatch }[] = [];
    for (const record of delivery.records) {
      if (record.value === null) continue;
      let batch: SampleBatch;
      try {
        batch = batchOf(record);
      } catch (error) {
        delivery.refuse(record, diagnosisOf(error));
        continue;
      }
      const fed = this.#feed.feed(batch, record.offset);
      if (fed.count > 0) {
        this.#service.seen(batch);
        this.#listening?.apply(fed.slots, fed.count);
      }
      if (!fed.events) continue;
      const value = encodeBatch(fed.events);
      events.push({ topic: 'changes.queued.v1', key: connection, value, object: fed.events });
    }
    if (events.length === 0) return;
    await delivery.flushed();
    // The image has them already: only the publication is tried again.
    for (;;) {
      signal.throwIfAborted();
      try {
        await bus.publish(events);
        return;
      } catch (error) {
        this.#parts.log.warn({ err: error, connection }, 'events not queued, trying again');
        await pause(PUBLISH_RETRY_MS, signal);
      }
    }
  }

  #execute(value: ExecutedValue): void {
    const slots = this.#feed.execute(value);
    this.#listening?.apply(slots, slots.length);
  }

  #second(): void {
    const changed = this.#service.fill(this.#feed.image, { dropped: this.#queue.dropped });
    this.#listening?.apply(changed, changed.length);
    this.#tell();
  }

  #failed(error: unknown): void {
    const diagnosis = diagnosisOf(error);
    const { connection } = this.#target;
    if (this.#diagnosis?.code !== diagnosis.code)
      this.#parts.log.warn({ err: error, connection }, 'server cannot listen');
    this.#diagnosis = diagnosis;
    this.#tell();
  }

  #tell(): void {
    const clients = this.#listening?.clients() ?? [];
    const state = this.#listening
      ? clients.length > 0
        ? 'active'
        : 'idle'
      : this.#diagnosis
        ? 'degraded'
        : 'starting';
    const told = this.#told();
    this.#parts.report({
      state,
      since: this.#sinceMs,
      diagnosis: told && diagnosisRecord(told),
      scanLoad: null,
      devices: [],
      sink: null,
      server: {
        port: this.#listening?.port ?? null,
        points: this.#target.plan.entries.length,
        digest: this.#target.plan.digest,
        waiting: this.#queue.waiting,
        dropped: this.#queue.dropped,
        clients: clients.map(({ name, address, sinceMs, state: word }) => ({
          name,
          address,
          since: sinceMs,
          state: word,
        })),
      },
    });
  }
}

function batchOf(record: InRecord): SampleBatch {
  return (record.object as SampleBatch | undefined) ?? decodeBatch(record.value as Uint8Array);
}

function diagnosisOf(error: unknown): Diagnosis {
  return isBusbarError(error) ? error.diagnosis : new BusbarError('INTERNAL', { reason: String(error) }).diagnosis;
}

/** Ends early, without an error, by the signal. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end, { once: true });
  });
}

async function settledWithin(work: Promise<unknown>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work.catch(() => undefined), late]);
  clearTimeout(timer);
}
