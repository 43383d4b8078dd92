import { fork } from 'node:child_process';
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BusbarError, isBusbarError } from '@busbar/errors';
import { FolderLock } from '@busbar/folder-lock';
import type { Clock } from '@busbar/model';
import type { PGlite } from '@electric-sql/pglite';
import { createPgConfig } from '@electric-sql/pglite/node-postgres';
import { DataSource } from 'typeorm';
import type { Database } from './database.js';
import { insertGeneration, newestRow, readGeneration, readLock, upsertLock } from './generation-rows.js';
import { startPglite } from './pglite-options.js';
import { readSnapshot, type SnapshotContent, writeSnapshot } from './snapshot.js';
import { SOURCE_OPTIONS } from './source-options.js';
import type { Restoration, StoreLog } from './store.js';
import { copyWhole } from './whole-folder.js';

export interface PgliteOptions {
  /** Of the store alone; made if missing. */
  readonly folder: string;
  readonly clock: Clock;
  readonly log: StoreLog;
  /** Without use for so long, the database is closed and its memory given back. */
  readonly idleMs: number;
  /** Called after each flush to the disk; tests count. */
  readonly flushed?: (() => void) | undefined;
}

interface Open {
  readonly pglite: PGlite;
  readonly source: DataSource;
}

/** Reasons that lie in the machine and pass, or that a person must mend: no sign of a damaged database. */
const MACHINE = new Set(['EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EMFILE', 'ENFILE', 'ENOMEM', 'EDQUOT']);

/** PostgreSQL in this process, its files in a folder that one process owns. */
export class PgliteDatabase implements Database {
  readonly kind = 'pglite';
  readonly target: string;
  restoration: Restoration | null = null;
  readonly #options: PgliteOptions;
  readonly #lock: FolderLock;
  #open: Open | null = null;
  #idle: NodeJS.Timeout | null = null;
  #closed = false;
  /** Only one connection exists: calls wait here, where nothing times out. */
  #queue: Promise<unknown> = Promise.resolve();

  private constructor(options: PgliteOptions, lock: FolderLock) {
    this.#options = options;
    this.target = join(options.folder, 'pglite');
    this.#lock = lock;
  }

  /** Throws STORE_LOCKED, DATA_NOT_WRITABLE, STORE_DAMAGED. */
  static async open(options: PgliteOptions): Promise<PgliteDatabase> {
    const { folder } = options;
    let lock: FolderLock;
    try {
      mkdirSync(folder, { recursive: true });
      lock = FolderLock.take(folder, (pid) => new BusbarError('STORE_LOCKED', { path: folder, pid }));
    } catch (cause) {
      if (isBusbarError(cause)) throw cause;
      const reason = (cause as NodeJS.ErrnoException).code ?? String(cause);
      throw new BusbarError('DATA_NOT_WRITABLE', { path: folder, reason }, { cause });
    }
    const database = new PgliteDatabase(options, lock);
    try {
      await database.#firstOpen();
    } catch (error) {
      await database.close();
      throw error;
    }
    return database;
  }

  use<T>(work: (source: DataSource) => Promise<T>): Promise<T> {
    const result = this.#queue.then(async () => {
      if (this.#closed) throw new BusbarError('STORE_UNREACHABLE', { target: this.target, reason: 'closed' });
      this.#stay();
      this.#open ??= await this.#start();
      try {
        return await work(this.#open.source);
      } catch (error) {
        await this.#giveUpIfDead(this.#open);
        throw error;
      } finally {
        this.#sleepLater();
      }
    });
    this.#queue = result.catch(() => undefined);
    return result;
  }

  /** A full disk ends PostgreSQL's WASM instance; the next use starts a new one, which recovers from its log. */
  async #giveUpIfDead(open: Open): Promise<void> {
    try {
      await open.source.query('SELECT 1');
    } catch (error) {
      this.#options.log.warn({ path: this.target, reason: String(error) }, 'configuration database ended');
      this.#open = null;
      await open.source.destroy().catch(() => undefined);
    }
  }

  /** The copy is a second chance: without it the publication stands all the same. */
  async changed(source: DataSource): Promise<void> {
    try {
      await this.#writeSnapshot(source);
    } catch (error) {
      this.#options.log.warn({ path: this.#snapshotPath, reason: String(error) }, 'configuration copy not written');
    }
  }

  close(): Promise<void> {
    const done = this.#queue.then(async () => {
      this.#closed = true;
      this.#stay();
      await this.#stop();
      this.#lock.release();
    });
    this.#queue = done.catch(() => undefined);
    return done;
  }

  get #snapshotPath(): string {
    return join(this.#options.folder, 'snapshot.json');
  }

  async #firstOpen(): Promise<void> {
    const snapshot = readSnapshot(this.#snapshotPath);
    if (!existsSync(this.target)) {
      await createDatabase(this.target);
      this.#open = await this.#start();
      await this.#open.source.runMigrations({ transaction: 'each' });
      if (snapshot) await this.#restore(this.#open.source, snapshot, 'missing');
      this.#sleepLater();
      return;
    }
    try {
      this.#open = await this.#start();
      await this.#open.source.runMigrations({ transaction: 'each' });
      const newest = await newestRow(this.#open.source.manager);
      if (newest) await readGeneration(this.#open.source.manager, newest);
      if (newest && newest.number !== snapshot?.generation.number) await this.changed(this.#open.source);
    } catch (cause) {
      if (MACHINE.has(String((cause as NodeJS.ErrnoException).code))) throw cause;
      if (!snapshot) throw new BusbarError('STORE_DAMAGED', { thing: this.target }, { cause });
      await this.#replace(snapshot, cause);
    }
    this.#sleepLater();
  }

  async #replace(snapshot: SnapshotContent, cause: unknown): Promise<void> {
    await this.#stop().catch(() => undefined);
    const stamp = new Date(this.#options.clock.wallMs()).toISOString().replace(/[:.]/g, '-');
    const damaged = `${this.target}.damaged-${stamp}`;
    this.#options.log.warn({ damaged, reason: String(cause) }, 'configuration database damaged');
    renameSync(this.target, damaged);
    await createDatabase(this.target);
    this.#open = await this.#start();
    await this.#open.source.runMigrations({ transaction: 'each' });
    await this.#restore(this.#open.source, snapshot, damaged);
  }

  async #restore(source: DataSource, snapshot: SnapshotContent, damaged: string): Promise<void> {
    const { generation, entities, files, lock } = snapshot;
    await source.transaction(async (manager) => {
      await insertGeneration(manager, generation, { digest: generation.digest, entities, files });
      await upsertLock(manager, lock);
    });
    this.restoration = { damaged, generation: generation.number, at: this.#options.clock.wallMs() };
    this.#options.log.warn({ generation: generation.number }, 'configuration restored from its copy');
  }

  async #writeSnapshot(source: DataSource): Promise<void> {
    const row = await newestRow(source.manager);
    if (!row) return;
    const { entities, files, configuration: _, ...generation } = await readGeneration(source.manager, row);
    writeSnapshot(this.#snapshotPath, { generation, entities, files, lock: await readLock(source.manager) });
  }

  async #start(): Promise<Open> {
    const pglite = await startPglite(this.target, this.#options.flushed);
    const extra = { ...createPgConfig(pglite), max: 1, idleTimeoutMillis: 0, connectionTimeoutMillis: 10_000 };
    const source = new DataSource({ ...SOURCE_OPTIONS, username: 'postgres', database: 'postgres', extra });
    try {
      await source.initialize();
    } catch (error) {
      await pglite.close().catch(() => undefined);
      throw error;
    }
    return { pglite, source };
  }

  async #stop(): Promise<void> {
    const open = this.#open;
    this.#open = null;
    if (!open) return;
    await open.source.destroy();
    await open.pglite.close();
  }

  #stay(): void {
    if (this.#idle) clearTimeout(this.#idle);
    this.#idle = null;
  }

  #sleepLater(): void {
    this.#stay();
    this.#idle = setTimeout(() => {
      const slept = this.#queue.then(async () => {
        if (this.#idle) return;
        await this.#stop();
        this.#options.log.info({ path: this.target }, 'configuration database sleeps');
      });
      this.#idle = null;
      this.#queue = slept.catch((error: unknown) => {
        this.#options.log.warn({ path: this.target, reason: String(error) }, 'configuration database not closed');
      });
    }, this.#options.idleMs);
    this.#idle.unref();
  }
}

/** Made once by the build (tools/prepare.mjs): to copy it takes a fraction of a second and no memory. */
const EMPTY_DATABASE = fileURLToPath(new URL('../empty-database', import.meta.url));

async function createDatabase(folder: string): Promise<void> {
  if (existsSync(EMPTY_DATABASE)) await copyWhole(EMPTY_DATABASE, folder);
  else await createInChild(folder);
}

/** Runs compiled also when this file is not: the creation's memory must leave with its process. */
async function createInChild(folder: string): Promise<void> {
  const program = fileURLToPath(new URL('../dist/create-database.js', import.meta.url));
  const child = fork(program, [folder], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'], execArgv: [] });
  let words = '';
  child.stderr?.on('data', (data: Buffer) => {
    words = (words + data.toString()).slice(-2_000);
  });
  const code = await new Promise<number | string>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exit, signal) => resolve(exit ?? signal ?? 'unknown'));
  });
  if (code !== 0) {
    const reason = `its creation ended with ${code}: ${words.trim()}`;
    throw new BusbarError('STORE_UNREACHABLE', { target: folder, reason });
  }
}
