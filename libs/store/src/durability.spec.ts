import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isBusbarError } from '@busbar/errors';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { openStore, type StoreOptions } from './open-store.js';
import { PgliteDatabase } from './pglite-database.js';
import { samplePublication } from './sample-configuration.js';
import { readSnapshot } from './snapshot.js';

const log = { info: vi.fn(), warn: vi.fn() };
const clock = { monotonicMs: () => 0, wallMs: () => 1_764_028_800_123 };

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

let template: string;
let folder: string;

function open(options: Partial<StoreOptions> = {}) {
  return openStore({ folder, clock, log, ...options });
}

beforeAll(async () => {
  template = mkdtempSync(join(tmpdir(), 'busbar-store-'));
  const store = await openStore({ folder: template, clock, log });
  await store.close();
});

afterAll(() => rmSync(template, { recursive: true, force: true }));

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'busbar-store-'));
  cpSync(template, folder, { recursive: true });
  log.warn.mockClear();
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('flushing', () => {
  it('flushes to the disk once for each commit', async () => {
    let flushes = 0;
    const database = await PgliteDatabase.open({ folder, clock, log, idleMs: 60_000, flushed: () => flushes++ });
    for (let commit = 0; commit < 20; commit++) {
      const before = flushes;
      await database.use((source) =>
        source.query(`INSERT INTO file_contents (digest, content) VALUES ('${commit}', 'x')`),
      );
      expect(flushes - before).toBe(1);
    }
    await database.close();
  });

  it('has flushed before a publication is acknowledged', async () => {
    let flushes = 0;
    const store = await open({ flushed: () => flushes++ });
    const before = flushes;
    await store.publish(samplePublication(null));
    expect(flushes).toBeGreaterThan(before);
    await store.close();
  });
});

describe('one process per folder', () => {
  it('names the process that has the database open', async () => {
    const store = await open();
    const error = await open().catch((caught: unknown) => caught);
    expect(isBusbarError(error, 'STORE_LOCKED')).toBe(true);
    expect(String(error)).toContain(String(process.pid));
    await store.close();
    await (await open()).close();
  });

  it('takes the lock of a dead process over', async () => {
    writeFileSync(join(folder, 'lock'), JSON.stringify({ pid: process.pid, started: 'another boot/1' }));
    const store = await open();
    expect(JSON.parse(readFileSync(join(folder, 'lock'), 'utf8')).pid).toBe(process.pid);
    await store.close();
    expect(existsSync(join(folder, 'lock'))).toBe(false);
  });

  it('takes a lock over that is no lock', async () => {
    writeFileSync(join(folder, 'lock'), 'half a wri');
    await (await open()).close();
  });
});

describe('sleeping', () => {
  it('closes the database when it is not used and opens it on demand', async () => {
    let slept: () => void = () => undefined;
    const sleep = new Promise<void>((resolve) => {
      slept = resolve;
    });
    const info = (_fields: object, message: string) => message.endsWith('sleeps') && slept();
    const store = await open({ idleMs: 30, log: { info, warn: log.warn } });
    await store.publish(samplePublication(null));
    await sleep;
    expect((await store.newest())?.number).toBe(1);
    await store.close();
  });
});

describe('the copy beside the database', () => {
  const damage = (path: string) => {
    for (const name of readdirSync(join(path, 'global'))) writeFileSync(join(path, 'global', name), 'gone');
  };

  it('holds the newest generation after each publication', async () => {
    const store = await open();
    await store.publish(samplePublication(null, 100));
    await store.publish(samplePublication(1, 90));
    const snapshot = readSnapshot(join(folder, 'snapshot.json'));
    expect(snapshot?.generation).toMatchObject({ number: 2, by: 'test' });
    expect(snapshot?.lock).toHaveLength(2);
    await store.close();
  });

  it('brings generation, files and lock back when the database cannot be opened', async () => {
    const store = await open();
    await store.publish(samplePublication(null, 100));
    await store.publish(samplePublication(1, 90));
    const before = await store.newest();
    await store.close();
    damage(join(folder, 'pglite'));
    const restored = await open();
    expect(await restored.newest()).toEqual(before);
    expect(await restored.lock()).toHaveLength(2);
    expect(restored.restoration?.generation).toBe(2);
    expect(existsSync(restored.restoration?.damaged as string)).toBe(true);
    expect((await restored.publish(samplePublication(2, 80))).generation.number).toBe(3);
    await restored.close();
  });

  it('is not believed when an octet of it changed', async () => {
    const store = await open();
    await store.publish(samplePublication(null));
    await store.close();
    const path = join(folder, 'snapshot.json');
    writeFileSync(path, readFileSync(path, 'utf8').replace('"limit":100', '"limit":900'));
    expect(readSnapshot(path)).toBeUndefined();
    damage(join(folder, 'pglite'));
    await expect(open()).rejects.toSatisfy((error) => isBusbarError(error, 'STORE_DAMAGED'));
    expect(existsSync(join(folder, 'pglite'))).toBe(true);
  });

  it('is written again when it is older than the database', async () => {
    const store = await open();
    await store.publish(samplePublication(null));
    await store.close();
    rmSync(join(folder, 'snapshot.json'));
    await (await open()).close();
    expect(readSnapshot(join(folder, 'snapshot.json'))?.generation.number).toBe(1);
  });
});

describe('SIGKILL', () => {
  it('loses nothing that was acknowledged', async () => {
    const program = fileURLToPath(new URL('../dist/publish-forever.js', import.meta.url));
    let acknowledged = 0;
    for (let round = 0; round < 4; round++) {
      const child: ChildProcess = fork(program, [folder], { execArgv: [] });
      const until = acknowledged + 3 + round * 2;
      child.on('message', (number) => {
        acknowledged = Number(number);
        if (acknowledged >= until) child.kill('SIGKILL');
      });
      await once(child, 'exit');
      const store = await open();
      const newest = await store.newest();
      expect(newest?.number).toBeGreaterThanOrEqual(acknowledged);
      expect(newest?.number).toBeLessThanOrEqual(acknowledged + 1);
      expect(newest?.configuration.assets[0]?.attributes.limit).toBe(newest?.number);
      expect(store.restoration).toBeNull();
      acknowledged = newest?.number as number;
      await store.close();
    }
  });
});
