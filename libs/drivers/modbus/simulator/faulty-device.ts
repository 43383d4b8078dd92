import { randomFillSync } from 'node:crypto';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { SimulatedDevice, SimulatedFault, SimulatedTag } from '@busbar/driver-testkit';
import type { TagType } from '@busbar/model';
import { serve } from '@busbar/protocol-modbus';
import { type ReceivedRequest, requestReader, serialFrame } from './modbus-frames.js';
import { coilValue, RegisterBank, registerValue, SERIAL_OFFSET, WRITABLE_AT } from './register-bank.js';

const UNIT = 3;
const TIMEOUT_MS = 30;
/** Longer than a time-out, shorter than two. */
const LATE_MS = TIMEOUT_MS * 1.5;

interface Reply {
  readonly socket: Socket;
  readonly request: ReceivedRequest;
  readonly pdu: Buffer;
  /** The answer as it should be. */
  readonly good: Buffer;
}

function tag(address: string, type: TagType | undefined, expected: () => number | string | bigint | number[]) {
  const row = {
    address,
    type,
    count: 1,
    length: undefined,
    order: 'ABCD' as const,
    access: 'r' as const,
    writeMode: undefined,
  };
  return { row, expected } satisfies SimulatedTag;
}

/**
 * A Modbus device on a socket that answers late, twice, for others, in pieces or wrongly when told to. Its frames are
 * made here, apart from the driver's.
 */
export class FaultyDevice implements SimulatedDevice {
  readonly device = { unitId: UNIT };
  readonly quirks = {};
  readonly timeoutMs = TIMEOUT_MS;
  readonly connection: Record<string, unknown>;
  readonly tags: readonly SimulatedTag[];
  readonly faults: readonly SimulatedFault[];
  readonly refused = {
    address: 'holding:6000',
    type: 'uint16',
    count: 1,
    length: undefined,
    order: 'ABCD',
    access: 'r',
    writeMode: undefined,
  } as const;
  readonly writable = {
    row: { ...this.refused, address: `holding:${WRITABLE_AT}`, access: 'rw' },
    values: [11, 65535, 0, 4711],
  } as const;
  readonly #server: Server;
  readonly #framing: 'tcp' | 'rtu';
  readonly #bank = new RegisterBank(UNIT);
  readonly #sockets = new Set<Socket>();
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #behaviors: Readonly<Record<string, (reply: Reply) => void>>;
  #previous: Buffer | null = null;
  #newest: Socket | null = null;
  #choose: (() => string | null) | null = null;

  private constructor(server: Server, framing: 'tcp' | 'rtu') {
    this.#server = server;
    this.#framing = framing;
    const { port } = server.address() as AddressInfo;
    this.connection = { host: '127.0.0.1', port, timeout: TIMEOUT_MS, framing, quiet: framing === 'rtu' ? LATE_MS : 0 };
    this.tags = this.#makeTags();
    this.#behaviors = this.#makeBehaviors();
    this.faults = Object.keys(this.#behaviors).map((name) => ({ name, isHarmless: name === 'split' }));
    server.on('connection', (socket) => this.#accept(socket));
  }

  static async start(framing: 'tcp' | 'rtu'): Promise<FaultyDevice> {
    const server = createServer({ noDelay: true });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new FaultyDevice(server, framing);
  }

  choose(fault: (() => string | null) | null): void {
    this.#choose = fault;
  }

  written(): readonly number[] {
    return [...this.#bank.written];
  }

  openLinks(): number {
    return this.#sockets.size;
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    this.cut();
    if (this.#server.listening) await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  /** Blocks of one shape, so that an answer to one fits the request for another in everything but its octets. */
  #makeTags(): SimulatedTag[] {
    const registers = (table: 'holding' | 'input', block: number): SimulatedTag[] => {
      const at = block * 100;
      const value = (offset: number): number => registerValue(table, UNIT, at + offset);
      return [
        tag(`${table}:${at}`, 'uint16', () => value(0)),
        tag(`${table}:${at + 2}`, 'uint32', () => value(2) * 65536 + value(3)),
        tag(`${table}:${at + SERIAL_OFFSET}`, 'uint16', () => this.#bank.serialOf(table, block)),
        tag(`${table}:${at + 7}.4-7`, 'uint8', () => (value(7) >> 4) & 15),
        tag(`${table}:${at + 9}`, 'int16', () => (value(9) << 16) >> 16),
      ];
    };
    const bits = (table: 'coil' | 'discrete', block: number): SimulatedTag[] =>
      Array.from({ length: 10 }, (_, i) => {
        const at = block * 200 + i;
        return tag(`${table}:${at}`, 'bool', () => Number(coilValue(table, at)));
      });
    return [
      ...[0, 1, 2, 3, 4, 5].flatMap((block) => registers('holding', block)),
      ...[0, 1, 2, 3].flatMap((block) => registers('input', block)),
      ...[0, 1, 2].flatMap((block) => bits('coil', block)),
      ...[0, 1].flatMap((block) => bits('discrete', block)),
    ];
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    this.#newest = socket;
    const read = requestReader(this.#framing);
    socket.on('error', () => {});
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('data', (chunk) => {
      for (const request of read(chunk)) this.#answer(socket, request);
    });
  }

  #answer(socket: Socket, request: ReceivedRequest): void {
    const fault = this.#choose?.() ?? null;
    const isWrite = (request.pdu[0] as number) > 4;
    // It did something else than asked, and says so.
    const elsewhere = fault === 'other address' && isWrite;
    const pdu = elsewhere ? Buffer.from(request.pdu) : serve(this.#bank, request.pdu);
    const good = request.frame(pdu);
    const behave = fault === null ? undefined : this.#behaviors[fault];
    if (behave) behave({ socket, request, pdu, good });
    else send(socket, good);
    this.#previous = good;
  }

  #later(ms: number, run: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      run();
    }, ms);
    this.#timers.add(timer);
  }

  #makeBehaviors(): Record<string, (reply: Reply) => void> {
    const common: Record<string, (reply: Reply) => void> = {
      late: ({ socket, good }) => this.#later(LATE_MS, () => send(socket, good)),
      'late to the newest link': ({ good }) =>
        this.#later(LATE_MS, () => {
          if (this.#newest) send(this.#newest, good);
        }),
      silent: () => {},
      truncated: ({ socket, good }) => send(socket, good.subarray(0, good.length >> 1)),
      reset: ({ socket, good }) => {
        send(socket, good.subarray(0, good.length >> 1));
        this.#later(1, () => socket.destroy());
      },
      split: ({ socket, good }) => {
        const middle = 1 + (good.length >> 2);
        send(socket, good.subarray(0, middle));
        this.#later(2, () => send(socket, good.subarray(middle)));
      },
      'doubled in one segment': ({ socket, good }) => send(socket, Buffer.concat([good, good])),
      'foreign unit': ({ socket, request, pdu }) => send(socket, request.frame(spoiled(pdu), { unit: UNIT + 1 })),
      'other function': ({ socket, request, pdu }) => {
        const other = spoiled(pdu);
        other[0] = (pdu[0] as number) ^ 7;
        send(socket, request.frame(other));
      },
      'too short': ({ socket, request, pdu }) => {
        const short = Buffer.from(pdu.subarray(0, pdu.length - 1));
        if (short.length > 1 && (pdu[0] as number) <= 4) short[1] = (pdu[1] as number) - 1;
        send(socket, request.frame(short));
      },
      'random octets': ({ socket }) => send(socket, randomFillSync(Buffer.alloc(1 + Math.floor(Math.random() * 300)))),
      'other address': ({ socket, request, pdu }) => {
        const other = Buffer.from(pdu);
        other[2] = (pdu[2] as number) ^ 1;
        if ((pdu[0] as number) <= 4) other[1] = (pdu[1] as number) ^ 2;
        send(socket, request.frame(other));
      },
    };
    return this.#framing === 'tcp' ? { ...common, ...this.#tcpBehaviors() } : { ...common, ...this.#rtuBehaviors() };
  }

  #tcpBehaviors(): Record<string, (reply: Reply) => void> {
    return {
      'doubled soon after': ({ socket, good }) => {
        send(socket, good);
        this.#later(1, () => send(socket, good));
      },
      'of the request before, then its own': ({ socket, good }) => {
        send(socket, this.#previous ?? good);
        this.#later(1, () => send(socket, good));
      },
      'of the request before': ({ socket, good }) => send(socket, this.#previous ?? good),
      'one request late': ({ socket, request, pdu }) =>
        send(socket, request.frame(spoiled(pdu), { transactionStep: -1 })),
      '256 requests late': ({ socket, request, pdu }) =>
        send(socket, request.frame(spoiled(pdu), { transactionStep: -256 })),
      'foreign protocol id': ({ socket, request, pdu }) => {
        const other = request.frame(spoiled(pdu));
        other[3] = 1;
        send(socket, other);
      },
      'wrong length field': ({ socket, good }) => {
        const other = Buffer.concat([good, Buffer.from([0])]);
        other[5] = (good[5] as number) + 1;
        send(socket, other);
      },
    };
  }

  /** A doubled answer that comes later is not among these: without ids it fits the next request (see `pauseBetween`). */
  #rtuBehaviors(): Record<string, (reply: Reply) => void> {
    return {
      'broken CRC': ({ socket, good }) => {
        const other = Buffer.from(good);
        const last = other.length - 1;
        other[last] = (good[last] as number) ^ 0x10;
        send(socket, other);
      },
      'one bit flipped': ({ socket, good }) => {
        const other = Buffer.from(good);
        const middle = other.length >> 1;
        other[middle] = (good[middle] as number) ^ 0x04;
        send(socket, other);
      },
      'exception of another unit': ({ socket, request }) =>
        send(socket, serialFrame(UNIT + 1, Buffer.from([(request.pdu[0] as number) | 0x80, 2]))),
    };
  }
}

/** The same answer with other octets for values: whoever takes it has a wrong value. */
function spoiled(pdu: Buffer): Buffer {
  const other = Buffer.from(pdu);
  for (let i = 2; i < other.length; i++) other[i] = (other[i] as number) ^ 0x11;
  return other;
}

function send(socket: Socket, octets: Uint8Array): void {
  if (!socket.destroyed) socket.write(octets);
}
