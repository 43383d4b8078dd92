import { BusbarError, isBusbarError } from '@busbar/errors';
import type { FileUploaded } from '@busbar/events';
import { diagnosisOf, type RunnerParts } from './runner-parts.js';
import { digestFile, type SpooledFile } from './spool.js';
import { backOff } from './task-state.js';
import { Wakeup } from './wakeup.js';

const LONGEST_WAIT_MS = 60_000;
const FIRST_SINK_RETRY_MS = 1_000;
const LAST_SINK_RETRY_MS = 60_000;
const FIRST_FILE_RETRY_MS = 60_000;
const LAST_FILE_RETRY_MS = 3_600_000;

type WholeFile = SpooledFile & { readonly whole: NonNullable<SpooledFile['whole']> };

interface Retry {
  readonly failures: number;
  /** Monotonic ms. */
  readonly notBeforeMs: number;
}

/** Brings the files that are here to every sink that takes them, the oldest first; one that is refused lets others pass. */
export class DeliverLane {
  readonly #parts: RunnerParts;
  readonly #wakeup: Wakeup;
  readonly #uploaded: (record: FileUploaded) => void;
  readonly #sinks = new Map<string, Retry>();
  /** Refused by a sink: by file and sink. */
  readonly #refused = new Map<string, Retry>();

  constructor(parts: RunnerParts, uploaded: (record: FileUploaded) => void) {
    this.#parts = parts;
    this.#wakeup = new Wakeup(parts.pause);
    this.#uploaded = uploaded;
  }

  wake(): void {
    this.#wakeup.wake();
  }

  /** The configuration is another: what was refused or away may go now. */
  retryAll(): void {
    this.#sinks.clear();
    this.#refused.clear();
    this.wake();
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      let waitMs = LONGEST_WAIT_MS;
      let isIdle = true;
      for (const file of this.#waiting()) {
        if (signal.aborted) return;
        const leftMs = await this.#advance(file, signal);
        if (leftMs === 0) isIdle = false;
        else waitMs = Math.min(waitMs, leftMs);
        if (!isIdle) break;
      }
      if (isIdle) await this.#wakeup.wait(waitMs, signal);
    }
  }

  #waiting(): WholeFile[] {
    const isWaiting = (file: SpooledFile): file is WholeFile => file.whole !== null && file.uploadedAt === null;
    return this.#parts.spool
      .files()
      .filter(isWaiting)
      .sort((a, b) => a.whole.timeMs - b.whole.timeMs);
  }

  /** 0: something was done; else in how many ms something may be. */
  async #advance(file: WholeFile, signal: AbortSignal): Promise<number> {
    const { clock, delivery, tasks } = this.#parts;
    const task = tasks.get(file.task);
    const record = this.#parts.ledger.get(file.task, file.file.path);
    // Another owner of the connection brought it there meanwhile.
    if (!file.isAgain && record?.sha256 === file.whole.sha256) {
      await this.#parts.spool.uploaded(file.id, record.uploadedAt);
      return 0;
    }
    const sinks = delivery.sinksOf(file.to);
    if (sinks.length === 0) {
      if (task) task.delivering = { code: 'FILE_NO_TARGET', params: { point: `${file.to.asset}/${file.to.point}` } };
      this.#parts.changed();
      return LONGEST_WAIT_MS;
    }
    const left = sinks.filter((sink) => !file.sinks.some((one) => one.sink === sink));
    if (left.length === 0) {
      await this.#complete(file);
      return 0;
    }
    const now = clock.monotonicMs();
    let waitMs = LONGEST_WAIT_MS;
    for (const sink of left) {
      const notBefore = [this.#sinks.get(sink), this.#refused.get(`${file.id} ${sink}`)].map(
        (one) => one?.notBeforeMs ?? now,
      );
      const until = Math.max(...notBefore) - now;
      if (until <= 0) {
        await this.#send(file, sink, signal);
        return 0;
      }
      waitMs = Math.min(waitMs, until);
    }
    return waitMs;
  }

  async #send(file: WholeFile, sink: string, signal: AbortSignal): Promise<void> {
    const { delivery, spool, news, tasks, counted, changed } = this.#parts;
    const { whole, to } = file;
    const about = { task: file.task, file: file.file.path, size: whole.size, sha256: whole.sha256, sink };
    const { size, sha256, md5, timeMs } = whole;
    const content = { name: file.file.name, size, sha256, md5, timeMs, read: () => spool.read(file.id) };
    const task = tasks.get(file.task);
    news.tell({ ...about, state: 'uploading', bytes: 0 });
    try {
      const progress = (bytes: number) => news.tell({ ...about, state: 'uploading', bytes });
      const { uri } = await delivery.send({ sink, to, content }, progress, signal);
      await spool.sent(file.id, sink, uri);
      this.#sinks.delete(sink);
      if (task) task.delivering = null;
    } catch (error) {
      if (signal.aborted) return;
      const isRefused = isBusbarError(error) && error.code === 'FILE_REFUSED';
      if (!(await this.#isSound(file, isRefused || !isBusbarError(error), signal))) return;
      if (isRefused) counted('refused', size);
      this.#failed(isRefused ? this.#refused : this.#sinks, isRefused ? `${file.id} ${sink}` : sink, isRefused);
      const diagnosis = diagnosisOf(error, sink);
      const params = Object.fromEntries(Object.entries(diagnosis.params).map(([name, value]) => [name, value ?? null]));
      news.tell({ ...about, state: 'failed', bytes: 0, diagnosis: { code: diagnosis.code, params } });
      if (task && task.delivering?.code !== diagnosis.code) {
        this.#parts.log.warn({ task: file.task, sink, ...diagnosis }, 'files cannot be delivered');
      }
      if (task) task.delivering = diagnosis;
    }
    changed();
  }

  #failed(retries: Map<string, Retry>, key: string, isRefused: boolean): void {
    const failures = (retries.get(key)?.failures ?? 0) + 1;
    const ms = isRefused
      ? backOff(failures, FIRST_FILE_RETRY_MS, LAST_FILE_RETRY_MS)
      : backOff(failures, FIRST_SINK_RETRY_MS, LAST_SINK_RETRY_MS);
    retries.set(key, { failures, notBeforeMs: this.#parts.clock.monotonicMs() + ms });
  }

  /** Is the content still what was collected, by its length, in doubt by its digest? If not it goes, and is collected anew. */
  async #isSound(file: WholeFile, isInDoubt: boolean, signal: AbortSignal): Promise<boolean> {
    const { spool, tasks, log, changed } = this.#parts;
    const { size, sha256 } = file.whole;
    const isThere = (await spool.contentSize(file.id)) === size;
    if (isThere && !isInDoubt) return true;
    const digest = isThere ? await digestFile(spool.contentPath(file.id), signal).catch(() => null) : null;
    if (digest?.sha256 === sha256) return true;
    if (signal.aborted) return false;
    await spool.drop(file.id);
    const error = new BusbarError('FILE_SPOOL_DAMAGED', { file: file.file.path });
    log.warn({ task: file.task, err: error }, 'a file is collected anew');
    const task = tasks.get(file.task);
    if (task) task.delivering = error.diagnosis;
    task?.ask();
    changed();
    return false;
  }

  async #complete(file: WholeFile): Promise<void> {
    const { spool, ledger, news, tasks, clock, connection, counted, changed } = this.#parts;
    const { task: id, file: remote, whole, sinks } = file;
    const task = tasks.get(id);
    const record: FileUploaded = {
      connection: connection().id,
      task: id,
      file: remote.path,
      size: whole.size,
      modifiedAt: remote.modifiedMs,
      tag: remote.tag,
      sha256: whole.sha256,
      collectedAt: whole.collectedAt,
      uploadedAt: clock.wallMs(),
      sinks: [...sinks],
      after: !task || task.config.after.act === 'keep' ? 'done' : 'pending',
    };
    await ledger.put(record);
    await spool.uploaded(file.id, record.uploadedAt);
    for (const key of this.#refused.keys()) if (key.startsWith(`${file.id} `)) this.#refused.delete(key);
    news.tell({
      task: id,
      file: remote.path,
      state: 'uploaded',
      size: whole.size,
      bytes: whole.size,
      sha256: whole.sha256,
    });
    if (task) task.uploaded++;
    counted('uploaded', whole.size);
    changed();
    this.#uploaded(record);
  }
}
