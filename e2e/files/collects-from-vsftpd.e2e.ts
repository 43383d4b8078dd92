import { createHash, randomBytes } from 'node:crypto';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CuttingProxy } from '../harness/cutting-proxy.js';
import { giveToServers, programPath, startVsftpd, type Vsftpd } from '../harness/file-servers.js';
import { FilesSite, sha256Of } from '../harness/files-site.js';
import { until } from '../harness/until.js';

const lacking = programPath('vsftpd') && programPath('openssl') ? '' : 'vsftpd, openssl';
if (lacking) process.stdout.write(`SKIPPED, not installed here: ${lacking}\n`);

const MIB = 1024 * 1024;
/** 2,048 makes a file that no signed 32-bit size holds. */
const BIG_MIB = Number(process.env.BUSBAR_TEST_FILE_MIB);
const BIG_BYTES = BIG_MIB * MIB;
const CUT_BYTES = 48 * MIB;
const NAMES = ['故障 录波 1.cfg', 'with  two blanks.dat', "%41 & + # ' ;.txt", 'ä.csv', 'plain.csv'];

let folder: string;
let root: string;
let plain: Vsftpd;
let secure: Vsftpd;
let control: CuttingProxy;
let data: CuttingProxy;
let files: FilesSite;

/** Makes a file that the server's users may read, and its folder one that they may write. */
function put(path: string, content: string | Uint8Array, mode = 0o644): string {
  const at = join(root, path);
  const into = join(at, '..');
  mkdirSync(into, { recursive: true });
  chmodSync(into, 0o777);
  writeFileSync(at, content);
  chmodSync(at, mode);
  giveToServers(at);
  return at;
}

/** Holes, with marks between them: one that is out of place changes the digest. */
function putSparse(path: string, bytes: number): void {
  const at = put(path, '');
  const handle = openSync(at, 'r+');
  ftruncateSync(handle, bytes);
  for (let offset = 0; offset < bytes; offset += 61 * MIB + 7) writeSync(handle, randomBytes(4_096), 0, 4_096, offset);
  writeSync(handle, randomBytes(16), 0, 16, bytes - 16);
}

/** The server does not shut its users in: only root could, and the tests need not be root. */
const tasks =
  (): string => `  names: { connection: plain, path: ${root}/names, match: [ "*" ], every: 1s, settled: 1s, to: { asset: station-1, point: Names } }
  denied: { connection: plain, path: ${root}/denied, match: [ "*.csv" ], every: 1s, settled: 0s, to: { asset: station-1, point: Denied } }
  moved: { connection: plain, path: ${root}/moved, match: [ "*.csv" ], every: 1s, settled: 0s, after: move ${root}/done, to: { asset: station-1, point: Moved } }
  deep: { connection: plain, path: ${root}/deep/**, depth: 2, match: [ "*.csv" ], every: 1s, settled: 0s, to: { asset: station-1, point: Deep } }
  gone: { connection: plain, path: ${root}/gone, match: [ "*.csv" ], every: 1s, settled: 0s, after: delete, to: { asset: station-1, point: Gone } }
  growing: { connection: secure, path: ${root}/growing, match: [ "*.log" ], every: 1s, settled: 2s, to: { asset: station-1, point: Growing } }
  cut: { connection: cut, path: ${root}/cut, match: [ "*.bin" ], every: 1s, settled: 0s, to: { asset: station-1, point: Cut } }
  big: { connection: big, path: ${root}/big, match: [ "%Y.img" ], every: 1s, settled: 0s, keep: { size: 3GB }, to: { asset: station-1, point: Big } }
`;

describe.skipIf(lacking !== '')('files of a real vsftpd', () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'busbar-files-'));
    chmodSync(folder, 0o755);
    root = join(folder, 'root');
    for (const name of ['names', 'denied', 'moved', 'done', 'gone', 'growing', 'cut', 'big']) {
      mkdirSync(join(root, name), { recursive: true });
      chmodSync(join(root, name), 0o777);
    }
    for (const name of NAMES) put(`names/${name}`, `content of ${name}`);
    put('denied/locked.csv', 'nobody sees this', 0o600);
    put('denied/open.csv', 'everybody sees this');
    for (const path of ['one/a', 'one/录波/a', 'two/a', 'one/two/too/deep/a']) put(`deep/${path}.csv`, `in ${path}`);
    symlinkSync(join(root, 'denied'), join(root, 'deep/away'));
    symlinkSync(join(root, 'denied/open.csv'), join(root, 'deep/two/away.csv'));
    symlinkSync('a.csv', join(root, 'deep/two/latest.csv'));
    put('moved/a.csv', 'to be moved');
    put('done/a.csv', 'moved before');
    put('gone/a.csv', 'to be deleted');
    put('cut/whole.bin', randomBytes(CUT_BYTES));
    plain = await startVsftpd(join(folder, 'plain'), root, { dataPorts: 20 });
    secure = await startVsftpd(join(folder, 'secure'), root, { host: '127.0.0.2', tls: true });
    const behind = await startVsftpd(join(folder, 'behind'), root, { host: '127.0.0.3' });
    const stop = plain.stop;
    plain = { ...plain, stop: () => Promise.all([stop(), behind.stop()]).then(() => undefined) };
    // The client takes the port that the server tells, at the address where it reached it.
    control = await CuttingProxy.start({ host: '127.0.0.1', port: 0 }, { host: behind.host, port: behind.port });
    data = await CuttingProxy.start(
      { host: '127.0.0.1', port: behind.dataPort },
      { host: behind.host, port: behind.dataPort },
    );
    data.cutAfter(CUT_BYTES / 2);
    files = await FilesSite.start(folder, {
      connections: `  plain: { driver: ftp, readOnly: false, with: { host: 127.0.0.1, port: ${plain.port} } }
  secure: { driver: ftp, with: { host: ${secure.host}, port: ${secure.port}, security: explicit, certificate: secret:ftp/ca, serverName: files.test } }
  cut: { driver: ftp, with: { host: 127.0.0.1, port: ${control.port}, timeout: 5s } }
  big: { driver: ftp, with: { host: 127.0.0.1, port: ${plain.port}, timeout: 10s } }
`,
      tasks: tasks(),
      points: ['Names', 'Denied', 'Moved', 'Deep', 'Gone', 'Growing', 'Cut', 'Big'],
      secrets: { 'ftp/ca': secure.certificate ?? '' },
    });
  });

  afterAll(async () => {
    await files?.site.stop();
    await Promise.all([control?.stop(), data?.stop(), plain?.stop(), secure?.stop()]);
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  it('arrive with their names, whatever script and signs these have', async () => {
    const found = await until('all names are there', async () => {
      const list = await files.files('Names');
      return list.length >= NAMES.length && list;
    });
    const expected = await Promise.all(NAMES.map(async (name) => [name, await sha256Of(join(root, 'names', name))]));
    expect(found.map(({ originalFilename, sha256 }) => [originalFilename, sha256]).sort()).toEqual(expected.sort());
  });

  it('come from subfolders as deep as the task goes, and from none behind a link', async () => {
    const expected = ['in one/a', 'in one/录波/a', 'in two/a', 'in two/a'].map((text) =>
      createHash('sha256').update(text).digest('hex'),
    );
    const found = await until('those of the folders are there', async () => {
      const list = await files.files('Deep');
      return list.length >= expected.length && list;
    });
    expect(found.map(({ sha256 }) => sha256).sort()).toEqual(expected.sort());
  });

  it('go on where one of them may not be read, and say which', async () => {
    const found = await until('the open one is there', async () => {
      const list = await files.files('Denied');
      return list.length > 0 && list;
    });
    expect(found.map(({ originalFilename }) => originalFilename)).toEqual(['open.csv']);
    const health = await until('the task says what is wrong', async () => {
      const task = await files.task('denied');
      return task?.state === 'failed' && task;
    });
    expect(health.diagnosis).toMatchObject({ code: 'FILE_DENIED', params: { file: join(root, 'denied/locked.csv') } });
    chmodSync(join(root, 'denied', 'locked.csv'), 0o644);
  });

  it('are moved and deleted only once they are in the cloud, and overwrite nothing', async () => {
    await until(
      'both are done with',
      () => !existsSync(join(root, 'moved/a.csv')) && !existsSync(join(root, 'gone/a.csv')),
    );
    expect(readdirSync(join(root, 'done')).sort()).toEqual(['a (2).csv', 'a.csv']);
    expect((await files.files('Moved')).map(({ received }) => received)).toEqual([1]);
    expect((await files.files('Gone')).map(({ received }) => received)).toEqual([1]);
  });

  it('are not taken while they grow, here over TLS', async () => {
    const at = put('growing/a.log', 'begin\n');
    for (let i = 0; i < 20; i++) {
      appendFileSync(at, `${randomBytes(50_000).toString('hex')}\n`);
      await new Promise((resolve) => setTimeout(resolve, 200));
      expect(await files.files('Growing')).toEqual([]);
    }
    appendFileSync(at, 'end\n');
    const found = await until('it is there', async () => {
      const list = await files.files('Growing');
      return list.length > 0 && list;
    });
    expect(found.map(({ sha256 }) => sha256)).toEqual([await sha256Of(at)]);
  });

  it('go on from where the connection was cut', async () => {
    const found = await until('it is there', async () => {
      const list = await files.files('Cut');
      return list.length > 0 && list;
    });
    expect(data.cuts).toBe(1);
    expect(found.map(({ sha256 }) => sha256)).toEqual([await sha256Of(join(root, 'cut/whole.bin'))]);
    // Listings pass as well; what was on its way at the cut is read once more.
    expect(data.received).toBeGreaterThanOrEqual(CUT_BYTES);
    expect(data.received).toBeLessThan(CUT_BYTES + 8 * MIB);
  });

  it(`may be as large as ${BIG_MIB} MiB, without memory for it`, async () => {
    files.peakMemory();
    const before = files.peakMemory();
    putSparse(`big/${new Date().getUTCFullYear()}.img`, BIG_BYTES);
    const found = await until(
      'it is there',
      async () => {
        const list = await files.files('Big');
        return list.length > 0 && list;
      },
      100_000,
    );
    expect(files.peakMemory() - before).toBeLessThan(200);
    const sha256 = await sha256Of(join(root, `big/${new Date().getUTCFullYear()}.img`));
    expect(found.map((file) => [file.size, file.sha256, file.received])).toEqual([[BIG_BYTES, sha256, 1]]);
  });

  it('are sent once each, however often they are listed', async () => {
    for (const point of ['Names', 'Cut', 'Growing']) {
      expect((await files.files(point)).map(({ received }) => received)).toEqual(
        (await files.files(point)).map(() => 1),
      );
    }
    expect(await files.files('Names')).toHaveLength(NAMES.length);
  });
});
