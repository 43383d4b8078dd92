import { type Apdu, ApduFramer } from './apci.js';
import { type Asdu, decodeAsdu, isAsduFault } from './asdu.js';
import { type AsduSettings, DEFAULT_ASDU_SETTINGS } from './asdu-settings.js';

export function hex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'));
}

export function toHex(octets: Uint8Array): string {
  return Buffer.from(octets).toString('hex');
}

/** The one frame of these octets. */
export function oneFrame(octets: Uint8Array): Apdu {
  const frames: Apdu[] = [];
  const fault = new ApduFramer().push(octets, (frame) => frames.push(frame));
  const [frame] = frames;
  if (fault !== null || frame === undefined || frames.length > 1) throw new Error(`${frames.length} frames, ${fault}`);
  return frame;
}

/** The ASDU of an I frame. */
export function asduOf(frame: Apdu): Uint8Array {
  if (frame.format !== 'I') throw new Error(`a frame ${frame.format}`);
  return frame.asdu;
}

export function decoded(octets: Uint8Array, settings: AsduSettings = DEFAULT_ASDU_SETTINGS): Asdu {
  const asdu = decodeAsdu(octets, settings);
  if (isAsduFault(asdu)) throw new Error(`${asdu.fault}: ${asdu.reason}`);
  return asdu;
}

/** Random numbers that are the same in each run (mulberry32). */
export function seeded(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * below);
  };
}
