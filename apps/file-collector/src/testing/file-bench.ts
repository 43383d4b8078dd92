import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bus, InRecord, OutRecord } from '@busbar/bus';
import { BusbarError } from '@busbar/errors';
import { decodeJson, type FileCollected, type FileConnectionConfig, type FileTaskConfig } from '@busbar/events';
import { type ConnectionReport, createLogger } from '@busbar/service-kit';
import { vi } from 'vitest';
import type { Delivered, FileDelivery } from '../delivery.js';
import { FileRunner } from '../file-runner.js';
import { Ledger } from '../ledger.js';
import { FakeDevice } from './fake-source.js';

export const START_MS = Date.parse('2026-03-04T12:00:00Z');

export function task(change: Partial<FileTaskConfig> = {}): FileTaskConfig {
  return {
    id: 't',
    title: 't',
    path: '/r',
    match: ['*'],
    backMs: 0,
    sets: 'none',
    everyMs: 60_000,
    window: null,
    settledMs: 0,
    limit: null,
    after: { act: 'keep' },
    to: { asset: 'a', point: 'P' },
    keep: { ms: 86_400_000, bytes: 1_000 },
    ...change,
  };
}

/** Tables and publications, nothing durable. */
export class FakeBus {
  readonly tables = new Map<string, Map<string, InRecord>>();
  readonly collected: FileCollected[] = [];
  readonly #listeners = new Map<string, Set<(record: InRecord) => void>>();

  get bus(): Bus {
    return this as unknown as Bus;
  }

  async publish(records: readonly OutRecord[]): Promise<void> {
    for (const { topic, key, value } of records) {
      if (topic === 'files.collected.v1' && value) this.collected.push(decodeJson(topic, value));
      const record: InRecord = { topic, key, value, object: undefined, partition: 0, offset: 0, timestampMs: 0 };
      const table = this.#table(topic);
      if (value) table.set(key, record);
      else table.delete(key);
      for (const listener of this.#listeners.get(topic) ?? []) listener(record);
    }
  }

  table(topic: string) {
    const table = this.#table(topic);
    const listeners = this.#listeners.get(topic) ?? new Set();
    this.#listeners.set(topic, listeners);
    return {
      ready: Promise.resolve(),
      get: (key: string) => table.get(key),
      entries: () => table.entries(),
      onChange: (listener: (record: InRecord) => void) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
      stop: async () => undefined,
    };
  }

  #table(topic: string): Map<string, InRecord> {
    const table = this.tables.get(topic) ?? new Map();
    this.tables.set(topic, table);
    return table;
  }
}

/** A cloud in memory. */
export class FakeCloud implements FileDelivery {
  /** `name: content` in the order in which they came. */
  readonly got: string[] = [];
  readonly times: number[] = [];
  isAway = false;
  readonly refused = new Set<string>();
  sinks: readonly string[] = ['cloud'];

  sinksOf(): readonly string[] {
    return this.sinks;
  }

  async send({ sink, content }: Delivered): Promise<{ uri: string | null }> {
    if (this.isAway) throw new BusbarError('CONNECTION_REFUSED', { target: sink });
    if (this.refused.has(content.name)) {
      throw new BusbarError('FILE_REFUSED', { target: sink, file: content.name, reason: 'no' });
    }
    const chunks: Uint8Array[] = [];
    for await (const chunk of content.read()) chunks.push(chunk);
    this.got.push(`${content.name}: ${Buffer.concat(chunks).toString()}`);
    this.times.push(content.timeMs);
    return { uri: `uri-${this.got.length}` };
  }
}

interface Wait {
  readonly atMs: number;
  done(): void;
}

/** One connection with a device, a cloud and a clock of the test's own. */
export class FileBench {
  readonly folder = mkdtempSync(join(tmpdir(), 'busbar-file-bench-'));
  readonly device = new FakeDevice();
  readonly cloud = new FakeCloud();
  readonly bus = new FakeBus();
  readonly ledger = new Ledger(this.bus.bus);
  readonly counted: string[] = [];
  report: ConnectionReport | null = null;
  before: NonNullable<ConnectionReport['files']> = [];
  runner: FileRunner;
  nowMs = START_MS;
  readonly #waits = new Set<Wait>();

  constructor(...tasks: FileTaskConfig[]) {
    this.runner = this.#runner(connection(tasks), 'spool');
  }

  /** Another process takes over: with the same disk, or with one of its own. */
  restart(tasks: readonly FileTaskConfig[], spool = 'spool'): void {
    this.before = this.report?.files ?? [];
    this.runner = this.#runner(connection(tasks), spool);
    this.runner.start();
  }

  apply(...tasks: FileTaskConfig[]): void {
    this.runner.apply(connection(tasks));
  }

  /** Both lanes wait for something. */
  async idle(): Promise<void> {
    await vi.waitUntil(() => this.#waits.size >= 2, { timeout: 10_000, interval: 1 });
  }

  /** Lets time pass, stopping where somebody wakes; then all that follows from it. */
  async pass(ms: number): Promise<void> {
    const end = this.nowMs + ms;
    for (;;) {
      await this.idle();
      const next = Math.min(...[...this.#waits].map(({ atMs }) => atMs));
      if (next > end) break;
      this.nowMs = Math.max(this.nowMs, next);
      for (const wait of [...this.#waits]) if (wait.atMs <= this.nowMs) wait.done();
    }
    this.nowMs = end;
  }

  diagnosis(): string | undefined {
    return this.report?.diagnosis?.code;
  }

  async stop(): Promise<void> {
    await this.runner.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  pause(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (act: () => void): void => {
        this.#waits.delete(wait);
        signal.removeEventListener('abort', onAbort);
        act();
      };
      const onAbort = (): void => end(() => reject(new Error('aborted')));
      const wait: Wait = { atMs: this.nowMs + ms, done: () => end(resolve) };
      if (signal.aborted) return reject(new Error('aborted'));
      signal.addEventListener('abort', onAbort, { once: true });
      this.#waits.add(wait);
    });
  }

  #runner(config: FileConnectionConfig, spool: string): FileRunner {
    return new FileRunner(
      {
        bus: this.bus.bus,
        clock: { monotonicMs: () => this.nowMs, wallMs: () => this.nowMs },
        log: createLogger('file-collector', 'silent'),
        pause: (ms, signal) => this.pause(ms, signal),
        ledger: this.ledger,
        delivery: this.cloud,
        folder: join(this.folder, spool),
        before: this.before,
        open: () => this.device.open(),
        report: (report) => {
          this.report = report;
        },
        counted: (counter) => this.counted.push(counter),
      },
      config,
    );
  }
}

function connection(tasks: readonly FileTaskConfig[]): FileConnectionConfig {
  return {
    kind: 'file',
    id: 'c',
    title: 'c',
    readOnly: false,
    with: { protocol: 'http', url: 'http://fake', timeoutMs: 1_000 },
    site: 's',
    timezone: 'UTC',
    tasks: [...tasks],
  };
}
