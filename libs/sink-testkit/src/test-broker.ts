import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { Aedes, type AuthenticateError, type Client } from 'aedes';

export interface BrokerPublish {
  readonly clientId: string;
  readonly topic: string;
  readonly payload: Buffer;
  readonly qos: number;
}

export interface BrokerHooks {
  /** True: let in. Without it everyone is. */
  authenticate?(login: { readonly clientId: string; readonly user: string; readonly password: string }): boolean;
  /** Called when the broker takes a message, just before it acknowledges it. */
  taken(message: BrokerPublish): void;
  /** False: SUBACK 0x80. Without it everything is granted. */
  canSubscribe?(topic: string): boolean;
}

interface Held {
  readonly message: BrokerPublish;
  acknowledge(): void;
}

/** A broker on a real socket that can stop acknowledging and drop its links. It forwards nothing by itself. */
export class TestBroker {
  readonly port: number;
  readonly #aedes: Aedes;
  readonly #server: Server;
  readonly #hooks: BrokerHooks;
  readonly #sockets = new Set<Socket>();
  readonly #clients = new Map<string, Client>();
  readonly #held: Held[] = [];
  #isAcknowledging = true;
  #offered = 0;

  private constructor(parts: { aedes: Aedes; server: Server; hooks: BrokerHooks }) {
    this.#aedes = parts.aedes;
    this.#server = parts.server;
    this.#hooks = parts.hooks;
    this.port = (parts.server.address() as AddressInfo).port;
    this.#wire();
  }

  static async start(hooks: BrokerHooks): Promise<TestBroker> {
    const aedes = await Aedes.createBroker({ maxClientsIdLength: 1024, drainTimeout: 0 });
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new TestBroker({ aedes, server, hooks });
  }

  get url(): string {
    return `mqtt://127.0.0.1:${this.port}`;
  }

  /** Open links. */
  get links(): number {
    return this.#sockets.size;
  }

  /** Messages that reached the broker, acknowledged or not. */
  get offered(): number {
    return this.#offered;
  }

  /** While false, messages are neither taken nor acknowledged; true takes what came meanwhile, in order. */
  setAcknowledging(on: boolean): void {
    this.#isAcknowledging = on;
    if (!on) return;
    for (const held of this.#held.splice(0)) {
      this.#hooks.taken(held.message);
      held.acknowledge();
    }
  }

  /** Sends to every connected client, subscribed or not. */
  push(topic: string, payload: string | Uint8Array, options: { qos?: 0 | 1; retain?: boolean } = {}): void {
    for (const client of this.#clients.values()) {
      const { qos = 1, retain = false } = options;
      client.publish({ cmd: 'publish', dup: false, topic, payload: Buffer.from(payload), qos, retain }, () => {});
    }
  }

  /** Drops every link without a word. */
  cut(): void {
    this.#held.length = 0;
    for (const socket of this.#sockets) socket.destroy();
  }

  async stop(): Promise<void> {
    this.cut();
    await new Promise<void>((resolve) => this.#aedes.close(() => resolve()));
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #wire(): void {
    this.#server.on('connection', (socket) => {
      socket.setNoDelay(true);
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      this.#aedes.handle(socket);
    });
    this.#aedes.on('clientReady', (client) => this.#clients.set(client.id, client));
    this.#aedes.on('clientDisconnect', (client) => this.#clients.delete(client.id));
    this.#aedes.authenticate = (client, user, password, done) => {
      const login = { clientId: client.id, user: user ?? '', password: password?.toString() ?? '' };
      if (this.#hooks.authenticate?.(login) ?? true) return done(null, true);
      done(Object.assign(new Error('refused'), { returnCode: 4 }) as AuthenticateError, false);
    };
    this.#aedes.authorizeSubscribe = (_client, subscription, done) => {
      done(null, (this.#hooks.canSubscribe?.(subscription.topic) ?? true) ? subscription : null);
    };
    // Only what `push` makes goes out: a message of a client carries its id.
    this.#aedes.authorizeForward = (_client, packet) => ((packet as { clientId?: string }).clientId ? null : packet);
    this.#aedes.authorizePublish = (client, packet, done) => {
      const message = {
        clientId: client?.id ?? '',
        topic: packet.topic,
        payload: Buffer.from(packet.payload),
        qos: packet.qos,
      };
      this.#offered++;
      if (!this.#isAcknowledging) {
        this.#held.push({ message, acknowledge: () => done(null) });
        return;
      }
      this.#hooks.taken(message);
      done(null);
    };
  }
}
