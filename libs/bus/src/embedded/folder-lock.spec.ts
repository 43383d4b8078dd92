import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { InRecord } from '../port.js';
import { openTestBus } from './test-bus.js';

const INDEX = new URL('../../dist/index.js', import.meta.url).href;

/** Publishes numbers to one topic and writes each on its output once it is acknowledged. */
const PUBLISHER = `
  const { openEmbeddedBus } = await import(process.argv[1]);
  const none = () => undefined;
  const bus = await openEmbeddedBus({
    folder: process.argv[2],
    clock: { monotonicMs: () => performance.now(), wallMs: () => Date.now() },
    log: { info: none, warn: none, error: none },
  });
  process.stdout.write('open\\n');
  for (let i = Number(process.argv[3]); ; i++) {
    const value = Buffer.alloc(2000);
    value.writeUInt32LE(i);
    bus.publish([{ topic: 'tags.sampled.v1', key: 'd', value }]).then(
      () => process.stdout.write(i + '\\n'),
      none,
    );
    if (i % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
`;

describe('the lock of a folder', () => {
  let folder: string;
  const children: ChildProcess[] = [];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'busbar-lock-'));
  });

  afterEach(async () => {
    for (const child of children.splice(0)) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    }
    await rm(folder, { recursive: true, force: true });
  });

  async function publisher(first: number): Promise<{ child: ChildProcess; acknowledged(): number[] }> {
    const args = ['--input-type=module', '-e', PUBLISHER, INDEX, folder, String(first)];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    children.push(child);
    let out = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      out += chunk.toString();
    });
    await vi.waitFor(() => expect(out).toContain('open'), 20_000);
    return {
      child,
      acknowledged: () =>
        out
          .slice(0, out.lastIndexOf('\n'))
          .split('\n')
          .filter((line) => line !== 'open')
          .map(Number),
    };
  }

  it('names the living process that has it', async () => {
    const { child } = await publisher(0);
    await expect(openTestBus({ folder })).rejects.toMatchObject({
      code: 'LOG_LOCKED',
      params: { path: folder, pid: child.pid },
    });
  });

  it('is not given twice within one process', async () => {
    const bus = await openTestBus({ folder });
    await expect(openTestBus({ folder })).rejects.toMatchObject({ code: 'LOG_LOCKED', params: { pid: process.pid } });
    await bus.close();
    const again = await openTestBus({ folder });
    await again.close();
    expect(await readdir(folder)).not.toContain('lock');
  });

  it('of a process that had the same pid before is taken over', async () => {
    await writeFile(join(folder, 'lock'), JSON.stringify({ pid: process.pid, started: 'another boot/1' }));
    const bus = await openTestBus({ folder });
    await bus.close();
  });

  it('that cannot be read is taken over', async () => {
    await writeFile(join(folder, 'lock'), '');
    const bus = await openTestBus({ folder });
    await bus.close();
  });

  it('of a killed process is taken over, and none of its acknowledged records is lost, three times in a row', async () => {
    const acknowledged: number[] = [];
    let first = 0;
    for (let round = 0; round < 3; round++) {
      const { child, acknowledged: soFar } = await publisher(first);
      await vi.waitFor(() => expect(soFar().length).toBeGreaterThan(300), 20_000);
      const exited = once(child, 'close');
      child.kill('SIGKILL');
      await exited;
      acknowledged.push(...soFar());
      first += 1_000_000;
    }
    const bus = await openTestBus({ folder });
    const got: InRecord[] = [];
    const consumption = bus.consume('tags.sampled.v1', 'g', async ({ records }) => void got.push(...records));
    await vi.waitFor(() => expect(consumption.lag().records).toBe(0), 20_000);
    const numbers = got.map(({ value }) => Buffer.from(value ?? []).readUInt32LE(0));
    const present = new Set(numbers);
    expect(acknowledged.filter((number) => !present.has(number))).toEqual([]);
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    expect(present.size).toBe(numbers.length);
    expect(bus.health().diagnosis).toBeNull();
    await bus.close();
  }, 90_000);

  it('is not needed where the folder cannot be written: that is said', async () => {
    await writeFile(join(folder, 'file'), '');
    await expect(openTestBus({ folder: join(folder, 'file', 'bus') })).rejects.toMatchObject({
      code: 'DATA_NOT_WRITABLE',
    });
  });
});
