import type { Clock } from '@busbar/model';
import { PgliteDatabase } from './pglite-database.js';
import { PostgresDatabase } from './postgres-database.js';
import { SqlStore } from './sql-store.js';
import type { Store, StoreLog } from './store.js';

/** The embedded database needs no memory while nobody edits. */
const IDLE_MS = 60_000;

export interface StoreOptions {
  /** `postgres://user:password@host:port/database`; without it PGlite in the folder. */
  readonly url?: string | undefined;
  /** Of the store alone. */
  readonly folder: string;
  readonly clock: Clock;
  readonly log: StoreLog;
  /** Default 60 s. */
  readonly idleMs?: number;
  /** PGlite: called after each flush to the disk. */
  readonly flushed?: () => void;
}

/** Throws STORE_UNREACHABLE (try again), STORE_LOCKED, STORE_DAMAGED, DATA_NOT_WRITABLE. Migrations are run. */
export async function openStore(options: StoreOptions): Promise<Store> {
  const { url, folder, clock, log, idleMs = IDLE_MS, flushed } = options;
  const database = url
    ? await PostgresDatabase.open(url, log)
    : await PgliteDatabase.open({ folder, clock, log, idleMs, flushed });
  return new SqlStore(database, clock);
}
