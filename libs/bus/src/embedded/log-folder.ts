import { fork } from 'node:child_process';
import { mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BusbarError, type Diagnosis } from '@busbar/errors';
import { FolderLock } from '@busbar/folder-lock';
import type { BusLogger } from '../logger.js';
import { LogStore } from './log-store.js';

/** The walk is given up when it does not get on for so long. */
const WALK_STALL_MS = 30_000;

export interface LogFolderSettings {
  readonly folder: string;
  readonly mapSizeBytes: number;
  readonly wallMs: () => number;
  readonly log: BusLogger;
  /** The program that walks a log after an unclean stop; compiled, next to this file. */
  readonly walkWorker?: string;
}

interface Opened {
  readonly lock: FolderLock;
  readonly store: LogStore;
  readonly damage: Diagnosis | null;
}

interface Heartbeat {
  readonly at: number;
  readonly unsettledMs: number;
}

/** Undefined: sound. Else why not. */
function walkInChild(worker: string, args: readonly string[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    let reason = '';
    const child = fork(worker, args, { execArgv: [], stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
    const giveUp = () => {
      reason = 'the walk does not get on';
      child.kill('SIGKILL');
    };
    let timer = setTimeout(giveUp, WALK_STALL_MS);
    child.on('message', (message) => {
      clearTimeout(timer);
      timer = setTimeout(giveUp, WALK_STALL_MS);
      if (message !== 'progress') reason = String(message);
    });
    child.on('error', (error) => {
      reason = error.message;
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve(code === 0 ? undefined : reason || `ended by ${signal ?? `code ${code}`}`);
    });
  });
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The files of the embedded log: the lock, the LMDB environment, the mark of a clean stop, the heartbeat. */
export class LogFolder {
  readonly store: LogStore;
  /** The log before this one was damaged and set aside. */
  readonly damage: Diagnosis | null;
  readonly #settings: LogFolderSettings;
  readonly #lock: FolderLock;

  private constructor(settings: LogFolderSettings, opened: Opened) {
    this.#settings = settings;
    this.#lock = opened.lock;
    this.store = opened.store;
    this.damage = opened.damage;
  }

  /** Throws LOG_LOCKED, or DATA_NOT_WRITABLE. */
  static async open(settings: LogFolderSettings): Promise<LogFolder> {
    const { folder } = settings;
    let lock: FolderLock;
    try {
      await mkdir(folder, { recursive: true });
      lock = FolderLock.take(folder, (pid) => new BusbarError('LOG_LOCKED', { path: folder, pid }));
    } catch (cause) {
      if (cause instanceof BusbarError) throw cause;
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new BusbarError('DATA_NOT_WRITABLE', { path: folder, reason }, { cause });
    }
    try {
      let damage = await LogFolder.#examine(settings);
      await rm(join(folder, 'clean'), { force: true });
      await syncFolder(folder);
      let store: LogStore;
      try {
        store = LogStore.open(join(folder, 'log'), settings.mapSizeBytes);
        store.topicNames();
      } catch (error) {
        damage = await LogFolder.#setAside(settings, error instanceof Error ? error.message : String(error));
        store = LogStore.open(join(folder, 'log'), settings.mapSizeBytes);
      }
      return new LogFolder(settings, { lock, store, damage });
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  async beat(unsettledMs: number): Promise<void> {
    const heartbeat: Heartbeat = { at: this.#settings.wallMs(), unsettledMs };
    await writeFile(join(this.#settings.folder, 'heartbeat'), JSON.stringify(heartbeat)).catch(() => undefined);
  }

  async close(isClean: boolean): Promise<void> {
    const { folder } = this.#settings;
    await this.store.close();
    if (isClean && !this.store.suspect) {
      try {
        const { size } = await stat(join(folder, 'log', 'data.mdb'));
        await writeFile(join(folder, 'clean'), String(size), { flush: true });
        await syncFolder(folder);
      } catch (error) {
        this.#settings.log.warn({ folder, err: error }, 'the clean stop of the event log could not be marked');
      }
    }
    this.#lock.release();
  }

  static async #examine(settings: LogFolderSettings): Promise<Diagnosis | null> {
    const { folder, log, mapSizeBytes } = settings;
    const path = join(folder, 'log');
    const size = await stat(join(path, 'data.mdb')).then(
      (file) => file.size,
      () => null,
    );
    if (size === null) return null;
    const cleanSize = await readFile(join(folder, 'clean'), 'utf8').then(Number, () => Number.NaN);
    if (size === cleanSize) return null;
    log.info({ path }, 'event log was not closed in order, walking through it');
    const worker = settings.walkWorker ?? fileURLToPath(new URL('./walk-log-worker.js', import.meta.url));
    const reason = await walkInChild(worker, [path, String(mapSizeBytes)]);
    return reason === undefined ? null : LogFolder.#setAside(settings, reason);
  }

  static async #setAside(settings: LogFolderSettings, reason: string): Promise<Diagnosis> {
    const { folder, log, wallMs } = settings;
    const now = wallMs();
    const to = new Date(now).toISOString();
    for (const name of await readdir(folder)) {
      // The newest is enough to look at; several would fill the volume.
      if (name.startsWith('log.damaged-')) await rm(join(folder, name), { recursive: true, force: true });
    }
    const path = join(folder, `log.damaged-${to.replaceAll(':', '-')}`);
    await rename(join(folder, 'log'), path);
    await syncFolder(folder);
    const from = new Date(await LogFolder.#lastSettledMs(settings, path)).toISOString();
    log.error({ path, from, to, reason }, 'event log was damaged and set aside, a new one begins');
    return { code: 'LOG_DAMAGED', params: { path, from, to, reason } };
  }

  /** What was appended before this time had been settled by every group. */
  static async #lastSettledMs({ folder, wallMs }: LogFolderSettings, path: string): Promise<number> {
    try {
      const heartbeat = JSON.parse(await readFile(join(folder, 'heartbeat'), 'utf8')) as Heartbeat;
      return Math.min(heartbeat.at, heartbeat.unsettledMs);
    } catch {
      const file = await stat(join(path, 'data.mdb')).catch(() => null);
      return file?.birthtimeMs ?? wallMs();
    }
  }
}
