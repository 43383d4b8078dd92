import { randomFillSync } from 'node:crypto';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { SimulatedDevice, SimulatedFault, SimulatedTag } from '@busbar/driver-testkit';
import type { TagType } from '@busbar/model';
import { serve } from '@busbar/protocol-modbus';
import { type ReceivedRequest, requestReader, serialFrame } from './modbus-frames.js';
import { coilValue, RegisterBank, registerValue, SERIAL_AT, WRITABLE_AT } from './register-bank.js';

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

  #makeTags(): SimulatedTag[] {
    const tags: SimulatedTag[] = [];
    for (let i = 0; i < 12; i++) {
      tags.push(tag(`holding:${i * 9}`, 'uint16', () => registerValue('holding', UNIT, i * 9)));
      tags.push(tag(`input:${i * 5}`, 'uint16', () => registerValue('input', UNIT, i * 5)));
      tags.push(tag(`coil:${i * 40}`, 'bool', () => Number(coilValue('coil', i * 40))));
      tags.push(tag(`discrete:${i}`, undefined, () => Number(coilValue('discrete', i))));
    }
    tags.push(tag(`holding:${SERIAL_AT}`, 'uint32', () => this.#bank.serial));
    tags.push(
      tag('input:2', 'uint32', () => registerValue('input', UNIT, 2) * 65536 + registerValue('input', UNIT, 3)),
      tag('holding:7.4-7', 'uint8', () => (registerValue('holding', UNIT, 7) >> 4) & 15),
    );
    // Last of its scan: the counter of that very request.
    return tags;
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
    if (request.pdu[0] === 3 && (((request.pdu[1] as number) << 8) | (request.pdu[2] as number)) === SERIAL_AT) {
      this.#bank.serial++;
    }
    const fault = this.#choose?.() ?? null;
    const pdu = serve(this.#bank, request.pdu);
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
      'foreign unit': ({ socket, request, pdu }) => send(socket, request.frame(pdu, { unit: UNIT + 1 })),
      'other function': ({ socket, request, pdu }) => {
        const other = Buffer.from(pdu);
        other[0] = (pdu[0] as number) ^ 7;
        send(socket, request.frame(other));
      },
      'too short': ({ socket, request, pdu }) => {
        const short = Buffer.from(pdu.subarray(0, pdu.length - 1));
        if (short.length > 1 && (pdu[0] as number) <= 4) short[1] = (pdu[1] as number) - 1;
        send(socket, request.frame(short));
      },
      'random octets': ({ socket }) => send(socket, randomFillSync(Buffer.alloc(1 + Math.floor(Math.random() * 300)))),
      'other address written': ({ socket, request, pdu }) => {
        const other = Buffer.from(pdu);
        if ((pdu[0] as number) > 4) other[2] = (pdu[2] as number) ^ 1;
        else other[1] = (pdu[1] as number) ^ 1;
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
      'of the request before': ({ socket, good }) => send(socket, Buffer.concat([this.#previous ?? good, good])),
      'only of the request before': ({ socket, request, pdu }) =>
        send(socket, request.frame(pdu, { transactionStep: -1 })),
      '256 requests late': ({ socket, request, pdu }) => send(socket, request.frame(pdu, { transactionStep: -256 })),
      'foreign protocol id': ({ socket, good }) => {
        const other = Buffer.from(good);
        other[3] = 1;
        send(socket, other);
      },
      'wrong length field': ({ socket, good }) => {
        const other = Buffer.from(good);
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

function send(socket: Socket, octets: Uint8Array): void {
  if (!socket.destroyed) socket.write(octets);
}
