/**
 * What stands between requests and the wire. Every octet of an answer is held against the request that left, so that a
 * late, foreign or broken frame is never taken for an answer.
 */
export interface Framing {
  /** Octets for the wire. `request` is unit and PDU. */
  wrap(request: Buffer): Buffer;
  /**
   * Takes what came. Returns the answer (unit and PDU) once it is whole, null while it is not, or the reason why the
   * line cannot be trusted any more.
   */
  push(chunk: Buffer): Buffer | string | null;
}

const NOTHING = Buffer.alloc(0);
const MBAP_OCTETS = 6;
const CRC_OCTETS = 2;
/** Unit, function and exception code. */
const EXCEPTION_OCTETS = 3;
/** Unit, function, address, and value or quantity. */
const ECHO_OCTETS = 6;

const CRC_TABLE = Uint16Array.from({ length: 256 }, (_, index) => {
  let crc = index;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >> 1) ^ 0xa001 : crc >> 1;
  return crc;
});

/** CRC-16 of serial Modbus (Modbus over Serial Line V1.02 §6.2.2) over the first `length` octets. */
export function crc16(octets: Uint8Array, length: number): number {
  let crc = 0xffff;
  for (let i = 0; i < length; i++) crc = (crc >> 8) ^ (CRC_TABLE[(crc ^ (octets[i] as number)) & 0xff] as number);
  return crc;
}

/** Octets of a good answer from unit to the end of the PDU. */
export function answerOctets(request: Buffer): number {
  const fc = request[1] as number;
  if (fc === 1 || fc === 2) return 3 + ((request.readUInt16BE(4) + 7) >> 3);
  if (fc === 3 || fc === 4) return 3 + request.readUInt16BE(4) * 2;
  return ECHO_OCTETS;
}

/**
 * Why these octets (unit and PDU) are no answer to that request; null if they are. A write's answer repeats
 * address and value or quantity (Modbus Application Protocol §6.5, 6.6, 6.11, 6.12).
 */
export function answerProblem(request: Buffer, answer: Buffer): string | null {
  const fc = request[1] as number;
  const { length } = answer;
  if (answer[0] !== request[0]) return `unit ${answer[0]} answered, ${request[0]} was asked`;
  if (answer[1] === (fc | 0x80)) return length === EXCEPTION_OCTETS ? null : `an exception of ${length} octets`;
  if (answer[1] !== fc) return `function ${answer[1]} answered, ${fc} was asked`;
  const wanted = answerOctets(request);
  if (length !== wanted) return `${length} octets answered, ${wanted} were asked`;
  if (fc <= 4) {
    return answer[2] === wanted - 3 ? null : `${answer[2]} octets announced, ${wanted - 3} were asked`;
  }
  for (let i = 2; i < ECHO_OCTETS; i++) {
    if (answer[i] !== request[i]) return 'the answer repeats another address or value than was written';
  }
  return null;
}

/** Modbus TCP: transaction ids of 16 bits, none used twice while its answer could still come. */
export class TcpFraming implements Framing {
  /** The id used last. A new session to the same target goes on behind it: gateways keep late answers for it. */
  transaction: number;
  #request: Buffer = NOTHING;
  #rest: Buffer = NOTHING;

  constructor(transaction: number) {
    this.transaction = transaction;
  }

  wrap(request: Buffer): Buffer {
    this.#request = request;
    this.#rest = NOTHING;
    this.transaction = (this.transaction + 1) & 0xffff;
    const wire = Buffer.allocUnsafe(MBAP_OCTETS + request.length);
    wire.writeUInt16BE(this.transaction, 0);
    wire.writeUInt16BE(0, 2);
    wire.writeUInt16BE(request.length, 4);
    wire.set(request, MBAP_OCTETS);
    return wire;
  }

  push(chunk: Buffer): Buffer | string | null {
    const all = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    if (all.length < MBAP_OCTETS) {
      this.#rest = Buffer.from(all);
      return null;
    }
    if (all.readUInt16BE(0) !== this.transaction) return 'the answer belongs to another request';
    if (all.readUInt16BE(2) !== 0) return 'the protocol id is not 0';
    const length = all.readUInt16BE(4);
    if (length !== EXCEPTION_OCTETS && length !== answerOctets(this.#request)) return `a frame of ${length} octets`;
    if (all.length < MBAP_OCTETS + length) {
      this.#rest = Buffer.from(all);
      return null;
    }
    if (all.length > MBAP_OCTETS + length) return 'more octets came than one answer has';
    this.#rest = NOTHING;
    const answer = all.subarray(MBAP_OCTETS);
    return answerProblem(this.#request, answer) ?? answer;
  }
}

/** Serial frames over TCP, through a transparent gateway: no ids, so only length, unit, function and CRC can be held. */
export class RtuFraming implements Framing {
  #request: Buffer = NOTHING;
  #rest: Buffer = NOTHING;

  wrap(request: Buffer): Buffer {
    this.#request = request;
    this.#rest = NOTHING;
    const wire = Buffer.allocUnsafe(request.length + CRC_OCTETS);
    wire.set(request);
    wire.writeUInt16LE(crc16(request, request.length), request.length);
    return wire;
  }

  push(chunk: Buffer): Buffer | string | null {
    const all = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const isException = all.length > 1 && ((all[1] as number) & 0x80) !== 0;
    const length = isException ? EXCEPTION_OCTETS : answerOctets(this.#request);
    if (all.length < length + CRC_OCTETS) {
      this.#rest = Buffer.from(all);
      return null;
    }
    if (all.length > length + CRC_OCTETS) return 'more octets came than one answer has';
    this.#rest = NOTHING;
    if (crc16(all, length) !== all.readUInt16LE(length)) return 'the CRC does not fit';
    const answer = all.subarray(0, length);
    return answerProblem(this.#request, answer) ?? answer;
  }
}
