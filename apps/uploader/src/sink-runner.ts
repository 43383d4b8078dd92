import { BatchBuilder, decodeBatch, type SampleBatch } from '@busbar/batch';
import type { Bus, Consumption, Delivery, InRecord } from '@busbar/bus';
import { BusbarError, type Diagnosis, isBusbarError } from '@busbar/errors';
import type { ConnectionState, SinkConnectionConfig } from '@busbar/events';
import type { Clock } from '@busbar/model';
import type { AppliedGeneration, ConnectionReport, Logger } from '@busbar/service-kit';
import type { CommandAnswer, SinkCommand, SinkMessage, SinkSpec } from '@busbar/sink-sdk';
import { compileTargets, type UploadTarget, type UploadTargets } from './upload-targets.js';

/** Older values are marked late: a target may take them by another way. */
const LATE_MS = 60_000;
const RECONNECT_FIRST_MS = 500;
const RECONNECT_MOST_MS = 30_000;
/** Values whose time came without a new one are looked for this often. */
const DUE_PERIOD_MS = 1_000;

export interface SinkRunnerParts {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly log: Logger;
  readonly spec: SinkSpec;
  secret(reference: string): Promise<string>;
  command(command: SinkCommand, sink: SinkConnectionConfig): Promise<CommandAnswer>;
  report(report: ConnectionReport): void;
  /** Counters by outcome: values acknowledged, refused, skipped. */
  counted(outcome: 'acknowledged' | 'refused' | 'skipped', values: number): void;
}

/** One session with the target; `isOver` once it was lost, so that it is given up once and nothing else with it. */
interface Link {
  session: unknown;
  isOver: boolean;
}

interface Selection {
  readonly messages: readonly SinkMessage[];
  readonly records: readonly InRecord[];
  readonly values: number;
}

/** One sink: its session, its cursor in points.updated, what is sent of each asset. */
export class SinkRunner {
  readonly #parts: SinkRunnerParts;
  readonly #selections = new WeakMap<Delivery, Selection>();
  readonly #stopping = new AbortController();
  #sink: SinkConnectionConfig;
  #targets: UploadTargets;
  #generation: AppliedGeneration;
  #session: Promise<Link> | null = null;
  #consumption: Consumption | null = null;
  #failures = 0;
  #timer: NodeJS.Timeout | null = null;
  #waitingForGeneration: (() => void)[] = [];
  #dueMessages: SinkMessage[] = [];
  #state: ConnectionState = 'starting';
  #since: number;
  #diagnosis: Diagnosis | null = null;
  #acknowledged = 0;
  #refused = 0;
  #lastAcknowledgedAt: number | null = null;

  constructor(parts: SinkRunnerParts, sink: SinkConnectionConfig, generation: AppliedGeneration) {
    this.#parts = parts;
    this.#sink = sink;
    this.#generation = generation;
    this.#targets = compileTargets(generation, sink, null);
    this.#since = parts.clock.wallMs();
  }

  get config(): SinkConnectionConfig {
    return this.#sink;
  }

  start(): void {
    const { bus } = this.#parts;
    void this.#connected().catch(() => undefined);
    this.#consumption = bus.consume('points.updated.v1', `uploader.${this.#sink.id}`, (delivery) =>
      this.#handle(delivery),
    );
    this.#timer = setInterval(() => void this.#sendDue(), DUE_PERIOD_MS);
  }

  /** A new generation: selections go on; the session is made anew only when what it was made from changed. */
  apply(generation: AppliedGeneration, sink: SinkConnectionConfig): void {
    const isSame = sessionKey(sink) === sessionKey(this.#sink);
    this.#targets = compileTargets(generation, sink, this.#targets);
    this.#generation = generation;
    this.#sink = sink;
    const waiting = this.#waitingForGeneration;
    this.#waitingForGeneration = [];
    for (const resolve of waiting) resolve();
    if (!isSame) void this.#disconnect();
  }

  async stop(): Promise<void> {
    if (this.#timer) clearInterval(this.#timer);
    this.#stopping.abort();
    await this.#consumption?.stop();
    await this.#disconnect();
  }

  async #handle(delivery: Delivery): Promise<void> {
    let selection = this.#selections.get(delivery);
    if (!selection) {
      selection = await this.#select(delivery);
      this.#selections.set(delivery, selection);
    }
    if (selection.messages.length === 0) return;
    const link = await this.#connected();
    await delivery.flushed();
    const rejections = await this.#send(link, selection.messages);
    let refused = 0;
    for (const { message, count, diagnosis } of rejections) {
      refused += count;
      delivery.refuse(selection.records[message] as InRecord, diagnosis);
    }
    this.#count(selection.values - refused, refused, rejections[0]?.diagnosis ?? null);
  }

  async #select(delivery: Delivery): Promise<Selection> {
    const messages: SinkMessage[] = [];
    const records: InRecord[] = [];
    let values = 0;
    for (const record of delivery.records) {
      const batch = decode(delivery, record);
      if (!batch) continue;
      // Handles are of the mapper's generation: a newer one must be whole here first.
      while (this.#targets.generation < batch.generation) {
        await new Promise<void>((resolve) => this.#waitingForGeneration.push(resolve));
      }
      const target = this.#targets.byAsset.get(batch.key);
      if (!target) continue;
      const into = new Int32Array(batch.count);
      const count = target.policy.select(batch, this.#parts.clock.monotonicMs(), into);
      if (count === 0) continue;
      values += count;
      records.push(record);
      messages.push(this.#message(target, batch, count === batch.count ? into : into.subarray(0, count)));
    }
    return { messages, records, values };
  }

  #message(target: UploadTarget, batch: SampleBatch, selected: ArrayLike<number>): SinkMessage {
    const late = this.#parts.clock.wallMs() - batch.collectedMs > LATE_MS;
    return { asset: target.asset, batch, selected, points: target.points, late };
  }

  async #send(link: Link, messages: readonly SinkMessage[]) {
    try {
      return await this.#parts.spec.send(link.session as never, messages, this.#stopping.signal);
    } catch (error) {
      this.#lost(link, error);
      throw error;
    }
  }

  async #sendDue(): Promise<void> {
    const now = this.#parts.clock.monotonicMs();
    for (const target of this.#targets.byAsset.values()) {
      if (target.policy.wakeAtMs > now) continue;
      const builder = new BatchBuilder(16, target.policy.collectedMs);
      const count = target.policy.due(now, builder);
      if (count === 0) continue;
      const head = { kind: 'points' as const, key: target.asset.asset, generation: this.#targets.generation };
      const batch = builder.finish({ ...head, collectedMs: target.policy.collectedMs });
      this.#dueMessages.push(
        this.#message(
          target,
          batch,
          Int32Array.from({ length: count }, (_, i) => i),
        ),
      );
    }
    if (this.#dueMessages.length === 0 || this.#state !== 'active') return;
    const messages = this.#dueMessages;
    this.#dueMessages = [];
    try {
      const rejections = await this.#send(await this.#connected(), messages);
      const values = messages.reduce((sum, message) => sum + message.selected.length, 0);
      const refused = rejections.reduce((sum, rejection) => sum + rejection.count, 0);
      this.#count(values - refused, refused, rejections[0]?.diagnosis ?? null);
    } catch {
      this.#dueMessages = [...messages, ...this.#dueMessages];
    }
  }

  /** The session; connects if there is none. Rejects if that fails: the bus tries the delivery again with back-off. */
  #connected(): Promise<Link> {
    this.#session ??= this.#connect().catch((error) => {
      this.#session = null;
      throw error;
    });
    return this.#session;
  }

  async #connect(): Promise<Link> {
    const { spec, clock, log } = this.#parts;
    const sink = this.#sink;
    for (;;) {
      this.#stopping.signal.throwIfAborted();
      const link: Link = { session: null, isOver: false };
      try {
        const config = spec.config.parse(sink.with);
        const context = {
          sink: sink.id,
          site: sink.site,
          config,
          assets: sink.assets.map(({ asset, title, model, identity }) => ({ asset, title, model, identity })),
          points: (model: string) => this.#targets.points.get(model),
          clock,
          log: log.child({ sink: sink.id }),
          secret: this.#parts.secret,
          lost: (diagnosis: Diagnosis) => this.#lost(link, new BusbarError(diagnosis.code, diagnosis.params)),
          skipped: (values: number) => this.#parts.counted('skipped', values),
          ...(sink.control ? { command: (command: SinkCommand) => this.#parts.command(command, this.#sink) } : {}),
        };
        link.session = await spec.connect(context as never, this.#stopping.signal);
        if (this.#failures > 0) log.info({ sink: sink.id }, 'sink connected again');
        this.#failures = 0;
        this.#setState('active', null);
        return link;
      } catch (error) {
        this.#stopping.signal.throwIfAborted();
        this.#failed(error);
        await this.#pause();
      }
    }
  }

  #failed(error: unknown): void {
    if (this.#failures === 0) this.#parts.log.warn({ err: error, sink: this.#sink.id }, 'sink cannot be reached');
    this.#failures += 1;
    this.#setState('degraded', diagnosisOf(error, this.#sink.id));
  }

  /** Growing and jittered, so that many sites do not come back to one cloud in the same second. */
  async #pause(): Promise<void> {
    const most = Math.min(RECONNECT_MOST_MS, RECONNECT_FIRST_MS * 2 ** Math.min(10, this.#failures - 1));
    const ms = most * (0.5 + Math.random() / 2);
    await new Promise<void>((resolve) => {
      const end = () => {
        clearTimeout(timer);
        this.#stopping.signal.removeEventListener('abort', end);
        resolve();
      };
      const timer = setTimeout(end, ms);
      this.#stopping.signal.addEventListener('abort', end);
    });
  }

  #lost(link: Link, error: unknown): void {
    if (!isBusbarError(error, 'CONNECTION_LOST') || this.#stopping.signal.aborted || link.isOver) return;
    link.isOver = true;
    this.#failed(error);
    void this.#disconnect().then(() => this.#connected().catch(() => undefined));
  }

  async #disconnect(): Promise<void> {
    const session = this.#session;
    this.#session = null;
    if (!session) return;
    try {
      const link = await session;
      link.isOver = true;
      await this.#parts.spec.close(link.session as never);
    } catch {
      // It never came to a session, or was closed already.
    }
  }

  #count(acknowledged: number, refused: number, diagnosis: Diagnosis | null): void {
    this.#acknowledged += acknowledged;
    this.#refused += refused;
    this.#parts.counted('acknowledged', acknowledged);
    if (refused > 0) this.#parts.counted('refused', refused);
    this.#lastAcknowledgedAt = this.#parts.clock.wallMs();
    if (refused > 0) this.#setState('degraded', diagnosis);
    else if (this.#state === 'degraded' && this.#failures === 0 && acknowledged > 0) this.#setState('active', null);
    else this.#tell();
  }

  #setState(state: ConnectionState, diagnosis: Diagnosis | null): void {
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
      diagnosis: diagnosis && { code: diagnosis.code, params: plainParams(diagnosis.params) },
      scanLoad: null,
      devices: [],
      sink: {
        acknowledged: this.#acknowledged,
        refused: this.#refused,
        lastAcknowledgedAt: this.#lastAcknowledgedAt,
        waiting: this.#consumption?.lag().records ?? 0,
      },
    });
  }
}

function sessionKey(sink: SinkConnectionConfig): string {
  return JSON.stringify([sink.with, sink.assets, sink.control]);
}

function decode(delivery: Delivery, record: InRecord): SampleBatch | null {
  if (record.object !== undefined) return record.object as SampleBatch;
  try {
    return decodeBatch(record.value as Uint8Array);
  } catch (error) {
    delivery.refuse(record, diagnosisOf(error, record.topic));
    return null;
  }
}

function diagnosisOf(error: unknown, target: string): Diagnosis {
  if (isBusbarError(error)) return error.diagnosis;
  return { code: 'INTERNAL', params: { reason: `${target}: ${error instanceof Error ? error.message : error}` } };
}

function plainParams(params: Diagnosis['params']): Record<string, string | number | boolean | null> {
  return Object.fromEntries(Object.entries(params).map(([name, value]) => [name, value ?? null]));
}
