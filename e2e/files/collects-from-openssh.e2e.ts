import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CuttingProxy } from '../harness/cutting-proxy.js';
import { giveToServers, programPath, type Sshd, startSshd } from '../harness/file-servers.js';
import { FilesSite, sha256Of } from '../harness/files-site.js';
import { until } from '../harness/until.js';

const lacking = programPath('sshd') && programPath('ssh-keygen') ? '' : 'openssh-server';
if (lacking) process.stdout.write(`SKIPPED, not installed here: ${lacking}\n`);

const MIB = 1024 * 1024;
const CUT_BYTES = 96 * MIB;
const SETS = ['故障 1.cfg', '故障 1.dat', 'half.cfg'];

let folder: string;
let root: string;
let sshd: Sshd;
let proxy: CuttingProxy;
let files: FilesSite;

function put(path: string, content: string | Uint8Array, mode = 0o644): string {
  const at = join(root, path);
  const into = join(at, '..');
  mkdirSync(into, { recursive: true });
  chmodSync(into, 0o777);
  writeFileSync(at, content);
  giveToServers(at);
  chmodSync(at, mode);
  return at;
}

describe.skipIf(lacking !== '')('files of a real OpenSSH server', () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'busbar-files-'));
    chmodSync(folder, 0o755);
    root = join(folder, 'root');
    for (const name of SETS) put(`sets/${name}`, `content of ${name}`);
    put('denied/locked.csv', 'nobody sees this', 0o000);
    put('denied/open.csv', 'everybody sees this');
    put('gone/a.csv', 'to be deleted');
    put('cut/whole.bin', randomBytes(CUT_BYTES));
    sshd = await startSshd(join(folder, 'sshd'));
    proxy = await CuttingProxy.start({ host: '127.0.0.1', port: 0 }, sshd);
    proxy.cutAfter(CUT_BYTES / 2);
    const link = (port: number, hostKey = sshd.hostKey): string =>
      `{ host: 127.0.0.1, port: ${port}, user: ${sshd.user}, privateKey: secret:sftp/key, hostKey: "${hostKey}", timeout: 5s }`;
    const task = 'every: 1s, settled: 0s';
    files = await FilesSite.start(folder, {
      connections: `  plain: { driver: sftp, readOnly: false, with: ${link(sshd.port)} }
  cut: { driver: sftp, with: ${link(proxy.port)} }
  foreign: { driver: sftp, with: ${link(sshd.port, `SHA256:${'A'.repeat(43)}`)} }
`,
      tasks: `  sets: { connection: plain, path: ${root}/sets, match: [ "*.cfg", "*.dat" ], sets: same-name, ${task}, to: { asset: station-1, point: Sets } }
  denied: { connection: plain, path: ${root}/denied, match: [ "*" ], ${task}, to: { asset: station-1, point: Denied } }
  gone: { connection: plain, path: ${root}/gone, match: [ "*" ], ${task}, after: delete, to: { asset: station-1, point: Gone } }
  cut: { connection: cut, path: ${root}/cut, match: [ "*" ], ${task}, to: { asset: station-1, point: Cut } }
  foreign: { connection: foreign, path: ${root}/sets, match: [ "*" ], ${task}, to: { asset: station-1, point: Foreign } }
`,
      points: ['Sets', 'Denied', 'Gone', 'Cut', 'Foreign'],
      secrets: { 'sftp/key': sshd.privateKey },
    });
  });

  afterAll(async () => {
    await files?.site.stop();
    await Promise.all([proxy?.stop(), sshd?.stop()]);
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  async function first(point: string) {
    return until(`a file of ${point} is there`, async () => {
      const list = await files.files(point);
      return list.length > 0 && list;
    });
  }

  it('come in whole sets', async () => {
    await first('Sets');
    const found = await until('both files of the set are there', async () => {
      const list = await files.files('Sets');
      return list.length >= 2 && list;
    });
    const expected = await Promise.all(
      SETS.slice(0, 2).map(async (name) => [name, await sha256Of(join(root, 'sets', name))]),
    );
    expect(found.map(({ originalFilename, sha256 }) => [originalFilename, sha256]).sort()).toEqual(expected);
    put('sets/half.dat', 'the other half');
    await until('the late half made a set', async () => (await files.files('Sets')).length === 4);
  });

  it('go on where one of them may not be read, and say which', async () => {
    expect((await first('Denied')).map(({ originalFilename }) => originalFilename)).toEqual(['open.csv']);
    const health = await until('the task says what is wrong', async () => {
      const task = await files.task('denied');
      return task?.diagnosis?.code === 'FILE_DENIED' && task;
    });
    expect(health.diagnosis?.params).toMatchObject({ file: join(root, 'denied/locked.csv') });
  });

  it('are deleted once they are in the cloud', async () => {
    await until('it is gone', () => !existsSync(join(root, 'gone/a.csv')));
    expect((await files.files('Gone')).map(({ received }) => received)).toEqual([1]);
  });

  it('go on from where the connection was cut', async () => {
    const found = await first('Cut');
    expect(proxy.cuts).toBe(1);
    expect(found.map((file) => [file.sha256, file.received])).toEqual([
      [await sha256Of(join(root, 'cut/whole.bin')), 1],
    ]);
    expect(proxy.received).toBeGreaterThanOrEqual(CUT_BYTES);
    expect(proxy.received).toBeLessThan(CUT_BYTES + 16 * MIB);
  });

  it('are not fetched from a host with another key, which is shown', async () => {
    const health = await until('the task says what is wrong', async () => {
      const task = await files.task('foreign');
      return task?.state === 'failed' && task;
    });
    expect(health.diagnosis).toMatchObject({ code: 'FILE_HOST_KEY', params: { shown: sshd.hostKey } });
    expect(await files.files('Foreign')).toEqual([]);
  });
});
