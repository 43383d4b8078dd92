import { connect, type Socket } from 'node:net';
import type { PlanEntry } from '@busbar/address-plan';
import type {
  ClientCommand,
  ClientEvent,
  ClientSimulator,
  ClientValue,
  CommandOutcome,
  SimulatedClient,
} from '@busbar/server-testkit';

/*
 * A strict master over raw frames, written apart from the codec under test: octets by hand, after IEC 60870-5-104 and
 * 60870-5-101, three octets of object address, two of cause and common address.
 */

const ANSWER_MS = 5_000;
/** Octets of an element by type identification, without and with CP56Time2a. */
const SIZES: Readonly<Record<number, number>> = {
  1: 1,
  3: 1,
  5: 2,
  7: 5,
  9: 3,
  11: 3,
  13: 5,
  15: 5,
  30: 8,
  31: 8,
  32: 9,
  33: 12,
  34: 10,
  35: 10,
  36: 12,
  37: 12,
  45: 1,
  46: 1,
  47: 1,
  48: 3,
  49: 3,
  50: 5,
  51: 4,
  58: 8,
  59: 8,
  60: 8,
  61: 10,
  62: 10,
  63: 12,
  64: 11,
  70: 1,
  100: 1,
  101: 1,
  102: 0,
  103: 7,
  104: 2,
  105: 1,
};
/** Type identification of a value without time, by name in the plan; with time 21 to 30 more, see TIMED. */
const COMMANDS: Readonly<Record<string, number>> = {
  C_SC: 45,
  C_DC: 46,
  C_RC: 47,
  C_SE_NA: 48,
  C_SE_NB: 49,
  C_SE_NC: 50,
  C_BO: 51,
};
const UNTIMED_OF: Readonly<Record<number, number>> = { 30: 1, 31: 3, 32: 5, 33: 7, 34: 9, 35: 11, 36: 13, 37: 15 };

export interface ReceivedObject {
  readonly type: number;
  readonly cause: number;
  readonly isNegative: boolean;
  readonly isTest: boolean;
  readonly station: number;
  readonly address: number;
  readonly element: Buffer;
}

function pointValue(type: number, element: Buffer): { value: number; bits: number } {
  switch (UNTIMED_OF[type] ?? type) {
    case 1:
      return { value: element.readUInt8(0) & 1, bits: element.readUInt8(0) & 0xf0 };
    case 3:
      return { value: element.readUInt8(0) & 3, bits: element.readUInt8(0) & 0xf0 };
    case 9:
      return { value: element.readInt16LE(0) / 32_768, bits: element.readUInt8(2) };
    case 11:
      return { value: element.readInt16LE(0), bits: element.readUInt8(2) };
    case 13:
      return { value: element.readFloatLE(0), bits: element.readUInt8(4) };
    case 15:
      return { value: element.readInt32LE(0), bits: element.readUInt8(4) & 0x80 };
    default:
      return { value: Number.NaN, bits: 0 };
  }
}

/** UTC alone: the servers of these tests are set so. */
function timeOf(element: Buffer): number | undefined {
  if (element.length < 8) return undefined;
  const at = element.length - 7;
  const day = element.readUInt8(at + 4) & 0x1f;
  const month = element.readUInt8(at + 5) & 0x0f;
  const year = 2_000 + (element.readUInt8(at + 6) & 0x7f);
  const [hour, minute] = [element.readUInt8(at + 3) & 0x1f, element.readUInt8(at + 2) & 0x3f];
  return Date.UTC(year, month - 1, day, hour, minute) + element.readUInt16LE(at);
}

function clientValue({ type, element }: ReceivedObject): ClientValue {
  const { value, bits } = pointValue(type, element);
  const isBad = (bits & 0x80) !== 0;
  const quality = isBad ? 'bad' : bits === 0 ? 'good' : 'uncertain';
  return { value: isBad ? undefined : value, quality, timeMs: timeOf(element) };
}

/** A connection of a controlling station that confirms every I frame at once, or not at all. */
export class RawMaster implements SimulatedClient {
  readonly closed: Promise<void>;
  readonly received: ReceivedObject[] = [];
  readonly events: ClientEvent[] = [];
  /** What is wrong with the frames that came. */
  readonly faults: string[] = [];
  readonly #socket: Socket;
  readonly #waiting = new Set<() => void>();
  #rest = Buffer.alloc(0);
  #sent = 0;
  #expected = 0;
  #isConfirming = true;
  #isClosed = false;
  isStarted = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.#isClosed = true;
        this.#tell();
        resolve();
      });
    });
  }

  async start(): Promise<this> {
    this.control(0x07);
    await this.until(() => this.isStarted || this.#isClosed, 'STARTDT con');
    return this;
  }

  /** A U frame. */
  control(octet: number): void {
    this.#socket.write(Buffer.from([0x68, 4, octet, 0, 0, 0]));
  }

  /** One I frame. `more`: everything behind the object address. */
  ask(asdu: {
    type: number;
    cause: number;
    station?: number;
    address?: number;
    more?: readonly number[] | Buffer;
  }): void {
    const { type, cause, station = 1, address = 0, more = [] } = asdu;
    const head = Buffer.from([
      type,
      1,
      cause & 0xff,
      0,
      station & 0xff,
      station >> 8,
      address & 0xff,
      (address >> 8) & 0xff,
      address >> 16,
    ]);
    this.frame(Buffer.concat([head, Buffer.from(more)]));
  }

  /** An I frame around these octets. */
  frame(asdu: Buffer): void {
    const number = this.#sent;
    this.#sent = (this.#sent + 1) % 32_768;
    const acknowledged = this.#expected;
    const control = [(number << 1) & 0xff, number >> 7, (acknowledged << 1) & 0xff, acknowledged >> 7];
    this.#socket.write(Buffer.concat([Buffer.from([0x68, 4 + asdu.length, ...control]), asdu]));
  }

  async read({ station, address }: PlanEntry): Promise<ClientValue> {
    const from = this.received.length;
    this.ask({ type: 102, cause: 5, station, address });
    const found = await this.next(from, (one) => one.address === address && (one.cause === 5 || one.cause === 47));
    if (found.isNegative) throw new Error(`cause ${found.cause}`);
    return clientValue(found);
  }

  async command({ entry, value }: ClientCommand): Promise<CommandOutcome> {
    // Of what is only measured: a single command to its address.
    const type = COMMANDS[entry.type] ?? 45;
    const from = this.received.length;
    this.ask({ type, cause: 6, station: entry.station, address: entry.address, more: commandOctets(type, value) });
    const isMine = (one: ReceivedObject) => one.type === type && one.address === entry.address;
    const confirmation = await this.next(from, (one) => isMine(one) && one.cause !== 10);
    const words = `cause ${confirmation.cause}${confirmation.isNegative ? ' negative' : ''}`;
    if (confirmation.isNegative) return { kind: 'refused', words };
    const timer = this.#timeout(500);
    const termination = await Promise.race([
      this.next(from, (one) => isMine(one) && one.cause === 10).catch(() => undefined),
      timer,
    ]);
    if (!termination) return { kind: 'pending', words };
    return { kind: termination.isNegative ? 'refused' : 'done', words: `cause ${termination.cause}` };
  }

  garbage(octets: Uint8Array): void {
    this.#socket.write(octets);
  }

  async flood(): Promise<void> {
    this.#socket.pause();
    const isFull = new Promise<void>((resolve) => {
      const ask = () => {
        for (let i = 0; i < 100; i++) {
          if (this.#isClosed || this.#socket.writableLength > 65_536) {
            resolve();
            return;
          }
          this.ask({ type: 102, cause: 5, address: 1 });
        }
        setImmediate(ask);
      };
      ask();
    });
    await Promise.race([isFull, this.closed]);
  }

  close(): void {
    this.#socket.destroy();
  }

  setConfirming(on: boolean): void {
    this.#isConfirming = on;
    if (on) this.#confirm();
  }

  /** The first object after `from` that fits. Rejects when the link is gone, or after 5 s. */
  async next(from: number, fits: (one: ReceivedObject) => boolean): Promise<ReceivedObject> {
    const find = () => this.received.slice(from).find(fits);
    await this.until(() => find() !== undefined, 'an answer');
    return find() as ReceivedObject;
  }

  async until(isThere: () => boolean, what: string, withinMs = ANSWER_MS): Promise<void> {
    const deadline = performance.now() + withinMs;
    while (!isThere()) {
      if (this.#isClosed) throw new Error(`the link closed while ${what} was awaited`);
      const restMs = deadline - performance.now();
      if (restMs <= 0) throw new Error(`no ${what} within ${withinMs} ms`);
      let wake: () => void = () => undefined;
      const woken = new Promise<void>((resolve) => {
        wake = resolve;
      });
      this.#waiting.add(wake);
      await Promise.race([woken, this.#timeout(restMs)]);
      this.#waiting.delete(wake);
    }
  }

  #timeout(ms: number): Promise<undefined> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(undefined), ms);
      timer.unref();
    });
  }

  #tell(): void {
    for (const wake of this.#waiting) wake();
  }

  #take(chunk: Buffer): void {
    let data = Buffer.concat([this.#rest, chunk]);
    while (data.length >= 2 && data.length >= 2 + data.readUInt8(1)) {
      const end = 2 + data.readUInt8(1);
      if (data.readUInt8(0) !== 0x68) this.faults.push('start');
      this.#frame(data.subarray(2, end));
      data = data.subarray(end);
    }
    this.#rest = Buffer.from(data);
    this.#tell();
  }

  #frame(apdu: Buffer): void {
    const control = apdu.readUInt8(0);
    if (control === 0x0b) this.isStarted = true;
    if (control === 0x23) this.isStarted = false;
    if (control === 0x43) this.control(0x83);
    if ((control & 1) !== 0) return;
    const number = apdu.readUInt16LE(0) >> 1;
    if (number !== this.#expected) this.faults.push(`N(S) ${number}, expected ${this.#expected}`);
    this.#expected = (number + 1) % 32_768;
    this.#asdu(apdu.subarray(4));
    if (this.#isConfirming) this.#confirm();
  }

  #confirm(): void {
    if (this.#isClosed) return;
    this.#socket.write(Buffer.from([0x68, 4, 1, 0, (this.#expected << 1) & 0xff, this.#expected >> 7]));
  }

  #asdu(asdu: Buffer): void {
    const type = asdu.readUInt8(0);
    const count = asdu.readUInt8(1) & 0x7f;
    const isSequence = asdu.readUInt8(1) >= 0x80;
    const cause = asdu.readUInt8(2);
    const size = SIZES[type];
    const needed = size === undefined ? -1 : 6 + (isSequence ? 3 + count * size : count * (3 + size));
    if (needed !== asdu.length) {
      this.faults.push(`type ${type} of ${asdu.length} octets, ${needed} expected`);
      return;
    }
    let at = 6;
    let address = -1;
    for (let i = 0; i < count; i++) {
      if (isSequence && i > 0) address++;
      else {
        address = asdu.readUIntLE(at, 3);
        at += 3;
      }
      const element = Buffer.from(asdu.subarray(at, at + (size as number)));
      at += size as number;
      const one = {
        type,
        cause: cause & 0x3f,
        isNegative: (cause & 0x40) !== 0,
        isTest: (cause & 0x80) !== 0,
        station: asdu.readUInt16LE(4),
        address,
        element,
      };
      this.received.push(one);
      if (one.cause === 3 || one.cause === 11) this.events.push({ ...clientValue(one), station: one.station, address });
    }
  }
}

/** Value and qualifier of a command, execute, no additional definition. */
export function commandOctets(type: number, value: number, select = false): Buffer {
  const mark = select ? 0x80 : 0;
  switch (type) {
    case 50: {
      const octets = Buffer.alloc(5);
      octets.writeFloatLE(value);
      octets.writeUInt8(mark, 4);
      return octets;
    }
    case 48:
    case 49: {
      const octets = Buffer.alloc(3);
      octets.writeInt16LE(type === 48 ? Math.round(value * 32_768) : value);
      octets.writeUInt8(mark, 2);
      return octets;
    }
    default:
      return Buffer.from([value | mark]);
  }
}

export async function rawMaster(port: number, from?: { readonly localAddress: string }): Promise<RawMaster> {
  const socket = connect({ port, host: '127.0.0.1', ...from });
  const master = new RawMaster(socket);
  await Promise.race([new Promise((resolve) => socket.once('connect', resolve)), master.closed]);
  return master;
}

/** Masters that are none of each other's standby: each has an address and a group of its own. */
const ADDRESSES = Array.from({ length: 240 }, (_, i) => `127.0.1.${i + 1}`);
let next = 0;

export const masterSimulator: ClientSimulator = {
  config: { address: '127.0.0.1', port: 0, timezone: 'UTC' },
  clients: [
    ...ADDRESSES.map((address) => ({ name: 'ems', addresses: [address], group: address, control: true })),
    { name: 'ems', addresses: ['127.0.0.0/8'], group: 'ems', control: true },
  ],
  connect: async (port, from) => {
    const localAddress = ADDRESSES[next++ % ADDRESSES.length] as string;
    return (await rawMaster(port, from ?? { localAddress })).start();
  },
};
