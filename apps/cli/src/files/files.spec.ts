import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const MAIN = join(import.meta.dirname, '../../dist/main.js');

const task = {
  task: 'records',
  title: 'Records',
  connection: 'bay',
  connectionTitle: '',
  protocol: 'sftp',
  timezone: 'Asia/Shanghai',
  path: '/r',
  match: ['*'],
  everyMs: null,
  window: null,
  after: { act: 'keep' },
  to: { asset: 'bay-01', point: 'Record' },
  keepBytes: 1_024,
  health: {
    task: 'records',
    state: 'failed',
    diagnosis: { code: 'FILE_DENIED', params: { target: 'sftp://h', file: '/r/b' } },
    lastRunAt: Date.parse('2026-03-04T12:00:00Z'),
    nextRunAt: null,
    uploaded: 3,
    waiting: 1,
    waitingBytes: 10,
    keptBytes: 20,
  },
};
const file = { sha256: null, sink: null, sinks: [], after: null, diagnosis: null, at: 0 };
const files = [{ ...file, file: '/r/a', state: 'collecting', size: 10, bytes: 4 }];

let folder: string;
let server: Server;
let asked: string[];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'busbar-cli-'));
  writeFileSync(join(folder, 'admin.key'), 'the-key\n');
  server = createServer((request: IncomingMessage, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += String(chunk);
    });
    request.on('end', () => {
      const url = request.url ?? '';
      asked.push(`${request.method} ${url} ${body}`.trim());
      const answer = (status: number, value: unknown) => response.writeHead(status).end(JSON.stringify(value));
      const error = { params: {}, sentence: 'There is none.', fix: 'Look.' };
      if (request.headers.authorization !== 'Bearer the-key') answer(401, { code: 'UNAUTHORIZED', ...error });
      else if (url.includes('none')) answer(404, { code: 'NOT_FOUND', ...error });
      else if (request.method === 'POST') answer(202, { id: '01ABC' });
      else answer(200, url === '/api/v1/files/tasks' ? { tasks: [task] } : { task, files });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});

beforeEach(() => {
  asked = [];
});

afterAll(async () => {
  await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true, force: true });
});

/** The program as it is built, in a process of its own. */
async function busbar(...line: string[]) {
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
  const options = line.includes('--server') ? [] : ['--server', url];
  const child = spawn(process.execPath, [MAIN, 'files', ...line, ...options], {
    cwd: folder,
    env: { BUSBAR_DATA: '.' },
  });
  const streams = [child.stdout, child.stderr].map(async (stream) => {
    let text = '';
    for await (const chunk of stream) text += String(chunk);
    return text;
  });
  const status = new Promise<number | null>((resolve) => child.on('close', resolve));
  const [out, err] = (await Promise.all(streams)) as [string, string];
  return { status: await status, out, err };
}

describe('busbar files', () => {
  it('lists the tasks by the clock of the site, with why one fails and what to do', async () => {
    const { status, out } = await busbar('list');
    expect(status).toBe(0);
    expect(out).toMatch(
      /records +failed +2026-03-04 20:00:00 +- +3 +1 +20 +FILE_DENIED: sftp:\/\/h does not let us read/,
    );
  });

  it('lists the files of a task, for people and for programs', async () => {
    expect((await busbar('list', 'records')).out).toMatch(/\/r\/a +collecting +4\/10/);
    const { out } = await busbar('list', 'records', '--json');
    expect(JSON.parse(out)).toMatchObject({ schema: 1, task: { task: 'records' }, files: [{ file: '/r/a' }] });
  });

  it('asks for a run, for another try of one file or of all, and for another delivery', async () => {
    for (const line of [
      ['run', 'records'],
      ['retry', 'records'],
      ['retry', 'records', '/r/b'],
      ['deliver', 'records', '/r/a'],
    ]) {
      expect(await busbar(...line)).toMatchObject({ status: 0, err: '' });
    }
    expect(asked).toEqual([
      'POST /api/v1/files/records/run {}',
      'POST /api/v1/files/records/retry {}',
      'POST /api/v1/files/records/retry {"file":"/r/b"}',
      'POST /api/v1/files/records/deliver {"file":"/r/a"}',
    ]);
  });

  it('ends with the code for what went wrong, and says it', async () => {
    expect(await busbar('run', 'none')).toMatchObject({ status: 1, err: 'NOT_FOUND: There is none. Look.\n' });
    writeFileSync(join(folder, 'wrong.key'), 'another');
    expect(await busbar('list', '--key', 'wrong.key')).toMatchObject({ status: 3 });
    expect((await busbar('list', '--key', 'gone.key')).err).toContain('gone.key cannot be read (ENOENT)');
    expect(await busbar('list', '--server', 'http://127.0.0.1:1')).toMatchObject({ status: 3 });
    expect(await busbar('list', '--server', 'nowhere')).toMatchObject({ status: 2 });
    expect(await busbar('run')).toMatchObject({ status: 2 });
  });
});
