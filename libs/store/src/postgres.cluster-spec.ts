import { randomBytes } from 'node:crypto';
import { isBusbarError } from '@busbar/errors';
import { DataSource } from 'typeorm';
import { expect, inject, it } from 'vitest';
import { openStore } from './open-store.js';
import { PostgresDatabase } from './postgres-database.js';
import { SqlStore } from './sql-store.js';
import { describeStore } from './store-contract.js';

declare module 'vitest' {
  interface ProvidedContext {
    databaseUrl: string;
  }
}

const log = { info: () => undefined, warn: () => undefined };
const clock = { monotonicMs: () => 0, wallMs: () => 1_764_028_800_123 };
const databaseUrl = inject('databaseUrl');

async function admin<T>(work: (source: DataSource) => Promise<T>): Promise<T> {
  const source = await new DataSource({ type: 'postgres', url: databaseUrl, installExtensions: false }).initialize();
  try {
    return await work(source);
  } finally {
    await source.destroy();
  }
}

/** A schema of its own for each test, so that the server's database may be anybody's. */
async function freshSchema() {
  const schema = `busbar_test_${randomBytes(6).toString('hex')}`;
  await admin((source) => source.query(`CREATE SCHEMA ${schema}`));
  const url = new URL(databaseUrl);
  url.searchParams.set('options', `-c search_path=${schema}`);
  return { url: url.href, drop: () => admin((source) => source.query(`DROP SCHEMA ${schema} CASCADE`)) };
}

describeStore('postgres', async () => {
  const { url, drop } = await freshSchema();
  let database: PostgresDatabase;
  return {
    open: async () => {
      database = await PostgresDatabase.open(url, log);
      return new SqlStore(database, clock);
    },
    query: (_store, sql) => database.use((source) => source.query(sql)),
    dispose: async () => {
      await drop();
    },
  };
});

it('migrates once when two services start at the same time', async () => {
  const { url, drop } = await freshSchema();
  const stores = await Promise.all([1, 2, 3].map(() => openStore({ url, folder: '', clock, log })));
  expect(await Promise.all(stores.map((store) => store.list()))).toEqual([[], [], []]);
  await Promise.all(stores.map((store) => store.close()));
  await drop();
});

it('says which server does not answer, without the password', async () => {
  const url = 'postgres://user:pass-word@127.0.0.1:1/site';
  const error = await openStore({ url, folder: '', clock, log }).catch((caught: unknown) => caught);
  expect(isBusbarError(error, 'STORE_UNREACHABLE')).toBe(true);
  expect(String(error)).toContain('127.0.0.1:1/site');
  expect(String(error)).not.toContain('pass-word');
});

it('works on after the server ended its connection', async () => {
  const { url, drop } = await freshSchema();
  const database = await PostgresDatabase.open(url, log);
  const store = new SqlStore(database, clock);
  const [{ pid }] = await database.use((source) => source.query('SELECT pg_backend_pid() AS pid'));
  await admin((source) => source.query('SELECT pg_terminate_backend($1)', [pid]));
  const read = () =>
    store.list().catch((error: unknown) => (isBusbarError(error, 'STORE_UNREACHABLE') ? 'away' : 'wrong'));
  await expect.poll(read, { timeout: 20_000 }).toEqual([]);
  await store.close();
  await drop();
});
