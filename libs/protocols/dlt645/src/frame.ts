import { ADDRESS_OCTETS, addressOctets, addressText } from './address.js';
import { refuse, requireInteger } from './refuse.js';

/** DL/T 645-2007 §5.2.4: octets of the data field, and of the whole frame without wake-up octets. */
export const FRAME_LIMITS = { dataOctets: 200, writeDataOctets: 50, frameOctets: 212 } as const;
/** Times of the line, DL/T 645-2007 §5.4: an answer begins within this, and octets of a frame are no further apart. */
export const LINE_TIMES = { answerMs: 500, octetGapMs: 500 } as const;

export const WAKE_UP = 0xfe;
export const START = 0x68;
export const END = 0x16;
/** Every octet of the data field is sent with this added, modulo 256. */
export const DATA_OFFSET = 0x33;
/** Start, address, start, control code and length. */
export const HEAD_OCTETS = 10;
/** All but the data field. */
export const OVERHEAD_OCTETS = HEAD_OCTETS + 2;

export interface MeterFrame {
  /** 12 digits, highest first; AA for any. */
  readonly address: string;
  /** CONTROL_BIT bits and the function. */
  readonly control: number;
  /** 0 to 200 octets as the meter means them: without the offset, lowest octet of an item first. */
  readonly data: Uint8Array;
}

/** Sum modulo 256 of octets `from` to before `to`. */
export function checksum(octets: Uint8Array, from: number, to: number): number {
  let sum = 0;
  for (let at = from; at < to; at++) sum += octets[at] as number;
  return sum & 0xff;
}

/**
 * The octets of a frame.
 * @param wakeUpOctets FE octets before it, 0 to 16; the standard asks for 4, meters take 0 or more.
 * @throws FRAME_INVALID for an address that is none, a control code out of range, more than 200 octets of data.
 */
export function encodeFrame({ address, control, data }: MeterFrame, wakeUpOctets = 0): Uint8Array {
  requireInteger('wake-up octets', wakeUpOctets, { min: 0, max: 16 });
  requireInteger('control code', control, { min: 0, max: 0xff });
  if (data.length > FRAME_LIMITS.dataOctets) refuse(`${data.length} octets of data (0 to ${FRAME_LIMITS.dataOctets})`);
  const octets = new Uint8Array(wakeUpOctets + OVERHEAD_OCTETS + data.length).fill(WAKE_UP, 0, wakeUpOctets);
  const head = wakeUpOctets;
  octets[head] = START;
  octets.set(addressOctets(address), head + 1);
  octets[head + 7] = START;
  octets[head + 8] = control;
  octets[head + 9] = data.length;
  const end = head + HEAD_OCTETS + data.length;
  for (let i = 0; i < data.length; i++) octets[head + HEAD_OCTETS + i] = (data[i] as number) + DATA_OFFSET;
  octets[end] = checksum(octets, head, end);
  octets[end + 1] = END;
  return octets;
}

/** A whole frame that begins at `at`, judged before: start, length, checksum and end. */
export function frameAt(octets: Uint8Array, at: number): MeterFrame {
  const length = octets[at + 9] as number;
  const data = new Uint8Array(length);
  for (let i = 0; i < length; i++) data[i] = (octets[at + HEAD_OCTETS + i] as number) - DATA_OFFSET;
  return {
    address: addressText(octets.subarray(at + 1, at + 1 + ADDRESS_OCTETS)),
    control: octets[at + 8] as number,
    data,
  };
}
