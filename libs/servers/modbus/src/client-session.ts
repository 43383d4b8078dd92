import type { ModbusArea } from '@busbar/address-plan';
import {
  type AddressRange,
  copyBits,
  EXCEPTION,
  encodeMbap,
  exceptionName,
  functionName,
  type MbapFrame,
  MbapFramer,
  type MixedRequest,
  type ModbusRequest,
  parseMixedRequest,
  parseRequest,
  READ_REPLY_HEAD,
  type ReadRequest,
  readReplyFrame,
} from '@busbar/protocol-modbus';
import type { ServerClientConfig, ServerHost } from '@busbar/server-sdk';
import type { ModbusServerConfig } from './config.js';
import type { RegisterBank } from './register-bank.js';
import type { RegisterRun } from './register-run.js';
import { isResult, type ResultBlock } from './result-block.js';
import { type ModbusWrite, submitWrite } from './submit-write.js';
import { WideWrite } from './wide-write.js';

/** Requests that wait behind a write; more are answered with exception 6. */
const MOST_QUEUED = 16;
/** Octets not taken by the client; then nothing more is read from it. */
const MOST_UNSENT = 256 * 1024;
const UNSENT_FOR_MS = 30_000;
const HALF_FRAME_MS = 5_000;
type ReadFunction = ReadRequest['fc'] | 23;
const READ_AREAS: Readonly<Record<ReadFunction, ModbusArea>> = {
  1: 'coil',
  2: 'discrete',
  3: 'holding',
  4: 'input',
  23: 'holding',
};

/** What a session needs of a socket. */
export interface SessionLink {
  readonly writableLength: number;
  write(octets: Uint8Array): unknown;
  cork(): unknown;
  uncork(): unknown;
  pause(): unknown;
  resume(): unknown;
  destroy(): unknown;
}

export interface SessionParts {
  readonly link: SessionLink;
  /** Unique while the process lives. */
  readonly id: string;
  readonly address: string;
  readonly host: ServerHost<ModbusServerConfig>;
  /** The newest ones: a plan may change under a session. */
  readonly bank: () => RegisterBank;
  readonly isControlled: () => boolean;
  readonly results: (client: string) => ResultBlock;
}

/** One connected client: cuts its stream, answers in order, keeps a bound on everything that it may pile up. */
export class ClientSession {
  readonly parts: SessionParts;
  readonly sinceMs: number;
  client: ServerClientConfig;
  received = 0;
  sent = 0;
  /** Monotonic ms of the last whole request. */
  lastMs: number;
  readonly wideWrite: WideWrite | null;
  readonly #framer = new MbapFramer();
  readonly #queue: MbapFrame[] = [];
  /** A write awaits its answer. */
  #isBusy = false;
  #isPaused = false;
  #isClosed = false;
  #stopWaiting: () => void = () => undefined;
  #halfFrame: unknown = null;
  #unsent: unknown = null;

  constructor(parts: SessionParts, client: ServerClientConfig) {
    this.parts = parts;
    this.client = client;
    const { assemble } = parts.host.config;
    this.wideWrite = assemble === undefined ? null : new WideWrite(assemble);
    this.sinceMs = parts.host.clock.wallMs();
    this.lastMs = parts.host.clock.monotonicMs();
  }

  receive(chunk: Uint8Array): void {
    if (this.#isClosed) return;
    const before = this.received;
    const { link } = this.parts;
    // Replies to requests of one segment leave together.
    link.cork();
    const fault = this.#framer.push(chunk, (frame) => this.#arrived(frame));
    link.uncork();
    if (fault !== null) {
      this.#drop();
      return;
    }
    if (this.received > before) this.#halfFrame = this.#stopTimer(this.#halfFrame);
    this.#pace();
  }

  /** The client has taken everything. */
  drained(): void {
    this.#unsent = this.#stopTimer(this.#unsent);
    this.#work();
    this.#pace();
  }

  /** The link is gone: what is under way goes on, nobody hears of it. Safe twice. */
  closed(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#queue.length = 0;
    this.#stopWaiting();
    this.#halfFrame = this.#stopTimer(this.#halfFrame);
    this.#unsent = this.#stopTimer(this.#unsent);
    this.parts.host.controls.linkLost(this.parts.id);
  }

  #drop(): void {
    this.parts.host.counts.clientRefused('protocol');
    this.parts.link.destroy();
  }

  #arrived(frame: MbapFrame): void {
    this.received++;
    this.lastMs = this.parts.host.clock.monotonicMs();
    if (this.#queue.length >= MOST_QUEUED) {
      this.#refuse(frame, EXCEPTION.busy);
      return;
    }
    this.#queue.push(frame);
    this.#work();
  }

  #work(): void {
    while (!this.#isBusy && !this.#isClosed && this.parts.link.writableLength < MOST_UNSENT) {
      const frame = this.#queue.shift();
      if (!frame) return;
      this.#handle(frame);
    }
  }

  /** Reads on only while there is room for more. */
  #pace(): void {
    if (this.#isClosed) return;
    const { link, host } = this.parts;
    const isFull = link.writableLength >= MOST_UNSENT;
    if (isFull && this.#unsent === null) {
      this.#unsent = host.timers.setTimeout(() => this.#drop(), UNSENT_FOR_MS);
    }
    const shallPause = isFull || this.#queue.length >= MOST_QUEUED;
    this.#watchHalfFrame(shallPause);
    if (shallPause === this.#isPaused) return;
    this.#isPaused = shallPause;
    if (shallPause) link.pause();
    else link.resume();
  }

  /** While nothing is read, the rest of a frame cannot come. */
  #watchHalfFrame(isPaused: boolean): void {
    if (isPaused || this.#framer.waitingOctets === 0) this.#halfFrame = this.#stopTimer(this.#halfFrame);
    else this.#halfFrame ??= this.parts.host.timers.setTimeout(() => this.#drop(), HALF_FRAME_MS);
  }

  #stopTimer(timer: unknown): null {
    if (timer !== null) this.parts.host.timers.clearTimeout(timer);
    return null;
  }

  #handle(frame: MbapFrame): void {
    const fc = frame.pdu[0] ?? 0;
    const request = fc === 22 || fc === 23 ? parseMixedRequest(frame.pdu) : parseRequest(frame.pdu);
    if (!this.parts.bank().hasUnit(frame.unit)) this.#refuse(frame, EXCEPTION.gatewayPathUnavailable);
    else if ('exception' in request) this.#refuse(frame, request.exception);
    else if (isRead(request)) this.#read(frame, request.fc, request);
    else this.#write(frame, request);
  }

  #read(frame: MbapFrame, fc: ReadFunction, range: AddressRange): void {
    const { address, quantity } = range;
    const bank = this.parts.bank();
    const run = bank.run(frame.unit, READ_AREAS[fc], range);
    if (!run) this.#refuse(frame, EXCEPTION.illegalAddress);
    else if (bank.isAllLost(run, address, quantity)) this.#refuse(frame, EXCEPTION.gatewayTargetSilent);
    else this.#send(this.#reply(frame, fc, range, run), fc, 'ok');
  }

  #reply({ transaction, unit }: MbapFrame, fc: ReadFunction, range: AddressRange, run: RegisterRun): Buffer {
    const { address, quantity } = range;
    const count = run.isBit ? (quantity + 7) >> 3 : quantity * 2;
    const adu = readReplyFrame({ transaction, unit, fc, count });
    const from = address - run.first;
    if (run.isBit) {
      copyBits(run.octets, { from, count: quantity }, adu.subarray(READ_REPLY_HEAD));
      return adu;
    }
    adu.set(run.octets.subarray(from * 2, (from + quantity) * 2), READ_REPLY_HEAD);
    if (run.hasResults) this.#putResults(adu, run, range);
    return adu;
  }

  /** The result registers are those of the client that reads them. */
  #putResults(adu: Buffer, run: RegisterRun, range: AddressRange): void {
    const results = this.parts.results(this.client.name);
    for (let place = 0; place < range.quantity; place++) {
      const entry = this.parts.bank().entryAt(run, range.address + place)?.entry;
      if (!entry || !isResult(entry)) continue;
      const value = results.valueOf(entry.service) ?? 0;
      adu.writeUInt16BE(value, READ_REPLY_HEAD + place * 2);
    }
  }

  #write(frame: MbapFrame, request: ModbusWrite): void {
    const { host } = this.parts;
    if (!this.parts.isControlled() || !this.client.control) {
      host.counts.clientRefused('control');
      this.#refuse(frame, this.parts.isControlled() ? EXCEPTION.illegalAddress : EXCEPTION.illegalFunction);
      return;
    }
    if (request.fc === 23 && !this.parts.bank().run(frame.unit, 'holding', request.read)) {
      // What cannot be read is not written either.
      this.#refuse(frame, EXCEPTION.illegalAddress);
      return;
    }
    this.#isBusy = true;
    this.#stopWaiting = submitWrite({ session: this, frame, request }, (exception) => {
      this.#isBusy = false;
      if (exception !== null) this.#refuse(frame, exception);
      else if (request.fc === 23) this.#read(frame, request.fc, request.read);
      else this.#send(encodeMbap({ ...frame, pdu: echoOf(frame.pdu) }), request.fc, 'ok');
      this.#work();
      this.#pace();
    });
  }

  #refuse({ transaction, unit, pdu }: MbapFrame, exception: number): void {
    const fc = (pdu[0] ?? 0) & 0x7f;
    this.#send(
      encodeMbap({ transaction, unit, pdu: Uint8Array.of(fc | 0x80, exception) }),
      fc,
      exceptionName(exception),
    );
  }

  #send(adu: Buffer, fc: number, answer: string): void {
    if (this.#isClosed) return;
    this.sent++;
    this.parts.host.counts.request(functionName(fc), answer);
    this.parts.link.write(adu);
  }
}

function isRead(request: ModbusRequest | MixedRequest): request is ReadRequest {
  return request.fc <= 4;
}

/** The reply to a write is the first octets of its request (Modbus Application Protocol V1.1b3 §6.5 to 6.16). */
function echoOf(pdu: Uint8Array): Uint8Array {
  return pdu.subarray(0, pdu[0] === 22 ? 7 : 5);
}
