import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeMbap, type MbapFrame, MbapFramer, READ_REPLY_HEAD, readReplyFrame } from './mbap.js';

interface Seen {
  readonly transaction: number;
  readonly unit: number;
  readonly pdu: readonly number[];
}

function seen(frame: MbapFrame): Seen {
  return { transaction: frame.transaction, unit: frame.unit, pdu: [...frame.pdu] };
}

const frames = fc.record({
  transaction: fc.integer({ min: 0, max: 0xffff }),
  unit: fc.integer({ min: 0, max: 0xff }),
  pdu: fc.uint8Array({ minLength: 1, maxLength: 253 }),
});

describe('MbapFramer', () => {
  it('gives the same frames however the stream is cut', () => {
    fc.assert(
      fc.property(
        fc.array(frames, { minLength: 1, maxLength: 5 }),
        fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1 }),
        (sent, cuts) => {
          const stream = Buffer.concat(sent.map(encodeMbap));
          const framer = new MbapFramer();
          const received: Seen[] = [];
          for (let at = 0, turn = 0; at < stream.length; turn++) {
            const end = at + (cuts[turn % cuts.length] as number);
            expect(framer.push(stream.subarray(at, end), (frame) => received.push(seen(frame)))).toBeNull();
            at = end;
          }
          expect(received).toEqual(sent.map(seen));
          expect(framer.waitingOctets).toBe(0);
        },
      ),
    );
  });

  it('keeps less than one frame', () => {
    const framer = new MbapFramer();
    const longest = encodeMbap({ transaction: 1, unit: 1, pdu: new Uint8Array(253) });
    expect(longest).toHaveLength(260);
    framer.push(Buffer.concat([longest, longest.subarray(0, 259)]), () => {});
    expect(framer.waitingOctets).toBe(259);
  });

  it('keeps a copy of an unfinished frame, not the segment of its caller', () => {
    const framer = new MbapFramer();
    const whole = encodeMbap({ transaction: 7, unit: 1, pdu: Uint8Array.of(3, 2, 0, 5) });
    const segment = Buffer.from(whole.subarray(0, 8));
    framer.push(segment, () => {});
    segment.fill(0xff);
    const received: Seen[] = [];
    framer.push(whole.subarray(8), (frame) => received.push(seen(frame)));
    expect(received).toEqual([{ transaction: 7, unit: 1, pdu: [3, 2, 0, 5] }]);
  });

  it.each([
    { name: 'a protocol id that is not 0', octets: [0, 1, 0, 1, 0, 6], fault: 'protocol-id' },
    { name: 'the first octet of a wrong protocol id', octets: [0, 1, 9], fault: 'protocol-id' },
    { name: 'length 0', octets: [0, 1, 0, 0, 0, 0], fault: 'length' },
    { name: 'length 1', octets: [0, 1, 0, 0, 0, 1], fault: 'length' },
    { name: 'length 255', octets: [0, 1, 0, 0, 0, 255], fault: 'length' },
  ])('stops for good at $name', ({ octets, fault }) => {
    const framer = new MbapFramer();
    const good = encodeMbap({ transaction: 1, unit: 1, pdu: Uint8Array.of(3, 2, 0, 5) });
    const received: Seen[] = [];
    const take = (frame: MbapFrame) => received.push(seen(frame));
    expect(framer.push(Buffer.concat([good, Uint8Array.from(octets)]), take)).toBe(fault);
    expect(framer.push(good, take)).toBe(fault);
    expect(received).toHaveLength(1);
    expect(framer.waitingOctets).toBe(0);
  });

  it('survives random octets in random segments', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 6 }), (segments) => {
        const framer = new MbapFramer();
        for (const segment of segments) {
          if (segment.length > 3) segment.fill(0, 2, 4);
          framer.push(segment, (frame) => {
            expect(frame.pdu.length).toBeGreaterThanOrEqual(1);
            expect(frame.pdu.length).toBeLessThanOrEqual(253);
          });
          expect(framer.waitingOctets).toBeLessThan(260);
        }
      }),
      { numRuns: 100_000 },
    );
  }, 60_000);
});

describe('encodeMbap', () => {
  it('refuses what no frame can carry', () => {
    const frame = { transaction: 1, unit: 1, pdu: Uint8Array.of(3) };
    expect(() => encodeMbap({ ...frame, pdu: new Uint8Array(0) })).toThrow(/PDU of 0/);
    expect(() => encodeMbap({ ...frame, pdu: new Uint8Array(254) })).toThrow(/PDU of 254/);
    expect(() => encodeMbap({ ...frame, transaction: 65536 })).toThrow(/transaction 65536/);
    expect(() => encodeMbap({ ...frame, unit: 256 })).toThrow(/unit 256/);
  });
});

describe('the frame of a read reply', () => {
  it('is what the encoder makes of the whole PDU', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 250 }), fc.integer({ min: 0, max: 0xffff }), (octets, n) => {
        const frame = readReplyFrame({ transaction: n, unit: n & 0xff, fc: 3, count: octets.length });
        frame.set(octets, READ_REPLY_HEAD);
        const pdu = Buffer.from([3, octets.length, ...octets]);
        expect(frame).toEqual(encodeMbap({ transaction: n, unit: n & 0xff, pdu }));
      }),
    );
  });
});
