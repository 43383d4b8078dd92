import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { BusbarError } from '@busbar/errors';
import { formatHostPort, SETTINGS, type Settings } from '@busbar/service-kit';
import helmet from '@fastify/helmet';
import fastifyStatic from '@fastify/static';
import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyAdapter } from '@nestjs/platform-fastify';
import { Access, isOwnOrigin } from './access.js';
import type { WithCaller } from './api.controller.js';
import { bodyOf, statusOf } from './api-error.js';
import { ApiMetrics } from './api-metrics.js';
import { ConsoleFolder, NOT_BUILT_PAGE } from './console-folder.js';

/** Routes that anybody may read; all others need a caller. By route, so that no spelling of a path gets around it. */
const OPEN = new Set(['/*', '/health/live', '/health/ready', '/metrics']);
const SESSION = '/api/v1/session';

interface Request extends WithCaller {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly routeOptions: { readonly url?: string };
}

interface Reply {
  readonly statusCode: number;
  readonly elapsedTime: number;
  code(status: number): Reply;
  header(name: string, value: string): Reply;
  type(mime: string): Reply;
  send(body: unknown): unknown;
  sendFile(path: string, options: { readonly cacheControl: boolean }): unknown;
}

type Handler = (request: Request, reply: Reply, payload: unknown) => Promise<unknown>;

/** What is used of Fastify below Nest's adapter. */
interface Instance {
  readonly server: Server;
  addHook(name: 'onRequest' | 'onSend' | 'onResponse', handler: Handler): void;
  register(plugin: unknown, options: object): PromiseLike<unknown>;
  get(path: string, handler: Handler): void;
}

/** All of HTTP that no controller does: who may pass, security headers, the console's files, the set-up link. */
@Injectable()
export class HttpFrontend implements OnModuleInit {
  readonly #console: ConsoleFolder;

  constructor(
    private readonly adapter: HttpAdapterHost<FastifyAdapter>,
    @Inject(SETTINGS) private readonly settings: Settings,
    private readonly access: Access,
    private readonly metrics: ApiMetrics,
  ) {
    this.#console = new ConsoleFolder(settings.consoleFolder);
  }

  async onModuleInit(): Promise<void> {
    const instance = this.adapter.httpAdapter.getInstance() as unknown as Instance;
    instance.addHook('onRequest', (request, reply) => this.#admit(request, reply));
    instance.addHook('onResponse', async (request, reply) => this.#count(request, reply));
    instance.addHook('onSend', async (request, reply, payload) => worded(request, reply, payload));
    await instance.register(helmet, this.#headers());
    if (this.#console.isBuilt) {
      await instance.register(fastifyStatic, { root: this.#console.folder, serve: false });
    }
    instance.get('/*', async (request, reply) => this.#serve(request, reply));
    instance.server.once('listening', () => this.#printSetupLink(instance.server.address() as AddressInfo));
  }

  async #admit(request: Request, reply: Reply): Promise<unknown> {
    try {
      await this.#check(request);
      return undefined;
    } catch (error) {
      if (!(error instanceof BusbarError)) throw error;
      return reply.code(statusOf(error)).send(bodyOf(error));
    }
  }

  async #check(request: Request): Promise<void> {
    const { method, url, headers, routeOptions } = request;
    const isRead = method === 'GET' || method === 'HEAD';
    if (!isRead && !isOwnOrigin(headers.origin, headers.host)) {
      throw new BusbarError('ORIGIN_REFUSED', { origin: headers.origin });
    }
    const route = routeOptions.url ?? '/*';
    const isApi = url.startsWith('/api/');
    if (OPEN.has(route) && isRead && !isApi) return;
    if (route === SESSION && method === 'POST') return;
    const caller = await this.access.identify({ authorization: headers.authorization, cookie: headers.cookie });
    if (!caller) throw new BusbarError('UNAUTHORIZED');
    request.caller = caller;
  }

  #count(request: Request, reply: Reply): void {
    const route = request.routeOptions.url ?? 'none';
    this.metrics.requests.inc({ method: request.method, route, status: String(reply.statusCode) });
    this.metrics.seconds.observe({ route }, reply.elapsedTime / 1000);
  }

  #serve(request: Request, reply: Reply): unknown {
    const { url } = request;
    if (url.startsWith('/api/')) return notFound(reply, 'route', url.split('?', 1)[0] ?? url);
    if (!this.#console.isBuilt) return reply.code(503).type('text/html; charset=utf-8').send(NOT_BUILT_PAGE);
    const file = this.#console.find(url);
    if (!file) return notFound(reply, 'file', url.split('?', 1)[0] ?? url);
    reply.header('cache-control', file.cacheControl);
    return reply.sendFile(file.path, { cacheControl: false });
  }

  #headers() {
    return {
      contentSecurityPolicy: {
        useDefaults: false,
        directives: {
          defaultSrc: ["'self'"],
          scriptSrc: ["'self'", ...this.#console.scriptHashes()],
          // The components of the console set styles on their elements.
          styleSrc: ["'self'", "'unsafe-inline'"],
          imgSrc: ["'self'", 'data:'],
          fontSrc: ["'self'", 'data:'],
          connectSrc: ["'self'"],
          objectSrc: ["'none'"],
          baseUri: ["'self'"],
          formAction: ["'self'"],
          frameAncestors: ["'none'"],
        },
      },
      xFrameOptions: { action: 'deny' },
      // These speak of HTTPS origins only; over plain HTTP browsers answer them with errors in their log.
      strictTransportSecurity: false,
      crossOriginOpenerPolicy: false,
      originAgentCluster: false,
    };
  }

  #printSetupLink({ port }: AddressInfo): void {
    const { http, httpTls } = this.settings;
    const { host } = http;
    const shown = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
    const address = formatHostPort({ host: shown, port });
    process.stdout.write(
      `Open ${httpTls ? 'https' : 'http'}://${address}/setup#${this.access.newSetupCode()} (once, within 15 minutes)\n`,
    );
  }
}

function notFound(reply: Reply, kind: string, id: string): unknown {
  const error = new BusbarError('NOT_FOUND', { kind, id });
  return reply.code(404).send(bodyOf(error));
}

/** What the framework refuses by itself (no JSON, too long, no such method) is an answer of the catalog too. */
function worded(request: Request, reply: Reply, payload: unknown): unknown {
  if (reply.statusCode < 400 || !request.url.startsWith('/api/') || typeof payload !== 'string') return payload;
  try {
    const body = JSON.parse(payload) as { readonly sentence?: unknown; readonly message?: unknown };
    if (body === null || typeof body !== 'object' || 'end' in body || body.sentence !== undefined) return payload;
    const reason = String(body.message ?? reply.statusCode);
    return JSON.stringify(bodyOf(new BusbarError('REQUEST_INVALID', { reason })));
  } catch {
    return payload;
  }
}
