import { EventEmitter } from 'node:events';
import { connect as connectSocket, type Socket } from 'node:net';
import { type DriverContext, DriverFaultError } from '@busbar/driver-sdk';
import modbusSerial from 'modbus-serial';
import type { WriteOrder } from './codec.js';
import type { ModbusConnection } from './connection.js';
import { type Framing, RtuFraming, TcpFraming } from './framing.js';
import type { ReadFunction } from './plan.js';

const KEEP_ALIVE_MS = 10_000;
/** By target, so that an id is not used again soon by the next session either. */
const lastTransactions = new Map<string, number>();
const WRITE_FUNCTIONS: ReadonlySet<number> = new Set([5, 6, 15, 16]);

/** The device's refusal (Modbus Application Protocol §7). */
export class ModbusException {
  readonly code: number;

  constructor(code: number) {
    this.code = code;
  }
}

type Done = (error: (Error & { modbusCode?: number }) | null, result?: object) => void;

interface Pending {
  resolve(octets: Buffer): void;
  reject(reason: unknown): void;
}

const NO_OCTETS = Buffer.alloc(0);

/** The octets behind the library's own decoding. */
function dataOf(result: object | undefined): Buffer {
  return result !== undefined && 'buffer' in result && Buffer.isBuffer(result.buffer) ? result.buffer : NO_OCTETS;
}

/**
 * What modbus-serial calls a port: it hands frames over and takes answers. The library never sees the socket, only
 * answers that the guard has held against the request. Its transaction ids stand still: there is one request at a time.
 */
class GuardedPort extends EventEmitter {
  isOpen = true;
  readonly _transactionIdRead = 1;
  readonly _transactionIdWrite = 1;
  readonly #send: (frame: Buffer) => void;

  constructor(send: (frame: Buffer) => void) {
    super();
    this.#send = send;
  }

  open(callback: (error?: Error) => void): void {
    callback();
  }

  close(callback?: (error?: Error) => void): void {
    this.isOpen = false;
    callback?.();
  }

  write(frame: Buffer): void {
    this.#send(frame);
  }
}

/**
 * A session: one socket, one request at a time. Anything but a valid answer or a Modbus exception leaves the line
 * unknown, and ends the session with everything that may still arrive on it.
 */
export class ModbusClient {
  readonly #target: string;
  readonly #socket: Socket;
  readonly #context: DriverContext<ModbusConnection>;
  readonly #framing: Framing;
  readonly #port: GuardedPort;
  readonly #library: InstanceType<typeof modbusSerial.default>;
  readonly #timer: NodeJS.Timeout;
  readonly #closed: Promise<void>;
  #pending: Pending | null = null;
  /** The request of `#pending` has left and its answer has not come. */
  #isAwaiting = false;
  #hasSent = false;
  #ended: DriverFaultError | null = null;
  #signal: AbortSignal | null = null;
  #answeredMs = Number.NEGATIVE_INFINITY;
  #quiet = false;
  readonly #onAbort = (): void => this.#lose('it was given up');

  private constructor(socket: Socket, context: DriverContext<ModbusConnection>) {
    this.#socket = socket;
    this.#context = context;
    const { host, port, framing } = context.connection;
    this.#target = `${host}:${port}`;
    this.#framing = framing === 'rtu' ? new RtuFraming() : new TcpFraming(lastTransactions.get(this.#target) ?? 0);
    this.#port = new GuardedPort((frame) => this.#send(frame));
    this.#library = new modbusSerial.default(this.#port);
    this.#library.open(() => {});
    this.#timer = setTimeout(() => this.#timedOut(), context.connection.timeout);
    socket.on('data', (chunk) => this.#received(chunk));
    socket.on('error', (error) => this.#lose(error.message));
    this.#closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.#lose('the device closed it');
        resolve();
      });
    });
  }

  /** Throws DriverFaultError. */
  static async connect(context: DriverContext<ModbusConnection>, signal: AbortSignal): Promise<ModbusClient> {
    const { framing, timeout, quiet } = context.connection;
    const socket = await openSocket(context.connection, signal);
    const client = new ModbusClient(socket, context);
    client.#watch(signal);
    // A transparent gateway delivers a late answer to whoever is connected: it must meet nobody who waits.
    if (framing === 'rtu') await client.#beQuiet(quiet ?? timeout * 2);
    if (client.#ended) {
      await client.close();
      throw lostFault(client.#target, 'it was closed at once', 'closed');
    }
    return client;
  }

  async #beQuiet(ms: number): Promise<void> {
    this.#quiet = true;
    await this.pause(ms);
    this.#quiet = false;
  }

  /** Resolves with the data octets of the answer; rejects with ModbusException or DriverFaultError. */
  read(
    request: {
      readonly fc: ReadFunction;
      readonly unit: number;
      readonly address: number;
      readonly quantity: number;
    },
    signal: AbortSignal,
  ): Promise<Buffer> {
    const { fc, unit, address, quantity } = request;
    return this.#exchange(signal, (done) => {
      if (fc === 3) this.#library.writeFC3(unit, address, quantity, done);
      else if (fc === 4) this.#library.writeFC4(unit, address, quantity, done);
      else if (fc === 1) this.#library.writeFC1(unit, address, quantity, done);
      else this.#library.writeFC2(unit, address, quantity, done);
    });
  }

  /** Resolves when the device has acknowledged this very write. `hasSent` afterwards: did octets leave? */
  write(order: WriteOrder, signal: AbortSignal): Promise<Buffer> {
    const { unit, address } = order;
    return this.#exchange(signal, (done) => {
      if (order.fc === 5) this.#library.writeFC5(unit, address, order.on, done);
      else if (order.fc === 6) this.#library.writeFC6(unit, address, order.value, done);
      else if (order.fc === 15) this.#library.writeFC15(unit, address, order.states, done);
      else this.#library.writeFC16(unit, address, order.values, done);
    });
  }

  /** Octets of the last request have left, or may have. */
  get hasSent(): boolean {
    return this.#hasSent;
  }

  get hasEnded(): boolean {
    return this.#ended !== null;
  }

  #exchange(signal: AbortSignal, start: (done: Done) => void): Promise<Buffer> {
    this.#hasSent = false;
    if (signal !== this.#signal) this.#watch(signal);
    if (this.#ended) return Promise.reject(this.#ended);
    if (this.#pending) return Promise.reject(new Error('one request at a time'));
    return new Promise((resolve, reject) => {
      this.#pending = { resolve, reject };
      start((error, result) => {
        if (error === null || error === undefined) this.#settle()?.resolve(dataOf(result));
        else if (error.modbusCode !== undefined) this.#settle()?.reject(new ModbusException(error.modbusCode));
        else this.#ruin(error.message);
      });
    });
  }

  #settle(): Pending | null {
    const pending = this.#pending;
    this.#pending = null;
    this.#isAwaiting = false;
    this.#answeredMs = this.#context.clock.monotonicMs();
    return pending;
  }

  #send(frame: Buffer): void {
    if (this.#context.readOnly && WRITE_FUNCTIONS.has(frame[1] as number)) {
      this.#settle()?.reject(new Error('the connection is read-only'));
      return;
    }
    const wire = this.#framing.wrap(frame);
    this.#isAwaiting = true;
    this.#hasSent = true;
    this.#context.frame('sent', wire);
    this.#timer.refresh();
    this.#socket.write(wire);
  }

  #received(chunk: Buffer): void {
    this.#context.frame('received', chunk);
    if (this.#quiet) return;
    if (!this.#isAwaiting) {
      this.#ruin('octets came that nobody had asked for');
      return;
    }
    const frame = this.#framing.push(chunk);
    if (frame === null) return;
    if (typeof frame === 'string') {
      this.#ruin(frame);
      return;
    }
    this.#isAwaiting = false;
    this.#port.emit('data', frame);
    if (this.#pending) this.#ruin('the library did not take the answer');
  }

  #timedOut(): void {
    if (this.#isAwaiting) this.#ruin('no answer in time');
  }

  /** The line may still hold anything: nobody reads from it again. */
  #ruin(reason: string): void {
    const timeoutMs = this.#context.connection.timeout;
    this.#end(new DriverFaultError({ kind: 'no-answer', timeoutMs, sessionEnded: true, reason }));
  }

  #lose(reason: string): void {
    this.#end(lostFault(this.#target, reason, 'closed'));
  }

  #end(fault: DriverFaultError): void {
    if (this.#ended) return;
    this.#ended = fault;
    this.#port.isOpen = false;
    if (this.#framing instanceof TcpFraming) lastTransactions.set(this.#target, this.#framing.transaction);
    clearTimeout(this.#timer);
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#socket.destroy();
    this.#settle()?.reject(fault);
  }

  #watch(signal: AbortSignal): void {
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#signal = signal;
    if (this.#ended) return;
    if (signal.aborted) this.#onAbort();
    else signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** Resolves when the last answer is at least `ms` old, or at once when the session has ended. */
  async pauseSinceAnswer(ms: number): Promise<void> {
    const rest = this.#answeredMs + ms - this.#context.clock.monotonicMs();
    if (rest > 0) await this.pause(rest);
  }

  async pause(ms: number): Promise<void> {
    if (this.#ended) return;
    let timer: NodeJS.Timeout | undefined;
    const over = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ms);
    });
    await Promise.race([over, this.#closed]);
    clearTimeout(timer);
  }

  /** Safe twice, and during a request, which then ends as connection-lost. */
  async close(): Promise<void> {
    this.#lose('it was closed');
    await this.#closed;
  }
}

function lostFault(target: string, reason: string, how: 'refused' | 'silent' | 'closed'): DriverFaultError {
  return new DriverFaultError({ kind: 'connection-lost', target, reason: `the link to ${target}: ${reason}`, how });
}

function openSocket(connection: ModbusConnection, signal: AbortSignal): Promise<Socket> {
  const { host, port, timeout } = connection;
  const target = `${host}:${port}`;
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(lostFault(target, 'it was given up', 'closed'));
      return;
    }
    const socket = connectSocket({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS });
    const finish = (fault: DriverFaultError | null): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      socket.removeListener('connect', connected);
      socket.removeListener('error', failed);
      if (fault === null) {
        resolve(socket);
        return;
      }
      socket.on('error', () => {});
      socket.destroy();
      reject(fault);
    };
    const connected = (): void => finish(null);
    const failed = (error: NodeJS.ErrnoException): void => {
      const how = error.code === 'ECONNREFUSED' ? 'refused' : error.code === 'ETIMEDOUT' ? 'silent' : 'closed';
      finish(lostFault(target, error.message, how));
    };
    const abort = (): void => finish(lostFault(target, 'it was given up', 'closed'));
    const timer = setTimeout(() => finish(lostFault(target, `no connection in ${timeout} ms`, 'silent')), timeout);
    signal.addEventListener('abort', abort, { once: true });
    socket.once('connect', connected);
    socket.once('error', failed);
  });
}
