import type { Bus } from '@busbar/bus';
import { encodeJson, type FileCollected } from '@busbar/events';
import type { Clock } from '@busbar/model';
import type { Logger } from '@busbar/service-kit';

/** Progress of one file is told at most this often. */
const PERIOD_MS = 1_000;

export type News = Omit<FileCollected, 'at' | 'connection' | 'diagnosis'> & Partial<Pick<FileCollected, 'diagnosis'>>;

/** Tells how far files are: every change of state, and progress once a second. */
export class FileNews {
  readonly #parts: { readonly bus: Bus; readonly clock: Clock; readonly log: Logger };
  readonly #connection: string;
  readonly #told = new Map<
    string,
    { readonly state: string; readonly code: string | undefined; readonly atMs: number }
  >();

  constructor(parts: { readonly bus: Bus; readonly clock: Clock; readonly log: Logger }, connection: string) {
    this.#parts = parts;
    this.#connection = connection;
  }

  tell(news: News): void {
    const { bus, clock, log } = this.#parts;
    const key = `${news.task}/${news.file}`;
    const before = this.#told.get(key);
    const code = news.diagnosis?.code;
    const atMs = clock.monotonicMs();
    const isSame = before?.state === news.state && before.code === code;
    // A file that goes on failing in the same way says so once.
    if (isSame && (news.state === 'failed' || atMs - before.atMs < PERIOD_MS)) return;
    this.#told.set(key, { state: news.state, code, atMs });
    if (news.state === 'uploaded') this.#told.delete(key);
    const record: FileCollected = { diagnosis: null, ...news, connection: this.#connection, at: clock.wallMs() };
    const value = encodeJson('files.collected.v1', record);
    bus.publish([{ topic: 'files.collected.v1', key: news.task, value }]).catch((error: unknown) => {
      log.warn({ err: error, connection: this.#connection }, 'progress of a file was not published');
    });
  }

  /** The source has it no more. */
  forget(task: string, file: string): void {
    this.#told.delete(`${task}/${file}`);
  }
}
