import { randomFillSync } from 'node:crypto';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { SimulatedDevice, SimulatedFault, SimulatedTag } from '@busbar/driver-testkit';
import type { TagType } from '@busbar/model';
import { messageOctets, type ReceivedAsdu, StationLink, type StationMessage } from './station-link.js';

const STATION = 3;
const TIMEOUT_MS = 40;
/** Longer than a time-out, shorter than two. */
const LATE_MS = TIMEOUT_MS * 1.5;
const WRITABLE_AT = 25_090;

type Objects = StationMessage['objects'];

interface Request {
  readonly link: StationLink;
  readonly asdu: ReceivedAsdu;
  /** Carries a command out, and gives the whole answer. */
  answer(): StationMessage[];
}

function float(value: number): Buffer {
  const octets = Buffer.alloc(5);
  octets.writeFloatLE(value);
  return octets;
}

function int16(value: number): Buffer {
  const octets = Buffer.alloc(3);
  octets.writeInt16LE(value);
  return octets;
}

function total(value: number): Buffer {
  const octets = Buffer.alloc(5);
  octets.writeInt32LE(value);
  return octets;
}

const range = (from: number, count: number): number[] => Array.from({ length: count }, (_, i) => from + i);

/** Everything that the station has, by type identification: addresses, element and what a tag of it must show. */
const POINTS = [
  { name: 'M_SP', type: 1, at: range(1, 12), octets: (a: number) => Buffer.from([a % 3 === 0 ? 1 : 0]) },
  { name: 'M_DP', type: 3, at: range(101, 6), octets: (a: number) => Buffer.from([a % 4]) },
  { name: 'M_ST', type: 5, at: range(201, 5), octets: (a: number) => Buffer.from([(a - 230) & 0x7f, 0]) },
  { name: 'M_ME', type: 11, at: range(16_385, 20), octets: (a: number) => int16(a - 20_000) },
  { name: 'M_ME', type: 13, at: range(17_001, 20), octets: (a: number) => float(a / 8) },
  { name: 'M_IT', type: 15, at: range(25_601, 10), octets: (a: number) => total(a * 1_000) },
] as const;

function expectedOf(name: string, type: number, address: number): number {
  switch (type) {
    case 1:
      return address % 3 === 0 ? 1 : 0;
    case 3:
      return address % 4;
    case 5:
      return address - 230;
    case 11:
      return address - 20_000;
    case 13:
      return address / 8;
    default:
      return name === 'M_IT' ? address * 1_000 : Number.NaN;
  }
}

function row(address: string, type: TagType | undefined, access: 'r' | 'w' = 'r') {
  return { address, type, count: 1, length: undefined, order: 'ABCD' as const, access, writeMode: undefined };
}

/** A station that answers late, twice, for others, in pieces, wrongly or not at all when told to. */
export class FaultyStation implements SimulatedDevice {
  readonly device = { ca: STATION };
  readonly quirks = {};
  readonly timeoutMs = TIMEOUT_MS;
  readonly connection: Record<string, unknown>;
  readonly tags: readonly SimulatedTag[];
  readonly faults: readonly SimulatedFault[];
  readonly refused = row('M_ME:60000', undefined);
  readonly writable = { row: row(`C_SE_NB:${WRITABLE_AT}`, 'int16', 'w'), values: [11, -32_768, 0, 4_711] } as const;
  readonly links: StationLink[] = [];
  /** What came, but for U and S frames. */
  readonly received: ReceivedAsdu[] = [];
  /** What every link sends together with its confirmation of the start. */
  greeting: readonly StationMessage[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #written: number[] = [];
  readonly #behaviors = this.#makeBehaviors();
  #choose: (() => string | null) | null = null;

  private constructor(server: Server) {
    this.#server = server;
    const { port } = server.address() as AddressInfo;
    this.connection = { host: '127.0.0.1', port, timeout: TIMEOUT_MS };
    this.tags = POINTS.flatMap(({ name, type, at }) =>
      at.map((address) => ({
        row: row(`${name}:${address}`, undefined),
        expected: () => expectedOf(name, type, address),
      })),
    );
    const harmless = ['split', 'merged', 'unknown type between', 'test message between', 'octet by octet'];
    this.faults = Object.keys(this.#behaviors).map((name) => ({ name, isHarmless: harmless.includes(name) }));
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => this.#sockets.delete(socket));
      const link = new StationLink(socket, (asdu) => this.#take(asdu, link));
      link.greeting = this.greeting;
      this.links.push(link);
    });
  }

  static async start(): Promise<FaultyStation> {
    const server = createServer({ noDelay: true });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new FaultyStation(server);
  }

  choose(fault: (() => string | null) | null): void {
    this.#choose = fault;
  }

  written(): readonly number[] {
    return [...this.#written];
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

  /** To every started link. */
  push(...messages: readonly StationMessage[]): void {
    for (const link of this.links) if (link.isStarted) link.send(...messages);
  }

  #take(asdu: ReceivedAsdu, link: StationLink): void {
    this.received.push(asdu);
    const fault = this.#choose?.() ?? null;
    const behave = fault === null ? undefined : this.#behaviors[fault];
    const answer = (): StationMessage[] => this.#answer(asdu);
    if (behave) behave({ link, asdu, answer });
    else link.send(...answer());
  }

  #answer(asdu: ReceivedAsdu): StationMessage[] {
    const { type, address, element, station } = asdu;
    const objects: Objects = [[address, element]];
    const mirror = (cause: number) => ({ type, cause, station, objects });
    if (station !== STATION) return [{ ...mirror(46), isNegative: true }];
    if (type === 100) return [mirror(7), ...values(20, (one) => one !== 15), mirror(10)];
    if (type === 101) return [mirror(7), ...values(37, (one) => one === 15), mirror(10)];
    if (type === 103 || type === 107) return [mirror(7)];
    if (type < 45 || type > 64) return [{ ...mirror(44), isNegative: true }];
    const isSelect = ((element.at(type >= 58 ? -8 : -1) as number) & 0x80) !== 0;
    if (isSelect) return [mirror(7)];
    if (address !== WRITABLE_AT) return [{ ...mirror(47), isNegative: true }];
    this.#written.push(element.readInt16LE(0));
    return [mirror(7), mirror(10)];
  }

  #later(ms: number, run: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      run();
    }, ms);
    this.#timers.add(timer);
  }

  #makeBehaviors(): Record<string, (request: Request) => void> {
    return {
      ...this.#stationBehaviors(),
      ...this.#linkBehaviors(),
    };
  }

  #stationBehaviors(): Record<string, (request: Request) => void> {
    return {
      late: ({ link, answer }) => {
        const messages = answer();
        this.#later(LATE_MS, () => link.send(...messages));
      },
      silent: () => {},
      'confirmed, then silent': ({ link, answer }) => link.send(answer()[0] as StationMessage),
      'cut after the confirmation': ({ link, answer }) => {
        link.send(answer()[0] as StationMessage);
        this.#later(1, () => link.cut());
      },
      'no end': ({ link, answer }) => link.send(...answer().slice(0, -1)),
      refused: ({ link, asdu }) => {
        const { type, station, address, element } = asdu;
        link.send({ type, cause: 7, station, objects: [[address, element]], isNegative: true });
      },
      'unknown station': ({ link, asdu }) => {
        const { type, station, address, element } = asdu;
        link.send({ type, cause: 46, station, objects: [[address, element]], isNegative: true });
      },
      'of another station': ({ link, answer }) =>
        link.send(...answer().map((message) => ({ ...spoiled(message), station: STATION + 1 }))),
      'of another object': ({ link, answer }) =>
        link.send(
          ...answer().map((message) => ({
            ...spoiled(message),
            objects: message.objects.map(([address, element]) => [address + 30_000, element] as const),
          })),
        ),
      'of another value': ({ link, asdu, answer }) => {
        // Only of a command this is an answer to something else.
        if (asdu.type === 50 || asdu.type === 49) link.send(...answer().map(spoiled));
      },
      'test message between': ({ link, answer }) =>
        link.send(...answer().flatMap((one) => (one.type < 45 ? [{ ...spoiled(one), isTest: true }, one] : [one]))),
      'unknown type between': ({ link, answer }) => {
        link.send({ type: 140, cause: 3, station: STATION, objects: [[1, [1, 2, 3]]] }, ...answer());
      },
      'lengths that do not fit': ({ link, answer }) => {
        for (const message of answer())
          link.raw(link.frame(Buffer.concat([messageOctets(spoiled(message)), Buffer.from([0])])));
      },
    };
  }

  #linkBehaviors(): Record<string, (request: Request) => void> {
    const frames = ({ link, answer }: Request): Buffer =>
      Buffer.concat(answer().map((message) => link.frame(messageOctets(message))));
    return {
      split: (request) => {
        const octets = frames(request);
        request.link.raw(octets.subarray(0, octets.length >> 1));
        this.#later(2, () => request.link.raw(octets.subarray(octets.length >> 1)));
      },
      'octet by octet': (request) => {
        const octets = frames(request);
        for (const octet of octets.subarray(0, 40)) request.link.raw([octet]);
        request.link.raw(octets.subarray(40));
      },
      merged: (request) => request.link.raw(Buffer.concat([Buffer.from('680443000000', 'hex'), frames(request)])),
      reset: (request) => {
        const octets = frames(request);
        request.link.raw(octets.subarray(0, octets.length >> 1));
        this.#later(1, () => request.link.cut());
      },
      doubled: ({ link, answer }) => {
        const [first, ...rest] = answer();
        if (first === undefined) return;
        link.send(first);
        link.raw(link.frame(messageOctets(spoiled(first)), -1));
        link.send(...rest);
      },
      'with a number left out': ({ link, answer }) => {
        link.frame(Buffer.from([0]));
        link.send(...answer().map(spoiled));
      },
      'acknowledges what was never sent': ({ link }) => link.raw([0x68, 4, 1, 0, 0xfe, 0x7f]),
      'random octets': ({ link }) => link.raw(randomFillSync(Buffer.alloc(1 + Math.floor(Math.random() * 300)))),
    };
  }
}

/** The same message with other values: whoever takes it has a wrong value. */
function spoiled(message: StationMessage): StationMessage {
  const objects = message.objects.map(([address, element]) => {
    const other = Buffer.from(element);
    other[0] = (other[0] ?? 0) ^ 1;
    return [address, other] as const;
  });
  return { ...message, objects };
}

function values(cause: number, isWanted: (type: number) => boolean): StationMessage[] {
  return POINTS.filter(({ type }) => isWanted(type)).map(({ type, at, octets }) => ({
    type,
    cause,
    station: STATION,
    objects: at.map((address) => [address, octets(address)] as const),
  }));
}
