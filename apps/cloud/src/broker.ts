import { createServer, type Server, type Socket } from 'node:net';
import type { HostPort } from '@busbar/service-kit';
import { Aedes, type AuthenticateError, type Client } from 'aedes';
import type { Device, DeviceList } from './device-list.js';
import type { Requests } from './requests.js';
import { Session, type Sessions } from './sessions.js';
import { acceptedDigests, isSignature, parseClientId } from './signature.js';
import { parseTopic } from './topic.js';

export interface BrokerLog {
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
}

export interface BrokerParts {
  readonly devices: DeviceList;
  readonly sessions: Sessions;
  readonly requests: Requests;
  readonly log: BrokerLog;
}

/** CONNACK 4: bad user name or password (MQTT 3.1.1 §3.2.2.3). */
const BAD_LOGIN = 4;

/** The MQTT side: login, access, and publishes handed to `requests`. Nothing is routed between clients. */
export class CloudBroker {
  readonly #aedes: Aedes;
  readonly #parts: BrokerParts;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #sessions = new WeakMap<Client, Session>();

  private constructor(aedes: Aedes, parts: BrokerParts) {
    this.#aedes = aedes;
    this.#parts = parts;
    this.#server = createServer((socket) => this.#accept(socket));
    this.#wire();
  }

  /** Rejects with the error of `listen`. */
  static async start(parts: BrokerParts, address: HostPort): Promise<{ broker: CloudBroker; address: HostPort }> {
    const broker = new CloudBroker(await Aedes.createBroker({ maxClientsIdLength: 1024 }), parts);
    try {
      const bound = await new Promise<HostPort>((resolve, reject) => {
        broker.#server.once('error', reject);
        broker.#server.listen(address.port, address.host, () => {
          const listening = broker.#server.address();
          const port = typeof listening === 'object' && listening !== null ? listening.port : address.port;
          resolve({ host: address.host, port });
        });
      });
      return { broker, address: bound };
    } catch (error) {
      await broker.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#aedes.close(() => resolve()));
    if (this.#server.listening) await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #accept(socket: Socket): void {
    // A reply behind an acknowledgement would wait 40 ms for the client's delayed one (RFC 9293 §3.7.4).
    socket.setNoDelay(true);
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    this.#aedes.handle(socket);
  }

  #wire(): void {
    const { sessions, log } = this.#parts;
    this.#aedes.authenticate = (client, user, password, done) => {
      const device = this.#judgeLogin(client.id, user ?? '', password?.toString() ?? '');
      if (!device) {
        log.warn({ user, clientId: client.id }, 'login refused');
        return done(Object.assign(new Error('refused'), { returnCode: BAD_LOGIN }) as AuthenticateError, false);
      }
      this.#sessions.set(client, new Session(device, linkOf(client)));
      done(null, true);
    };
    this.#aedes.on('clientReady', (client) => {
      const session = this.#sessions.get(client);
      if (!session) return;
      sessions.open(session);
      log.info({ device: session.device.deviceKey }, 'device connected');
    });
    this.#aedes.on('clientDisconnect', (client) => {
      const session = this.#sessions.get(client);
      if (!session) return;
      sessions.close(session);
      log.info({ device: session.device.deviceKey }, 'device disconnected');
    });
    this.#aedes.on('clientError', (client, error) =>
      log.info({ clientId: client.id, reason: error.message }, 'link failed'),
    );
    this.#aedes.on('connectionError', (_client, error) => log.info({ reason: error.message }, 'link failed'));
    this.#aedes.authorizeSubscribe = (client, subscription, done) => {
      const session = this.#sessions.get(client);
      done(null, session && this.#maySubscribe(session.device, subscription.topic) ? subscription : null);
    };
    // Pushed messages carry no client id; what a client published does, and goes to nobody.
    this.#aedes.authorizeForward = (_client, packet) => ((packet as { clientId?: string }).clientId ? null : packet);
    this.#aedes.authorizePublish = (client, packet, done) => {
      const session = client && this.#sessions.get(client);
      // Without a session it is the last will of a client that is gone.
      if (!session || client.closed) return done(new Error('not connected'));
      packet.retain = false;
      const reply = this.#parts.requests.take(session, packet.topic, Buffer.from(packet.payload));
      done(null);
      if (reply) setImmediate(reply);
    };
  }

  /** The device whose login this is; a change of the list counts from the next login on. */
  #judgeLogin(clientId: string, user: string, password: string): Device | undefined {
    try {
      this.#parts.devices.refresh();
    } catch (error) {
      this.#parts.log.warn({ err: error }, 'the list of devices is kept as it was');
    }
    const fields = parseClientId(clientId);
    const ampersand = user.indexOf('&');
    if (!fields || ampersand < 0) return undefined;
    const deviceKey = user.slice(0, ampersand);
    const productKey = user.slice(ampersand + 1);
    const device = this.#parts.devices.find(productKey, deviceKey);
    // Only static activation: the other modes sign with a product's secret, which this list does not hold.
    if (!device || fields.securemode !== '2') return undefined;
    const signed = { clientId: fields.cid, deviceKey, productKey, timestamp: fields.timestamp };
    const accepted = acceptedDigests(fields.signmethod, signed, device.deviceSecret);
    return isSignature(password, accepted) ? device : undefined;
  }

  /** Its own topics and those of all devices below it, logged in or not: SDKs subscribe before they log them in. */
  #maySubscribe(own: Device, filter: string): boolean {
    const topic = parseTopic(filter);
    const device = topic && this.#parts.devices.find(topic.productKey, topic.deviceKey);
    return device !== undefined && (device === own || this.#parts.devices.isBelow(own, device));
  }
}

function linkOf(client: Client) {
  return {
    push: (topic: string, payload: string) => {
      if (client.closed) return;
      client.publish(
        { cmd: 'publish', dup: false, topic, payload: Buffer.from(payload), qos: 1, retain: false },
        () => {},
      );
    },
    close: () => client.close(),
  };
}
