import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, vi } from 'vitest';
import { openStore } from './open-store.js';
import { PgliteDatabase } from './pglite-database.js';
import { SqlStore } from './sql-store.js';
import { describeStore } from './store-contract.js';

const log = { info: () => undefined, warn: () => undefined };
const clock = { monotonicMs: () => 0, wallMs: () => 1_764_028_800_123 };

// The first creation takes seconds, on a busy machine many.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let template: string;

beforeAll(async () => {
  template = mkdtempSync(join(tmpdir(), 'busbar-store-'));
  await (await openStore({ folder: template, clock, log })).close();
});

afterAll(() => rmSync(template, { recursive: true, force: true }));

describeStore('pglite', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'busbar-store-'));
  cpSync(template, folder, { recursive: true });
  let database: PgliteDatabase;
  return {
    open: async () => {
      database = await PgliteDatabase.open({ folder, clock, log, idleMs: 60_000 });
      return new SqlStore(database, clock);
    },
    query: (_store, sql) => database.use((source: DataSource) => source.query(sql)),
    dispose: async () => rmSync(folder, { recursive: true, force: true }),
  };
});
