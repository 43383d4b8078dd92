import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrameRing } from './frame-ring.js';

describe('frame ring', () => {
  it('keeps the newest frames whole and in order, at most 256 and 64 KiB', () => {
    const frame = fc.uint8Array({ maxLength: 3_000 });
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 400 }), (frames) => {
        const ring = new FrameRing();
        for (const [i, bytes] of frames.entries()) ring.push(i % 2 === 0 ? 'sent' : 'received', bytes, i);
        const kept = ring.read();
        const first = frames.length - kept.length;
        kept.forEach((one, i) => {
          expect(one.atMs).toBe(first + i);
          expect(one.direction).toBe((first + i) % 2 === 0 ? 'sent' : 'received');
          expect(Buffer.compare(one.bytes, frames[first + i] as Uint8Array)).toBe(0);
        });
        const bytes = kept.reduce((sum, one) => sum + one.bytes.length, 0);
        expect(kept.length).toBeLessThanOrEqual(256);
        expect(bytes).toBeLessThanOrEqual(65_536);
        if (first > 0 && kept.length < 256) expect(bytes + (frames[first - 1]?.length ?? 0)).toBeGreaterThan(65_536);
      }),
      { numRuns: 60 },
    );
  });

  it('cuts a frame that is larger than the ring', () => {
    const ring = new FrameRing();
    ring.push('sent', new Uint8Array(100_000).fill(7), 1);
    expect(ring.read().map((one) => one.bytes.length)).toEqual([65_536]);
  });
});
