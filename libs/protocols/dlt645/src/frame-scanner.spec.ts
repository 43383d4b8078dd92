import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { normalizeAddress } from './address.js';
import { encodeFrame, type MeterFrame } from './frame.js';
import { FrameScanner } from './frame-scanner.js';
import { framesOf, hex, toHex } from './test-frames.js';

const address = fc
  .array(
    fc.oneof(
      fc.constant('AA'),
      fc.integer({ min: 0, max: 99 }).map((n) => String(n).padStart(2, '0')),
    ),
    {
      minLength: 6,
      maxLength: 6,
    },
  )
  .map((pairs) => pairs.join(''));
const control = fc.oneof(fc.integer({ min: 0, max: 0x1f }), fc.integer({ min: 0x80, max: 0xff }));
const frames: fc.Arbitrary<MeterFrame> = fc.record({
  address,
  control,
  data: fc.uint8Array({ minLength: 0, maxLength: 200 }),
});
/** Without a start octet no part of it can begin a frame. */
const garbage = fc.array(
  fc.integer({ min: 0, max: 255 }).filter((octet) => octet !== 0x68),
  { maxLength: 20 },
);

const seen = (frame: MeterFrame) => ({ ...frame, data: toHex(frame.data) });
const REPLY = '68 25 04 03 02 01 00 68 91 08 33 33 34 33 75 39 45 33 8B 16';
const OTHER = '68 03 20 12 22 20 65 68 91 08 33 33 33 33 33 33 33 33 DD 16';

describe('FrameScanner', () => {
  it('gives the same frames however the stream is cut and whatever stands between them', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(garbage, fc.integer({ min: 0, max: 4 }), frames), { minLength: 1, maxLength: 5 }),
        fc.array(fc.integer({ min: 1, max: 250 }), { minLength: 1 }),
        (sent, cuts) => {
          const stream = Buffer.concat(
            sent.map(([before, wakeUp, frame]) => Buffer.concat([Uint8Array.from(before), encodeFrame(frame, wakeUp)])),
          );
          const scanner = new FrameScanner();
          const received: unknown[] = [];
          for (let at = 0, turn = 0; at < stream.length; turn++) {
            const end = at + (cuts[turn % cuts.length] as number);
            scanner.push(stream.subarray(at, end), (frame) => received.push(seen(frame)));
            expect(scanner.waitingOctets).toBeLessThan(212);
            at = end;
          }
          expect(received).toEqual(sent.map(([, , frame]) => seen(frame)));
          expect(scanner.waitingOctets).toBe(0);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('waits at every cut of a frame and delivers it with its last octet', () => {
    const whole = hex(REPLY);
    for (let cut = 0; cut < whole.length; cut++) {
      const scanner = new FrameScanner();
      let delivered = 0;
      scanner.push(whole.subarray(0, cut), () => delivered++);
      expect([delivered, scanner.waitingOctets]).toEqual([0, cut]);
      scanner.push(whole.subarray(cut), () => delivered++);
      expect([delivered, scanner.waitingOctets]).toEqual([1, 0]);
    }
  });

  it('takes no frame of which a single bit is another', () => {
    const whole = hex(REPLY);
    for (let bit = 0; bit < whole.length * 8; bit++) {
      const broken = whole.slice();
      broken[bit >> 3] = (broken[bit >> 3] as number) ^ (1 << (bit & 7));
      const scanner = new FrameScanner();
      const received: MeterFrame[] = [];
      scanner.push(broken, (frame) => received.push(frame));
      scanner.settle((frame) => received.push(frame));
      expect(received).toEqual([]);
    }
  });

  it.each([
    { name: 'another second start', octets: '68 25 04 03 02 01 00 67 91 08 33 33 34 33 75 39 45 33 8A 16' },
    { name: 'an address that holds no digits', octets: '68 2B 04 03 02 01 00 68 91 08 33 33 34 33 75 39 45 33 91 16' },
    { name: 'another end', octets: '68 25 04 03 02 01 00 68 91 08 33 33 34 33 75 39 45 33 8B 17' },
    { name: 'a wrong sum', octets: '68 25 04 03 02 01 00 68 91 08 33 33 34 33 75 39 45 33 8C 16' },
    { name: 'a shorter length than its data', octets: '68 25 04 03 02 01 00 68 91 07 33 33 34 33 75 39 45 33 8A 16' },
    { name: 'a request that claims more frames', octets: '68 25 04 03 02 01 00 68 31 00 D5 16' },
    { name: 'a length above 200', octets: '68 25 04 03 02 01 00 68 91 C9' },
  ])('refuses $name and finds the frame behind it', ({ octets }) => {
    expect(framesOf(Buffer.concat([hex(octets), hex(OTHER)])).map((frame) => frame.address)).toEqual(['652022122003']);
  });

  it('finds a frame that a cut one runs into, once the line is silent', () => {
    const scanner = new FrameScanner();
    const received: string[] = [];
    const take = (frame: MeterFrame) => received.push(frame.address);
    // The cut frame claims 32 octets and so reaches beyond the end of the whole one.
    scanner.push(Buffer.concat([hex('68 25 04 03 02 01 00 68 91 20 33 33'), hex(OTHER)]), take);
    expect(received).toEqual([]);
    scanner.settle(take);
    expect(received).toEqual(['652022122003']);
    expect(scanner.waitingOctets).toBe(0);
    expect(scanner.counters).toEqual({ frames: 1, strayOctets: 12, checksumFaults: 0 });
  });

  it('forgets an unfinished answer when the next request is sent', () => {
    const scanner = new FrameScanner();
    const received: string[] = [];
    scanner.push(hex(REPLY).subarray(0, 12), () => {});
    scanner.clear();
    scanner.push(hex(OTHER), (frame) => received.push(frame.address));
    expect(received).toEqual(['652022122003']);
    expect(scanner.counters.strayOctets).toBe(12);
  });

  it('keeps wake-up and end octets within the data for data', () => {
    const frame = { address: '000000000001', control: 0x91, data: Uint8Array.of(0xcb, 0xe3, 0x35, 0xcb, 0xcb) };
    const octets = encodeFrame(frame);
    expect(toHex(octets.subarray(10, 15))).toBe('FE1668FEFE');
    expect(framesOf(octets).map(seen)).toEqual([seen(frame)]);
  });

  it('counts wrong sums and stray octets, wake-up octets not among them', () => {
    const scanner = new FrameScanner();
    scanner.push(hex(`FE FE 01 02 ${REPLY} FE FE 68 25 04 03 02 01 00 68 91 00 00 16`), () => {});
    // The second start of the broken frame may begin another until the line is silent.
    expect(scanner.waitingOctets).toBe(5);
    scanner.settle(() => {});
    expect(scanner.counters).toEqual({ frames: 1, strayOctets: 14, checksumFaults: 1 });
  });

  it('keeps a copy of an unfinished frame, not the segment of its caller', () => {
    const scanner = new FrameScanner();
    const segment = hex(REPLY).slice(0, 12);
    scanner.push(segment, () => {});
    segment.fill(0xff);
    let delivered = 0;
    scanner.push(hex(REPLY).subarray(12), () => delivered++);
    expect(delivered).toBe(1);
  });
});

describe('encodeFrame', () => {
  const frame = { address: '1', control: 0x11, data: new Uint8Array(0) };

  it('refuses what no frame can carry', () => {
    expect(() => encodeFrame({ ...frame, address: '12345678901F' })).toThrow(/address 12345678901F/);
    expect(() => encodeFrame({ ...frame, address: '1234567890123' })).toThrow(/address 1234567890123/);
    expect(() => encodeFrame({ ...frame, control: 256 })).toThrow(/control code 256/);
    expect(() => encodeFrame({ ...frame, data: new Uint8Array(201) })).toThrow(/201 octets/);
    expect(() => encodeFrame(frame, 17)).toThrow(/wake-up octets 17/);
  });

  it('sends a short address with leading zeros', () => {
    expect(toHex(encodeFrame(frame))).toBe('680100000000006811' + '00E2' + '16');
    expect(normalizeAddress('aa aa')).toBeNull();
    expect(normalizeAddress('aaaaaaaa0012')).toBe('AAAAAAAA0012');
  });
});
