import { isIP } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import kafkajs, {
  type AuthenticationProviderArgs,
  type ISocketFactory,
  type KafkaConfig,
  type Mechanism,
} from 'kafkajs';
import plain from 'kafkajs/src/broker/saslAuthenticator/plain.js';
import scram256 from 'kafkajs/src/broker/saslAuthenticator/scram256.js';
import scram512 from 'kafkajs/src/broker/saslAuthenticator/scram512.js';

const KEEP_ALIVE_MS = 60_000;

/** PEM each. */
export interface KafkaTls {
  /** Whom to trust; without it the authorities that Node.js knows. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

export interface KafkaSasl {
  readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
  readonly user: string;
  /** Asked at each connection; may throw. */
  readonly password: () => string;
}

export interface KafkaSecurity {
  /** Asked at each connection, so that a certificate may be replaced; may throw. Without it: no TLS. */
  readonly tls?: () => KafkaTls;
  readonly sasl?: KafkaSasl;
}

/** Who is told whether a broker (host:port) lets this client in. */
export interface Admission {
  letIn(broker: string): void;
  turnedAway(broker: string, reason: string): void;
}

const NETWORK = /^(E(CONN(REFUSED|RESET|ABORTED)|TIMEDOUT|NOTFOUND|HOSTUNREACH|NETUNREACH|PIPE)|EAI_AGAIN)$/;

/** What is no trouble of the network: a certificate that is not trusted, or not given, or of another name. */
export function tlsRefusal(error: unknown): string | null {
  const { code, message, reason } = error as NodeJS.ErrnoException & { readonly reason?: string };
  if (code === undefined || NETWORK.test(code)) return null;
  // OpenSSL's own message begins with addresses and codes.
  return reason ?? message;
}

/** A TLS connection to a broker by name; the name must be in its certificate (RFC 9525 §6). */
export function connectTls(address: { readonly host: string; readonly port: number }, tls: KafkaTls): TLSSocket {
  const servername = isIP(address.host) === 0 ? { servername: address.host } : {};
  return connect({ ...address, ...servername, ...tls, minVersion: 'TLSv1.2' });
}

function tlsSockets(read: () => KafkaTls, admission: Admission, isLastDoor: boolean): ISocketFactory {
  return ({ host, port, onConnect }) => {
    const broker = `${host}:${port}`;
    let tls: KafkaTls;
    try {
      tls = read();
    } catch (error) {
      admission.turnedAway(broker, (error as Error).message);
      throw error;
    }
    const socket = connectTls({ host, port }, tls);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    socket.on('secureConnect', onConnect);
    socket.on('error', (error) => {
      const reason = tlsRefusal(error);
      if (reason !== null) admission.turnedAway(broker, reason);
    });
    // With TLS 1.3 a client's certificate is refused after the handshake: the first answer shows that it was taken.
    if (isLastDoor) socket.once('data', () => admission.letIn(broker));
    return socket;
  };
}

const PROVIDERS = { plain, 'scram-sha-256': scram256, 'scram-sha-512': scram512 };

async function authenticate(sasl: KafkaSasl, args: AuthenticationProviderArgs, admission: Admission): Promise<void> {
  const broker = `${args.host}:${args.port}`;
  let isLost = false;
  const saslAuthenticate: AuthenticationProviderArgs['saslAuthenticate'] = async (ask) => {
    try {
      return await args.saslAuthenticate(ask);
    } catch (error) {
      // What the broker answers has a type; a connection that ended has none.
      isLost = (error as { type?: string }).type === undefined;
      throw error;
    }
  };
  try {
    const provider = PROVIDERS[sasl.mechanism]({ username: sasl.user, password: sasl.password() });
    await provider({ ...args, saslAuthenticate }).authenticate();
  } catch (error) {
    const { message } = error as Error;
    if (!isLost) admission.turnedAway(broker, message);
    // kafkajs gives up for good on its own error; a user or password may be put right, or come late to a new broker.
    throw new kafkajs.KafkaJSConnectionError(message, { broker });
  }
  admission.letIn(broker);
}

function saslOf(sasl: KafkaSasl, admission: Admission): Mechanism {
  return {
    mechanism: sasl.mechanism,
    authenticationProvider: (args) => ({ authenticate: () => authenticate(sasl, args, admission) }),
  };
}

/** What a client of kafkajs is given for it. */
export function secured(
  security: KafkaSecurity,
  admission: Admission,
): Pick<KafkaConfig, 'ssl' | 'sasl' | 'socketFactory'> {
  const { tls, sasl } = security;
  return {
    ...(tls ? { ssl: true, socketFactory: tlsSockets(tls, admission, sasl === undefined) } : {}),
    ...(sasl ? { sasl: saslOf(sasl, admission) } : {}),
  };
}
