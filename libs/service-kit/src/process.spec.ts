import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isBusbarError } from '@busbar/errors';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { failureText, listenFailure } from './failure.js';
import { prepareFolder } from './process.js';

const KIT = pathToFileURL(join(import.meta.dirname, '..', 'dist', 'process.js')).href;
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'busbar-process-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Child {
  readonly process: ChildProcess;
  readonly output: { out: string; err: string };
  readonly closed: Promise<number | null>;
  /** Resolves when the program has printed this. */
  says(text: string): Promise<void>;
}

/** A program of the built kit, whose start function has this body. */
function program(body: string, { args = [], env = {} }: { args?: string[]; env?: Record<string, string> } = {}): Child {
  const file = join(folder, `program-${readdirSync(folder).length}.mjs`);
  const source = `import { runProcess } from ${JSON.stringify(KIT)};\nawait runProcess('test', async (kit) => { ${body} });\n`;
  writeFileSync(file, source);
  const clean = Object.entries(process.env).filter(([name]) => !name.startsWith('BUSBAR_'));
  const child = spawn(process.execPath, [file, ...args], { env: { ...Object.fromEntries(clean), ...env } });
  const output = { out: '', err: '' };
  const waiting: { readonly text: string; readonly resolve: () => void }[] = [];
  child.stdout.on('data', (chunk) => {
    output.out += chunk;
    for (const { text, resolve } of waiting) if (output.out.includes(text)) resolve();
  });
  child.stderr.on('data', (chunk) => {
    output.err += chunk;
  });
  const closed = new Promise<number | null>((resolve) => child.on('close', resolve));
  const says = (text: string) =>
    new Promise<void>((resolve, reject) => {
      if (output.out.includes(text)) resolve();
      waiting.push({ text, resolve });
      closed.then(() => reject(new Error(`ended without saying ${text}: ${output.out}${output.err}`)));
    });
  return { process: child, output, closed, says };
}

const KEEP_ALIVE = 'setInterval(() => undefined, 1000); kit.announce("up");';

describe('a program', { timeout: 30_000 }, () => {
  it('that fails to start for a known reason says it in one sentence and exits with 1', async () => {
    const child = program(
      `const { BusbarError } = await import(${JSON.stringify(import.meta.resolve('@busbar/errors'))});
       throw new BusbarError('PORT_IN_USE', { address: '127.0.0.1:8080', setting: 'BUSBAR_HTTP' });`,
    );
    expect(await child.closed).toBe(1);
    expect(child.output.err).toBe(
      'test: PORT_IN_USE: Address 127.0.0.1:8080 is in use already. Stop the other program, or give another address by BUSBAR_HTTP.\n',
    );
  });

  it('that fails to start by a defect shows where, and exits with 1', async () => {
    const child = program('throw new TypeError("a defect");');
    expect(await child.closed).toBe(1);
    expect(child.output.err).toMatch(/^test: TypeError: a defect\n\s+at /);
  });

  it('refuses a wrong setting before it starts anything', async () => {
    const child = program('kit.announce("started");', { env: { BUSBAR_HTTP: 'nowhere' } });
    expect(await child.closed).toBe(1);
    expect(child.output.err).toContain('SETTING_INVALID: Setting BUSBAR_HTTP is nowhere');
    expect(child.output.out).toBe('');
  });

  it('prints its settings with --help and starts nothing', async () => {
    const child = program('kit.announce("started");', { args: ['--help'] });
    expect(await child.closed).toBe(0);
    expect(child.output.out).toContain('BUSBAR_DATA');
    expect(child.output.out).not.toContain('started');
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('stops in order on %s and exits with 0', async (signal) => {
    const child = program(`${KEEP_ALIVE} return { stop: async () => kit.announce("stopped in order") };`);
    await child.says('up');
    child.process.kill(signal);
    expect(await child.closed).toBe(0);
    expect(child.output.out).toContain('stopped in order');
  });

  it('exits with 1 when stopping fails', async () => {
    const child = program(`${KEEP_ALIVE} return { stop: async () => { throw new Error("stuck"); } };`);
    await child.says('up');
    child.process.kill('SIGTERM');
    expect(await child.closed).toBe(1);
    expect(child.output.out).toContain('stopping failed');
  });

  it('exits at once on a second signal', async () => {
    const child = program(
      `${KEEP_ALIVE} return { stop: () => { kit.announce("stopping slowly"); return new Promise(() => undefined); } };`,
    );
    await child.says('up');
    child.process.kill('SIGTERM');
    await child.says('stopping slowly');
    child.process.kill('SIGTERM');
    expect(await child.closed).toBe(1);
  });

  it('goes on after a rejection that nobody handled, and logs it', async () => {
    const child = program(
      `${KEEP_ALIVE} setImmediate(() => Promise.reject(new Error("nobody handled"))); return { stop: async () => undefined };`,
    );
    await child.says('nobody handled');
    child.process.kill('SIGTERM');
    expect(await child.closed).toBe(0);
  });
});

describe('the folder for data', () => {
  it('is made, and left as it was found', () => {
    const path = join(folder, 'data', 'deep');
    prepareFolder(path);
    expect(readdirSync(path)).toEqual([]);
    prepareFolder(path);
  });

  it('that cannot be written is named with the setting', () => {
    const file = join(folder, 'a-file');
    writeFileSync(file, '');
    expect(() => prepareFolder(join(file, 'data'))).toThrow(/a-file.data cannot be written: ENOTDIR\..*BUSBAR_DATA/);
    const path = join(folder, 'read-only');
    prepareFolder(path);
    chmodSync(path, 0o500);
    // Root writes everywhere.
    if (process.getuid?.() !== 0) expect(() => prepareFolder(path)).toThrow(/read-only cannot be written: EACCES/);
    expect(existsSync(path)).toBe(true);
  });
});

describe('an address that cannot be listened on', () => {
  const address = { host: '::1', port: 80 };
  const failure = (code: string) => listenFailure(Object.assign(new Error(code), { code }), address, 'BUSBAR_HTTP');

  it('is an error that names the setting', () => {
    expect(failure('EADDRINUSE')).toMatchObject({
      code: 'PORT_IN_USE',
      params: { address: '[::1]:80', setting: 'BUSBAR_HTTP' },
    });
    for (const code of ['EACCES', 'EADDRNOTAVAIL', 'ENOTFOUND']) {
      expect(isBusbarError(failure(code), 'SETTING_INVALID')).toBe(true);
      expect(failureText(failure(code))).toContain('BUSBAR_HTTP is [::1]:80');
    }
  });

  it('stays what it is when the reason is another', () => {
    const error = new Error('a defect');
    expect(listenFailure(error, address, 'BUSBAR_HTTP')).toBe(error);
    expect(failureText(error)).toContain('a defect');
    expect(failureText('text')).toBe('text');
  });
});
