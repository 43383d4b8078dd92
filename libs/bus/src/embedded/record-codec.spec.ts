import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeNumbers,
  decodeRecord,
  encodeGap,
  encodeNumbers,
  encodeRecord,
  Slab,
  topicSeed,
} from './record-codec.js';

const slab = new Slab();
const take = (bytes: number) => slab.take(bytes);
const fields = fc.record({
  offset: fc.nat(),
  timestampMs: fc.nat(),
  key: fc.string({ unit: 'grapheme' }),
  value: fc.option(fc.uint8Array({ maxLength: 300 })),
});

describe('a record in the log', () => {
  it('comes back as it was written', () => {
    fc.assert(
      fc.property(fields, (record) => {
        const seed = topicSeed('points.updated.v1');
        const decoded = decodeRecord(encodeRecord({ seed, ...record }, take), seed, record.offset);
        expect(decoded).toMatchObject({ offset: record.offset, timestampMs: record.timestampMs, key: record.key });
        expect(decoded?.value === null ? null : new Uint8Array(decoded?.value ?? [])).toEqual(record.value);
      }),
    );
  });

  it('is not taken when any octet changed, at another offset, or for another topic', () => {
    fc.assert(
      fc.property(fields, fc.nat(), fc.integer({ min: 1, max: 255 }), (record, at, change) => {
        const seed = topicSeed('points.updated.v1');
        const bytes = encodeRecord({ seed, ...record }, take);
        expect(decodeRecord(bytes, seed, record.offset + 1)).toBeNull();
        expect(decodeRecord(bytes, topicSeed('tags.sampled.v1'), record.offset)).toBeNull();
        const place = at % bytes.length;
        bytes[place] = (bytes[place] as number) ^ change;
        expect(decodeRecord(bytes, seed, record.offset)).toBeNull();
      }),
    );
  });

  it('is not found in random octets', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(), (octets, offset) => {
        expect(decodeRecord(Buffer.from(octets), 1, offset)).toBeNull();
        expect(decodeNumbers(octets, 2) === null || octets.length === 20).toBe(true);
      }),
    );
  });

  it('gives a value that typed arrays may look at in place', () => {
    for (let i = 0; i < 100; i++) {
      const bytes = encodeRecord(
        { seed: 1, offset: i, timestampMs: 0, key: 'k'.repeat(i), value: new Uint8Array(i) },
        take,
      );
      expect((decodeRecord(bytes, 1, i)?.value?.byteOffset ?? 1) % 8).toBe(0);
    }
  });

  it('names a range that was never written', () => {
    expect(decodeRecord(encodeGap(5, { from: 10, end: 20 }, 0), 5, 10)).toMatchObject({ gapEnd: 20, value: null });
  });

  it('of numbers comes back with its tail', () => {
    const row = encodeNumbers([1, 2 ** 52, -0.5], Uint32Array.from([7, 0xffffffff]));
    expect(decodeNumbers(row, 3)).toEqual({ numbers: [1, 2 ** 52, -0.5], tail: Uint32Array.from([7, 0xffffffff]) });
    row[3] = 99;
    expect(decodeNumbers(row, 3)).toBeNull();
  });
});
