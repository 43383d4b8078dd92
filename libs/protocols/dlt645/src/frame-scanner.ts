import { isAddressOctet } from './address.js';
import { CONTROL_BIT } from './control-codes.js';
import {
  checksum,
  END,
  FRAME_LIMITS,
  frameAt,
  HEAD_OCTETS,
  type MeterFrame,
  OVERHEAD_OCTETS,
  START,
  WAKE_UP,
} from './frame.js';

const NOTHING = new Uint8Array(0);
const WAIT = -1;
const NONE = -2;

/** What a scanner met since it was made; only grows. */
export interface ScanCounters {
  readonly frames: number;
  /** Octets that belong to no frame, without wake-up octets. */
  readonly strayOctets: number;
  /** Head and end of a frame around a wrong sum. */
  readonly checksumFaults: number;
}

/**
 * Finds frames in a stream of octets, however it was cut, and after garbage. Only what has both starts, digits as its
 * address, a length of at most 200, the end and the right sum is a frame. Keeps less than one frame.
 */
export class FrameScanner {
  private rest: Uint8Array = NOTHING;
  private readonly counts = { frames: 0, strayOctets: 0, checksumFaults: 0 };

  get counters(): ScanCounters {
    return { ...this.counts };
  }

  /** Octets of a frame that has not ended yet, at most 211. */
  get waitingOctets(): number {
    return this.rest.length;
  }

  /** @param onFrame called once per whole frame, in order, before this returns. It must not call the scanner. */
  push(chunk: Uint8Array, onFrame: (frame: MeterFrame) => void): void {
    this.scan(this.rest.length === 0 ? chunk : joined(this.rest, chunk), false, onFrame);
  }

  /**
   * The line was silent for longer than octets of one frame may be apart: what is unfinished will never end. Frames
   * that a false start had swallowed are delivered, the rest is dropped.
   */
  settle(onFrame: (frame: MeterFrame) => void): void {
    this.scan(this.rest, true, onFrame);
  }

  /** Forgets what is unfinished, such as before the next request. */
  clear(): void {
    this.counts.strayOctets += this.rest.length;
    this.rest = NOTHING;
  }

  private scan(stream: Uint8Array, isSilent: boolean, onFrame: (frame: MeterFrame) => void): void {
    let at = 0;
    let waitsFrom = stream.length;
    while (at < stream.length) {
      const end = this.frameEnd(stream, at);
      if (end === WAIT && !isSilent) {
        waitsFrom = at;
        break;
      }
      if (end > 0) {
        this.counts.frames += 1;
        onFrame(frameAt(stream, at));
        at = end;
        continue;
      }
      if (stream[at] !== WAKE_UP) this.counts.strayOctets += 1;
      at += 1;
    }
    // A copy, so that a few octets do not keep a large segment alive.
    this.rest = waitsFrom === stream.length ? NOTHING : new Uint8Array(stream.subarray(waitsFrom));
  }

  /** Where the frame that begins at `at` ends; WAIT while it may become one, NONE if it can be none. */
  private frameEnd(stream: Uint8Array, at: number): number {
    if (stream[at] !== START) return NONE;
    const has = stream.length - at;
    for (let i = 1; i < HEAD_OCTETS && i < has; i++) if (!isHeadOctet(i, stream[at + i] as number)) return NONE;
    if (has < HEAD_OCTETS) return WAIT;
    const end = at + OVERHEAD_OCTETS + (stream[at + 9] as number);
    if (end > stream.length) return WAIT;
    if (stream[end - 1] !== END) return NONE;
    if (checksum(stream, at, end - 2) === stream[end - 2]) return end;
    this.counts.checksumFaults += 1;
    return NONE;
  }
}

function isHeadOctet(index: number, octet: number): boolean {
  if (index < 7) return isAddressOctet(octet);
  if (index === 7) return octet === START;
  if (index === 8) return (octet & CONTROL_BIT.reply) !== 0 || (octet & (CONTROL_BIT.error | CONTROL_BIT.more)) === 0;
  return octet <= FRAME_LIMITS.dataOctets;
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}
