import type { Socket } from 'node:net';

/** A message of a station: everything of the ASDU in hand-made octets, apart from the driver's codec. */
export interface StationMessage {
  readonly type: number;
  readonly cause: number;
  readonly station?: number;
  /** Object address and element of each object. */
  readonly objects: readonly (readonly [number, readonly number[] | Buffer])[];
  readonly isNegative?: boolean;
  readonly isTest?: boolean;
}

export interface ReceivedAsdu {
  readonly type: number;
  readonly cause: number;
  readonly station: number;
  readonly address: number;
  readonly element: Buffer;
}

export function messageOctets(message: StationMessage): Buffer {
  const { type, cause, station = 1, objects, isNegative = false, isTest = false } = message;
  const marks = (isNegative ? 0x40 : 0) | (isTest ? 0x80 : 0);
  const head = [type, objects.length, cause | marks, 0, station & 0xff, station >> 8];
  const body = objects.flatMap(([address, element]) => [
    address & 0xff,
    (address >> 8) & 0xff,
    address >> 16,
    ...element,
  ]);
  return Buffer.from([...head, ...body]);
}

/** One connection of a controlled station, made by hand: confirms at once, sends whatever it is told to. */
export class StationLink {
  isStarted = false;
  /** U frames that came, by first octet. */
  readonly functions: number[] = [];
  /** Sent in the same segment as the confirmation of STARTDT. */
  greeting: readonly StationMessage[] = [];
  confirmsTests = true;
  /** Receive numbers of S frames that came. */
  readonly acknowledged: number[] = [];
  readonly #socket: Socket;
  readonly #take: (asdu: ReceivedAsdu, link: StationLink) => void;
  #sent = 0;
  #expected = 0;
  #rest = Buffer.alloc(0);

  constructor(socket: Socket, take: (asdu: ReceivedAsdu, link: StationLink) => void) {
    this.#socket = socket;
    this.#take = take;
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
  }

  #read(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    while (this.#rest.length >= 2 && this.#rest.length >= 2 + (this.#rest[1] as number)) {
      const frame = this.#rest.subarray(2, 2 + (this.#rest[1] as number));
      this.#rest = this.#rest.subarray(2 + (this.#rest[1] as number));
      this.#frame(frame);
    }
  }

  #frame(frame: Buffer): void {
    const first = frame[0] as number;
    if ((first & 3) === 3) {
      this.functions.push(first);
      if (first === 0x07) this.isStarted = true;
      if (first === 0x13) this.isStarted = false;
      const confirmation = { 7: 0x0b, 19: 0x23, 67: 0x83 }[first];
      if (confirmation === undefined || (first === 0x43 && !this.confirmsTests)) return;
      const more = first === 0x07 ? this.greeting.map((message) => this.frame(messageOctets(message))) : [];
      this.raw(Buffer.concat([Buffer.from([0x68, 4, confirmation, 0, 0, 0]), ...more]));
      return;
    }
    if ((first & 1) === 1) {
      this.acknowledged.push(frame.readUInt16LE(2) >> 1);
      return;
    }
    this.#expected = (this.#expected + 1) % 32_768;
    const asdu = frame.subarray(4);
    const address = (asdu[6] as number) | ((asdu[7] as number) << 8) | ((asdu[8] as number) << 16);
    const station = (asdu[4] as number) | ((asdu[5] as number) << 8);
    const element = Buffer.from(asdu.subarray(9));
    this.#take({ type: asdu[0] as number, cause: (asdu[2] as number) & 0x3f, station, address, element }, this);
  }

  /** An I frame; its number is its own unless told. */
  frame(asdu: Uint8Array, step = 0): Buffer {
    const number = (this.#sent + step + 32_768) % 32_768;
    if (step === 0) this.#sent = (this.#sent + 1) % 32_768;
    const [ns, nr] = [number << 1, this.#expected << 1];
    return Buffer.from([0x68, 4 + asdu.length, ns & 0xff, ns >> 8, nr & 0xff, nr >> 8, ...asdu]);
  }

  send(...messages: readonly StationMessage[]): void {
    this.raw(Buffer.concat(messages.map((message) => this.frame(messageOctets(message)))));
  }

  raw(octets: Uint8Array | readonly number[]): void {
    if (!this.#socket.destroyed) this.#socket.write(Buffer.from(octets));
  }

  cut(): void {
    this.#socket.destroy();
  }
}
