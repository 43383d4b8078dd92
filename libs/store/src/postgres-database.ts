import { BusbarError } from '@busbar/errors';
import { DataSource } from 'typeorm';
import type { Database } from './database.js';
import { SOURCE_OPTIONS } from './source-options.js';
import type { StoreLog } from './store.js';

const CONNECT_MS = 5_000;
const STATEMENT_MS = 60_000;
/** Any number that nobody else uses: two services that start at once migrate one after the other. */
const MIGRATION_LOCK = 7_301_992;

const NETWORK = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EPIPE',
  'ETIMEDOUT',
]);
/** What OpenSSL and Node.js say about certificates, and a file of one that is not there: put right outside, as a server that is away. */
const TLS = /^(ERR_(TLS|SSL)_|CERT_|UNABLE_TO_|(DEPTH_ZERO_)?SELF_SIGNED_|EPROTO$|ENOENT$|EACCES$)/;
/** SQLSTATE classes and codes of PostgreSQL appendix A: connection, operator intervention, authorization, no database, too many. */
const AWAY = /^(08|57P0|28|3D000|53)/;

function isAway(error: unknown): boolean {
  const { code } = error as { readonly code?: unknown };
  if (typeof code === 'string') return NETWORK.has(code) || AWAY.test(code) || TLS.test(code);
  // pg says these without a code.
  return (
    error instanceof Error &&
    /^(Connection terminated|timeout exceeded when trying to connect|The server does not support SSL)/.test(
      error.message,
    )
  );
}

function targetOf(url: string): string {
  const { host, pathname } = new URL(url);
  return `${host}${pathname}`;
}

/** A PostgreSQL server, 15 or newer. */
export class PostgresDatabase implements Database {
  readonly kind = 'postgres';
  readonly target: string;
  readonly restoration = null;
  readonly #source: DataSource;

  private constructor(source: DataSource, target: string) {
    this.#source = source;
    this.target = target;
  }

  /** Throws STORE_UNREACHABLE; the caller tries again. */
  static async open(url: string, log: StoreLog): Promise<PostgresDatabase> {
    const target = targetOf(url);
    const source = new DataSource({
      ...SOURCE_OPTIONS,
      url,
      applicationName: 'busbar',
      poolSize: 4,
      poolErrorHandler: (error: Error) => log.warn({ target, reason: error.message }, 'database connection lost'),
      extra: { connectionTimeoutMillis: CONNECT_MS, statement_timeout: STATEMENT_MS, keepAlive: true },
    });
    const database = new PostgresDatabase(source, target);
    await database
      .#reach(async () => {
        await source.initialize();
        await migrate(source);
      })
      .catch(async (error: unknown) => {
        if (source.isInitialized) await source.destroy().catch(() => undefined);
        throw error;
      });
    return database;
  }

  use<T>(work: (source: DataSource) => Promise<T>): Promise<T> {
    return this.#reach(() => work(this.#source));
  }

  async changed(): Promise<void> {}

  async close(): Promise<void> {
    if (this.#source.isInitialized) await this.#source.destroy();
  }

  async #reach<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      if (!isAway(cause)) throw cause;
      const reason = (cause as Error).message || String((cause as { code?: unknown }).code);
      throw new BusbarError('STORE_UNREACHABLE', { target: this.target, reason }, { cause });
    }
  }
}

async function migrate(source: DataSource): Promise<void> {
  const runner = source.createQueryRunner();
  try {
    await runner.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
    try {
      await source.runMigrations({ transaction: 'each' });
    } finally {
      await runner.query('SELECT pg_advisory_unlock($1)', [MIGRATION_LOCK]);
    }
  } finally {
    await runner.release();
  }
}
