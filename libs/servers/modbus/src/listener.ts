import { createServer, type Server, type Socket } from 'node:net';
import { BusbarError } from '@busbar/errors';
import {
  allowed,
  type Listening,
  type Replan,
  type ServerClient,
  type ServerClientConfig,
  type ServerHost,
} from '@busbar/server-sdk';
import { ClientSession } from './client-session.js';
import type { ModbusServerConfig } from './config.js';
import { RegisterBank } from './register-bank.js';
import { ResultBlock } from './result-block.js';

/** A client that was silent for so long gives way when there is no room for another. */
const IDLE_MS = 60_000;
const KEEP_ALIVE_MS = 30_000;
/** Results outlive a link: many masters connect anew for each request. */
const MOST_RESULTS = 64;

/** The port, who is connected, and what they read. */
export class ModbusListener implements Listening {
  readonly #host: ServerHost<ModbusServerConfig>;
  readonly #server: Server;
  readonly #sessions = new Map<ClientSession, Socket>();
  readonly #results = new Map<string, ResultBlock>();
  /** Links of one process have different names, those of an earlier listener too. */
  readonly #run: string;
  #links = 0;
  #bank: RegisterBank;
  #clients: readonly ServerClientConfig[];
  #control: boolean;
  #port = 0;
  #closing: Promise<void> | null = null;

  constructor(host: ServerHost<ModbusServerConfig>) {
    const { plan, image, clients, control, clock } = host;
    this.#host = host;
    this.#clients = clients;
    this.#control = control;
    this.#run = Math.round(clock.wallMs()).toString(36);
    this.#bank = new RegisterBank({ plan, image, rules: this.#rules() });
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
    return this;
  }

  apply(slots: Uint32Array, count: number): void {
    this.#bank.apply(slots, count);
  }

  replan({ plan, image, clients, control }: Replan): boolean {
    if (plan.kind !== 'modbus') return false;
    this.#bank = new RegisterBank({ plan, image, rules: this.#rules() }, this.#bank);
    this.#clients = clients;
    this.#control = control;
    for (const [session, socket] of this.#sessions) {
      const client = allowed(session.parts.address, clients);
      if (client) session.client = client;
      else this.#refuse(socket, 'address');
    }
    this.#host.changed();
    return true;
  }

  clients(): readonly ServerClient[] {
    return [...this.#sessions.keys()].map((session) => ({
      link: session.parts.id,
      name: session.client.name,
      address: session.parts.address,
      sinceMs: session.sinceMs,
      state: 'connected',
      received: session.received,
      sent: session.sent,
    }));
  }

  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      // An error here means that it did not listen: closed is closed.
      this.#server.close(() => resolve());
      for (const [session, socket] of this.#sessions) {
        session.closed();
        socket.destroy();
      }
    });
    return this.#closing;
  }

  #rules() {
    const { lost, units, mirror, order } = this.#host.config;
    return { lost, isPerUnit: units === 'per-device', mirror, order };
  }

  #refusal(error: NodeJS.ErrnoException): BusbarError {
    const { connection, config } = this.#host;
    const address = `${config.address}:${config.port}`;
    if (error.code === 'EADDRINUSE') {
      return new BusbarError('PORT_IN_USE', { address, setting: `port of ${connection}` }, { cause: error });
    }
    return new BusbarError(
      'FORWARD_LISTEN',
      { connection, address, reason: error.code ?? error.message },
      { cause: error },
    );
  }

  #accept(socket: Socket): void {
    // The close event that follows does the work.
    socket.on('error', () => undefined);
    const address = (socket.remoteAddress ?? '').replace(/^::ffff:(?=\d+\.)/i, '');
    const client = allowed(address, this.#clients);
    if (!client || this.#closing) this.#refuse(socket, 'address');
    else if (this.#hasRoom()) this.#begin(socket, address, client);
    else this.#refuse(socket, 'limit');
  }

  #refuse(socket: Socket, why: string): void {
    this.#host.counts.clientRefused(why);
    socket.destroy();
  }

  /** Masters that restart leave links behind: the longest silent one goes. */
  #hasRoom(): boolean {
    if (this.#sessions.size < this.#host.config.maxClients) return true;
    const oldest = [...this.#sessions].sort(([a], [b]) => a.lastMs - b.lastMs)[0];
    if (!oldest || this.#host.clock.monotonicMs() - oldest[0].lastMs < IDLE_MS) return false;
    this.#end(oldest[0]);
    this.#refuse(oldest[1], 'limit');
    return true;
  }

  #begin(socket: Socket, address: string, client: ServerClientConfig): void {
    const host = this.#host;
    const session = new ClientSession(
      {
        link: socket,
        id: `${host.connection}-${this.#run}-${++this.#links}`,
        address,
        host,
        bank: () => this.#bank,
        isControlled: () => this.#control,
        results: (name) => this.#resultsOf(`${name} ${address}`),
      },
      client,
    );
    this.#sessions.set(session, socket);
    socket.on('data', (chunk) => session.receive(chunk));
    socket.on('drain', () => session.drained());
    socket.once('close', () => this.#end(session));
    host.changed();
  }

  #end(session: ClientSession): void {
    session.closed();
    if (this.#sessions.delete(session)) this.#host.changed();
  }

  #resultsOf(key: string): ResultBlock {
    const known = this.#results.get(key) ?? new ResultBlock(this.#host.clock);
    // Used last, forgotten last.
    this.#results.delete(key);
    this.#results.set(key, known);
    for (const oldest of this.#results.keys()) {
      if (this.#results.size <= MOST_RESULTS) break;
      this.#results.delete(oldest);
    }
    return known;
  }
}
