import { refuse, requireInteger } from './refuse.js';

/** IEC 60870-5-104 §5: an APDU is at most 255 octets, start and length included. */
export const APCI_LIMITS = { apduOctets: 255, asduOctets: 249, lengthMin: 4, lengthMax: 253 } as const;
/** N(S) and N(R) count modulo 32768 (§5.1). */
export const SEQUENCE_MODULUS = 32768;
/** Start, length and four control octets. */
export const APCI_OCTETS = 6;

const START = 0x68;
const NOTHING = new Uint8Array(0);
const SEQUENCE = { min: 0, max: SEQUENCE_MODULUS - 1 };

const U_CONTROL = {
  'startdt-act': 0x07,
  'startdt-con': 0x0b,
  'stopdt-act': 0x13,
  'stopdt-con': 0x23,
  'testfr-act': 0x43,
  'testfr-con': 0x83,
} as const;

export type UFunction = keyof typeof U_CONTROL;

const U_FUNCTIONS: ReadonlyMap<number, UFunction> = new Map(
  Object.entries(U_CONTROL).map(([name, control]) => [control, name as UFunction]),
);

export interface IFrame {
  readonly format: 'I';
  /** N(S), 0 to 32767. */
  readonly sent: number;
  /** N(R), 0 to 32767: the number of the frame that the sender expects next. */
  readonly received: number;
  /** 1 to 249 octets. */
  readonly asdu: Uint8Array;
}

export interface SFrame {
  readonly format: 'S';
  /** N(R), 0 to 32767. */
  readonly received: number;
}

export interface UFrame {
  readonly format: 'U';
  readonly function: UFunction;
}

export type Apdu = IFrame | SFrame | UFrame;

/** `start`: not 68; `length`: not 4 to 253, or not that of the format; `control`: reserved bits are set. */
export type ApciFault = 'start' | 'length' | 'control';

/** The octets of a frame. Throws FRAME_INVALID for numbers out of range and an ASDU that is empty or too long. */
export function encodeApdu(apdu: Apdu): Uint8Array {
  switch (apdu.format) {
    case 'I': {
      const { asdu, sent } = apdu;
      if (asdu.length < 1 || asdu.length > APCI_LIMITS.asduOctets)
        refuse(`an ASDU of ${asdu.length} octets (1 to 249)`);
      requireInteger('N(S)', sent, SEQUENCE);
      const octets = withHeader(asdu.length, apdu.received);
      octets[2] = (sent << 1) & 0xff;
      octets[3] = sent >> 7;
      octets.set(asdu, APCI_OCTETS);
      return octets;
    }
    case 'S': {
      const octets = withHeader(0, apdu.received);
      octets[2] = 0x01;
      return octets;
    }
    default: {
      const octets = withHeader(0, 0);
      octets[2] = U_CONTROL[apdu.function];
      return octets;
    }
  }
}

function withHeader(asduOctets: number, received: number): Uint8Array {
  requireInteger('N(R)', received, SEQUENCE);
  const octets = new Uint8Array(APCI_OCTETS + asduOctets);
  octets[0] = START;
  octets[1] = APCI_LIMITS.lengthMin + asduOctets;
  octets[4] = (received << 1) & 0xff;
  octets[5] = received >> 7;
  return octets;
}

/** A whole frame, start octet and length already judged. */
function parseFrame(octets: Uint8Array): Apdu | ApciFault {
  const [, , c1 = 0, c2 = 0, c3 = 0, c4 = 0] = octets;
  if ((c1 & 1) === 0) {
    if ((c3 & 1) !== 0) return 'control';
    if (octets.length === APCI_OCTETS) return 'length';
    const asdu = octets.subarray(APCI_OCTETS);
    return { format: 'I', sent: (c1 >> 1) | (c2 << 7), received: (c3 >> 1) | (c4 << 7), asdu };
  }
  if (c1 === 0x01) {
    if (c2 !== 0 || (c3 & 1) !== 0) return 'control';
    return octets.length === APCI_OCTETS ? { format: 'S', received: (c3 >> 1) | (c4 << 7) } : 'length';
  }
  const named = U_FUNCTIONS.get(c1);
  if (named === undefined || c2 !== 0 || c3 !== 0 || c4 !== 0) return 'control';
  return octets.length === APCI_OCTETS ? { format: 'U', function: named } : 'length';
}

/**
 * Cuts a TCP stream into frames, however it was segmented. A fault is final: there is no safe mark to find the next
 * frame by, so the only cure is a new connection. Keeps less than one frame.
 */
export class ApduFramer {
  private rest: Uint8Array = NOTHING;
  private fault: ApciFault | null = null;

  /** Octets of a frame that has not ended yet, at most 254. */
  get waitingOctets(): number {
    return this.rest.length;
  }

  /**
   * @param onFrame called once per whole frame, in order, before this returns; the ASDU is a view into `chunk` where the
   *   frame came in one segment. It must not call `push`.
   * @returns the fault, or null; after a fault nothing is delivered any more.
   */
  push(chunk: Uint8Array, onFrame: (frame: Apdu) => void): ApciFault | null {
    if (this.fault !== null) return this.fault;
    const stream = this.rest.length === 0 ? chunk : joined(this.rest, chunk);
    let at = 0;
    while (at < stream.length) {
      const end = this.frameEnd(stream, at);
      if (end === null) break;
      const frame = parseFrame(stream.subarray(at, end));
      if (typeof frame === 'string') {
        this.fault = frame;
        break;
      }
      onFrame(frame);
      at = end;
    }
    // A copy, so that a few octets do not keep a large segment alive.
    this.rest = this.fault !== null || at === stream.length ? NOTHING : new Uint8Array(stream.subarray(at));
    return this.fault;
  }

  /** Where the frame that begins at `at` ends; null while it is not whole, or if it can be none. */
  private frameEnd(stream: Uint8Array, at: number): number | null {
    if (stream[at] !== START) {
      this.fault = 'start';
      return null;
    }
    const length = stream[at + 1];
    if (length === undefined) return null;
    if (length < APCI_LIMITS.lengthMin || length > APCI_LIMITS.lengthMax) {
      this.fault = 'length';
      return null;
    }
    const end = at + 2 + length;
    return end > stream.length ? null : end;
  }
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}
