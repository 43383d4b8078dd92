import { BatchBuilder, decodeBatch, type SampleBatch } from '@busbar/batch';
import type { Bus, Consumption, Delivery, InRecord } from '@busbar/bus';
import { type Diagnosis, isBusbarError } from '@busbar/errors';
import type { SinkConnectionConfig } from '@busbar/events';
import type { Clock } from '@busbar/model';
import type { AppliedGeneration, ConnectionReport, Logger } from '@busbar/service-kit';
import type { CommandAnswer, Rejection, SinkCommand, SinkMessage, SinkSpec } from '@busbar/sink-sdk';
import { LinkKeeper, type SinkLink } from './link-keeper.js';
import { SinkHealth } from './sink-health.js';
import { type Selection, UploadLane } from './upload-lane.js';
import { compileTargets, type UploadTarget, type UploadTargets } from './upload-targets.js';

/** Older values are marked late: a target may take them by another way. */
const LATE_MS = 60_000;
/** Values whose time came without a new one are looked for this often. */
const DUE_PERIOD_MS = 1_000;
/** While the newest records are not seen yet, nobody knows that no new value came. */
const DUE_LAG_MS = 2_000;
/** At a stop, what was given to the target has this long to be acknowledged. */
const SEND_END_MS = 3_000;

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

interface Prepared {
  readonly link: SinkLink;
  readonly selections: readonly Selection[];
}

/** One sink: its session, its cursor in points.updated, what is sent of each asset. */
export class SinkRunner {
  readonly #parts: SinkRunnerParts;
  readonly #links: LinkKeeper;
  readonly #health: SinkHealth;
  readonly #lanes = new WeakMap<AbortSignal, UploadLane>();
  /** Nothing new is sent, nobody waits for a connection or a generation any more. */
  readonly #stopping = new AbortController();
  /** What was given to the target is given up. */
  readonly #sending = new AbortController();
  #sink: SinkConnectionConfig;
  #targets: UploadTargets;
  #consumption: Consumption | null = null;
  #timer: NodeJS.Timeout | null = null;
  #waitingForGeneration: (() => void)[] = [];
  /** Values of timed points whose time has come, not acknowledged yet. */
  #due: Omit<Selection, 'record'>[] = [];
  #isSendingDue = false;

  constructor(parts: SinkRunnerParts, sink: SinkConnectionConfig, generation: AppliedGeneration) {
    const { clock, log, spec } = parts;
    this.#parts = parts;
    this.#sink = sink;
    this.#targets = compileTargets(generation, sink, null);
    this.#health = new SinkHealth({
      clock,
      report: (report) => parts.report(report),
      waiting: () => this.#consumption?.lag().records ?? 0,
    });
    this.#links = new LinkKeeper({
      sink: sink.id,
      clock,
      log,
      stopping: this.#stopping.signal,
      connect: (lost, signal) => this.#connect(lost, signal),
      close: (session) => spec.close(session as never),
      opened: () => this.#health.opened(),
      failed: (error) => this.#health.failed(diagnosisOf(error, this.#sink.id)),
    });
    this.#stopping.signal.addEventListener('abort', () => this.#wake(), { once: true });
  }

  start(): void {
    this.#links.open().catch(() => undefined);
    const group = `uploader.${this.#sink.id}`;
    this.#consumption = this.#parts.bus.consume('points.updated.v1', group, (delivery, signal) =>
      this.#handle(delivery, signal),
    );
    this.#timer = setInterval(() => void this.#lookForDue(), DUE_PERIOD_MS);
  }

  /** A new generation: selections go on; the session is made anew only when what it was made from changed. */
  apply(generation: AppliedGeneration, sink: SinkConnectionConfig): void {
    const isSame = sessionKey(sink) === sessionKey(this.#sink);
    this.#targets = compileTargets(generation, sink, this.#targets);
    this.#sink = sink;
    this.#wake();
    if (!isSame) this.#links.renew();
  }

  /** Sends nothing new, lets the target acknowledge what it was given, commits, ends the session. */
  async stop(): Promise<void> {
    if (this.#timer) clearInterval(this.#timer);
    this.#stopping.abort();
    const patience = setTimeout(() => this.#sending.abort(), SEND_END_MS);
    await this.#consumption?.stop();
    clearTimeout(patience);
    this.#sending.abort();
    await this.#links.stop();
  }

  /** Records that wait for this sink, and for how long the oldest does. */
  lag(): { readonly records: number; readonly ageMs: number } {
    const { records, oldestMs } = this.#consumption?.lag() ?? { records: 0, oldestMs: null };
    return { records, ageMs: oldestMs === null ? 0 : Math.max(0, this.#parts.clock.wallMs() - oldestMs) };
  }

  #handle(delivery: Delivery, signal: AbortSignal): Promise<void> {
    const lane = this.#laneOf(signal);
    return lane.run(
      () => this.#prepare(lane, delivery, signal),
      (prepared) => this.#deliver(lane, delivery, prepared),
    );
  }

  #laneOf(signal: AbortSignal): UploadLane {
    let lane = this.#lanes.get(signal);
    if (!lane) {
      lane = new UploadLane(signal);
      this.#lanes.set(signal, lane);
    }
    return lane;
  }

  async #prepare(lane: UploadLane, delivery: Delivery, signal: AbortSignal): Promise<Prepared> {
    this.#stopping.signal.throwIfAborted();
    const link = await this.#links.open();
    // What its time brought before goes first: a value must not overtake an older one of its point.
    if (this.#due.length > 0) await this.#sendDue(link);
    const batches = this.#decode(lane, delivery);
    await this.#untilWhole(batches);
    this.#stopping.signal.throwIfAborted();
    signal.throwIfAborted();
    for (const [record, batch] of batches) lane.remember(record, this.#select(record, batch));
    const selections = delivery.records.flatMap((record) => lane.selectionOf(record) ?? []);
    if (selections.length === 0) return { link, selections };
    try {
      await delivery.flushed();
    } catch (error) {
      // Records that never became durable come again as others.
      lane.release(delivery.records);
      throw error;
    }
    return { link, selections };
  }

  async #deliver(lane: UploadLane, delivery: Delivery, { link, selections }: Prepared): Promise<void> {
    if (selections.length > 0) {
      const rejections = await this.#send(link, selections);
      const refused = new Map<InRecord, Diagnosis>();
      for (const { message, diagnosis } of rejections) {
        refused.set((selections[message] as Selection).record, diagnosis);
      }
      for (const [record, diagnosis] of refused) delivery.refuse(record, diagnosis);
    }
    lane.forget(delivery.records);
  }

  /** The records about which nothing was decided yet. */
  #decode(lane: UploadLane, delivery: Delivery): Map<InRecord, SampleBatch> {
    const batches = new Map<InRecord, SampleBatch>();
    for (const record of delivery.records) {
      if (lane.selectionOf(record) !== undefined) continue;
      try {
        const batch = record.object ?? decodeBatch(record.value as Uint8Array);
        batches.set(record, batch as SampleBatch);
      } catch (error) {
        delivery.refuse(record, diagnosisOf(error, record.topic));
        lane.remember(record, null);
      }
    }
    return batches;
  }

  /** Handles are of the mapper's generation: a newer one must be whole here first. */
  async #untilWhole(batches: ReadonlyMap<InRecord, SampleBatch>): Promise<void> {
    let newest = 0;
    for (const { generation } of batches.values()) newest = Math.max(newest, generation);
    while (this.#targets.generation < newest && !this.#stopping.signal.aborted) {
      await new Promise<void>((resolve) => this.#waitingForGeneration.push(resolve));
    }
  }

  #select(record: InRecord, batch: SampleBatch): Selection | null {
    const target = this.#targets.byAsset.get(batch.key);
    if (!target) return null;
    const into = new Int32Array(batch.count);
    const count = target.policy.select(batch, this.#collectedMs(batch), into);
    if (count === 0) return null;
    return { record, target, batch, selected: count === batch.count ? into : into.slice(0, count) };
  }

  /** When the batch was collected, on the monotonic clock: periods hold for what an outage kept back, too. */
  #collectedMs(batch: SampleBatch): number {
    const { clock } = this.#parts;
    return clock.monotonicMs() - Math.max(0, clock.wallMs() - batch.collectedMs);
  }

  async #send(link: SinkLink, selections: readonly Omit<Selection, 'record'>[]): Promise<readonly Rejection[]> {
    const nowMs = this.#parts.clock.wallMs();
    let values = 0;
    const messages = selections.map(({ target, batch, selected }): SinkMessage => {
      values += selected.length;
      return { asset: target.asset, batch, selected, points: target.points, late: nowMs - batch.collectedMs > LATE_MS };
    });
    let rejections: readonly Rejection[];
    try {
      rejections = await this.#parts.spec.send(link.session as never, messages, this.#sending.signal);
    } catch (error) {
      if (!this.#sending.signal.aborted) this.#failed(link, error);
      throw error;
    }
    const refused = rejections.reduce((sum, { count }) => sum + count, 0);
    this.#parts.counted('acknowledged', values - refused);
    if (refused > 0) this.#parts.counted('refused', refused);
    this.#health.counted(values - refused, refused, rejections[0]?.diagnosis ?? null);
    return rejections;
  }

  #failed(link: SinkLink, error: unknown): void {
    if (isBusbarError(error, 'CONNECTION_LOST')) this.#links.lost(link, error);
    else this.#health.failed(diagnosisOf(error, this.#sink.id));
  }

  async #lookForDue(): Promise<void> {
    const { clock } = this.#parts;
    const oldestMs = this.#consumption?.lag().oldestMs ?? null;
    if (!this.#links.isOpen || this.#isSendingDue) return;
    if (oldestMs !== null && clock.wallMs() - oldestMs > DUE_LAG_MS) return;
    const now = clock.monotonicMs();
    for (const target of this.#targets.byAsset.values()) {
      if (target.policy.wakeAtMs <= now) this.#takeDue(target, now);
    }
    if (this.#due.length === 0) return;
    try {
      await this.#sendDue(await this.#links.open());
    } catch (error) {
      this.#parts.log.debug({ err: error, sink: this.#sink.id }, 'due values are sent again later');
    }
  }

  #takeDue(target: UploadTarget, now: number): void {
    const { collectedMs } = target.policy;
    const builder = new BatchBuilder(16, collectedMs);
    const count = target.policy.due(now, builder);
    if (count === 0) return;
    const head = { kind: 'points' as const, key: target.asset.asset, generation: this.#targets.generation };
    const batch = builder.finish({ ...head, collectedMs });
    this.#due.push({ target, batch, selected: Int32Array.from({ length: count }, (_, i) => i) });
  }

  async #sendDue(link: SinkLink): Promise<void> {
    const due = this.#due;
    this.#due = [];
    this.#isSendingDue = true;
    try {
      await this.#send(link, due);
    } catch (error) {
      this.#due = [...due, ...this.#due];
      throw error;
    } finally {
      this.#isSendingDue = false;
    }
  }

  async #connect(lost: (diagnosis: Diagnosis) => void, signal: AbortSignal): Promise<unknown> {
    const { spec, clock, log, secret } = this.#parts;
    const sink = this.#sink;
    const context = {
      sink: sink.id,
      site: sink.site,
      config: spec.config.parse(sink.with),
      assets: sink.assets.map(({ asset, title, model, identity }) => ({ asset, title, model, identity })),
      points: (model: string) => this.#targets.points.get(model),
      clock,
      log: log.child({ sink: sink.id }),
      secret: (reference: string) => secret(reference),
      lost,
      skipped: (values: number) => this.#parts.counted('skipped', values),
      ...(sink.control ? { command: (command: SinkCommand) => this.#parts.command(command, sink) } : {}),
    };
    return spec.connect(context as never, signal);
  }

  #wake(): void {
    const waiting = this.#waitingForGeneration;
    this.#waitingForGeneration = [];
    for (const resolve of waiting) resolve();
  }
}

function sessionKey(sink: SinkConnectionConfig): string {
  return JSON.stringify([sink.with, sink.site, sink.assets, sink.control]);
}

function diagnosisOf(error: unknown, target: string): Diagnosis {
  if (isBusbarError(error)) return error.diagnosis;
  return { code: 'INTERNAL', params: { reason: `${target}: ${error instanceof Error ? error.message : error}` } };
}
