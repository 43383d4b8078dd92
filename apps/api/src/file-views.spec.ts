import type { Bus } from '@busbar/bus';
import { encodeJson, type FileCollected, type FileConnectionConfig, type FileUploaded } from '@busbar/events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FileViews, fileTaskViews } from './file-views.js';
import { eventually, openTestBus, testClock } from './test-bus.js';

const told = (file: string, change: Partial<FileCollected> = {}): FileCollected => ({
  connection: 'c',
  task: 't',
  file,
  state: 'collecting',
  size: 10,
  bytes: 4,
  diagnosis: null,
  at: 2_000,
  ...change,
});
const uploaded = (file: string, change: Partial<FileUploaded> = {}): FileUploaded => ({
  connection: 'c',
  task: 't',
  file,
  size: 10,
  modifiedAt: 1,
  tag: null,
  sha256: 'ab',
  collectedAt: 900,
  uploadedAt: 1_000,
  sinks: [{ sink: 'cloud', uri: 'enos:1' }],
  after: 'done',
  ...change,
});

describe('files as people see them', () => {
  let test: Awaited<ReturnType<typeof openTestBus>>;
  let bus: Bus;
  let views: FileViews;

  beforeEach(async () => {
    test = await openTestBus();
    bus = test.bus;
  });

  afterEach(async () => {
    await views.stop();
    await test.dispose();
  });

  const tell = (record: FileCollected) =>
    bus.publish([{ topic: 'files.collected.v1', key: record.task, value: encodeJson('files.collected.v1', record) }]);
  const have = (record: FileUploaded) => {
    const key = `${record.task}/${record.file}`;
    return bus.publish([{ topic: 'files.uploaded.v1', key, value: encodeJson('files.uploaded.v1', record) }]);
  };
  const states = () => views.of('t').map(({ file, state, bytes }) => `${file} ${state} ${bytes}`);

  it('are those that the clouds have and those under way, before and after the start, the newest first', async () => {
    await have(uploaded('/a'));
    await have(uploaded('/other', { task: 'u' }));
    await tell(told('/b'));
    views = new FileViews(bus, testClock);
    await views.ready;
    await eventually(states).toEqual(['/b collecting 4', '/a uploaded 10']);
    await tell(told('/b', { bytes: 8, at: 3_000 }));
    const diagnosis = { code: 'FILE_DENIED', params: { file: '/c', target: 'x' } };
    await tell(told('/c', { state: 'failed', bytes: 0, at: 2_500, diagnosis }));
    await eventually(states).toEqual(['/b collecting 8', '/c failed 0', '/a uploaded 10']);
    expect(views.of('t')[1]?.diagnosis).toEqual(diagnosis);
    expect(views.uploaded(undefined)).toHaveLength(2);
  });

  it('are under way again when they have changed, and uploaded once the clouds have them', async () => {
    views = new FileViews(bus, testClock);
    await have(uploaded('/a'));
    await tell(told('/a'));
    await eventually(states).toEqual(['/a collecting 4']);
    await tell(told('/a', { state: 'uploaded', bytes: 10, at: 3_000 }));
    await have(uploaded('/a', { uploadedAt: 2_999, sha256: 'cd' }));
    await eventually(states).toEqual(['/a uploaded 10']);
    expect(views.of('t')).toMatchObject([{ sha256: 'cd', sinks: [{ sink: 'cloud', uri: 'enos:1' }], after: 'done' }]);
  });

  it('belong to tasks, of which their owner says how they are', () => {
    views = new FileViews(bus, testClock);
    const task = { id: 't', title: 'T', path: '/r', match: ['*'], everyMs: null, window: null, cron: '0 2 * * *' };
    const rest = { after: { act: 'keep' }, to: { asset: 'a', point: 'P' }, keep: { ms: 1, bytes: 77 } };
    const connection = {
      kind: 'file',
      id: 'c',
      title: 'C',
      timezone: 'UTC',
      with: { protocol: 'sftp' },
      tasks: [{ ...task, ...rest }],
    } as unknown as FileConnectionConfig;
    const [view] = fileTaskViews({ connections: [connection] }, () => []);
    expect(view).toMatchObject({ task: 't', connectionTitle: 'C', protocol: 'sftp', keepBytes: 77, health: null });
    expect(view).toMatchObject({ cron: '0 2 * * *' });
  });
});
