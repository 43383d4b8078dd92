import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { isBusbarError } from '@busbar/errors';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Authority, makeAuthority } from '../../../tools/servers/certificates.mjs';
import { type HttpServer, openHttp } from './http-server.js';
import { readSettings } from './settings.js';

const silent = pino({ level: 'silent' });
let folder: string;
let authority: Authority;
let server: HttpServer | undefined;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'busbar-https-'));
  authority = makeAuthority(folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

afterEach(async () => {
  server?.stop();
  await server?.adapter.close();
  server = undefined;
});

/** A folder of a certificate, as a Kubernetes secret is mounted. */
function mounted(subject: string): string {
  const { cert, key } = authority.issue(subject);
  const mount = mkdtempSync(join(folder, 'mount-'));
  copyFileSync(cert, join(mount, 'tls.crt'));
  copyFileSync(key, join(mount, 'tls.key'));
  return mount;
}

async function serve(tls: string, renewMs?: number): Promise<number> {
  server = openHttp({ settings: readSettings({ BUSBAR_HTTP_TLS: tls }), log: silent }, renewMs);
  const { adapter } = server;
  adapter.getInstance().get('/hello', async () => 'hello');
  await adapter.init();
  await adapter.listen(0, '127.0.0.1');
  return (adapter.getHttpServer().address() as AddressInfo).port;
}

/** Body of the answer, and whose certificate the server showed. */
function ask(port: number, minMax: { maxVersion?: 'TLSv1.1' } = {}): Promise<{ body: string; subject: string }> {
  return new Promise((resolve, reject) => {
    const ca = readFileSync(authority.ca);
    const options = { host: 'localhost', port, path: '/hello', ca, agent: false as const, ...minMax };
    const asking = request(options, (response) => {
      const subject = (response.socket as TLSSocket).getPeerCertificate().subject.CN as string;
      response.on('data', (chunk: Buffer) => resolve({ body: chunk.toString(), subject }));
    });
    asking.on('error', reject);
    asking.end();
  });
}

function refusal(tls: string): string {
  try {
    openHttp({ settings: readSettings({ BUSBAR_HTTP_TLS: tls }), log: silent }).stop();
  } catch (error) {
    if (isBusbarError(error, 'SETTING_INVALID')) return error.message;
    throw error;
  }
  return 'accepted';
}

describe('HTTPS by one setting', () => {
  it('serves with a folder of tls.crt and tls.key', async () => {
    expect(await ask(await serve(mounted('site.example')))).toEqual({ body: 'hello', subject: 'site.example' });
    expect(server?.scheme).toBe('https');
  });

  it('serves with the two files', async () => {
    const { cert, key } = authority.issue('files');
    expect(await ask(await serve(`${cert},${key}`))).toEqual({ body: 'hello', subject: 'files' });
  });

  it('speaks no version of TLS before 1.2', async () => {
    await expect(ask(await serve(mounted('old')), { maxVersion: 'TLSv1.1' })).rejects.toThrow();
  });

  it('serves a certificate that was replaced without a restart, and keeps the old one while the files do not fit', async () => {
    const mount = mounted('first');
    const port = await serve(mount, 20);
    expect((await ask(port)).subject).toBe('first');
    const next = authority.issue('second');
    writeFileSync(join(mount, 'tls.crt'), readFileSync(next.cert));
    expect((await ask(port)).subject).toBe('first');
    writeFileSync(join(mount, 'tls.key'), readFileSync(next.key));
    await vi.waitFor(async () => expect((await ask(port)).subject).toBe('second'), { timeout: 5_000 });
  });

  it('is refused at the start by name when a file is not there, is none, or is the key of another', () => {
    const mount = mounted('wrong');
    const other = mounted('other');
    expect(refusal(join(folder, 'nothing'))).toMatch(/^Setting BUSBAR_HTTP_TLS is .*nothing.tls\.crt: .*ENOENT/);
    writeFileSync(join(mount, 'tls.crt'), 'none');
    expect(refusal(mount)).toContain('cannot be used together');
    copyFileSync(join(other, 'tls.crt'), join(mount, 'tls.crt'));
    expect(refusal(mount)).toContain('cannot be used together');
    expect(refusal(other)).toBe('accepted');
  });

  it('is plain HTTP without the setting', () => {
    server = openHttp({ settings: readSettings({}), log: silent });
    expect(server.scheme).toBe('http');
  });
});
