import type { Diagnosis } from '@busbar/errors';
import type { FileTaskConfig, FileTaskHealth } from '@busbar/events';
import { keptBytes } from './quota.js';
import { nextRun } from './schedule.js';
import { Settling } from './settling.js';
import { isSameFile, type RemoteFile } from './sources/file-source.js';
import type { SpooledFile } from './spool.js';

const FIRST_RETRY_MS = 5_000;
const LAST_RETRY_MS = 5 * 60_000;
const FIRST_FILE_RETRY_MS = 60_000;
const LAST_FILE_RETRY_MS = 6 * 3_600_000;
/** A clock that is set is moved further; time servers move it by less. */
const CLOCK_STEP_MS = 60_000;

/** Doubled each time, up to the last. */
export function backOff(failures: number, firstMs: number, lastMs: number): number {
  return Math.min(lastMs, firstMs * 2 ** Math.min(failures - 1, 30));
}

interface Retry {
  readonly file: RemoteFile;
  readonly diagnosis: Diagnosis;
  readonly failures: number;
  readonly notBeforeMs: number;
}

/** What one task remembers between its runs. Times are epoch ms. */
export class TaskState {
  config: FileTaskConfig;
  readonly settling = new Settling();
  /** Why files are not collected, not moved or deleted afterwards, not delivered; null: all is well. */
  collecting: Diagnosis | null = null;
  acting: Diagnosis | null = null;
  delivering: Diagnosis | null = null;
  uploaded = 0;
  #isRunning = false;
  #isAsked = false;
  /** Somebody asked for the run that is on. */
  #isAskedFor = false;
  #lastRunAt: number | null = null;
  /** The last run was this owner's. */
  #hasRun = false;
  /** Starts by cron until then have been met. */
  #metMs: number;
  /** A point wants it to run: from the earliest change that no run followed, to the latest. */
  #startAt: number | null = null;
  #lastStartAt = 0;
  #failures = 0;
  #retryAt: number | null = null;
  #settlesAt: number | null = null;
  readonly #retries = new Map<string, Retry>();

  /** @param before what the last owner of the connection said of it. */
  constructor(config: FileTaskConfig, nowMs: number, before?: FileTaskHealth) {
    this.config = config;
    this.#lastRunAt = before?.lastRunAt ?? null;
    this.#metMs = Math.min(before?.lastRunAt ?? nowMs, nowMs);
    const isOwed = before?.state !== 'waiting' || (before.nextRunAt ?? Infinity) <= nowMs;
    const wasLeft = before !== undefined && isOwed;
    // What the point did meanwhile is not known: a run too many does no harm, nothing is sent twice.
    if (wasLeft || config.startOn) this.start(nowMs);
  }

  /** Another schedule owes nothing for the time before it. */
  adopt(config: FileTaskConfig, nowMs: number): void {
    if (config.cron !== this.config.cron) this.#metMs = nowMs;
    this.config = config;
  }

  /** Runs at that time, or as soon after it as it can; epoch ms. */
  start(atMs: number): void {
    this.#startAt = Math.min(this.#startAt ?? atMs, atMs);
    this.#lastStartAt = Math.max(this.#lastStartAt, atMs);
  }

  /** Runs as soon as it can, whatever its schedule says. */
  ask(): void {
    this.#isAsked = true;
    this.#retryAt = null;
  }

  /** When it runs next; null: only when asked. */
  nextAt(nowMs: number, timezone: string): number | null {
    if (this.#retryAt !== null) return this.#retryAt;
    if (this.#isAsked) return nowMs;
    // The clock was set back: what it had met lies in the future now.
    if (this.#metMs > nowMs + CLOCK_STEP_MS) this.#metMs = nowMs;
    const lastMs = this.#hasRun ? this.#lastRunAt : null;
    const own = nextRun(this.config, { lastMs, metMs: this.#metMs, nowMs, timezone });
    // Files that were seen moving are looked at again as soon as they may be at rest.
    const next = Math.min(own ?? Infinity, this.#settlesAt ?? Infinity, this.#startAt ?? Infinity);
    return next === Infinity ? null : next;
  }

  begin(nowMs: number): void {
    this.#isRunning = true;
    this.#isAskedFor = this.#isAsked;
    this.#isAsked = false;
    this.#settlesAt = null;
    this.#metMs = nowMs;
    if (this.#startAt !== null && this.#startAt <= nowMs)
      this.#startAt = this.#lastStartAt > nowMs ? this.#lastStartAt : null;
  }

  /** @param settlesInMs when the next file will be at rest; null: none moves. */
  ended(nowMs: number, settlesInMs: number | null, diagnosis: Diagnosis | null): void {
    this.#isRunning = false;
    this.#isAskedFor = false;
    this.#failures = 0;
    this.#retryAt = null;
    this.#lastRunAt = nowMs;
    this.#hasRun = true;
    this.#settlesAt = settlesInMs === null ? null : nowMs + Math.ceil(settlesInMs);
    // A file that waits for its next try is still not here.
    const [held] = this.#retries.values();
    this.collecting = diagnosis ?? held?.diagnosis ?? null;
  }

  /** The source cannot be worked with. */
  failed(nowMs: number, diagnosis: Diagnosis): void {
    this.stopped();
    this.#failures++;
    this.#lastRunAt = nowMs;
    this.#hasRun = true;
    this.#retryAt = nowMs + backOff(this.#failures, FIRST_RETRY_MS, LAST_RETRY_MS);
    this.collecting = diagnosis;
  }

  /** Given up for now, for a stop: the run is owed still, to whoever has the connection next. */
  stopped(): void {
    if (this.#isRunning) this.start(this.#metMs);
    this.#isRunning = false;
    this.#isAsked ||= this.#isAskedFor;
    this.#isAskedFor = false;
  }

  /** A file failed although the source works: it waits longer each time, unless it changes. */
  fileFailed(file: RemoteFile, diagnosis: Diagnosis, nowMs: number): void {
    const failures = (this.#retries.get(file.path)?.failures ?? 0) + 1;
    const notBeforeMs = nowMs + backOff(failures, FIRST_FILE_RETRY_MS, LAST_FILE_RETRY_MS);
    this.#retries.set(file.path, { file, diagnosis, failures, notBeforeMs });
  }

  /** What failed is tried without waiting any longer: one file, or all. */
  retry(path?: string): void {
    if (path === undefined) this.#retries.clear();
    else this.#retries.delete(path);
    this.ask();
  }

  fileDone({ path }: RemoteFile): void {
    this.#retries.delete(path);
  }

  mayTry(file: RemoteFile, nowMs: number): boolean {
    const retry = this.#retries.get(file.path);
    if (!retry || this.#isAskedFor || nowMs >= retry.notBeforeMs) return true;
    if (isSameFile(retry.file, file)) return false;
    this.#retries.delete(file.path);
    return true;
  }

  /** Files that are not listed any more need not be remembered. */
  listed(paths: ReadonlySet<string>): void {
    for (const path of this.#retries.keys()) if (!paths.has(path)) this.#retries.delete(path);
  }

  health(files: readonly SpooledFile[], nowMs: number, timezone: string): FileTaskHealth {
    const diagnosis = this.collecting ?? this.acting ?? this.delivering;
    const waiting = files.filter(({ whole, uploadedAt }) => whole && uploadedAt === null);
    return {
      task: this.config.id,
      state: this.#isRunning ? 'running' : diagnosis ? 'failed' : 'waiting',
      diagnosis: diagnosis && {
        code: diagnosis.code,
        params: Object.fromEntries(Object.entries(diagnosis.params).map(([name, value]) => [name, value ?? null])),
      },
      lastRunAt: this.#lastRunAt,
      nextRunAt: this.nextAt(nowMs, timezone),
      uploaded: this.uploaded,
      waiting: waiting.length,
      waitingBytes: waiting.reduce((sum, file) => sum + keptBytes(file), 0),
      keptBytes: files.reduce((sum, file) => sum + keptBytes(file), 0),
    };
  }
}
