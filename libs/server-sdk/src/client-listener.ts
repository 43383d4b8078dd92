import { createServer, type Server, type Socket } from 'node:net';
import { BusbarError } from '@busbar/errors';
import { allowed } from './allowed.js';
import type { ServerClientConfig, ServerHost } from './server.js';
import { type TlsConfig, TlsGate } from './tls-gate.js';

const KEEP_ALIVE_MS = 30_000;

/** What a protocol needs of a client's connection. */
export interface ClientSocket {
  readonly writableLength: number;
  readonly writableNeedDrain: boolean;
  write(octets: Uint8Array): boolean;
  cork(): void;
  uncork(): void;
  pause(): unknown;
  resume(): unknown;
  destroy(): unknown;
}

export interface AcceptedClient {
  readonly socket: ClientSocket;
  /** Unique while the process lives, those of an earlier listener too. */
  readonly id: string;
  readonly address: string;
  readonly client: ServerClientConfig;
}

/** One connection as its protocol handles it. */
export interface ClientHandler {
  receive(chunk: Uint8Array): void;
  /** The client has taken everything. */
  drained(): void;
  /** The list of clients is another one: false, and it must come anew. */
  became(client: ServerClientConfig): boolean;
  /** The connection is over. Called once. */
  gone(): void;
  /** Monotonic ms of the last request; without it a silent client is never let go for another one. */
  readonly lastMs?: number;
}

export interface ListenConfig extends TlsConfig {
  readonly address: string;
  readonly port: number;
  readonly maxClients: number;
}

export interface ListenRules<Handler> {
  begin(accepted: AcceptedClient): Handler;
  /** Connections of one client from one address; one that has more forgot to close them. */
  readonly mostPerClient?: number;
  /** A client that was silent for so long gives way when there is no room for another. */
  readonly idleMs?: number;
}

interface Link<Handler> {
  readonly handler: Handler;
  readonly socket: ClientSocket;
  readonly address: string;
  readonly client: string;
}

/**
 * The port of a forwarding server and who is connected: allow-list, TLS, limits, names of links. What is said over a
 * connection is the protocol's.
 */
export class ClientListener<Handler extends ClientHandler> {
  readonly #host: ServerHost<ListenConfig>;
  readonly #rules: ListenRules<Handler>;
  readonly #server: Server;
  readonly #gate: TlsGate | null;
  readonly #links = new Map<Handler, Link<Handler>>();
  /** Sockets whose handshake is under way. */
  readonly #pending = new Set<Socket>();
  readonly #run: string;
  #clients: readonly ServerClientConfig[];
  #count = 0;
  #port = 0;
  #closing: Promise<void> | null = null;

  constructor(host: ServerHost<ListenConfig>, rules: ListenRules<Handler>) {
    this.#host = host;
    this.#rules = rules;
    this.#clients = host.clients;
    this.#run = Math.round(host.clock.wallMs()).toString(36);
    this.#gate =
      host.config.tlsCertificate === undefined
        ? null
        : new TlsGate({
            config: host.config,
            timers: host.timers,
            secret: (reference) => host.secret(reference),
            stale: (err) => host.log.warn({ err }, 'the certificate of before goes on: the new one cannot be used'),
          });
    const keepAlive = { keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS };
    this.#server = createServer({ noDelay: true, ...keepAlive }, (socket) => this.#accept(socket));
  }

  /** The port in use; 0 before `open`. */
  get port(): number {
    return this.#port;
  }

  get handlers(): readonly Handler[] {
    return [...this.#links.keys()];
  }

  /** Throws PORT_IN_USE, FORWARD_LISTEN, FORWARD_TLS. */
  async open(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { config, connection } = this.#host;
    await this.#gate?.load().catch((error: NodeJS.ErrnoException) => {
      throw new BusbarError('FORWARD_TLS', { connection, reason: error.message }, { cause: error });
    });
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (error: NodeJS.ErrnoException) => reject(this.#refusal(error)));
      this.#server.listen(config.port, config.address, resolve);
    });
    const address = this.#server.address();
    this.#port = typeof address === 'object' && address ? address.port : config.port;
    this.#server.removeAllListeners('error');
    this.#server.on('error', (error: NodeJS.ErrnoException) => {
      this.#host.lost(this.#refusal(error).diagnosis);
    });
    if (signal.aborted) {
      await this.close();
      signal.throwIfAborted();
    }
  }

  /** Another list of clients: who is no longer on it is dropped. */
  allow(clients: readonly ServerClientConfig[]): void {
    this.#clients = clients;
    for (const { handler, socket, address } of this.#links.values()) {
      const client = allowed(address, clients);
      if (!client || !handler.became(client)) this.#refuse(socket, 'address');
    }
    this.#host.changed();
  }

  /** Ends every connection, frees the port. Safe twice. */
  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      // An error here means that it did not listen: closed is closed.
      this.#server.close(() => resolve());
      for (const socket of this.#pending) socket.destroy();
      for (const { handler, socket } of this.#links.values()) {
        this.#end(handler);
        socket.destroy();
      }
    });
    return this.#closing;
  }

  #refusal(error: NodeJS.ErrnoException): BusbarError {
    const { connection, config } = this.#host;
    const address = `${config.address}:${config.port}`;
    if (error.code === 'EADDRINUSE') {
      return new BusbarError('PORT_IN_USE', { address, setting: `port of ${connection}` }, { cause: error });
    }
    const reason = error.code ?? error.message;
    return new BusbarError('FORWARD_LISTEN', { connection, address, reason }, { cause: error });
  }

  #accept(socket: Socket): void {
    // The close event that follows does the work.
    socket.on('error', () => undefined);
    const address = (socket.remoteAddress ?? '').replace(/^::ffff:(?=\d+\.)/i, '');
    const client = allowed(address, this.#clients);
    if (!client || this.#closing) this.#refuse(socket, 'address');
    else if (!this.#hasRoom(address, client)) this.#refuse(socket, 'limit');
    else if (this.#gate) this.#shakeHands(this.#gate, socket, address);
    else this.#begin(socket, address, client);
  }

  #refuse(socket: ClientSocket, why: string): void {
    this.#host.counts.clientRefused(why);
    socket.destroy();
  }

  #shakeHands(gate: TlsGate, socket: Socket, address: string): void {
    this.#pending.add(socket);
    void gate.take(socket, {
      opened: (secure) => {
        this.#pending.delete(socket);
        // Node tells of a client that asks for new keys again and again, and leaves the link open. Not within OpenSSL's call.
        secure.on('error', () => setImmediate(() => secure.destroy()));
        // The list may be another one by now.
        const client = allowed(address, this.#clients);
        if (!client || this.#closing) this.#refuse(secure, 'address');
        else this.#begin(secure, address, client);
      },
      refused: (reason) => {
        this.#pending.delete(socket);
        if (this.#closing) return;
        const { connection, counts, log } = this.#host;
        counts.clientRefused('tls');
        log.warn({ connection, address, reason }, 'handshake refused');
        this.#host.notice(new BusbarError('FORWARD_HANDSHAKE', { connection, address, reason }).diagnosis);
      },
    });
  }

  #hasRoom(address: string, { name }: ServerClientConfig): boolean {
    const { mostPerClient = Number.POSITIVE_INFINITY, idleMs } = this.#rules;
    const own = [...this.#links.values()].filter((link) => link.client === name && link.address === address);
    if (own.length >= mostPerClient) return false;
    if (this.#links.size + this.#pending.size < this.#host.config.maxClients) return true;
    if (idleMs === undefined) return false;
    // Clients that restart leave links behind: the longest silent one goes.
    const oldest = [...this.#links.values()].sort((a, b) => lastMsOf(a) - lastMsOf(b))[0];
    if (!oldest || this.#host.clock.monotonicMs() - lastMsOf(oldest) < idleMs) return false;
    this.#end(oldest.handler);
    this.#refuse(oldest.socket, 'limit');
    return true;
  }

  #begin(socket: Socket, address: string, client: ServerClientConfig): void {
    const id = `${this.#host.connection}-${this.#run}-${++this.#count}`;
    const handler = this.#rules.begin({ socket, id, address, client });
    this.#links.set(handler, { handler, socket, address, client: client.name });
    socket.on('data', (chunk) => handler.receive(chunk));
    socket.on('drain', () => handler.drained());
    socket.once('close', () => this.#end(handler));
    this.#host.changed();
  }

  #end(handler: Handler): void {
    if (!this.#links.delete(handler)) return;
    handler.gone();
    this.#host.changed();
  }
}

function lastMsOf({ handler }: Link<ClientHandler>): number {
  return handler.lastMs ?? Number.POSITIVE_INFINITY;
}
