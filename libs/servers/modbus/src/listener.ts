import {
  type ClientHandler,
  ClientListener,
  type Listening,
  type Replan,
  type ServerClient,
  type ServerHost,
} from '@busbar/server-sdk';
import { ClientSession } from './client-session.js';
import type { ModbusServerConfig } from './config.js';
import { RegisterBank } from './register-bank.js';
import { ResultBlock } from './result-block.js';

/** A client that was silent for so long gives way when there is no room for another. */
const IDLE_MS = 60_000;
/** Results outlive a link: many masters connect anew for each request. */
const MOST_RESULTS = 64;

interface Handler extends ClientHandler {
  readonly session: ClientSession;
}

/** Who is connected, and what they read. */
export class ModbusListener implements Listening {
  readonly #host: ServerHost<ModbusServerConfig>;
  readonly #clients: ClientListener<Handler>;
  readonly #results = new Map<string, ResultBlock>();
  #bank: RegisterBank;
  #control: boolean;

  constructor(host: ServerHost<ModbusServerConfig>) {
    const { plan, image, control } = host;
    this.#host = host;
    this.#control = control;
    this.#bank = new RegisterBank({ plan, image, rules: this.#rules() });
    this.#clients = new ClientListener<Handler>(host, {
      idleMs: IDLE_MS,
      begin: ({ socket, id, address, client }) => {
        const session = new ClientSession(
          {
            link: socket,
            id,
            address,
            host,
            bank: () => this.#bank,
            isControlled: () => this.#control,
            results: (name) => this.#resultsOf(`${name} ${address}`),
          },
          client,
        );
        return handlerOf(session);
      },
    });
  }

  get port(): number {
    return this.#clients.port;
  }

  async open(signal: AbortSignal): Promise<this> {
    await this.#clients.open(signal);
    return this;
  }

  apply(slots: Uint32Array, count: number): void {
    this.#bank.apply(slots, count);
  }

  replan({ plan, image, clients, control }: Replan): boolean {
    if (plan.kind !== 'modbus') return false;
    this.#bank = new RegisterBank({ plan, image, rules: this.#rules() }, this.#bank);
    this.#control = control;
    this.#clients.allow(clients);
    return true;
  }

  clients(): readonly ServerClient[] {
    return this.#clients.handlers.map(({ session }) => ({
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
    return this.#clients.close();
  }

  #rules() {
    const { lost, units, mirror, order } = this.#host.config;
    return { lost, isPerUnit: units === 'per-device', mirror, order };
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

function handlerOf(session: ClientSession): Handler {
  return {
    session,
    get lastMs() {
      return session.lastMs;
    },
    receive: (chunk) => session.receive(chunk),
    drained: () => session.drained(),
    became: (client) => {
      session.client = client;
      return true;
    },
    gone: () => session.closed(),
  };
}
