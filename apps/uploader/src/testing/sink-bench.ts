import { BatchBuilder, encodeBatch, type SampleBatch, valueAt } from '@busbar/batch';
import type { Bus, Delivery, Handler, InRecord } from '@busbar/bus';
import { BusbarError, type Diagnosis } from '@busbar/errors';
import type { Configuration, SinkConnectionConfig, UploadRule } from '@busbar/events';
import { type AppliedGeneration, type ConnectionReport, createLogger } from '@busbar/service-kit';
import type { Rejection, SinkContext, SinkMessage, SinkSpec } from '@busbar/sink-sdk';
import { vi } from 'vitest';
import { SinkRunner } from '../sink-runner.js';

/** A sink, a bus and clocks that do what a test says. Point 1 is REALTIME, 2 CHANGE, 3 TIMER of 10 s. */

export const silentLog = createLogger('uploader', 'silent');
/** Both clocks are those of the fake timers. */
export const clock = { monotonicMs: () => Date.now(), wallMs: () => Date.now() };

const RULES: readonly UploadRule[] = [
  { type: 'REALTIME', intervalMs: 0, deadband: 0 },
  { type: 'CHANGE', intervalMs: 0, deadband: 0 },
  { type: 'TIMER', intervalMs: 10_000, deadband: 0 },
];

export function sinkConfig(change: Partial<SinkConnectionConfig> = {}): SinkConnectionConfig {
  const points = RULES.map((rule, i) => ({ number: i + 1, rule }));
  return {
    kind: 'sink',
    id: 'cloud',
    title: 'Cloud',
    sink: 'fake',
    control: true,
    with: {},
    site: 'demo',
    profiles: [{ model: 'meter', points }],
    assets: [{ asset: 'a1', title: 'a1', model: 'meter', profile: 0, identity: {} }],
    ...change,
  };
}

export function generation(number: number, connections: Configuration['connections'] = []): AppliedGeneration {
  const points = RULES.map((_, i) => {
    const plain = { type: 'double' as const, kind: 'AI' as const, access: 'r' as const, quality: true };
    return { number: i + 1, id: `P${i + 1}`, title: '', ...plain };
  });
  const configuration: Configuration = {
    site: { kind: 'site', id: 'demo', title: 'Demo', timezone: 'UTC' },
    tables: [],
    connections,
    models: [{ kind: 'model', id: 'meter', title: '', lineage: ['meter'], points, attributes: {}, services: {} }],
    templates: [],
    assets: [],
    policies: [],
  };
  return { number, digest: `g${number}`, configuration };
}

export function points(values: Readonly<Record<number, number>>, head: Partial<SampleBatch> = {}): SampleBatch {
  const { key = 'a1', generation: number = 1, collectedMs = Date.now() } = head;
  const builder = new BatchBuilder(4, collectedMs);
  for (const [handle, value] of Object.entries(values)) builder.put(Number(handle), value, 0, collectedMs);
  return builder.finish({ kind: 'points', key, generation: number, collectedMs });
}

let offsets = 0;

export function recordOf(batch: SampleBatch): InRecord {
  const place = { topic: 'points.updated.v1' as const, partition: 0, offset: offsets++ };
  return { ...place, key: batch.key, value: encodeBatch(batch), object: undefined, timestampMs: batch.collectedMs };
}

export const lostLink = () => new BusbarError('CONNECTION_LOST', { target: 'fake', reason: 'cut' });

interface Call {
  /** `asset point=value` in order; late ones end with `late`. */
  readonly values: readonly string[];
  readonly session: number;
  answer(rejections?: readonly Rejection[]): void;
  fail(error: unknown): void;
}

/** A target in memory: sends are answered at once, unless `holds`. */
export class FakeSink {
  readonly log: string[] = [];
  readonly calls: Call[] = [];
  readonly contexts: SinkContext<unknown>[] = [];
  holds = false;
  /** What `connect` throws, while it is set. */
  connectError: unknown = null;
  /** What `send` throws, while it is set. */
  sendError: unknown = null;
  rejections: readonly Rejection[] = [];
  #sessions = 0;

  get sent(): string[] {
    return this.calls.flatMap(({ values }) => values);
  }

  readonly spec = {
    id: 'fake',
    config: { parse: (value: unknown) => value },
    connect: async (context: SinkContext<unknown>, signal: AbortSignal) => {
      this.log.push('connect');
      signal.throwIfAborted();
      if (this.connectError) throw this.connectError;
      this.contexts.push(context);
      this.#sessions += 1;
      return this.#sessions;
    },
    close: async (session: number) => void this.log.push(`close ${session}`),
    send: (session: number, messages: readonly SinkMessage[], signal: AbortSignal) =>
      new Promise<readonly Rejection[]>((resolve, reject) => {
        this.calls.push({
          values: messages.flatMap(wordsOf),
          session,
          answer: (rejections = []) => resolve(rejections),
          fail: reject,
        });
        signal.addEventListener('abort', () => reject(lostLink()));
        if (this.sendError) reject(this.sendError);
        else if (!this.holds) resolve(this.rejections);
      }),
  } as unknown as SinkSpec;
}

function wordsOf({ asset, batch, selected, points: named, late }: SinkMessage): string[] {
  return Array.from(selected, (i) => {
    const point = named[batch.handles[i] as number]?.id;
    return `${asset.asset} ${point}=${valueAt(batch, i)}${late ? ' late' : ''}`;
  });
}

export interface TestDelivery {
  readonly done: Promise<void>;
  readonly refused: { readonly record: InRecord; readonly diagnosis: Diagnosis }[];
}

export class SinkBench {
  readonly sink = new FakeSink();
  readonly reports: ConnectionReport[] = [];
  readonly counts = { acknowledged: 0, refused: 0, skipped: 0 };
  readonly runner: SinkRunner;
  readonly lane = new AbortController();
  /** Append time of the oldest record not settled. */
  oldestMs: number | null = null;
  flushed: () => Promise<void> = async () => undefined;
  #handler: Handler = async () => undefined;
  readonly #under = new Set<Promise<void>>();

  constructor(config = sinkConfig()) {
    const consumption = {
      ready: Promise.resolve(),
      lag: () => ({ records: this.#under.size, oldestMs: this.oldestMs }),
      stop: async () => {
        await Promise.allSettled(this.#under);
        this.lane.abort();
      },
    };
    const consume: Bus['consume'] = (_topic, _group, handler) => {
      this.#handler = handler;
      return consumption;
    };
    this.runner = new SinkRunner(
      {
        bus: { consume: vi.fn(consume) } as unknown as Bus,
        clock,
        log: silentLog,
        spec: this.sink.spec,
        secret: async (reference) => reference,
        command: async () => ({ code: 200, message: '', data: {} }),
        report: (report) => void this.reports.push(report),
        counted: (outcome, values) => {
          this.counts[outcome] += values;
        },
      },
      config,
      generation(1),
    );
  }

  get state(): string | undefined {
    return this.reports.at(-1)?.state;
  }

  /** Hands records over as the bus does: each time as another delivery. */
  deliver(...records: readonly InRecord[]): TestDelivery {
    const refused: { record: InRecord; diagnosis: Diagnosis }[] = [];
    const delivery: Delivery = {
      topic: 'points.updated.v1',
      partition: 0,
      records,
      flushed: () => this.flushed(),
      refuse: (record, diagnosis) => void refused.push({ record, diagnosis }),
    };
    const done = this.#handler(delivery, this.lane.signal);
    this.#under.add(done);
    done.catch(() => undefined).finally(() => this.#under.delete(done));
    return { done, refused };
  }
}

/** Lets everything happen that is due within this time. */
export function pass(ms = 0): Promise<unknown> {
  return vi.advanceTimersByTimeAsync(ms);
}

export async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const settle = () => {
    settled = true;
  };
  promise.then(settle, settle);
  await pass();
  return settled;
}
