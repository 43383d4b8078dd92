import { randomUUID } from 'node:crypto';
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { LIVE_CLOSE_UNAUTHORIZED } from '@busbar/api-schema';
import type { Clock } from '@busbar/model';
import { CLOCK } from '@busbar/service-kit';
import { Inject, Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { type WebSocket, WebSocketServer } from 'ws';
import { Access, type Caller, isOwnOrigin } from './access.js';
import { ApiMetrics } from './api-metrics.js';
import { LiveService } from './live.service.js';
import { LiveSession } from './live-session.js';

const PATH = '/api/v1/live';
const TICK_MS = 200;
/** Ticks between two pings: a peer that answered none of two is gone. */
const PING_TICKS = 75;
const CLIENTS = 200;
/** Beyond the first a client gets nothing more, beyond the second it is dropped. */
const SLOW_BYTES = 1024 * 1024;
const DROP_BYTES = 8 * 1024 * 1024;
/** RFC 6455 §7.4.1 and the IANA registry: going away, try again later. */
const GOING_AWAY = 1001;
const TRY_LATER = 1013;

interface Client {
  readonly socket: WebSocket;
  readonly session: LiveSession;
  readonly caller: Caller;
  readonly detach: () => void;
  isAnswering: boolean;
}

/** Sockets of the console: one a page. The protocol is the session's. */
@Injectable()
export class LiveGateway implements OnModuleInit, OnModuleDestroy {
  readonly #server = new WebSocketServer({ noServer: true, maxPayload: 64 * 1024, perMessageDeflate: false });
  readonly #clients = new Set<Client>();
  #timer: NodeJS.Timeout | null = null;
  #ticks = 0;

  constructor(
    private readonly adapter: HttpAdapterHost,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly access: Access,
    private readonly live: LiveService,
    private readonly metrics: ApiMetrics,
  ) {}

  onModuleInit(): void {
    const server = this.adapter.httpAdapter.getHttpServer() as Server;
    server.on('upgrade', (request, socket, head) => {
      void this.#upgrade(request, socket, head).catch(() => socket.destroy());
    });
  }

  onModuleDestroy(): void {
    if (this.#timer) clearInterval(this.#timer);
    for (const { socket } of this.#clients) socket.close(GOING_AWAY, 'stopping');
    for (const { socket } of this.#clients) socket.terminate();
    this.#server.close();
  }

  async #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    socket.on('error', () => socket.destroy());
    const { origin, host, authorization, cookie } = request.headers;
    const path = request.url?.split('?', 1)[0];
    if (path !== PATH || !isOwnOrigin(origin, host)) {
      socket.end(`HTTP/1.1 ${path === PATH ? '403 Forbidden' : '404 Not Found'}\r\nconnection: close\r\n\r\n`);
      return;
    }
    const caller = await this.access.identify({ authorization, cookie });
    this.#server.handleUpgrade(request, socket, head, (webSocket) => {
      webSocket.on('error', () => webSocket.terminate());
      // A browser cannot read the status of a refused upgrade, but it can read a close code.
      if (!caller) webSocket.close(LIVE_CLOSE_UNAUTHORIZED, 'sign in');
      else if (this.#clients.size >= CLIENTS) webSocket.close(TRY_LATER, 'too many sockets');
      else this.#welcome(webSocket, caller);
    });
  }

  #welcome(socket: WebSocket, caller: Caller): void {
    const session = new LiveSession({
      id: randomUUID(),
      source: this.live,
      clock: this.clock,
      outlet: {
        text: (message) => socket.send(message),
        binary: (bytes) => {
          this.metrics.frames.inc();
          socket.send(bytes);
        },
        canTake: () => socket.bufferedAmount < SLOW_BYTES,
        close: (code, reason) => socket.close(code, reason),
      },
    });
    const client: Client = { socket, session, caller, detach: this.live.attach(session), isAnswering: true };
    this.#clients.add(client);
    this.metrics.clients.set(this.#clients.size);
    socket.on('pong', () => {
      client.isAnswering = true;
    });
    socket.on('message', (data, isBinary) => {
      if (!isBinary) session.receive(data.toString());
    });
    socket.on('close', () => this.#forget(client));
    this.#timer ??= setInterval(() => this.#tick(), TICK_MS);
  }

  #forget(client: Client): void {
    client.detach();
    this.#clients.delete(client);
    this.metrics.clients.set(this.#clients.size);
    if (this.#clients.size > 0 || !this.#timer) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }

  #tick(): void {
    const isPing = ++this.#ticks % PING_TICKS === 0;
    const nowMs = this.clock.wallMs();
    for (const client of this.#clients) {
      const { socket, session, caller } = client;
      if (caller.until !== null && caller.until <= nowMs) socket.close(LIVE_CLOSE_UNAUTHORIZED, 'session ended');
      else if (socket.bufferedAmount > DROP_BYTES || (isPing && !client.isAnswering)) socket.terminate();
      else {
        if (isPing) {
          client.isAnswering = false;
          socket.ping();
        }
        session.tick();
      }
    }
  }
}
