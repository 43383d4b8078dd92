import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { BusbarError } from '@busbar/errors';
import type { FileTaskConfig } from '@busbar/events';
import { Journal, syncFolder } from './journal.js';
import type { RemoteFile } from './sources/file-source.js';

/** What is known of a file whose content is here, or begins to be. */
export interface SpooledFile {
  readonly id: number;
  readonly task: string;
  /** Point that it becomes a value of: it is delivered also when its task is no more. */
  readonly to: FileTaskConfig['to'];
  readonly file: RemoteFile;
  /** Octets whose flush is certain; the rest of a part that a crash left is not trusted. */
  readonly partBytes: number;
  /** Set once the content is whole. */
  readonly whole: {
    readonly size: number;
    readonly sha256: string;
    readonly md5: string;
    readonly collectedAt: number;
    /** Time of the value, each file of a task another. */
    readonly timeMs: number;
  } | null;
  /** Sinks that have it, with what they call it. */
  readonly sinks: readonly { readonly sink: string; readonly uri: string | null }[];
  /** Epoch ms at which every sink had it. */
  readonly uploadedAt: number | null;
  /** Somebody wants it delivered although the clouds have it. */
  readonly isAgain: boolean;
}

type Entry = { readonly set: SpooledFile } | { readonly drop: number };

/** An entry's content on disk: what comes in goes here first. */
export interface PartFile {
  readonly handle: FileHandle;
  /** Octets that are in it. */
  readonly bytes: number;
}

const COMPACT_AT = 2_000;
const READ_BYTES = 256 * 1024;

/** Files of one connection on this machine, and a journal of what became of them. Not for two writers at once. */
export class Spool {
  readonly folder: string;
  readonly #journal: Journal<Entry>;
  readonly #files = new Map<number, SpooledFile>();
  readonly #written = new Map<number, number>();
  #lastId = 0;
  #lines = 0;

  private constructor(folder: string, journal: Journal<Entry>) {
    this.folder = folder;
    this.#journal = journal;
  }

  /** Throws FILE_SPOOL_WRITE. Contents that no entry knows are removed; an entry without its content is dropped. */
  static async open(folder: string, connection: string): Promise<{ spool: Spool; damaged: number }> {
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const { journal, entries, damaged } = await Journal.open<Entry>(join(folder, 'journal'));
      const spool = new Spool(folder, journal);
      for (const entry of entries) spool.#replay(entry);
      await spool.#tidy();
      return { spool, damaged };
    } catch (cause) {
      throw new BusbarError('FILE_SPOOL_WRITE', { connection, reason: (cause as Error).message }, { cause });
    }
  }

  /** Of a task, or all; in the order in which they were begun. */
  files(task?: string): readonly SpooledFile[] {
    const all = [...this.#files.values()];
    return task === undefined ? all : all.filter((file) => file.task === task);
  }

  get(id: number): SpooledFile | undefined {
    return this.#files.get(id);
  }

  /** A new entry without content. */
  async begin({ id: task, to }: Pick<FileTaskConfig, 'id' | 'to'>, file: RemoteFile): Promise<SpooledFile> {
    const entry = {
      id: ++this.#lastId,
      task,
      to,
      file,
      partBytes: 0,
      whole: null,
      sinks: [],
      uploadedAt: null,
      isAgain: false,
    };
    await this.#set(entry);
    return entry;
  }

  /** Opens the part of an entry for more; octets that may be missing after a crash are cut off. */
  async openPart(id: number): Promise<PartFile> {
    const trusted = this.#written.get(id) ?? this.#files.get(id)?.partBytes ?? 0;
    const handle = await open(this.partPath(id), 'a+', 0o600);
    try {
      const { size } = await handle.stat();
      const bytes = Math.min(size, trusted);
      if (bytes < size) await handle.truncate(bytes);
      return { handle, bytes };
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** So much of a part was written by this process: it needs no flush to go on from there. */
  wrote(id: number, bytes: number): void {
    this.#written.set(id, bytes);
  }

  /** The octets so far are flushed. */
  async mark(id: number, partBytes: number): Promise<void> {
    await this.#change(id, { partBytes });
  }

  /** Begins an entry anew: the content so far is of another file. */
  async restart(id: number, file: RemoteFile): Promise<void> {
    this.#written.delete(id);
    await rm(this.partPath(id), { force: true });
    await this.#change(id, { file, partBytes: 0 });
  }

  /** The part is the file: flushed, under its lasting name, in the journal. */
  async finish(id: number, file: RemoteFile, whole: NonNullable<SpooledFile['whole']>): Promise<void> {
    await rename(this.partPath(id), this.contentPath(id));
    await syncFolder(this.folder);
    this.#written.delete(id);
    await this.#change(id, { file, whole });
  }

  /** A sink has it. */
  async sent(id: number, sink: string, uri: string | null): Promise<void> {
    const entry = this.#files.get(id);
    if (!entry) return;
    await this.#change(id, { sinks: [...entry.sinks.filter((one) => one.sink !== sink), { sink, uri }] });
  }

  async uploaded(id: number, uploadedAt: number): Promise<void> {
    await this.#change(id, { uploadedAt, isAgain: false });
  }

  /** Not with any sink any more: it is delivered anew. */
  async again(id: number): Promise<void> {
    await this.#change(id, { sinks: [], uploadedAt: null, isAgain: true });
  }

  async drop(id: number): Promise<void> {
    if (!this.#files.delete(id)) return;
    this.#written.delete(id);
    await this.#write({ drop: id });
    await rm(this.contentPath(id), { force: true });
    await rm(this.partPath(id), { force: true });
  }

  partPath(id: number): string {
    return join(this.folder, `${id}.part`);
  }

  contentPath(id: number): string {
    return join(this.folder, `${id}.file`);
  }

  /** Octets on disk; null: there is none. */
  async contentSize(id: number): Promise<number | null> {
    return stat(this.contentPath(id)).then(
      ({ size }) => size,
      () => null,
    );
  }

  read(id: number): AsyncIterable<Uint8Array> {
    return createReadStream(this.contentPath(id), { highWaterMark: READ_BYTES });
  }

  async close(): Promise<void> {
    await this.#journal.close();
  }

  async #change(id: number, change: Partial<SpooledFile>): Promise<void> {
    const entry = this.#files.get(id);
    if (entry) await this.#set({ ...entry, ...change });
  }

  async #set(entry: SpooledFile): Promise<void> {
    this.#files.set(entry.id, entry);
    await this.#write({ set: entry });
  }

  async #write(entry: Entry): Promise<void> {
    if (++this.#lines > COMPACT_AT + 2 * this.#files.size) {
      this.#lines = 0;
      await this.#journal.rewrite(this.files().map((set) => ({ set })));
    } else await this.#journal.append(entry);
  }

  #replay(entry: Entry): void {
    const id = 'set' in entry ? entry.set.id : entry.drop;
    this.#lastId = Math.max(this.#lastId, id);
    if ('set' in entry) this.#files.set(id, entry.set);
    else this.#files.delete(id);
  }

  async #tidy(): Promise<void> {
    const there = new Set(await readdir(this.folder));
    for (const entry of this.files()) {
      // Between the rename and the journal's entry: the content is hashed again as a part.
      if (!entry.whole && there.has(`${entry.id}.file`)) {
        await rename(this.contentPath(entry.id), this.partPath(entry.id));
        there.delete(`${entry.id}.file`);
        there.add(`${entry.id}.part`);
      }
      if (entry.whole && !there.has(`${entry.id}.file`)) this.#files.delete(entry.id);
      if (!entry.whole && !there.has(`${entry.id}.part`)) this.#files.delete(entry.id);
    }
    for (const name of there) {
      const id = /^(\d+)\.(?:part|file)$/.exec(name)?.[1];
      if (id !== undefined && !this.#files.has(Number(id))) await rm(join(this.folder, name), { force: true });
    }
    await this.#journal.rewrite(this.files().map((set) => ({ set })));
  }
}

/** Both digests of a file on disk, and how long it is; the memory stays flat. */
export async function digestFile(
  path: string,
  signal: AbortSignal,
): Promise<{ readonly size: number; readonly sha256: string; readonly md5: string }> {
  const [sha256, md5] = [createHash('sha256'), createHash('md5')];
  let size = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: READ_BYTES, signal }) as AsyncIterable<Buffer>) {
    sha256.update(chunk);
    md5.update(chunk);
    size += chunk.length;
  }
  return { size, sha256: sha256.digest('hex'), md5: md5.digest('hex') };
}
