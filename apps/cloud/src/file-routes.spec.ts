import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Cloud, startCloud } from './cloud.js';

const DEVICE = { productKey: 'pk', deviceKey: 'bay', deviceSecret: 'secret', points: ['Record'] };
const TIME = 1_767_225_600_000;
const LIFETIME = 60_000;

let cloud: Cloud;
let base: string;
let nowMs = 0;

beforeEach(async () => {
  const any = { host: '127.0.0.1', port: 0 };
  const log = { info: () => undefined, warn: () => undefined };
  const clock = { monotonicMs: () => nowMs, wallMs: () => TIME };
  cloud = await startCloud({ mqtt: any, http: any, devices: [DEVICE], isCounting: true, clock, log });
  base = `http://127.0.0.1:${cloud.http.port}`;
});

afterEach(() => cloud.stop());

interface Envelope {
  readonly code: number;
  readonly data: { readonly sessionId: string };
}

async function login(secret = DEVICE.deviceSecret): Promise<Envelope> {
  const text = `deviceKeybaylifetime${LIFETIME}productKeypksignMethodsha256${secret}`;
  const sign = createHash('sha256').update(text).digest('hex');
  const body = JSON.stringify({ signMethod: 'sha256', lifetime: LIFETIME, sign });
  const headers = { 'content-type': 'application/json' };
  return (await (await fetch(`${base}/auth/pk/bay`, { method: 'POST', body, headers })).json()) as Envelope;
}

const session = async () => (await login()).data.sessionId;
const md5 = (content: string) => createHash('md5').update(content).digest('hex');

interface Post {
  readonly content?: string;
  readonly announced?: string;
  readonly point?: string;
  readonly contentMd5?: string;
  readonly query?: string;
}

async function post(id: string, { content, announced = content, point = 'Record', contentMd5, query = '' }: Post) {
  const local = 'AAAAAAAAAAA.csv';
  const entry = { featureId: point, fileName: local, originalFilename: '故障.csv', fileExt: '.csv' };
  const about = { ...entry, fileLength: String(announced?.length ?? 0), md5: md5(announced ?? '') };
  const message = {
    id: '7',
    version: '1.1',
    method: 'thing.measurepoint.post',
    params: { time: TIME, measurepoints: { [point]: { value: `local://${local}`, quality: 0 } } },
    files: { [local]: about },
  };
  const file =
    content === undefined
      ? ''
      : `--x\r\nContent-Disposition: form-data; name="enos-file"; filename="${local}"\r\nContent-MD5: ${contentMd5 ?? md5(content)}\r\n\r\n${content}\r\n`;
  const body = `--x\r\nContent-Disposition: form-data; name="enos-message"\r\n\r\n${JSON.stringify(message)}\r\n${file}--x--\r\n`;
  const url = `${base}/multipart/sys/pk/bay/thing/measurepoint/post?sessionId=${id}${query}`;
  const headers = { 'content-type': 'multipart/form-data; boundary=x' };
  return (await (await fetch(url, { method: 'POST', body, headers })).json()) as { code: number; data: unknown };
}

async function listed() {
  const { files } = (await (await fetch(`${base}/api/v1/devices/bay/files`)).json()) as {
    files: { uri: string; size: number; received: number; originalFilename: string }[];
  };
  return files;
}

describe('files at the stand-in', () => {
  it('become the value of their point, once however often they come, and can be had back in parts', async () => {
    const id = await session();
    expect(await post(id, { content: 'hello' })).toMatchObject({ code: 200 });
    expect(await post(id, { content: 'hello' })).toMatchObject({ code: 200 });
    const [file, ...others] = await listed();
    expect(others).toEqual([]);
    expect(file).toMatchObject({ size: 5, received: 2, originalFilename: '故障.csv', point: 'Record', time: TIME });
    const points = (await (await fetch(`${base}/api/v1/devices/bay/points`)).json()) as {
      points: Record<string, unknown>;
    };
    expect(points.points.Record).toEqual({ value: file?.uri, quality: 0, time: TIME });
    const url = `${base}/multipart/sys/pk/bay/file/download?sessionId=${id}&fileUri=${file?.uri}`;
    expect(await (await fetch(url)).text()).toBe('hello');
    const part = await fetch(url, { headers: { range: 'bytes=1-2' } });
    expect([part.status, part.headers.get('content-range'), await part.text()]).toEqual([206, 'bytes 1-2/5', 'el']);
    const gone = await fetch(url.replace('download', 'delete'), { method: 'POST' });
    expect(await gone.json()).toMatchObject({ code: 200 });
    expect(await listed()).toEqual([]);
  });

  it('are refused with the code that fits, and leave nothing behind', async () => {
    const id = await session();
    expect((await login('wrong')).code).toBe(705);
    expect((await post('none', { content: 'x' })).code).toBe(1009);
    expect((await post(id, { content: 'x', point: 'Other' })).code).toBe(1204);
    expect((await post(id, {})).code).toBe(805);
    expect((await post(id, { content: 'short', announced: 'longer than that' })).code).toBe(805);
    expect((await post(id, { content: 'this', announced: 'that' })).code).toBe(805);
    expect((await post(id, { content: 'x', contentMd5: md5('y') })).code).toBe(805);
    expect(await listed()).toEqual([]);
  });

  it('need a session that is still alive: each use prolongs it', async () => {
    const id = await session();
    nowMs += LIFETIME - 1;
    expect((await post(id, { content: 'a' })).code).toBe(200);
    nowMs += LIFETIME - 1;
    expect((await post(id, { content: 'b' })).code).toBe(200);
    nowMs += LIFETIME;
    expect((await post(id, { content: 'c' })).code).toBe(1009);
  });

  it('are a value only once their content was put to the address that was given', async () => {
    const id = await session();
    const { code, data } = await post(id, { announced: 'large', query: '&useLark=true' });
    expect(code).toBe(200);
    expect(await listed()).toEqual([]);
    const [{ uploadUrl, headers }] = data as [{ uploadUrl: string; headers: Record<string, string> }];
    const put = (body: string, more = headers) =>
      fetch(uploadUrl, { method: 'PUT', body, headers: { 'content-type': 'application/octet-stream', ...more } });
    expect((await put('large', {})).status).toBe(403);
    expect((await put('other')).status).toBe(400);
    expect((await put('large')).status).toBe(200);
    expect((await put('large')).status).toBe(403);
    expect(await listed()).toMatchObject([{ size: 5, received: 1 }]);
  });
});
