import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { get as plainGet } from 'node:http';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { makeAuthority } from '../../tools/servers/certificates.mjs';
import { root } from '../harness/program.js';
import { Site } from '../harness/site.js';
import { until } from '../harness/until.js';

const run = promisify(execFile);

interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** The whole product by one more setting. */
describe('standalone with a certificate', () => {
  const folder = mkdtempSync(join(tmpdir(), 'busbar-https-'));
  let site: Site;
  let ca: string;

  beforeAll(async () => {
    const authority = makeAuthority(folder);
    const { cert, key } = authority.issue('site');
    ca = readFileSync(authority.ca, 'utf8');
    site = await Site.prepare({ simulator: false, cloud: false, env: { BUSBAR_HTTP_TLS: `${cert},${key}` } });
    site.program('standalone').start();
    await until('it is ready', async () => (await ask('/health/ready')).status === 200, 60_000);
  });

  afterAll(async () => {
    await site?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  function ask(path: string, { method = 'GET', body }: { method?: string; body?: object } = {}): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const headers = body ? { 'content-type': 'application/json' } : {};
      const where = { host: 'localhost', port: site.ports.http, path, ca, agent: false as const };
      const asking = request({ ...where, method, headers }, (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => {
          text += chunk.toString();
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }));
      });
      asking.on('error', reject);
      asking.end(body && JSON.stringify(body));
    });
  }

  it('prints addresses that begin with https, and serves the console there', async () => {
    expect(site.program('standalone').output).toMatch(/Open https:\/\/\S+\/setup#/);
    const page = await ask('/');
    expect(page.status).toBe(200);
    expect(page.headers['content-type']).toContain('text/html');
  });

  it('gives a session whose cookie never goes over plain HTTP, and promises nothing for other ports', async () => {
    const code = /\/setup#(\S+)/.exec(site.program('standalone').output)?.[1];
    const opened = await ask('/api/v1/session', { method: 'POST', body: { code } });
    expect(opened.status).toBe(200);
    expect(String(opened.headers['set-cookie'])).toMatch(/; HttpOnly; SameSite=Strict; .*; Secure$/);
    expect(opened.headers['strict-transport-security']).toBeUndefined();
  });

  it('brings live values over the same port', async () => {
    const headers = { authorization: `Bearer ${site.key}` };
    const socket = new WebSocket(`wss://localhost:${site.ports.http}/api/v1/live`, { ca, headers });
    const opened = await new Promise<string>((resolve) => {
      socket.on('open', () => resolve('open'));
      socket.on('error', (error) => resolve(error.message));
    });
    socket.terminate();
    expect(opened).toBe('open');
  });

  it('speaks no plain HTTP there, and is not trusted by who does not know the authority', async () => {
    const plain = await new Promise<string>((resolve) => {
      const asking = plainGet({ host: 'localhost', port: site.ports.http, path: '/', agent: false }, (response) => {
        response.resume();
        resolve(String(response.statusCode));
      });
      asking.on('error', () => resolve('refused'));
    });
    expect(plain).toBe('refused');
    await expect(fetch(`https://localhost:${site.ports.http}/`)).rejects.toThrow();
  });

  it('is worked with by the command line, given the authority', async () => {
    const main = join(root, 'apps', 'cli', 'dist', 'main.js');
    const command = [main, 'files', 'list', '--json', '--server', `https://localhost:${site.ports.http}`];
    const data = ['--data', join(site.folder, 'data')];
    const { stdout } = await run(process.execPath, [...command, ...data, '--ca', join(folder, 'ca.crt')]);
    expect(JSON.parse(stdout)).toMatchObject({ schema: 1 });
    await expect(run(process.execPath, [...command, ...data])).rejects.toMatchObject({ code: 3 });
  });
});
