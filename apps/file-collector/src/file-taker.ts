import { BusbarError, isBusbarError } from '@busbar/errors';
import type { FileUploaded } from '@busbar/events';
import { makeRoom } from './quota.js';
import type { RunnerParts } from './runner-parts.js';
import type { SourceLink } from './source-link.js';
import type { RemoteFile } from './sources/file-source.js';
import type { SpooledFile } from './spool.js';
import type { TaskState } from './task-state.js';
import { Throttle } from './throttle.js';
import { transfer } from './transfer.js';

/** A link that breaks again without having brought anything is given up for this run. */
const FIRST_RETRY_MS = 500;

/** Brings single files of a task here, and knows them again by their digest. */
export class FileTaker {
  readonly #parts: RunnerParts;
  readonly #collected: () => void;
  readonly #known: (record: FileUploaded) => void;
  #lastTimeMs: number;

  /** @param collected a file waits for the clouds. @param known a file is one that they have. */
  constructor(parts: RunnerParts, collected: () => void, known: (record: FileUploaded) => void) {
    this.#parts = parts;
    this.#collected = collected;
    this.#known = known;
    const times = parts.spool.files().map(({ whole }) => whole?.timeMs ?? 0);
    this.#lastTimeMs = Math.max(parts.ledger.lastTimeMs(), ...times);
  }

  /** Throws FILE_*, CONNECTION_*; a broken transfer goes on from where it was, at once as long as that helps. */
  async take(task: TaskState, file: RemoteFile, link: SourceLink): Promise<void> {
    const { spool } = this.#parts;
    const { config } = task;
    const begun = spool.files(config.id).find((one) => !one.whole && one.file.path === file.path);
    const others = spool.files(config.id).filter((one) => one !== begun);
    const room = makeRoom(others, file.size ?? 0, config.keep);
    const about = { task: config.id, file: file.path, size: file.size ?? 0, limit: config.keep.bytes };
    if (room.kind === 'too-large') throw new BusbarError('FILE_TOO_LARGE', about);
    if (room.kind === 'full') throw new BusbarError('FILE_SPOOL_FULL', { ...about, waiting: room.waitingBytes });
    for (const id of room.drop) await spool.drop(id);
    const entry = begun ?? (await spool.begin(config, file));
    try {
      await this.#transfer(task, entry, file, link);
    } catch (error) {
      // Nothing came of it: an entry for it would only reserve room.
      if (isBusbarError(error) && /^FILE_(DENIED|GONE|TOO_LARGE)$/.test(error.code)) await spool.drop(entry.id);
      throw error;
    }
    await this.#compare(task, entry.id);
  }

  async #transfer(task: TaskState, entry: SpooledFile, file: RemoteFile, link: SourceLink): Promise<void> {
    const { spool, clock, pause, news } = this.#parts;
    const { signal } = link;
    const { id: taskId, keep, limit } = task.config;
    const throttle = new Throttle(limit, clock, pause);
    let best = 0;
    let bytes = 0;
    const progress = (now: number): void => {
      bytes = now;
      if (file.size === null && now > keep.bytes) {
        throw new BusbarError('FILE_TOO_LARGE', { task: taskId, file: file.path, size: now, limit: keep.bytes });
      }
      news.tell({ task: taskId, file: file.path, state: 'collecting', size: file.size, bytes: now });
    };
    for (let retry = 0; ; ) {
      try {
        const parts = { connection: this.#parts.connection().id, spool, throttle, progress };
        const source = await link.source();
        const stat = async (now: RemoteFile) => (await link.source()).stat(now, signal);
        const current = spool.get(entry.id) ?? entry;
        await transfer({ ...parts, source, stat, signal, timeMs: () => this.#nextTimeMs() }, current, file);
        return;
      } catch (error) {
        await link.close();
        const isLost = isBusbarError(error) && /^CONNECTION_(LOST|TIMEOUT)$/.test(error.code);
        if (!isLost || signal.aborted || bytes <= best) throw error;
        best = bytes;
        retry = Math.min(retry + 1, 6);
        await pause(FIRST_RETRY_MS * 2 ** (retry - 1), signal);
      }
    }
  }

  /** No two values of a point have one time: one would take the place of the other. */
  #nextTimeMs(): number {
    this.#lastTimeMs = Math.max(this.#parts.clock.wallMs(), this.#lastTimeMs + 1);
    return this.#lastTimeMs;
  }

  /** A file that was only touched, or copied back, is not sent again. */
  async #compare(task: TaskState, id: number): Promise<void> {
    const { spool, ledger, news, counted } = this.#parts;
    const entry = spool.get(id);
    if (!entry?.whole) return;
    const { file, whole } = entry;
    counted('collected', whole.size);
    const about = { task: task.config.id, file: file.path, size: whole.size, bytes: whole.size, sha256: whole.sha256 };
    const record = ledger.get(task.config.id, file.path);
    if (record?.sha256 === whole.sha256) {
      const after = task.config.after.act === 'keep' ? 'done' : 'pending';
      const now = { ...record, size: whole.size, modifiedAt: file.modifiedMs, tag: file.tag, after } as const;
      await ledger.put(now);
      await spool.drop(id);
      news.tell({ ...about, state: 'uploaded' });
      this.#known(now);
      return;
    }
    const isTwin = spool
      .files(task.config.id)
      .some(
        (one) => one.id !== id && one.file.path === file.path && !one.uploadedAt && one.whole?.sha256 === whole.sha256,
      );
    if (isTwin) await spool.drop(id);
    else news.tell({ ...about, state: 'collected' });
    this.#collected();
  }
}
