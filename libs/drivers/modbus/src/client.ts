import { connect as connectSocket, type Socket } from 'node:net';
import { type DriverContext, DriverFaultError } from '@busbar/driver-sdk';
import { buildRequest, type ModbusRequest } from '@busbar/protocol-modbus';
import type { WriteOrder } from './codec.js';
import type { ModbusConnection } from './connection.js';
import { type Framing, RtuFraming, TcpFraming } from './framing.js';
import type { ReadFunction } from './plan.js';

const KEEP_ALIVE_MS = 10_000;
/** Room for one answer (at most 260 octets, MODBUS Messaging on TCP/IP §4.1); more is read in a second turn. */
const READ_OCTETS = 512;
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

/** An open socket; what it reads goes to `take`, in a buffer that is filled anew with the next octets. */
interface Line {
  readonly socket: Socket;
  /** Octets came before anybody could have asked. */
  readonly isDirty: boolean;
  take(octets: Buffer): void;
}

interface Pending {
  resolve(octets: Buffer): void;
  reject(reason: unknown): void;
}

/** Unit, function and, in an answer to a read, the number of octets that follow. */
const DATA_AT = 3;

/**
 * A session: one socket, one request at a time. Anything but a valid answer or a Modbus exception leaves the line
 * unknown, and ends the session with everything that may still arrive on it.
 */
export class ModbusClient {
  readonly #target: string;
  readonly #socket: Socket;
  readonly #context: DriverContext<ModbusConnection>;
  readonly #framing: Framing;
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

  private constructor(line: Line, context: DriverContext<ModbusConnection>) {
    const { socket } = line;
    this.#socket = socket;
    this.#context = context;
    const { host, port, framing } = context.connection;
    this.#target = `${host}:${port}`;
    this.#framing = framing === 'rtu' ? new RtuFraming() : new TcpFraming(lastTransactions.get(this.#target) ?? 0);
    this.#timer = setTimeout(() => this.#timedOut(), context.connection.timeout);
    line.take = (octets) => this.#received(octets);
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
    const line = await openLine(context.connection, signal);
    const client = new ModbusClient(line, context);
    client.#watch(signal);
    if (line.isDirty) client.#ruin('octets came that nobody had asked for');
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

  /** Resolves with the data octets of the answer, good until the next request; rejects with ModbusException or DriverFaultError. */
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
    return this.#exchange(unit, { fc, address, quantity }, signal);
  }

  /** Resolves when the device has acknowledged this very write. `hasSent` afterwards: did octets leave? */
  write(order: WriteOrder, signal: AbortSignal): Promise<Buffer> {
    return this.#exchange(order.unit, order.request, signal);
  }

  /** Octets of the last request have left, or may have. */
  get hasSent(): boolean {
    return this.#hasSent;
  }

  get hasEnded(): boolean {
    return this.#ended !== null;
  }

  #exchange(unit: number, request: ModbusRequest, signal: AbortSignal): Promise<Buffer> {
    this.#hasSent = false;
    if (signal !== this.#signal) this.#watch(signal);
    if (this.#ended) return Promise.reject(this.#ended);
    if (this.#pending) return Promise.reject(new Error('one request at a time'));
    if (this.#context.readOnly && WRITE_FUNCTIONS.has(request.fc)) {
      return Promise.reject(new Error('the connection is read-only'));
    }
    const pdu = buildRequest(request);
    const frame = Buffer.allocUnsafe(1 + pdu.length);
    frame[0] = unit;
    frame.set(pdu, 1);
    return new Promise((resolve, reject) => {
      this.#pending = { resolve, reject };
      this.#send(frame);
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
    const pending = this.#settle();
    if ((frame[1] as number) & 0x80) pending?.reject(new ModbusException(frame[2] as number));
    else pending?.resolve(frame.subarray(DATA_AT));
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

function openLine(connection: ModbusConnection, signal: AbortSignal): Promise<Line> {
  const { host, port, timeout } = connection;
  const target = `${host}:${port}`;
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(lostFault(target, 'it was given up', 'closed'));
      return;
    }
    const line = {
      take: (_octets: Buffer): void => {
        line.isDirty = true;
      },
      isDirty: false,
    };
    const socket = connectSocket({
      host,
      port,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_MS,
      // Without a buffer of our own Node makes one of 64 KiB for each read, and the collector runs for it all the time.
      onread: {
        buffer: Buffer.allocUnsafeSlow(READ_OCTETS),
        callback: (count, buffer) => {
          line.take(buffer.subarray(0, count) as Buffer);
          return true;
        },
      },
    });
    const finish = (fault: DriverFaultError | null): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      socket.removeListener('connect', connected);
      socket.removeListener('error', failed);
      if (fault === null) {
        resolve(Object.assign(line, { socket }));
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
