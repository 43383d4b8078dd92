import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FilesSite } from '../harness/files-site.js';
import { LyingFtp } from '../harness/lying-ftp.js';
import { until } from '../harness/until.js';

const MIB = 1024 * 1024;
const sha256 = (content: Uint8Array) => createHash('sha256').update(content).digest('hex');

/** What a request of a file asked for. */
interface Asked {
  readonly name: string;
  readonly range: string | undefined;
}

const contents = new Map<string, Buffer>([
  ['故障 1.csv', Buffer.from('with a name of its own')],
  ['bay 1/a.csv', Buffer.from('in a folder')],
  ['bay 1/2026/a.csv', Buffer.from('in one below')],
  ['cut.bin', randomBytes(8 * MIB)],
  ['replaced.bin', randomBytes(8 * MIB)],
]);
const tags = new Map([...contents.keys()].map((name) => [name, '"1"']));
const asked: Asked[] = [];
const cutOnce = new Set(['cut.bin', 'replaced.bin']);

function answer(request: IncomingMessage, response: ServerResponse): void {
  const path = decodeURIComponent(request.url ?? '');
  if (path.startsWith('/files/') && path.endsWith('/')) {
    const below = [...contents.keys()].flatMap((name) => {
      const rest = `/files/${name}`.startsWith(path) ? `/files/${name}`.slice(path.length) : '';
      return rest === '' ? [] : [rest.replace(/\/.*$/, '/')];
    });
    const links = [...new Set(below)].map((name) => `<li><a href="${encodeURI(name)}">${name}</a>`);
    response.end(`<a href="../">up</a>${links.join('')}<a href="/other/x.csv">elsewhere</a>`);
    return;
  }
  const name = path.slice('/files/'.length);
  const content = contents.get(name);
  if (!content) {
    response.writeHead(404).end();
    return;
  }
  const tag = tags.get(name) ?? '';
  const { range } = request.headers;
  if (request.method === 'GET') asked.push({ name, range });
  const isPart = range !== undefined && request.headers['if-range'] === tag;
  const start = isPart ? Number(/^bytes=(\d+)-$/.exec(range)?.[1]) : 0;
  response.setHeader('etag', tag);
  response.setHeader('content-length', content.length - start);
  if (isPart) response.writeHead(206, { 'content-range': `bytes ${start}-${content.length - 1}/${content.length}` });
  if (request.method === 'HEAD') {
    response.end();
  } else if (cutOnce.delete(name)) {
    response.write(content.subarray(0, content.length / 2), () => response.destroy());
    if (name !== 'replaced.bin') return;
    contents.set(name, randomBytes(8 * MIB));
    tags.set(name, '"2"');
  } else {
    response.end(content.subarray(start));
  }
}

let folder: string;
let server: Server;
let lying: LyingFtp;
let files: FilesSite;

describe('files of a web server, and of one that lies', () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'busbar-files-'));
    server = createServer(answer);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    lying = await LyingFtp.start([
      { name: 'a-more.csv', announced: 4_000, content: Buffer.from('far less than it says') },
      { name: 'b-less.csv', announced: 4, content: Buffer.from('far more than it says') },
      { name: 'c-true.csv', announced: 11, content: Buffer.from('as it says!') },
    ]);
    const task = 'every: 1s, settled: 0s';
    files = await FilesSite.start(folder, {
      connections: `  web: { driver: http, with: { url: "http://127.0.0.1:${port}", timeout: 5s } }
  liar: { driver: ftp, with: { host: 127.0.0.1, port: ${lying.port}, timeout: 5s } }
`,
      tasks: `  index: { connection: web, path: /files, match: [ "*.csv" ], ${task}, to: { asset: station-1, point: Index } }
  deep: { connection: web, path: /files/bay*/**, match: [ "*.csv" ], ${task}, to: { asset: station-1, point: Deep } }
  exact: { connection: web, path: /files, match: [ cut.bin ], ${task}, to: { asset: station-1, point: Exact } }
  replaced: { connection: web, path: /files, match: [ replaced.bin, absent.bin ], ${task}, to: { asset: station-1, point: Replaced } }
  asked: { connection: web, path: /files, match: [ cut.bin ], settled: 0s, to: { asset: station-1, point: Asked } }
  lies: { connection: liar, path: /lies, match: [ "*" ], ${task}, to: { asset: station-1, point: Lies } }
`,
      points: ['Index', 'Deep', 'Exact', 'Replaced', 'Asked', 'Lies'],
    });
  });

  afterAll(async () => {
    await files?.site.stop();
    await lying?.stop();
    server?.closeAllConnections();
    await new Promise((resolve) => server?.close(resolve));
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  async function first(point: string) {
    return until(`a file of ${point} is there`, async () => {
      const list = await files.files(point);
      return list.length > 0 && list;
    });
  }

  it('are found in the folders that its index pages lead to', async () => {
    const found = await until('both files are there', async () => {
      const list = await files.files('Deep');
      return list.length === 2 && list;
    });
    const expected = ['bay 1/a.csv', 'bay 1/2026/a.csv'].map((name) => sha256(contents.get(name) as Buffer));
    expect(found.map((file) => file.sha256).sort()).toEqual(expected.sort());
  });

  it('are found in its index page', async () => {
    const found = await first('Index');
    expect(found.map((file) => file.originalFilename)).toEqual(['故障 1.csv']);
  });

  it('go on from where the connection was cut', async () => {
    const found = await first('Exact');
    expect(found.map((file) => file.sha256)).toEqual([sha256(contents.get('cut.bin') as Buffer)]);
    const ranges = asked.filter(({ name }) => name === 'cut.bin').map(({ range }) => range);
    expect(ranges[0]).toBeUndefined();
    expect(ranges[1]).toMatch(/^bytes=[1-9]\d*-$/);
  });

  it('are never put together from two versions', async () => {
    const found = await first('Replaced');
    expect(found.map((file) => file.sha256)).toEqual([sha256(contents.get('replaced.bin') as Buffer)]);
  });

  it('are fetched, and delivered again, when somebody asks', async () => {
    const post = (path: string, body?: unknown) =>
      files.site.api(`/files/asked/${path}`, { method: 'POST', body: JSON.stringify(body ?? {}) });
    expect(await files.files('Asked')).toEqual([]);
    expect((await post('run')).status).toBe(202);
    await first('Asked');
    await until('it is known as uploaded', async () => (await files.task('asked'))?.uploaded === 1);
    const { body } = await files.site.api<{ files: { file: string }[] }>('/files?task=asked');
    expect(body.files.map(({ file }) => file)).toEqual(['/files/cut.bin']);
    expect((await post('deliver', { file: '/files/cut.bin' })).status).toBe(202);
    await until('it came again', async () => (await files.files('Asked'))[0]?.received === 2);
  });

  it('are not taken with another size than announced; true ones go on', async () => {
    expect((await first('Lies')).map((file) => file.originalFilename)).toEqual(['c-true.csv']);
    const health = await until('the task says what is wrong', async () => {
      const task = await files.task('lies');
      return task?.diagnosis?.code === 'FILE_SIZE' && task;
    });
    expect(health.diagnosis?.params).toMatchObject({ file: '/lies/a-more.csv', announced: 4_000, delivered: 21 });
    expect(lying.reads.slice(0, 3)).toEqual(['a-more.csv', 'b-less.csv', 'c-true.csv']);
    expect(await files.files('Lies')).toHaveLength(1);
  });
});
