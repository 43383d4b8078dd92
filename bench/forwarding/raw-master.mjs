// A master over raw frames that does no more than it must: counts objects, acknowledges every eighth frame.
import { connect } from 'node:net';

/** Octets of an element and of its time tag, by type. */
const ELEMENT = { 1: 1, 3: 1, 9: 3, 11: 3, 13: 5, 15: 5, 30: 8, 31: 8, 34: 10, 35: 10, 36: 12, 37: 12 };
const ACKNOWLEDGE_AFTER = 8;
/** Object addresses of the plant's own states. */
const POINTS_TO = 100_000;
const STARTDT = Buffer.from([0x68, 4, 0x07, 0, 0, 0]);

export class RawMaster {
  /** Objects by cause. */
  counts = new Map();
  /** Sum of all floats of an interrogation, for a check of values. */
  sum = 0;
  isClosed = false;
  /** Called with the ms of the day of each state that comes by itself. */
  onEvent = null;
  #socket;
  #rest = Buffer.alloc(0);
  #sent = 0;
  #received = 0;
  #open = 0;
  #onStarted = () => {};
  #onDone = () => {};

  constructor(socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.#take(chunk));
    socket.on('error', () => {});
    socket.on('close', () => {
      this.isClosed = true;
    });
  }

  static async connect(port, localAddress) {
    const socket = connect({ port, host: '127.0.0.1', localAddress });
    const master = new RawMaster(socket);
    await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    return master;
  }

  start() {
    return new Promise((resolve) => {
      this.#onStarted = resolve;
      this.#socket.write(STARTDT);
    });
  }

  /** General interrogation of station 1; resolves with ms to its termination. */
  interrogate() {
    this.counts.clear();
    this.sum = 0;
    const began = performance.now();
    return new Promise((resolve) => {
      this.#onDone = () => resolve(performance.now() - began);
      this.#frame(Buffer.from([100, 1, 6, 0, 1, 0, 0, 0, 0, 20]));
    });
  }

  /** Asks, and never reads a word of the answer. */
  askDeaf() {
    this.#socket.pause();
    this.#frame(Buffer.from([100, 1, 6, 0, 1, 0, 0, 0, 0, 20]));
  }

  close() {
    this.#socket.destroy();
  }

  #frame(asdu) {
    const head = [0x68, 4 + asdu.length, (this.#sent << 1) & 0xff, this.#sent >> 7, ...this.#number()];
    this.#sent = (this.#sent + 1) & 0x7fff;
    this.#socket.write(Buffer.concat([Buffer.from(head), asdu]));
  }

  #number() {
    this.#open = 0;
    return [(this.#received << 1) & 0xff, this.#received >> 7];
  }

  #take(chunk) {
    const data = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
    let at = 0;
    while (data.length - at >= 2 && data.length - at >= 2 + data[at + 1]) {
      const end = at + 2 + data[at + 1];
      if (data[at] !== 0x68) throw new Error('a frame that begins with another octet than 68');
      if (data[at + 2] === 0x0b) this.#onStarted();
      else if (data[at + 2] === 0x43) this.#socket.write(Buffer.from([0x68, 4, 0x83, 0, 0, 0]));
      else if ((data[at + 2] & 1) === 0) this.#asdu(data, at, end);
      at = end;
    }
    this.#rest = Buffer.from(data.subarray(at));
  }

  #asdu(data, at, end) {
    const number = data.readUInt16LE(at + 2) >> 1;
    if (number !== this.#received) throw new Error(`N(S) ${number}, expected ${this.#received}`);
    this.#received = (this.#received + 1) & 0x7fff;
    const [type, qualifier, cause] = [data[at + 6], data[at + 7], data[at + 8] & 0x3f];
    const count = qualifier & 0x7f;
    if (type === 100) {
      if (cause === 10) this.#onDone();
    } else if (ELEMENT[type]) {
      this.counts.set(cause, (this.counts.get(cause) ?? 0) + count);
      const isSequence = qualifier >= 0x80;
      const size = ELEMENT[type] + (isSequence ? 0 : 3);
      const first = at + 15;
      if (first + count * size - (isSequence ? 0 : 3) !== end) throw new Error(`type ${type} of a wrong length`);
      if (type === 30 && cause === 3 && this.onEvent) {
        // Service points are states too; those of the plant begin at address 1.
        for (let i = 0; i < count; i++) {
          if (data.readUIntLE(first - 3 + i * size, 3) > POINTS_TO) continue;
          const [ms, minute, hour] = [
            data.readUInt16LE(first + i * size + 1),
            data[first + i * size + 3],
            data[first + i * size + 4],
          ];
          this.onEvent((hour & 0x1f) * 3_600_000 + (minute & 0x3f) * 60_000 + ms);
        }
      }
      if (type === 13 && cause === 20) {
        for (let i = 0; i < count; i++) this.sum += data.readFloatLE(first + i * size);
      }
    }
    if (++this.#open < ACKNOWLEDGE_AFTER && type !== 100) return;
    this.#socket.write(Buffer.from([0x68, 4, 1, 0, ...this.#number()]));
  }
}
