import { createServer, type Server, type Socket } from 'node:net';
import { BusbarError } from '@busbar/errors';
import { CAUSE } from '@busbar/protocol-iec104';
import { allowed, type Listening, type Replan, type ServerClient, type ServerHost } from '@busbar/server-sdk';
import type { Iec104Config } from './config.js';
import { MasterLink } from './master-link.js';
import { ServerCore } from './server-core.js';

/** A master's own links beyond this are refused: it forgot to close them. */
const LINKS_PER_CLIENT = 4;
const KEEP_ALIVE_MS = 30_000;

/** The port, the links of masters, and what all of them see. */
export class Iec104Listener implements Listening {
  readonly #host: ServerHost<Iec104Config>;
  readonly #core: ServerCore;
  readonly #server: Server;
  readonly #links = new Map<MasterLink, Socket>();
  /** Links of one process have different names, those of an earlier listener too. */
  readonly #run: string;
  #count = 0;
  #port = 0;
  #cyclic: unknown = null;
  #closing: Promise<void> | null = null;

  constructor(host: ServerHost<Iec104Config>) {
    this.#host = host;
    this.#core = new ServerCore(host);
    this.#run = Math.round(host.clock.wallMs()).toString(36);
    const keepAlive = { keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS };
    this.#server = createServer({ noDelay: true, ...keepAlive }, (socket) => this.#accept(socket));
  }

  get port(): number {
    return this.#port;
  }

  async open(signal: AbortSignal): Promise<this> {
    signal.throwIfAborted();
    const { config } = this.#host;
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
    // What is known is told to every master once it comes, interrogation or not.
    for (let slot = 0; slot < this.#core.image.slots; slot++) for (const group of this.#core.groups) group.mark(slot);
    this.#scheduleCyclic();
    return this;
  }

  apply(slots: Uint32Array, count: number): void {
    for (const group of this.#core.groups) {
      for (let i = 0; i < count; i++) group.mark(slots[i] as number);
      group.active?.wake();
    }
  }

  replan(next: Replan): boolean {
    if (next.plan.kind !== 'iec104') return false;
    this.#core.replan(next);
    for (const [link, socket] of this.#links) {
      const client = allowed(link.address, next.clients);
      if (client && client.name === link.client.name && client.group === link.client.group) {
        link.client = client;
        link.replanned();
      } else this.#refuse(socket, 'address');
    }
    this.#host.changed();
    return true;
  }

  clients(): readonly ServerClient[] {
    return [...this.#links.keys()].map((link) => link.status());
  }

  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      if (this.#cyclic !== null) this.#host.timers.clearTimeout(this.#cyclic);
      // An error here means that it did not listen: closed is closed.
      this.#server.close(() => resolve());
      for (const [link, socket] of this.#links) {
        link.gone();
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
    const client = allowed(address, this.#core.clients);
    if (!client || this.#closing) {
      this.#refuse(socket, 'address');
      return;
    }
    const own = [...this.#links.keys()].filter((link) => link.client.name === client.name && link.address === address);
    if (this.#links.size >= this.#host.config.maxClients || own.length >= LINKS_PER_CLIENT) {
      this.#refuse(socket, 'limit');
      return;
    }
    const id = `${this.#host.connection}-${this.#run}-${++this.#count}`;
    const link = new MasterLink(this.#core, socket, { id, address, client });
    this.#links.set(link, socket);
    socket.on('data', (chunk) => link.receive(chunk));
    socket.on('drain', () => link.wake());
    socket.once('close', () => {
      link.gone();
      this.#links.delete(link);
      this.#host.controls.linkLost(link.id);
      this.#host.changed();
    });
    this.#host.changed();
  }

  #refuse(socket: Socket, why: string): void {
    this.#host.counts.clientRefused(why);
    socket.destroy();
  }

  /** Rows marked cyclic, to every active master (cause 1). */
  #scheduleCyclic(): void {
    const { timers, config } = this.#host;
    this.#cyclic = timers.setTimeout(() => {
      const { map, book, image } = this.#core;
      for (const group of this.#core.groups) {
        if (!group.active || group.active.interrogations > 0) continue;
        for (const station of map.stations.keys()) {
          if (map.selected(station, 'cyclic').length === 0) continue;
          group.active.answerAll(book.read(station, 'cyclic', { cause: CAUSE.periodic, image }));
        }
      }
      this.#scheduleCyclic();
    }, config.cyclicEvery);
  }
}
