import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { FileTaskFilesView, FileTasksView, RequestView } from '@busbar/api-schema';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { editPackage } from '../harness/edit-package.js';
import { giveToServers, programPath, type Sshd, startSshd } from '../harness/file-servers.js';
import type { CloudFile } from '../harness/files-site.js';
import type { Site, SiteOptions } from '../harness/site.js';
import { until } from '../harness/until.js';

const lacking = programPath('sshd') && programPath('ssh-keygen') ? '' : 'openssh-server';
const CLOUD_PORT = '18443';
/** What the stand-in knows the asset as: the identity of the example's sink. */
const STATION = 'demo-pv-station-1';

export interface FilesOptions {
  /** Lays the site out, without starting it. */
  prepare(options: SiteOptions): Promise<Site>;
  /** Stopped in the last part, while others go on; null: there are no others. */
  readonly leaves: string | null;
}

/** The same promises, whichever way the services run. A server that we did not write has the files. */
export function describeFiles(name: string, options: FilesOptions): void {
  if (lacking !== '') process.stdout.write(`SKIPPED, not installed here: ${lacking}\n`);
  describe.skipIf(lacking !== '')(name, () => promises(options));
}

function promises({ prepare, leaves }: FilesOptions): void {
  let folder: string;
  let root: string;
  let sshd: Sshd;
  let site: Site;

  function put(path: string, content: string): void {
    const at = join(root, path);
    mkdirSync(dirname(at), { recursive: true });
    writeFileSync(at, content);
    giveToServers(at);
  }

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'busbar-files-'));
    chmodSync(folder, 0o755);
    root = join(folder, 'root');
    put('records/bay-01/2026/fault.cfg', 'of the first bay');
    put('records/bay-02/2026/fault.cfg', 'of the second bay');
    put('records/bay-02/2026/notes.txt', 'nobody asked for it');
    put('outside/secret.cfg', 'not below the folder of the task');
    symlinkSync(join(root, 'outside'), join(root, 'records/away'));
    symlinkSync(join(root, 'outside/secret.cfg'), join(root, 'records/bay-01/2026/away.cfg'));
    symlinkSync('fault.cfg', join(root, 'records/bay-01/2026/latest.cfg'));
    sshd = await startSshd(join(folder, 'sshd'));
    site = await prepare({ files: packageFiles(root, sshd) });
    editPackage(site.package, 'cloud/enos.yaml', CLOUD_PORT, String(site.ports.cloud));
    const key = join(site.folder, 'data/secrets/sftp/key');
    mkdirSync(dirname(key), { recursive: true });
    writeFileSync(key, sshd.privateKey, { mode: 0o600 });
    await site.run();
    await until('the tasks have an owner', async () => {
      const owned = (await tasks()).filter(({ health }) => health !== null);
      return owned.length === 2;
    });
  }, 180_000);

  afterAll(async () => {
    await site?.stop();
    await sshd?.stop();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  const post = (path: string, body: unknown = {}) => site.api(path, { method: 'POST', body: JSON.stringify(body) });
  const tasks = async () => (await site.api<FileTasksView>('/files/tasks')).body.tasks;
  const filesOf = async (task: string) => (await site.api<FileTaskFilesView>(`/files/tasks/${task}`)).body.files;
  const inCloud = async (point: string) => {
    const { status, body } = await site.cloud<{ files: CloudFile[] }>(`/devices/${STATION}/files`);
    return status === 200 ? body.files.filter((file) => file.point === point) : [];
  };
  const digests = async (point: string) => (await inCloud(point)).map(({ sha256 }) => sha256).sort();
  const digest = (content: string) => createHash('sha256').update(content).digest('hex');
  const lastRun = async (task: string) => (await tasks()).find((one) => one.task === task)?.health?.lastRunAt ?? 0;

  it('a task that somebody starts brings the files of every subfolder, and none behind a link that leads out', async () => {
    expect(await inCloud('Records')).toEqual([]);
    expect(await post('/files/records/run')).toMatchObject({ status: 202 });
    // The link to a file beside it is one more file of that content.
    const expected = ['of the first bay', 'of the first bay', 'of the second bay'].map(digest).sort();
    await until('the files are in the cloud', async () => (await inCloud('Records')).length >= expected.length);
    expect(await digests('Records')).toEqual(expected);
    const shown = await until('they are shown as uploaded', async () => {
      const files = await filesOf('records');
      return files.length === expected.length && files.every(({ state }) => state === 'uploaded') && files;
    });
    expect(shown.map(({ file }) => file.slice(root.length)).sort()).toEqual([
      '/records/bay-01/2026/fault.cfg',
      '/records/bay-01/2026/latest.cfg',
      '/records/bay-02/2026/fault.cfg',
    ]);
  });

  it('another run brings only what is new', async () => {
    const before = await lastRun('records');
    put('records/bay-02/2026/fault-2.cfg', 'one more');
    await post('/files/records/run');
    await until('the new file is in the cloud', async () => (await digests('Records')).includes(digest('one more')));
    await until('the run is over', async () => (await lastRun('records')) > before);
    expect(await inCloud('Records')).toHaveLength(4);
  });

  it('a point that becomes a value starts the task that waits for it', async () => {
    await until('the first run is over', async () => (await lastRun('triggered')) > 0);
    const before = await lastRun('triggered');
    put('triggered/event.dat', 'written at the event');
    const ask = { id: 'files-1', point: 'inv-01/INV.PowerLimit', value: 42 };
    const { body } = await site.api<RequestView>('/control/requests', { method: 'POST', body: JSON.stringify(ask) });
    expect(body.end).toMatchObject({ kind: 'executed' });
    await until('the file is in the cloud', async () => (await inCloud('Event')).length === 1);
    await until('the run is told of', async () => (await lastRun('triggered')) > before);
  });

  it('a task or a file that is not there is said to be so', async () => {
    expect(await post('/files/none/run')).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } });
    expect(await post('/files/records/retry', { file: 1 })).toMatchObject({ status: 400 });
  });

  it.skipIf(leaves === null)('another process goes on where one leaves, and sends nothing again', async () => {
    await site.program(leaves as string).stop();
    put('records/bay-03/2026/fault.cfg', 'after the leave');
    await until('the file of then is in the cloud', async () => {
      await post('/files/records/run');
      return (await digests('Records')).includes(digest('after the leave'));
    });
    const files = await inCloud('Records');
    expect(files).toHaveLength(5);
    expect(files.map(({ received }) => received)).toEqual([1, 1, 1, 1, 1]);
  });
}

function packageFiles(root: string, { port, user, hostKey }: Sshd): Record<string, string> {
  return {
    'files/station.yaml': `models:
  station: { points: { Records: { type: file }, Event: { type: file } } }
assets:
  station-1: { model: station }
connections:
  recorder:
    driver: sftp
    with: { host: 127.0.0.1, port: ${port}, user: ${user}, privateKey: secret:sftp/key, hostKey: "${hostKey}", timeout: 5s }
fileTasks:
  records:
    connection: recorder
    path: ${root}/records/**
    match: [ "*.cfg" ]
    settled: 0s
    to: { asset: station-1, point: Records }
  triggered:
    connection: recorder
    path: ${root}/triggered
    match: [ "*.dat" ]
    settled: 0s
    startOn: { asset: inv-01, point: INV.PowerLimit, becomes: 42 }
    to: { asset: station-1, point: Event }
`,
    'cloud/enos.yaml': `sinks:
  enos:
    sink: enos
    control: true
    with:
      url: mqtt://127.0.0.1:11883
      http: "http://127.0.0.1:${CLOUD_PORT}"
      productKey: pkEdge01
      deviceKey: $site
      deviceSecret: secret:enos/edge
    products: { inverter: pkInv001, meter: pkMtr001, station: pkStation }
    identity: { deviceKey: $site-$asset, deviceSecret: secret:enos/$asset }
    send: [ "*" ]
`,
  };
}
