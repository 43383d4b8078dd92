// @vitest-environment happy-dom
import type { FileTaskView, FileView } from '@busbar/api-schema';
import { act } from 'react';
import { Route, Routes } from 'react-router-dom';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { consoleBench } from '../testing/console-bench.js';
import { FilesPage } from './files-page.js';

const task: FileTaskView = {
  task: 'records',
  title: 'Fault records',
  connection: 'bay',
  connectionTitle: 'Bay 1',
  protocol: 'sftp',
  timezone: 'UTC',
  path: '/comtrade/**',
  match: ['*.cfg', '*.dat'],
  everyMs: null,
  cron: '30 2 * * *',
  window: null,
  startOn: { asset: 'bay-01', point: 'Fault', becomes: 1, delayMs: 0 },
  after: { act: 'keep' },
  to: { asset: 'bay-01', point: 'Record' },
  keepBytes: 1_024 ** 3,
  health: {
    task: 'records',
    state: 'failed',
    diagnosis: { code: 'FILE_DENIED', params: { target: 'sftp://h', file: '/comtrade/b.cfg' } },
    lastRunAt: 940_000,
    nextRunAt: 9_000_000,
    uploaded: 12,
    waiting: 2,
    waitingBytes: 3_072,
    keptBytes: 5 * 1_024 ** 2,
  },
};
const file = (change: Partial<FileView>): FileView => ({
  file: '/comtrade/a.cfg',
  state: 'uploaded',
  size: 2_048,
  bytes: 2_048,
  sha256: 'ab'.repeat(32),
  sink: null,
  sinks: [{ sink: 'cloud', uri: 'enos:1' }],
  after: 'done',
  diagnosis: null,
  at: 950_000,
  ...change,
});
const moving = file({
  file: '/comtrade/c.dat',
  state: 'uploading',
  bytes: 512,
  sink: 'cloud',
  sinks: [],
  sha256: null,
});
const broken = file({
  file: '/comtrade/b.cfg',
  state: 'failed',
  bytes: 0,
  sinks: [],
  diagnosis: { code: 'FILE_DENIED', params: { target: 'sftp://h', file: '/comtrade/b.cfg' } },
});

let tasks: FileTaskView[];
let bench: ReturnType<typeof consoleBench>;

beforeEach(() => {
  tasks = [task];
  bench = consoleBench((method, path) => {
    if (method === 'POST') return { status: 202, body: { id: '1' } };
    if (path === '/files/tasks') return { status: 200, body: { tasks } };
    return { status: 200, body: { task, files: [moving, broken, file({})] } };
  });
});
afterEach(() => bench.end());

async function show(path: string): Promise<void> {
  const page = (
    <Routes>
      <Route path="files/:task?" element={<FilesPage />} />
    </Routes>
  );
  await bench.show(page, path);
}
const shown = (text: string) => act(async () => void (await vi.waitUntil(() => bench.text().includes(text))));
const asked = () => bench.calls.filter(({ method }) => method === 'POST').map(({ path, body }) => [path, body]);

describe('FilesPage', () => {
  it('says of a task when it runs, how much waits and is kept, why it fails and what to do', async () => {
    await show('/files');
    await shown('Fault records');
    for (const text of [
      'failed',
      'cron 30 2 * * *, when bay-01/Fault becomes 1',
      '12',
      '3.0 KB',
      '5.0 MB',
      'of 1.0 GB',
    ])
      expect(bench.text()).toContain(text);
    for (const text of ['sftp://h does not let us read /comtrade/b.cfg.', 'Give the user of the connection the right'])
      expect(bench.text()).toContain(text);
    expect(document.querySelectorAll('section')).toHaveLength(1);
  });

  it('shows how far each file of a task is', async () => {
    await show('/files/records');
    await shown('/comtrade/c.dat');
    const rows = [...document.querySelectorAll('section:last-of-type tbody tr')].map((row) => row.textContent);
    expect(rows[0]).toContain('uploading (cloud)');
    expect(rows[0]).toContain('25 %');
    expect(rows[1]).toContain('failed');
    expect(rows[2]).toContain('cloud: enos:1');
  });

  it('runs a task, and tries a file, or all that failed, again', async () => {
    await show('/files/records');
    await shown('/comtrade/b.cfg');
    await bench.press('Run now');
    await bench.press('Try again');
    await bench.press('Try all that failed again');
    await bench.press('Deliver again');
    await vi.waitUntil(() => asked().length === 4);
    expect(asked()).toEqual([
      ['/files/records/run', undefined],
      ['/files/records/retry', { file: '/comtrade/b.cfg' }],
      ['/files/records/retry', {}],
      ['/files/records/deliver', { file: '/comtrade/a.cfg' }],
    ]);
  });

  it('asks for nothing without a link', async () => {
    await show('/files');
    await shown('Fault records');
    await bench.cut();
    expect(document.querySelector('.held')).not.toBeNull();
    await bench.press('Run now').catch(() => undefined);
    expect(asked()).toEqual([]);
  });

  it('says that there are none, and that one is gone', async () => {
    tasks = [];
    await show('/files/gone');
    await shown('There are no file tasks yet.');
    expect(bench.text()).toContain('There is no file task gone in the running generation.');
  });
});
