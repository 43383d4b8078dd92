import { BusbarError } from '@busbar/errors';
import { MODBUS_LIMITS } from './pdu.js';

/** Modbus Messaging on TCP/IP §3.1.3: transaction, protocol, length, unit. */
const HEADER_OCTETS = 7;
const NOTHING = new Uint8Array(0);
const LENGTH_MIN = 2;
const LENGTH_MAX = 1 + MODBUS_LIMITS.pduOctets;

export interface MbapFrame {
  /** 0 to 65535; the reply carries the one of its request. */
  readonly transaction: number;
  /** 0 to 255. */
  readonly unit: number;
  readonly pdu: Uint8Array;
}

export type MbapFault = 'protocol-id' | 'length';

/** The octets of a frame. Throws FRAME_INVALID for an empty or too long PDU, a transaction or unit out of range. */
export function encodeMbap(frame: MbapFrame): Buffer {
  const { transaction, unit, pdu } = frame;
  const problem = frameProblem(frame);
  if (problem !== null) throw new BusbarError('FRAME_INVALID', { protocol: 'Modbus', reason: problem });
  const adu = Buffer.allocUnsafe(HEADER_OCTETS + pdu.length);
  adu.writeUInt16BE(transaction, 0);
  adu.writeUInt16BE(0, 2);
  adu.writeUInt16BE(1 + pdu.length, 4);
  adu[6] = unit;
  adu.set(pdu, HEADER_OCTETS);
  return adu;
}

export interface ReadReplyHeader {
  readonly transaction: number;
  readonly unit: number;
  readonly fc: 1 | 2 | 3 | 4 | 23;
  /** Octets of values, 1 to 250. */
  readonly count: number;
}

/** Octets before the values of the reply to a read. */
export const READ_REPLY_HEAD = HEADER_OCTETS + 2;

/** The frame that answers a read, whose values from {@link READ_REPLY_HEAD} on the caller fills in. */
export function readReplyFrame({ transaction, unit, fc, count }: ReadReplyHeader): Buffer {
  const adu = Buffer.allocUnsafe(READ_REPLY_HEAD + count);
  adu.writeUInt16BE(transaction, 0);
  adu.writeUInt16BE(0, 2);
  adu.writeUInt16BE(3 + count, 4);
  adu[6] = unit;
  adu[7] = fc;
  adu[8] = count;
  return adu;
}

function frameProblem({ transaction, unit, pdu }: MbapFrame): string | null {
  if (pdu.length < 1 || pdu.length > MODBUS_LIMITS.pduOctets) return `a PDU of ${pdu.length} octets (1 to 253)`;
  if (!Number.isInteger(transaction) || transaction < 0 || transaction > 0xffff) return `transaction ${transaction}`;
  return Number.isInteger(unit) && unit >= 0 && unit <= 0xff ? null : `unit ${unit}`;
}

/**
 * Cuts a TCP stream into frames, however it was segmented. A wrong protocol id or length is final: MBAP has no mark to
 * find the next frame by, so the only cure is a new connection. Keeps less than one frame.
 */
export class MbapFramer {
  private rest: Uint8Array = NOTHING;
  private fault: MbapFault | null = null;

  /** Octets of a frame that has not ended yet. */
  get waitingOctets(): number {
    return this.rest.length;
  }

  /**
   * @param onFrame called once per whole frame, in order, before this returns; the PDU is a view into `chunk` where
   *   the frame came in one segment. It must not call `push`.
   * @returns the fault, or null; after a fault nothing is delivered any more.
   */
  push(chunk: Uint8Array, onFrame: (frame: MbapFrame) => void): MbapFault | null {
    if (this.fault !== null) return this.fault;
    const stream = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk]);
    let at = 0;
    while (at < stream.length) {
      const end = this.frameEnd(stream, at);
      if (end === null) break;
      onFrame({
        transaction: ((stream[at] ?? 0) << 8) | (stream[at + 1] ?? 0),
        unit: stream[at + 6] ?? 0,
        pdu: stream.subarray(at + HEADER_OCTETS, end),
      });
      at = end;
    }
    // A copy, so that a few octets do not keep a large segment alive.
    this.rest = this.fault !== null || at === stream.length ? NOTHING : new Uint8Array(stream.subarray(at));
    return this.fault;
  }

  /** Where the frame that begins at `at` ends; null while it is not whole, or if it can be none. */
  private frameEnd(stream: Uint8Array, at: number): number | null {
    const has = stream.length - at;
    if ((has > 2 && stream[at + 2] !== 0) || (has > 3 && stream[at + 3] !== 0)) {
      this.fault = 'protocol-id';
      return null;
    }
    if (has < 6) return null;
    const length = ((stream[at + 4] ?? 0) << 8) | (stream[at + 5] ?? 0);
    if (length < LENGTH_MIN || length > LENGTH_MAX) {
      this.fault = 'length';
      return null;
    }
    return has < 6 + length ? null : at + 6 + length;
  }
}
