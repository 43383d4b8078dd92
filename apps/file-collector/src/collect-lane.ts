import { type Diagnosis, isBusbarError } from '@busbar/errors';
import type { FileUploaded } from '@busbar/events';
import { AfterActs } from './after-acts.js';
import { FileLister } from './file-lister.js';
import { FileTaker } from './file-taker.js';
import { compare } from './ledger.js';
import { outdated } from './quota.js';
import { diagnosisOf, isOfFile, type RunnerParts } from './runner-parts.js';
import { SourceLink } from './source-link.js';
import { isSameFile, type RemoteFile } from './sources/file-source.js';
import type { TaskState } from './task-state.js';
import { Wakeup } from './wakeup.js';

/** The wall clock may be set meanwhile: it is looked at again. */
const LONGEST_WAIT_MS = 60_000;
/** What the source has no more, and the clouds have had for so long, is forgotten. */
const FORGET_MS = 90 * 86_400_000;

/** Collects files of all tasks of a connection, one after another: most devices take one session. */
export class CollectLane {
  readonly #parts: RunnerParts;
  readonly #wakeup: Wakeup;
  readonly #acts: AfterActs;
  readonly #taker: FileTaker;

  constructor(parts: RunnerParts, collected: () => void) {
    this.#parts = parts;
    this.#wakeup = new Wakeup(parts.pause);
    this.#acts = new AfterActs(parts);
    this.#taker = new FileTaker(parts, collected, (record) => this.uploaded(record));
  }

  wake(): void {
    this.#wakeup.wake();
  }

  /** The clouds have a file: what the task wants done with it at the source may be done. */
  uploaded(record: FileUploaded): void {
    if (record.after === 'done') return;
    this.#acts.add(record);
    this.wake();
  }

  /** Resolves when the signal aborts and nothing is under way. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const nowMs = this.#parts.clock.wallMs();
      const due = [...this.#parts.tasks.values()].filter((task) => (this.#nextAt(task) ?? Infinity) <= nowMs);
      if (due.length === 0 && !this.#acts.isDue(nowMs)) await this.#wakeup.wait(this.#waitMs(nowMs), signal);
      else await this.#session(due, signal);
    }
  }

  #nextAt(task: TaskState): number | null {
    return task.nextAt(this.#parts.clock.wallMs(), this.#parts.connection().timezone);
  }

  #waitMs(nowMs: number): number {
    const times = [...this.#parts.tasks.values()].map((task) => this.#nextAt(task) ?? Infinity);
    return Math.max(1, Math.min(LONGEST_WAIT_MS, Math.min(...times, this.#acts.dueAt()) - nowMs));
  }

  async #session(due: readonly TaskState[], signal: AbortSignal): Promise<void> {
    const link = new SourceLink((opening) => this.#parts.open(opening), signal);
    try {
      for (const task of due) {
        await this.#task(task, link, signal);
        if (signal.aborted) return;
      }
      if (this.#acts.isDue(this.#parts.clock.wallMs())) await this.#acts.perform(link, signal);
    } finally {
      await link.close();
    }
  }

  async #task(task: TaskState, link: SourceLink, signal: AbortSignal): Promise<void> {
    const { clock, log, changed } = this.#parts;
    const before = task.collecting?.code;
    task.begin(clock.wallMs());
    changed();
    try {
      const { settlesInMs, diagnosis } = await this.#runOnce(task, link, signal);
      task.ended(clock.wallMs(), settlesInMs, diagnosis);
    } catch (error) {
      await link.close();
      if (signal.aborted) task.stopped();
      else task.failed(clock.wallMs(), diagnosisOf(error, this.#parts.connection().id));
    }
    const { collecting } = task;
    const about = { connection: this.#parts.connection().id, task: task.config.id };
    if (collecting && collecting.code !== before) log.warn({ ...about, ...collecting }, 'files cannot be collected');
    if (!collecting && before !== undefined && !signal.aborted) log.info(about, 'files are collected again');
    changed();
  }

  async #runOnce(
    task: TaskState,
    link: SourceLink,
    signal: AbortSignal,
  ): Promise<{ settlesInMs: number | null; diagnosis: Diagnosis | null }> {
    const { clock, spool } = this.#parts;
    const { config } = task;
    for (const id of outdated(spool.files(config.id), clock.wallMs(), config.keep)) await spool.drop(id);
    const lister = new FileLister(config, clock.wallMs(), this.#parts.connection().timezone);
    const { all, groups, diagnosis: ofFolders } = await lister.list(await link.source(), signal);
    const { settled, nextMs } = task.settling.look(all, config.settledMs, clock.monotonicMs());
    const paths = new Set(all.map(({ path }) => path));
    task.listed(paths);
    await this.#forget(config.id, paths);
    let diagnosis: Diagnosis | null = ofFolders;
    let isMoving = false;
    for (const group of groups) {
      if (!group.every(({ path }) => settled.has(path))) continue;
      for (const file of group) {
        if (!this.#isWanted(task, file)) continue;
        try {
          await this.#taker.take(task, file, link);
          task.fileDone(file);
        } catch (error) {
          const failure = this.#fileFailed(task, file, error);
          diagnosis ??= failure;
          if (failure.code === 'FILE_CHANGED') isMoving = true;
          // Without room for this one, a smaller one must not overtake it for ever.
          if (failure.code === 'FILE_SPOOL_FULL') return { settlesInMs: nextMs, diagnosis: failure };
        }
      }
    }
    const againMs = isMoving ? config.settledMs : null;
    return { settlesInMs: nextMs === null ? againMs : Math.min(nextMs, againMs ?? nextMs), diagnosis };
  }

  /** Not with the clouds, not here already, and not one that just failed. */
  #isWanted(task: TaskState, file: RemoteFile): boolean {
    const { ledger, spool, clock } = this.#parts;
    const record = ledger.get(task.config.id, file.path);
    if (record && compare(record, file) === 'same') {
      if (record.after === 'pending') this.#acts.add(record);
      return false;
    }
    const isHere = spool
      .files(task.config.id)
      .some((one) => one.whole && one.uploadedAt === null && isSameFile(one.file, file));
    return !isHere && task.mayTry(file, clock.wallMs());
  }

  #fileFailed(task: TaskState, file: RemoteFile, error: unknown): Diagnosis {
    if (!isBusbarError(error)) throw error;
    const isFull = error.code === 'FILE_SPOOL_FULL';
    if (!isFull && !isOfFile(error)) throw error;
    const { diagnosis } = error;
    if (error.code === 'FILE_CHANGED') task.settling.forget(file.path);
    else if (!isFull) task.fileFailed(file, diagnosis, this.#parts.clock.wallMs());
    this.#parts.news.tell({
      task: task.config.id,
      file: file.path,
      state: 'failed',
      size: file.size,
      bytes: 0,
      diagnosis: {
        code: diagnosis.code,
        params: Object.fromEntries(Object.entries(diagnosis.params).map(([name, value]) => [name, value ?? null])),
      },
    });
    return diagnosis;
  }

  async #forget(task: string, listed: ReadonlySet<string>): Promise<void> {
    const { ledger, news, clock } = this.#parts;
    const old = [...ledger.of(task)].filter(
      ({ file, uploadedAt }) => !listed.has(file) && clock.wallMs() - uploadedAt > FORGET_MS,
    );
    for (const record of old) {
      news.forget(task, record.file);
      await ledger.forget(record);
    }
  }
}
