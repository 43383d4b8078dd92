import { join } from 'node:path';
import type { Bus } from '@busbar/bus';
import { type Diagnosis, isBusbarError } from '@busbar/errors';
import type { FileConnectionConfig, FileRequested, FileTaskHealth } from '@busbar/events';
import type { Clock } from '@busbar/model';
import type { ConnectionReport, Logger } from '@busbar/service-kit';
import { CollectLane } from './collect-lane.js';
import { DeliverLane } from './deliver-lane.js';
import type { FileDelivery } from './delivery.js';
import { FileNews } from './file-news.js';
import type { Ledger } from './ledger.js';
import type { RunnerParts } from './runner-parts.js';
import type { FileSource } from './sources/file-source.js';
import { Spool } from './spool.js';
import { backOff, TaskState } from './task-state.js';
import type { Pause } from './throttle.js';

const SPOOL_RETRY_MS = 5_000;
const LAST_SPOOL_RETRY_MS = 60_000;

export interface FileRunnerParts {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly log: Logger;
  readonly pause: Pause;
  readonly ledger: Ledger;
  readonly delivery: FileDelivery;
  /** Folder of all spools. */
  readonly folder: string;
  /** What the last owner of the connection said of its tasks. */
  readonly before: readonly FileTaskHealth[];
  open(config: FileConnectionConfig, signal: AbortSignal): Promise<FileSource>;
  report(report: ConnectionReport): void;
  counted(counter: 'collected' | 'uploaded' | 'refused', bytes: number): void;
}

/** One file connection: its tasks, its spool, the lane that collects and the one that delivers. */
export class FileRunner {
  readonly #parts: FileRunnerParts;
  readonly #stopping = new AbortController();
  readonly #tasks = new Map<string, TaskState>();
  readonly #news: FileNews;
  #connection: FileConnectionConfig;
  #spool: Spool | null = null;
  #collect: CollectLane | null = null;
  #deliver: DeliverLane | null = null;
  #running: Promise<void> = Promise.resolve();
  #state: ConnectionReport['state'] = 'starting';
  #since: number;
  #broken: Diagnosis | null = null;
  #isAdopted = false;

  constructor(parts: FileRunnerParts, connection: FileConnectionConfig) {
    this.#parts = parts;
    this.#connection = connection;
    this.#since = parts.clock.wallMs();
    this.#news = new FileNews(parts, connection.id);
    this.#adopt(connection);
  }

  start(): void {
    this.#running = this.#run().catch((error: unknown) => {
      this.#parts.log.error({ err: error, connection: this.#connection.id }, 'files are not collected any more');
    });
  }

  /** What is under way goes on; the next session takes the new configuration. */
  apply(connection: FileConnectionConfig): void {
    this.#adopt(connection);
    this.#collect?.wake();
    this.#deliver?.retryAll();
    this.#tell();
  }

  /** A point wants a task to run, at once or when its delay is over. */
  startTask(id: string): void {
    const task = this.#tasks.get(id);
    if (!task?.config.startOn) return;
    task.start(this.#parts.clock.wallMs() + task.config.startOn.delayMs);
    this.#collect?.wake();
    this.#tell();
  }

  /** Somebody wants files now, what failed tried again, or one delivered again. */
  request({ id, task: taskId, act, file }: FileRequested): void {
    const task = this.#tasks.get(taskId);
    if (!task) return;
    if (act !== 'deliver') {
      if (act === 'retry') {
        task.retry(file);
        this.#deliver?.retryAll();
      } else task.ask();
      this.#collect?.wake();
      return;
    }
    const found = this.#spool?.files(taskId).findLast((one) => one.file.path === file && one.whole);
    if (!found) {
      const diagnosis = { code: 'FILE_SPOOL_GONE', params: { file: file ?? '', task: taskId } };
      this.#news.tell({ task: taskId, file: file ?? '', state: 'failed', size: null, bytes: 0, diagnosis });
      return;
    }
    this.#spool?.again(found.id).then(
      () => this.#deliver?.wake(),
      (error: unknown) => this.#parts.log.warn({ err: error, request: id }, 'a file cannot be delivered again'),
    );
  }

  /** Gives up what is under way; it goes on from there when somebody takes the connection. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    await this.#spool?.close();
    this.#spool = null;
  }

  #adopt(connection: FileConnectionConfig): void {
    this.#connection = connection;
    const nowMs = this.#parts.clock.wallMs();
    const ids = new Set(connection.tasks.map(({ id }) => id));
    for (const id of this.#tasks.keys()) if (!ids.has(id)) this.#tasks.delete(id);
    for (const task of connection.tasks) {
      const known = this.#tasks.get(task.id);
      const before = this.#isAdopted ? undefined : this.#parts.before.find((one) => one.task === task.id);
      if (known) known.adopt(task, nowMs);
      else this.#tasks.set(task.id, new TaskState(task, nowMs, before));
    }
    this.#isAdopted = true;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    const spool = await this.#openSpool(signal);
    if (!spool) return;
    const { clock, log, pause, ledger, delivery } = this.#parts;
    const shared: RunnerParts = {
      clock,
      log,
      pause,
      spool,
      ledger,
      delivery,
      news: this.#news,
      tasks: this.#tasks,
      connection: () => this.#connection,
      open: (opening) => this.#parts.open(this.#connection, opening),
      changed: () => this.#tell(),
      counted: (counter, bytes) => this.#parts.counted(counter, bytes),
    };
    const deliver = new DeliverLane(shared, (record) => collect.uploaded(record));
    const collect = new CollectLane(shared, () => deliver.wake());
    this.#collect = collect;
    this.#deliver = deliver;
    this.#tell();
    await Promise.all([collect, deliver].map((lane) => this.#keepRunning(lane, signal)));
  }

  /** A failure that no lane foresaw, of the disk or the bus, must not end it. */
  async #keepRunning(lane: { run(signal: AbortSignal): Promise<void> }, signal: AbortSignal): Promise<void> {
    for (let failures = 0; !signal.aborted; ) {
      try {
        await lane.run(signal);
      } catch (error) {
        if (signal.aborted) return;
        failures++;
        this.#parts.log.error({ err: error, connection: this.#connection.id }, 'file collection failed, and goes on');
        const waitMs = backOff(failures, SPOOL_RETRY_MS, LAST_SPOOL_RETRY_MS);
        await this.#parts.pause(waitMs, signal).catch(() => undefined);
      }
    }
  }

  async #openSpool(signal: AbortSignal): Promise<Spool | null> {
    const { folder, log, pause } = this.#parts;
    const { id } = this.#connection;
    for (let failures = 1; !signal.aborted; failures++) {
      try {
        const { spool, damaged } = await Spool.open(join(folder, id), id);
        if (damaged > 0)
          log.warn({ connection: id, damaged }, 'lines of the journal of files were damaged and left out');
        this.#spool = spool;
        this.#broken = null;
        return spool;
      } catch (error) {
        this.#broken = isBusbarError(error) ? error.diagnosis : null;
        log.warn({ err: error, connection: id }, 'the spool of files cannot be opened');
        this.#tell();
        await pause(backOff(failures, SPOOL_RETRY_MS, LAST_SPOOL_RETRY_MS), signal).catch(() => undefined);
      }
    }
    return null;
  }

  #tell(): void {
    const { clock } = this.#parts;
    const nowMs = clock.wallMs();
    const files = [...this.#tasks.values()].map((task) =>
      task.health(this.#spool?.files(task.config.id) ?? [], nowMs, this.#connection.timezone),
    );
    const found = files.find(({ diagnosis }) => diagnosis)?.diagnosis ?? null;
    const diagnosis = this.#broken ? plain(this.#broken) : found;
    const state = diagnosis ? 'degraded' : this.#spool ? 'active' : 'starting';
    if (state !== this.#state) {
      this.#state = state;
      this.#since = nowMs;
    }
    this.#parts.report({ state, since: this.#since, diagnosis, scanLoad: null, devices: [], sink: null, files });
  }
}

function plain({ code, params }: Diagnosis): NonNullable<ConnectionReport['diagnosis']> {
  return { code, params: Object.fromEntries(Object.entries(params).map(([name, value]) => [name, value ?? null])) };
}
