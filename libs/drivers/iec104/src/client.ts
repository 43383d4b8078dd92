import { connect as connectPlain, type Socket } from 'node:net';
import { checkServerIdentity, connect as connectTls, type TLSSocket } from 'node:tls';
import { type DriverContext, DriverFaultError } from '@busbar/driver-sdk';
import type { Iec104Connection } from './connection.js';
import { Line, lostFault } from './line.js';
import { Iec104Session, type Path } from './session.js';

const KEEP_ALIVE_MS = 10_000;
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 30_000;

interface Tls {
  readonly ca: string;
  readonly cert?: string;
  readonly key?: string;
  readonly crl?: string;
  readonly servername: string;
  readonly checked: string;
}

/** Sockets of a session: one address, or two of which one is started (IEC 60870-5-104 §10). */
export class Iec104Client {
  readonly session: Iec104Session;
  readonly #context: DriverContext<Iec104Connection>;
  readonly #abort = new AbortController();
  readonly #sockets = new Set<Socket>();
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #attempts = new Map<Path, number>();

  private constructor(context: DriverContext<Iec104Connection>) {
    const { host, port, secondHost, secondPort } = context.connection;
    this.#context = context;
    const paths: Path[] = [{ host, port }];
    if (secondHost !== undefined) paths.push({ host: secondHost, port: secondPort ?? port });
    this.session = new Iec104Session(context, paths, (path) => this.#openLater(path));
  }

  /** Resolves when data transfer is started on one of them; throws DriverFaultError. */
  static async connect(context: DriverContext<Iec104Connection>, signal: AbortSignal): Promise<Iec104Client> {
    const client = new Iec104Client(context);
    const { session } = client;
    const giveUp = (): void => session.end(lostFault(session.target, 'it was given up', 'closed'));
    signal.addEventListener('abort', giveUp, { once: true });
    session.onEnd = () => client.#release();
    if (signal.aborted) giveUp();
    for (const path of session.paths) void client.#open(path);
    try {
      await session.ready;
      return client;
    } catch (error) {
      await client.close();
      throw error;
    } finally {
      signal.removeEventListener('abort', giveUp);
    }
  }

  /** Safe twice; whatever is under way ends as connection-lost. */
  async close(): Promise<void> {
    this.session.end(lostFault(this.session.target, 'it was closed', 'closed'));
    await Promise.all([...this.#sockets].map((socket) => closed(socket)));
  }

  #release(): void {
    this.#abort.abort();
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }

  /** The other address may come back at any time; tried after growing pauses. */
  #openLater(path: Path): void {
    if (this.#abort.signal.aborted) return;
    const attempts = this.#attempts.get(path) ?? 0;
    this.#attempts.set(path, attempts + 1);
    const timer = setTimeout(
      () => {
        this.#timers.delete(timer);
        void this.#open(path);
      },
      Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(attempts, 5)),
    );
    this.#timers.add(timer);
  }

  async #open(path: Path): Promise<void> {
    const target = `${path.host}:${path.port}`;
    try {
      const tls = await this.#tls(path);
      if (this.#abort.signal.aborted) return;
      const socket = await openSocket({
        path,
        tls,
        timeoutMs: this.#context.connection.t0,
        signal: this.#abort.signal,
      });
      this.#sockets.add(socket);
      const line = new Line({ target, socket, context: this.#context, listener: this.session });
      socket.on('data', (chunk: Buffer) => line.received(chunk));
      socket.on('error', (error) => line.lost(error.message));
      socket.once('close', () => {
        this.#sockets.delete(socket);
        line.lost('the station closed it');
      });
      this.#attempts.delete(path);
      this.session.opened(path, line);
    } catch (error) {
      const fault = error instanceof DriverFaultError ? error : lostFault(target, String(error), 'closed');
      this.session.failed(path, fault);
    }
  }

  /** Read for each connection: a certificate that was renewed holds from the next one on. */
  async #tls(path: Path): Promise<Tls | null> {
    const { tlsCa, tlsCertificate, tlsKey, tlsRevoked, tlsSubject } = this.#context.connection;
    if (tlsCa === undefined) return null;
    try {
      return {
        ca: await this.#context.secret(tlsCa),
        ...(tlsCertificate === undefined ? {} : { cert: await this.#context.secret(tlsCertificate) }),
        ...(tlsKey === undefined ? {} : { key: await this.#context.secret(tlsKey) }),
        ...(tlsRevoked === undefined ? {} : { crl: await this.#context.secret(tlsRevoked) }),
        // An address is no server name (RFC 6066 §3).
        servername: tlsSubject ?? (/^[\d.]+$|:/.test(path.host) ? '' : path.host),
        checked: tlsSubject ?? path.host,
      };
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new DriverFaultError({ kind: 'invalid-config', field: 'with.tlsCa', reason });
    }
  }
}

function closed(socket: Socket): Promise<void> {
  if (socket.closed) return Promise.resolve();
  return new Promise((resolve) => {
    socket.once('close', () => resolve());
    socket.destroy();
  });
}

function openSocket(input: {
  readonly path: Path;
  readonly tls: Tls | null;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}): Promise<Socket> {
  const { path, tls, timeoutMs, signal } = input;
  const target = `${path.host}:${path.port}`;
  return new Promise((resolve, reject) => {
    let socket: Socket | TLSSocket;
    try {
      const { checked, ...material } = tls ?? { checked: '' };
      const plain = {
        host: path.host,
        port: path.port,
        noDelay: true,
        keepAlive: true,
        keepAliveInitialDelay: KEEP_ALIVE_MS,
      };
      socket = tls
        ? connectTls({
            ...plain,
            ...material,
            minVersion: 'TLSv1.2',
            checkServerIdentity: (_host, certificate) => checkServerIdentity(checked, certificate),
          })
        : connectPlain(plain);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      reject(new DriverFaultError({ kind: 'invalid-config', field: 'with.tlsCertificate', reason }));
      return;
    }
    const opens = tls ? 'secureConnect' : 'connect';
    const finish = (fault: DriverFaultError | null): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      socket.removeListener(opens, ready);
      socket.removeListener('error', failed);
      socket.removeListener('close', ended);
      if (fault === null) {
        resolve(socket);
        return;
      }
      socket.on('error', () => {});
      socket.destroy();
      reject(fault);
    };
    const ready = (): void => finish(null);
    const ended = (): void => finish(lostFault(target, 'it was closed at once', 'closed'));
    const failed = (error: NodeJS.ErrnoException): void => {
      const how = error.code === 'ECONNREFUSED' ? 'refused' : error.code === 'ETIMEDOUT' ? 'silent' : 'closed';
      finish(lostFault(target, error.message, how));
    };
    const abort = (): void => finish(lostFault(target, 'it was given up', 'closed'));
    const timer = setTimeout(() => finish(lostFault(target, `no connection in ${timeoutMs} ms`, 'silent')), timeoutMs);
    signal.addEventListener('abort', abort, { once: true });
    socket.once(opens, ready);
    socket.once('error', failed);
    socket.once('close', ended);
  });
}
