import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { FileContext, OutgoingFile } from '@busbar/sink-sdk';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type EnosConfig, enosConfigSchema } from '../config.js';
import { multipartEnd, multipartHead } from './multipart.js';
import { fileMessage, localName, MAX_MULTIPART_BYTES, sendFile, signLogin } from './send-file.js';

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly type: string;
  readonly body: Buffer;
  readonly headers: IncomingMessage['headers'];
}

type Answer = { readonly status?: number; readonly json?: unknown; readonly cut?: boolean };

let server: Server;
let base: string;
let seen: Seen[];
let answers: Answer[];
const LOGIN = { json: { code: 200, data: { sessionId: 'ses' } } };

/** A body that is not kept: only its length counts. */
async function take(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length < 1024 * 1024) chunks.push(chunk);
  }
  const { method = '', url = '', headers } = request;
  seen.push({ method, url, type: headers['content-type'] ?? '', body: Buffer.concat(chunks), headers });
  const { status = 200, json, cut } = answers.shift() ?? {};
  if (cut) response.destroy();
  else response.writeHead(status).end(json === undefined ? '' : JSON.stringify(json));
}

beforeEach(async () => {
  seen = [];
  answers = [];
  server = createServer((request, response) => void take(request, response).catch(() => undefined));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  base = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const CONTENT = Buffer.from('a,b\r\n--busbar\r\n1,2\r\n');
const asset = {
  asset: 'bay-01',
  title: '',
  model: 'bay',
  identity: { productKey: 'pkBay', deviceKey: '$site-$asset', deviceSecret: 'secret:bay' },
};
const point = { number: 1, id: 'BAY.Record', title: '', type: 'file', kind: 'AI', access: 'r', quality: true } as const;

function file(change: Partial<OutgoingFile> = {}): OutgoingFile {
  return {
    asset,
    point,
    name: '故障 1.csv',
    size: CONTENT.length,
    sha256: createHash('sha256').update(CONTENT).digest('hex'),
    md5: createHash('md5').update(CONTENT).digest('hex'),
    timeMs: 1_767_225_600_000,
    async *read() {
      yield CONTENT.subarray(0, 7);
      yield CONTENT.subarray(7);
    },
    ...change,
  };
}

function context(change: Partial<EnosConfig> = {}, progress: number[] = []): FileContext<EnosConfig> {
  const config = {
    url: 'mqtt://h',
    http: base,
    productKey: 'gw',
    deviceKey: 'g',
    deviceSecret: 'secret:g',
    timeout: 500,
  };
  return {
    sink: 'enos',
    site: 's1',
    config: { ...enosConfigSchema.parse(config), ...change },
    clock: { monotonicMs: () => 0, wallMs: () => 42 },
    secret: async (reference) => `value of ${reference}`,
    progress: (bytes) => progress.push(bytes),
  };
}

const { signal } = new AbortController();

describe('a file sent to EnOS', () => {
  it('is the part of a post in the name of the device, which logs in by itself', async () => {
    answers = [LOGIN, { json: { id: '42', code: 200, data: {} } }];
    const progress: number[] = [];
    expect(await sendFile(context({}, progress), file(), signal)).toEqual({ uri: null });
    expect(progress).toEqual([7, CONTENT.length]);
    const [login, post] = seen as [Seen, Seen];
    expect(login.url).toBe('/auth/pkBay/s1-bay-01');
    const sign = signLogin({ productKey: 'pkBay', deviceKey: 's1-bay-01' }, 'value of secret:bay');
    expect(JSON.parse(login.body.toString())).toEqual({ signMethod: 'sha256', lifetime: 300_000, sign });
    expect(post.url).toBe('/multipart/sys/pkBay/s1-bay-01/thing/measurepoint/post?sessionId=ses');
    const boundary = /boundary=(\S+)/.exec(post.type)?.[1] ?? '';
    const local = localName(file());
    const head = multipartHead({
      boundary,
      message: fileMessage(file(), local, '42'),
      fileName: local,
      md5: file().md5,
    });
    expect(post.body.toString()).toBe(Buffer.concat([head, CONTENT, multipartEnd(boundary)]).toString());
    expect(Number(post.headers['content-length'])).toBe(post.body.length);
  });

  it('is named in the message as EnOS wants it', () => {
    const local = localName(file());
    expect(local).toMatch(/^[A-Za-z0-9_-]{11}\.csv$/);
    expect(JSON.parse(fileMessage(file(), local, '1').toString())).toEqual({
      id: '1',
      version: '1.1',
      method: 'thing.measurepoint.post',
      params: { time: 1_767_225_600_000, measurepoints: { 'BAY.Record': { value: `local://${local}`, quality: 0 } } },
      files: {
        [local]: {
          featureId: 'BAY.Record',
          fileName: local,
          originalFilename: '故障 1.csv',
          fileLength: String(CONTENT.length),
          fileExt: '.csv',
          md5: file().md5,
        },
      },
    });
  });

  it('has one name for itself however often it is sent, and another than any other file', () => {
    expect(localName(file())).toBe(localName(file()));
    const others = [
      file({ timeMs: 1 }),
      file({ name: 'b.csv' }),
      file({ sha256: 'x' }),
      file({ name: 'no-extension' }),
    ];
    expect(new Set([file(), ...others].map(localName)).size).toBe(5);
  });

  it('goes by an upload address when it is larger than a multipart may be', async () => {
    const size = MAX_MULTIPART_BYTES + 1;
    const big = file({
      size,
      async *read() {
        const chunk = Buffer.alloc(1024 * 1024);
        for (let left = size; left > 0; left -= chunk.length) yield chunk.subarray(0, Math.min(left, chunk.length));
      },
    });
    const filename = localName(big);
    const place = { filename, fileUri: 'enos-lark://1', uploadUrl: `${base}/put?x=1`, headers: { 'x-token': 't' } };
    answers = [LOGIN, { json: { id: '42', code: 200, data: [place] } }, {}];
    expect(await sendFile(context({ timeout: 10_000 }), big, signal)).toEqual({ uri: 'enos-lark://1' });
    expect(seen[1]?.url).toMatch(/&useLark=true$/);
    expect(seen[1]?.body.toString()).not.toContain('enos-file');
    expect(seen[2]).toMatchObject({ method: 'PUT', url: '/put?x=1', type: 'application/octet-stream' });
    expect(seen[2]?.headers).toMatchObject({ 'x-token': 't', 'content-length': String(size) });
  });

  it.each<[string, string, Answer[]]>([
    ['a login refused', 'CONNECTION_DENIED', [{ json: { code: 705, message: 'no' } }]],
    ['a point that its model has not', 'FILE_REFUSED', [LOGIN, { json: { id: '1', code: 1204 } }]],
    ['an answer that is none', 'FILE_REFUSED', [LOGIN, { status: 404, json: 'nothing here' }]],
    ['a server in trouble', 'SINK_BUSY', [LOGIN, { status: 503 }]],
    ['a code of the server', 'SINK_BUSY', [LOGIN, { json: { id: '1', code: 500 } }]],
    ['a link that is cut', 'CONNECTION_LOST', [LOGIN, { cut: true }]],
  ])('fails by %s with %s', async (_what, code, given) => {
    answers = given;
    await expect(sendFile(context(), file(), signal)).rejects.toMatchObject({ code });
  });

  it('is not sent without an address, to nobody, in silence, or after the stop', async () => {
    const { http: _http, ...bare } = context().config;
    await expect(sendFile({ ...context(), config: bare }, file(), signal)).rejects.toMatchObject({
      code: 'CONNECTION_CONFIG',
    });
    await expect(sendFile(context({ http: 'http://127.0.0.1:1' }), file(), signal)).rejects.toMatchObject({
      code: 'CONNECTION_REFUSED',
    });
    const stopped = AbortSignal.abort();
    await expect(sendFile(context(), file(), stopped)).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
    server.removeAllListeners('request');
    await expect(sendFile(context(), file(), signal)).rejects.toMatchObject({ code: 'CONNECTION_TIMEOUT' });
  });

  it('whose content ends early or fails is not sent as if it were whole', async () => {
    answers = [LOGIN, LOGIN];
    const short = file({ size: CONTENT.length + 1 });
    await expect(sendFile(context(), short, signal)).rejects.toThrow();
    const failing = file({
      async *read() {
        yield CONTENT.subarray(0, 3);
        throw new Error('disk');
      },
    });
    await expect(sendFile(context(), failing, signal)).rejects.toThrow('disk');
  });
});
