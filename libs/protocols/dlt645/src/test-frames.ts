import type { MeterFrame } from './frame.js';
import { FrameScanner } from './frame-scanner.js';

export function hex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'));
}

export function toHex(octets: Uint8Array): string {
  return Buffer.from(octets).toString('hex').toUpperCase();
}

/** All frames of these octets, which came at once. */
export function framesOf(octets: Uint8Array): MeterFrame[] {
  const frames: MeterFrame[] = [];
  new FrameScanner().push(octets, (frame) => frames.push(frame));
  return frames;
}

/** The one frame of these octets. */
export function oneFrame(text: string): MeterFrame {
  const frames = framesOf(hex(text));
  const [frame] = frames;
  if (frame === undefined || frames.length > 1) throw new Error(`${frames.length} frames`);
  return frame;
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
