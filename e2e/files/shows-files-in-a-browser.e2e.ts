import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConsolePage, chromium } from '../harness/console-page.js';
import { giveToServers, programPath, type Sshd, startSshd } from '../harness/file-servers.js';
import { FilesSite } from '../harness/files-site.js';
import { until } from '../harness/until.js';

const hasSshd = programPath('sshd') !== undefined && programPath('ssh-keygen') !== undefined;
const lacking = [chromium ? '' : 'chromium', hasSshd ? '' : 'openssh-server'].filter((name) => name !== '');
if (lacking.length > 0) process.stdout.write(`SKIPPED, not installed here: ${lacking.join(', ')}\n`);

const MIB = 1024 * 1024;

let folder: string;
let root: string;
let sshd: Sshd;
let files: FilesSite;
let tab: ConsolePage;

function put(path: string, content: string | Uint8Array, mode = 0o644): void {
  const at = join(root, path);
  mkdirSync(dirname(at), { recursive: true });
  writeFileSync(at, content);
  giveToServers(at);
  chmodSync(at, mode);
}

describe.skipIf(lacking.length > 0)('file tasks in a browser', () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'busbar-files-'));
    chmodSync(folder, 0o755);
    root = join(folder, 'root');
    put('comtrade/bay-01/故障 1.cfg', 'a record');
    put('comtrade/bay-02/locked.cfg', 'nobody may read it', 0o000);
    put('waveforms/long.bin', new Uint8Array(8 * MIB));
    sshd = await startSshd(join(folder, 'sshd'));
    const key = `privateKey: secret:sftp/key, hostKey: "${sshd.hostKey}"`;
    const started = FilesSite.start(folder, {
      connections: `  bay-records: { title: Recorder of bay 1, driver: sftp, with: { host: 127.0.0.1, port: ${sshd.port}, user: ${sshd.user}, ${key} } }
  bay-waveforms: { title: Waveforms, driver: sftp, with: { host: 127.0.0.1, port: ${sshd.port}, user: ${sshd.user}, ${key} } }
`,
      tasks: `  fault-records: { title: Fault records, connection: bay-records, path: ${root}/comtrade/**, match: [ "*.cfg", "*.dat" ], settled: 0s, to: { asset: station-1, point: Records } }
  nightly: { title: Night report, connection: bay-records, path: ${root}/comtrade, match: [ "*.csv" ], cron: "30 2 * * *", to: { asset: station-1, point: Report } }
  waveforms: { title: Waveforms, connection: bay-waveforms, path: ${root}/waveforms, match: [ "*.bin" ], every: 15m, settled: 0s, limit: 512KB/s, to: { asset: station-1, point: Waveform } }
`,
      points: ['Records', 'Report', 'Waveform'],
      secrets: { 'sftp/key': sshd.privateKey },
    });
    [files, tab] = await Promise.all([started, ConsolePage.open()]);
    const code = /\/setup#(\S+)/.exec(files.site.program('standalone').output)?.[1];
    await tab.page.goto(`http://127.0.0.1:${files.site.ports.http}/setup#${code}`);
    await tab.untilText('Live');
  });

  afterAll(async () => {
    await tab?.close();
    await files?.site.stop();
    await sshd?.stop();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  it('are listed with when they run, and start when somebody wants it', async () => {
    await tab.click('link', 'Files');
    await tab.untilText('cron 30 2 * * *');
    await tab.click('link', 'Fault records');
    await tab.untilText('No file was collected yet.');
    await tab.page.$$eval('button', (all) => all.find((one) => one.textContent === 'Run now')?.click());
    await tab.untilText('Give the user of the connection the right to read it');
    await tab.untilText(/故障 1\.cfg[\s\S]*uploaded/);
    await tab.picture('console-files');
  });

  it('show what failed until it is mended and tried again', async () => {
    chmodSync(join(root, 'comtrade/bay-02/locked.cfg'), 0o644);
    await tab.click('button', 'Try again');
    await until('the file is in the cloud', async () => (await files.files('Records')).length === 2);
    await tab.untilText(/locked\.cfg[\s\S]*uploaded/);
    await until('nothing is wrong any more', async () => !(await tab.text()).includes('does not let us read'));
  });

  it('show how far a long file is', async () => {
    await tab.page.goto(`http://127.0.0.1:${files.site.ports.http}/files/waveforms`);
    await tab.untilText(/collecting\s+\d+ %/);
    expect(tab.errors).toEqual([]);
  });
});
