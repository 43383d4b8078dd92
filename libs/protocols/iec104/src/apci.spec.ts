import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Apdu, ApduFramer, encodeApdu, type UFunction } from './apci.js';
import { hex, oneFrame, toHex } from './test-frames.js';

const number = fc.integer({ min: 0, max: 32767 });
const functions: UFunction[] = ['startdt-act', 'startdt-con', 'stopdt-act', 'stopdt-con', 'testfr-act', 'testfr-con'];
const frames: fc.Arbitrary<Apdu> = fc.oneof(
  fc.record({
    format: fc.constant('I' as const),
    sent: number,
    received: number,
    asdu: fc.uint8Array({ minLength: 1, maxLength: 249 }),
  }),
  fc.record({ format: fc.constant('S' as const), received: number }),
  fc.record({ format: fc.constant('U' as const), function: fc.constantFrom(...functions) }),
);

function seen(frame: Apdu): unknown {
  return frame.format === 'I' ? { ...frame, asdu: toHex(frame.asdu) } : frame;
}

describe('ApduFramer', () => {
  it('gives the same frames however the stream is cut', () => {
    fc.assert(
      fc.property(
        fc.array(frames, { minLength: 1, maxLength: 6 }),
        fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1 }),
        (sent, cuts) => {
          const stream = Buffer.concat(sent.map(encodeApdu));
          const framer = new ApduFramer();
          const received: unknown[] = [];
          for (let at = 0, turn = 0; at < stream.length; turn++) {
            const end = at + (cuts[turn % cuts.length] as number);
            expect(framer.push(stream.subarray(at, end), (frame) => received.push(seen(frame)))).toBeNull();
            expect(framer.waitingOctets).toBeLessThan(255);
            at = end;
          }
          expect(received).toEqual(sent.map(seen));
          expect(framer.waitingOctets).toBe(0);
        },
      ),
    );
  });

  it('waits at every cut of a frame and delivers it with its last octet', () => {
    const whole = hex('68 0E 00 00 00 00 64 01 06 00 0A 00 00 00 00 14');
    for (let cut = 0; cut < whole.length; cut++) {
      const framer = new ApduFramer();
      let delivered = 0;
      expect(framer.push(whole.subarray(0, cut), () => delivered++)).toBeNull();
      expect([delivered, framer.waitingOctets]).toEqual([0, cut]);
      expect(framer.push(whole.subarray(cut), () => delivered++)).toBeNull();
      expect([delivered, framer.waitingOctets]).toEqual([1, 0]);
    }
  });

  it('keeps a copy of an unfinished frame, not the segment of its caller', () => {
    const framer = new ApduFramer();
    const whole = hex('68 04 01 00 1A 00');
    const segment = whole.slice(0, 5);
    framer.push(segment, () => {});
    segment.fill(0xff);
    const received: Apdu[] = [];
    framer.push(whole.subarray(5), (frame) => received.push(frame));
    expect(received).toEqual([{ format: 'S', received: 13 }]);
  });

  it.each([
    { name: 'another start octet', octets: '67', fault: 'start' },
    { name: 'length 3', octets: '68 03', fault: 'length' },
    { name: 'length 0', octets: '68 00', fault: 'length' },
    { name: 'length 254', octets: '68 FE', fault: 'length' },
    { name: 'an I frame without ASDU', octets: '68 04 00 00 00 00', fault: 'length' },
    { name: 'an I frame with bit 0 of N(R)', octets: '68 05 00 00 01 00 64', fault: 'control' },
    { name: 'an S frame with an ASDU', octets: '68 05 01 00 00 00 64', fault: 'length' },
    { name: 'an S frame with reserved bits', octets: '68 04 05 00 00 00', fault: 'control' },
    { name: 'an S frame with a second control octet', octets: '68 04 01 01 00 00', fault: 'control' },
    { name: 'an S frame with bit 0 of N(R)', octets: '68 04 01 00 01 00', fault: 'control' },
    { name: 'a U frame with an ASDU', octets: '68 05 43 00 00 00 64', fault: 'length' },
    { name: 'a U frame of no function', octets: '68 04 03 00 00 00', fault: 'control' },
    { name: 'a U frame of two functions', octets: '68 04 4B 00 00 00', fault: 'control' },
    { name: 'a U frame with a second control octet', octets: '68 04 43 01 00 00', fault: 'control' },
    { name: 'a U frame with a third control octet', octets: '68 04 43 00 02 00', fault: 'control' },
    { name: 'a U frame with a fourth control octet', octets: '68 04 43 00 00 01', fault: 'control' },
  ])('stops for good at $name', ({ octets, fault }) => {
    const good = hex('68 04 43 00 00 00');
    const framer = new ApduFramer();
    let delivered = 0;
    expect(framer.push(Buffer.concat([good, hex(octets), good]), () => delivered++)).toBe(fault);
    expect(framer.push(good, () => delivered++)).toBe(fault);
    expect([delivered, framer.waitingOctets]).toEqual([1, 0]);
  });
});

describe('encodeApdu', () => {
  it('gives back the frame it was given', () => {
    fc.assert(
      fc.property(frames, (frame) => {
        expect(seen(oneFrame(encodeApdu(frame)))).toEqual(seen(frame));
      }),
    );
  });

  it('refuses what no frame can carry', () => {
    const frame = { format: 'I', sent: 0, received: 0, asdu: Uint8Array.of(1) } as const;
    expect(() => encodeApdu({ ...frame, asdu: new Uint8Array(0) })).toThrow(/ASDU of 0/);
    expect(() => encodeApdu({ ...frame, asdu: new Uint8Array(250) })).toThrow(/ASDU of 250/);
    expect(() => encodeApdu({ ...frame, sent: 32768 })).toThrow(/N\(S\) 32768/);
    expect(() => encodeApdu({ format: 'S', received: -1 })).toThrow(/N\(R\) -1/);
  });
});
