import 'reflect-metadata';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { decodeLiveFrame, LIVE_CLOSE_UNAUTHORIZED, requestViewSchema, siteViewSchema } from '@busbar/api-schema';
import type { Bus } from '@busbar/bus';
import { decodeJson, encodeJson } from '@busbar/events';
import {
  BUS,
  CLOCK,
  ConfigurationView,
  HEALTH,
  Health,
  IDENTITY,
  LOGGER,
  METRICS,
  readSettings,
  SETTINGS,
  ServicePorts,
} from '@busbar/service-kit';
import { type DynamicModule, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { ApiModule } from './api.module.js';
import { eventually, openTestBus, silentLog, testClock } from './test-bus.js';
import { batchOf, pointsRecord } from './test-site.js';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const EXAMPLE = fileURLToPath(new URL('../../../examples/pv-site', import.meta.url));

@Module({})
class Kit {}

describe('api', () => {
  let test: Awaited<ReturnType<typeof openTestBus>>;
  let bus: Bus;
  let app: NestFastifyApplication;
  let key: string;
  let setupCode: string;
  let address: string;
  let configuration: ConfigurationView;

  function kit(): DynamicModule {
    const consoleFolder = join(test.folder, 'console');
    mkdirSync(consoleFolder);
    writeFileSync(join(consoleFolder, 'index.html'), '<!doctype html><title>Busbar</title>');
    const settings = readSettings({ BUSBAR_DATA: test.folder, BUSBAR_PACKAGE: EXAMPLE, BUSBAR_CONSOLE: consoleFolder });
    configuration = new ConfigurationView(bus, silentLog);
    const providers = [
      { provide: BUS, useValue: bus },
      { provide: SETTINGS, useValue: settings },
      { provide: CLOCK, useValue: testClock },
      { provide: LOGGER, useValue: silentLog },
      { provide: METRICS, useValue: new Registry() },
      { provide: HEALTH, useValue: new Health() },
      { provide: ConfigurationView, useValue: configuration },
      { provide: IDENTITY, useValue: { service: 'api', bootId: 'boot', instance: 'one' } },
      ServicePorts,
    ];
    return { module: Kit, global: true, providers, exports: providers };
  }

  beforeAll(async () => {
    test = await openTestBus();
    bus = test.bus;
    const root = { module: class Root {}, imports: [kit(), ApiModule] };
    app = await NestFactory.create<NestFastifyApplication>(root, new FastifyAdapter(), {
      logger: false,
      abortOnError: false,
    });
    const written: string[] = [];
    const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
      written.push(String(text));
      return true;
    });
    await app.listen(0, '127.0.0.1');
    write.mockRestore();
    address = `127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}`;
    setupCode = /\/setup#(\S+)/.exec(written.join(''))?.[1] as string;
    key = readFileSync(join(test.folder, 'admin.key'), 'utf8').trim();
    await new Promise<void>((resolve) => configuration.onChange((next) => next.number === 1 && resolve()));
  });

  afterAll(async () => {
    await app.close();
    await configuration.stop();
    await test.dispose();
  });

  type Method = 'GET' | 'POST' | 'DELETE' | 'PUT';

  async function ask(method: Method, url: string, options: { body?: unknown; headers?: Record<string, string> } = {}) {
    const { body, headers = { authorization: `Bearer ${key}` } } = options;
    const payload = body === undefined ? {} : { payload: body as object };
    const answer = await app.inject({ method, url, headers, ...payload });
    return { status: answer.statusCode, headers: answer.headers, text: answer.body, json: () => answer.json() };
  }

  describe('who may pass', () => {
    it('lets nobody below /api without key or session, however the path is spelled', async () => {
      const urls = ['/api/v1/site', '/api/v1/points', '/%61pi/v1/site', '/api/v1/nothing', '/api/v1/session', '/api/'];
      for (const url of urls) {
        const answer = await ask('GET', url, { headers: {} });
        expect([url, answer.status, answer.json().code]).toEqual([url, 401, 'UNAUTHORIZED']);
      }
      expect((await ask('POST', '/api/v1/control/requests', { headers: {}, body: {} })).status).toBe(401);
      expect((await ask('PUT', '/anything', { headers: {}, body: {} })).status).toBe(401);
    });

    it('serves the page and its routes to everybody, with a strict policy for scripts', async () => {
      for (const url of ['/', '/points/inv-01', '/setup']) {
        const answer = await ask('GET', url, { headers: {} });
        expect([answer.status, answer.text]).toEqual([200, '<!doctype html><title>Busbar</title>']);
        expect(answer.headers['content-security-policy']).toContain("script-src 'self';");
      }
      expect((await ask('GET', '/gone.js', { headers: {} })).status).toBe(404);
    });

    it('exchanges the code of the start for a session, once', async () => {
      const answer = await ask('POST', '/api/v1/session', { headers: {}, body: { code: setupCode } });
      expect(answer.status).toBe(200);
      const cookie = String(answer.headers['set-cookie']);
      expect(cookie).toMatch(/^busbar-session=\S+; Path=\/; HttpOnly; SameSite=Strict; Max-Age=43200$/);
      const headers = { cookie: cookie.split(';')[0] as string };
      // Behind a proxy that speaks HTTPS with the browser the cookie stays on HTTPS.
      const behind = await ask('DELETE', '/api/v1/session', {
        headers: { authorization: `Bearer ${key}`, 'x-forwarded-proto': 'https' },
      });
      expect(String(behind.headers['set-cookie'])).toMatch(/; Secure$/);
      expect((await ask('GET', '/api/v1/session', { headers })).json()).toMatchObject({ who: 'admin', role: 'admin' });
      const again = await ask('POST', '/api/v1/session', { headers: {}, body: { code: setupCode } });
      expect([again.status, again.json().code]).toEqual([401, 'SETUP_CODE_INVALID']);
      expect((await ask('DELETE', '/api/v1/session', { headers })).status).toBe(204);
      expect((await ask('GET', '/api/v1/session', { headers })).status).toBe(401);
    });

    it('opens a session for the admin key and for no other', async () => {
      expect((await ask('POST', '/api/v1/session', { headers: {}, body: { key } })).status).toBe(200);
      expect((await ask('POST', '/api/v1/session', { headers: {}, body: { key: 'x' } })).status).toBe(401);
    });

    it('refuses what a page of another origin sends', async () => {
      const headers = { authorization: `Bearer ${key}`, origin: 'http://elsewhere.example' };
      const answer = await ask('POST', '/api/v1/control/requests', { headers, body: {} });
      expect([answer.status, answer.json().code]).toEqual([403, 'ORIGIN_REFUSED']);
    });
  });

  describe('errors', () => {
    it('are answers of the catalog, whoever found them', async () => {
      const cases = [
        await ask('GET', '/api/v1/points/inv-01/Nothing'),
        await ask('GET', '/api/v1/nothing'),
        await ask('POST', '/api/v1/control/requests', { body: { id: 'x' } }),
        await ask('POST', '/api/v1/session', { headers: { 'content-type': 'application/json' }, body: '{bad' }),
        await ask('GET', '/api/v1/control/requests/none'),
      ];
      expect(cases.map((answer) => [answer.status, answer.json().code])).toEqual([
        [404, 'NOT_FOUND'],
        [404, 'NOT_FOUND'],
        [400, 'CONTROL_REQUEST_INVALID'],
        [400, 'REQUEST_INVALID'],
        [404, 'CONTROL_UNKNOWN_REQUEST'],
      ]);
      for (const answer of cases) expect(answer.json().fix).toBeTruthy();
    });
  });

  describe('views', () => {
    it('shows site and generation', async () => {
      const site = siteViewSchema.parse((await ask('GET', '/api/v1/site')).json());
      expect(site).toMatchObject({ id: 'demo-pv', generation: { number: 1, by: 'start' }, packageDiffers: [] });
    });

    it('shows points with their newest values', async () => {
      await bus.publish([pointsRecord(batchOf('mtr-01', [[1, 12.5]], 1, Date.now()))]);
      await eventually(async () => (await ask('GET', '/api/v1/points?asset=mtr-01')).json().points[0].value).toBe(12.5);
      expect((await ask('GET', '/api/v1/points?q=powerlimit')).json().points).toHaveLength(4);
      expect((await ask('GET', '/api/v1/points')).json().points.length).toBeGreaterThan(30);
    });

    it('lists connections that nobody has taken yet', async () => {
      const { connections } = (await ask('GET', '/api/v1/connections')).json();
      expect(connections.map((view: { connection: string }) => view.connection)).toContain('inverters');
      expect(connections[0].state).toBe('starting');
    });
  });

  describe('control', () => {
    const body = { id: 'ask-1', point: 'inv-01/INV.PowerLimit', value: 60 };

    it('gives the end its HTTP status, and shows the request by the id of the asker', async () => {
      const following = bus.follow('control.requested.v1', (record) => {
        const request = decodeJson('control.requested.v1', record.value as Uint8Array);
        const holder = { kind: 'refused' as const, rule: 'HELD' as const, also: [], facts: [] };
        const value = encodeJson('control.refused.v1', { request, end: holder, at: Date.now() });
        void bus.publish([{ topic: 'control.refused.v1', key: request.id, value }]);
      });
      await following.ready;
      const answer = await ask('POST', '/api/v1/control/requests', { body });
      await following.stop();
      expect(answer.status).toBe(423);
      expect(requestViewSchema.parse(answer.json()).end).toMatchObject({ kind: 'refused', rule: 'HELD' });
      const shown = await ask('GET', '/api/v1/control/requests/ask-1');
      expect(shown.json()).toEqual(answer.json());
      expect((await ask('GET', '/api/v1/control/requests')).json().requests).toHaveLength(1);
    });

    it('answers 202 when nobody decided in the time that the asker waits', async () => {
      const answer = await ask('POST', '/api/v1/control/requests?wait=10', { body: { ...body, id: 'ask-2' } });
      expect([answer.status, answer.json().end]).toEqual([202, null]);
    });
  });

  describe('live socket', () => {
    const open = (headers: Record<string, string>) => new WebSocket(`ws://${address}/api/v1/live`, { headers });

    it('shows points to a page that is signed in', async () => {
      const socket = open({ authorization: `Bearer ${key}` });
      const texts: { t: string }[] = [];
      const frames: NonNullable<ReturnType<typeof decodeLiveFrame>>[] = [];
      socket.on('message', (data, isBinary) => {
        if (isBinary) frames.push(decodeLiveFrame(data as Buffer) as (typeof frames)[number]);
        else texts.push(JSON.parse(String(data)));
      });
      await once(socket, 'open');
      socket.send(JSON.stringify({ t: 'hello' }));
      socket.send(JSON.stringify({ t: 'open', id: 1, kind: 'points', query: { asset: 'mtr-01' }, count: 10 }));
      socket.send(JSON.stringify({ t: 'open', id: 2, kind: 'connections' }));
      await eventually(() => texts.map((text) => text.t)).toEqual(['hello', 'opened', 'connections']);
      await bus.publish([pointsRecord(batchOf('mtr-01', [[1, 99.5]], 1, Date.now()))]);
      await eventually(() => frames.at(-1)?.values[0]).toBe(99.5);
      socket.close();
      await once(socket, 'close');
    });

    it('closes with a code of its own when nobody is signed in', async () => {
      const socket = open({ cookie: 'busbar-session=nothing' });
      const [code] = await once(socket, 'close');
      expect(code).toBe(LIVE_CLOSE_UNAUTHORIZED);
    });

    it('refuses a page of another origin', async () => {
      const socket = open({ authorization: `Bearer ${key}`, origin: 'http://elsewhere.example' });
      const [error] = await once(socket, 'error');
      expect(String(error)).toContain('403');
    });

    it('is at its own path only', async () => {
      const socket = new WebSocket(`ws://${address}/other`, { headers: { authorization: `Bearer ${key}` } });
      const [error] = await once(socket, 'error');
      expect(String(error)).toContain('404');
    });
  });
});
