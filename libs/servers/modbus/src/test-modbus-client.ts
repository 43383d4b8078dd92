import { connect, type Socket } from 'node:net';
import type { PlanEntry } from '@busbar/address-plan';
import type {
  ClientCommand,
  ClientSimulator,
  ClientValue,
  CommandOutcome,
  SimulatedClient,
} from '@busbar/server-testkit';

const READ = { coil: 1, discrete: 2, quality: 2, input: 4, service: 4, holding: 3 } as const;
const WAIT_MS = 5_000;

/** Written apart from the codec of the server: the layout of every order spelt out. */
const LAYOUT: Readonly<Record<string, readonly number[]>> = {
  'ABCD 4': [0, 1, 2, 3],
  'CDAB 4': [2, 3, 0, 1],
  'BADC 4': [1, 0, 3, 2],
  'DCBA 4': [3, 2, 1, 0],
  'ABCD 8': [0, 1, 2, 3, 4, 5, 6, 7],
  'CDAB 8': [6, 7, 4, 5, 2, 3, 0, 1],
  'BADC 8': [1, 0, 3, 2, 5, 4, 7, 6],
  'DCBA 8': [7, 6, 5, 4, 3, 2, 1, 0],
};

function reordered(octets: Uint8Array, order: string): Buffer {
  const layout = LAYOUT[`${order} ${octets.length}`];
  return Buffer.from(layout ? layout.map((at) => octets[at] as number) : octets);
}

/** What a master makes of registers; undefined for the numbers that mean none. */
export function decoded(entry: PlanEntry, octets: Uint8Array): number | undefined {
  const bytes = reordered(octets, entry.order ?? 'ABCD');
  const read: Readonly<Record<string, () => number | bigint | undefined>> = {
    int16: () => (bytes.readInt16BE() === -0x8000 ? undefined : bytes.readInt16BE()),
    uint16: () => (bytes.readUInt16BE() === 0xffff ? undefined : bytes.readUInt16BE()),
    int32: () => (bytes.readInt32BE() === -0x8000_0000 ? undefined : bytes.readInt32BE()),
    uint32: () => (bytes.readUInt32BE() === 0xffff_ffff ? undefined : bytes.readUInt32BE()),
    int64: () => (bytes.readBigInt64BE() === -(2n ** 63n) ? undefined : bytes.readBigInt64BE()),
    uint64: () => (bytes.readBigUInt64BE() === 2n ** 64n - 1n ? undefined : bytes.readBigUInt64BE()),
    float32: () => bytes.readFloatBE(),
    float64: () => bytes.readDoubleBE(),
  };
  const value = read[entry.type]?.();
  return value === undefined || Number.isNaN(value) ? undefined : Number(value);
}

/** Registers for a number as a master writes them. */
export function encoded(entry: PlanEntry, value: number): Buffer {
  const bytes = Buffer.alloc(entry.width * 2);
  const write: Readonly<Record<string, () => unknown>> = {
    int16: () => bytes.writeInt16BE(value),
    uint16: () => bytes.writeUInt16BE(value),
    int32: () => bytes.writeInt32BE(value),
    uint32: () => bytes.writeUInt32BE(value),
    int64: () => bytes.writeBigInt64BE(BigInt(value)),
    uint64: () => bytes.writeBigUInt64BE(BigInt(value)),
    float32: () => bytes.writeFloatBE(value),
    float64: () => bytes.writeDoubleBE(value),
  };
  write[entry.type]?.();
  return reordered(bytes, entry.order ?? 'ABCD');
}

interface Waiting {
  resolve(pdu: Buffer): void;
  reject(error: Error): void;
}

/** A Modbus TCP master that checks that replies are whole, in order and its own. */
export class TestModbusClient implements SimulatedClient {
  readonly closed: Promise<void>;
  readonly socket: Socket;
  unit = 1;
  #rest = Buffer.alloc(0);
  #transaction = 0;
  readonly #waiting = new Map<number, Waiting>();

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk) => this.#receive(chunk));
    socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        for (const { reject } of this.#waiting.values()) reject(new Error('the link is gone'));
        this.#waiting.clear();
        resolve();
      });
    });
  }

  static connect(port: number, localAddress = '127.0.0.1'): Promise<TestModbusClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', localAddress, noDelay: true });
      socket.once('connect', () => resolve(new TestModbusClient(socket)));
      socket.once('error', reject);
    });
  }

  /** The reply PDU to a request PDU. */
  ask(...pdu: number[]): Promise<Buffer> {
    return this.send(Buffer.from(pdu));
  }

  send(pdu: Uint8Array): Promise<Buffer> {
    this.#transaction = (this.#transaction + 1) & 0xffff;
    const transaction = this.#transaction;
    const head = Buffer.from([transaction >> 8, transaction & 0xff, 0, 0, 0, pdu.length + 1, this.unit]);
    return new Promise((resolve, reject) => {
      if (this.socket.destroyed) return reject(new Error('the link is gone'));
      const timer = setTimeout(() => reject(new Error('no answer')), WAIT_MS);
      this.#waiting.set(transaction, {
        resolve: (reply) => {
          clearTimeout(timer);
          resolve(reply);
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      });
      this.socket.write(Buffer.concat([head, pdu]));
    });
  }

  /** Octets of values, or the number of the exception. */
  async octets(fc: number, address: number, quantity: number): Promise<Buffer | number> {
    const reply = await this.ask(fc, address >> 8, address & 0xff, quantity >> 8, quantity & 0xff);
    if ((reply[0] as number) >= 0x80) return reply[1] as number;
    if (reply[0] !== fc || reply[1] !== reply.length - 2) throw new Error(`not an answer: ${reply.toString('hex')}`);
    return reply.subarray(2);
  }

  /** An entry's value; undefined for none, or for an exception. */
  async read(entry: PlanEntry): Promise<ClientValue> {
    const octets = await this.octets(READ[entry.class as keyof typeof READ], entry.address, entry.width);
    const value =
      typeof octets === 'number'
        ? undefined
        : entry.type === 'bool'
          ? (octets[0] as number) & 1
          : decoded(entry, octets);
    return { value, quality: undefined, timeMs: undefined };
  }

  /** The exception, or 0 for a normal answer. */
  async write(entry: PlanEntry, value: number): Promise<number> {
    const { address, width, type } = entry;
    const at = [address >> 8, address & 0xff];
    if (type === 'bool') return exceptionOf(await this.ask(5, ...at, value ? 0xff : 0, 0));
    const octets = encoded(entry, value);
    if (width === 1) return exceptionOf(await this.ask(6, ...at, ...octets));
    return exceptionOf(await this.ask(16, ...at, 0, width, octets.length, ...octets));
  }

  async command({ entry, value }: ClientCommand): Promise<CommandOutcome> {
    const exception = await this.write(entry, value);
    // 11: nobody answered behind the server; of a command that means that nobody knows.
    const kinds: Readonly<Record<number, CommandOutcome['kind']>> = { 0: 'done', 5: 'pending', 11: 'unknown' };
    return { kind: kinds[exception] ?? 'refused', words: `exception ${exception}` };
  }

  garbage(octets: Uint8Array): void {
    this.socket.write(octets);
  }

  flood(): Promise<void> {
    this.socket.pause();
    const request = Buffer.from([0, 1, 0, 0, 0, 6, this.unit, 3, 0, 0, 0, 2]);
    const many = Buffer.concat(new Array<Buffer>(4_096).fill(request));
    return new Promise((resolve) => {
      let idle: NodeJS.Timeout;
      const stop = () => {
        clearTimeout(idle);
        resolve();
      };
      const more = () => {
        clearTimeout(idle);
        // The system takes no more when the server has stopped reading.
        idle = setTimeout(stop, 300);
        this.socket.write(many, (error) => (error ? stop() : more()));
      };
      more();
    });
  }

  close(): void {
    this.socket.destroy();
  }

  #receive(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    while (this.#rest.length >= 8) {
      const end = 6 + this.#rest.readUInt16BE(4);
      if (this.#rest.length < end) return;
      const transaction = this.#rest.readUInt16BE(0);
      if (this.#rest.readUInt16BE(2) !== 0) throw new Error('a reply of another protocol');
      if (this.#rest[6] !== this.unit) throw new Error(`a reply of unit ${this.#rest[6]}`);
      this.#waiting.get(transaction)?.resolve(this.#rest.subarray(7, end));
      this.#waiting.delete(transaction);
      this.#rest = this.#rest.subarray(end);
    }
  }
}

function exceptionOf(reply: Buffer): number {
  return (reply[0] as number) >= 0x80 ? (reply[1] as number) : 0;
}

export const modbusClient: ClientSimulator = {
  config: { address: '127.0.0.1', port: 0 },
  connect: (port, from) => TestModbusClient.connect(port, from?.localAddress),
};
