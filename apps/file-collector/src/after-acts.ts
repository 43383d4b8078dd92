import { BusbarError, isBusbarError } from '@busbar/errors';
import type { FileUploaded } from '@busbar/events';
import { compare } from './ledger.js';
import type { RunnerParts } from './runner-parts.js';
import type { SourceLink } from './source-link.js';
import type { RemoteFile } from './sources/file-source.js';
import type { TaskState } from './task-state.js';

const RETRY_MS = 60_000;

/** Moves and deletes files at the source, each only once the clouds have acknowledged what is there now. */
export class AfterActs {
  readonly #parts: RunnerParts;
  readonly #waiting = new Map<string, FileUploaded>();
  #notBeforeMs = 0;

  constructor(parts: RunnerParts) {
    this.#parts = parts;
  }

  add(record: FileUploaded): void {
    const key = `${record.task}/${record.file}`;
    if (!this.#waiting.has(key)) this.#waiting.set(key, record);
  }

  /** Epoch ms. */
  dueAt(): number {
    return this.#waiting.size === 0 ? Number.POSITIVE_INFINITY : this.#notBeforeMs;
  }

  isDue(nowMs: number): boolean {
    return this.dueAt() <= nowMs;
  }

  async perform(link: SourceLink, signal: AbortSignal): Promise<void> {
    for (const [key, record] of this.#waiting) {
      if (signal.aborted) return;
      const task = this.#parts.tasks.get(record.task);
      if (!task || task.config.after.act === 'keep') {
        this.#waiting.delete(key);
        continue;
      }
      try {
        await this.#act(task, record, link, signal);
        this.#waiting.delete(key);
        task.acting = null;
      } catch (error) {
        await link.close();
        this.#notBeforeMs = this.#parts.clock.wallMs() + RETRY_MS;
        if (signal.aborted) return;
        this.#failed(task, record, error);
        // A source that is away is away for the others too.
        if (isBusbarError(error) && error.code.startsWith('CONNECTION_')) return;
      }
    }
  }

  async #act({ config }: TaskState, record: FileUploaded, link: SourceLink, signal: AbortSignal): Promise<void> {
    const source = await link.source();
    const { file: path, size, modifiedAt: modifiedMs, tag } = record;
    const file: RemoteFile = { path, name: path.slice(path.lastIndexOf('/') + 1), size, modifiedMs, tag };
    const now = await source.stat(file, signal);
    // Changed meanwhile: this is another file, which the clouds do not have.
    if (now && compare(record, now) !== 'same') return;
    if (now && config.after.act === 'delete') await source.remove(file);
    if (now && config.after.act === 'move') await source.move(file, config.after.folder);
    await this.#parts.ledger.put({ ...record, after: 'done' });
  }

  #failed(task: TaskState, { file }: FileUploaded, error: unknown): void {
    const { log, connection, changed } = this.#parts;
    const { id, with: source } = connection();
    const reason = error instanceof Error ? error.message : String(error);
    const { act } = task.config.after;
    const failure = isBusbarError(error)
      ? error
      : new BusbarError('FILE_ACT', { file, target: source.protocol, act, reason });
    if (task.acting?.code !== failure.code)
      log.warn({ connection: id, task: task.config.id, err: failure }, 'a file stays at its source');
    task.acting = failure.diagnosis;
    changed();
  }
}
