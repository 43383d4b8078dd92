import { BYTE_ORDERS, type ByteOrder, TAG_TYPES, type TagType } from '@busbar/model';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shortestFloat32 } from './shortest-float.js';
import {
  decodeValue,
  encodeValue,
  numberKind,
  type RegisterFormat,
  type RegisterValue,
  readBits,
  readCoil,
  readNumber,
  registerCount,
} from './values.js';

function format(type: TagType, order: ByteOrder, more: Partial<RegisterFormat> = {}): RegisterFormat {
  return { type, order, count: 1, length: undefined, ...more };
}

function octets(hex: string): Uint8Array {
  return Uint8Array.from(hex.split(' '), (pair) => Number.parseInt(pair, 16));
}

function hex(bytes: Uint8Array | null): string {
  return Array.from(bytes ?? [], (octet) => octet.toString(16).padStart(2, '0'))
    .join(' ')
    .toUpperCase();
}

const GOLDEN: readonly [TagType, ByteOrder, string, RegisterValue, number?][] = [
  ['float32', 'ABCD', '40 48 F5 C3', 3.14],
  ['float32', 'CDAB', 'F5 C3 40 48', 3.14],
  ['float32', 'BADC', '48 40 C3 F5', 3.14],
  ['float32', 'DCBA', 'C3 F5 48 40', 3.14],
  ['int32', 'ABCD', '07 5B CD 15', 123456789],
  ['int32', 'CDAB', 'CD 15 07 5B', 123456789],
  ['int32', 'BADC', '5B 07 15 CD', 123456789],
  ['int32', 'DCBA', '15 CD 5B 07', 123456789],
  ['int32', 'ABCD', 'FF FF FF FE', -2],
  ['uint32', 'CDAB', 'FF FE FF FF', 4294967294],
  ['float64', 'ABCD', '40 09 1E B8 51 EB 85 1F', 3.14],
  ['float64', 'CDAB', '85 1F 51 EB 1E B8 40 09', 3.14],
  ['float64', 'BADC', '09 40 B8 1E EB 51 1F 85', 3.14],
  ['float64', 'DCBA', '1F 85 EB 51 B8 1E 09 40', 3.14],
  ['int64', 'ABCD', 'FF FF FF FF FF FF FF FE', -2n],
  ['uint64', 'CDAB', '00 04 00 03 00 02 00 01', 0x0001000200030004n],
  ['int16', 'ABCD', 'FF FE', -2],
  ['int16', 'BADC', 'FE FF', -2],
  ['uint16', 'CDAB', '12 34', 0x1234],
  ['uint16', 'DCBA', '34 12', 0x1234],
  ['int8', 'ABCD', '00 FE', -2],
  ['uint8', 'BADC', 'FE 00', 254],
  ['bool', 'ABCD', '00 01', 1],
  ['bcd', 'ABCD', '12 34', 1234],
  ['bcd', 'CDAB', '56 78 12 34', 12345678, 4],
  ['bcd', 'ABCD', '00 12', 12, 1],
  ['string', 'ABCD', '41 42 43 44', 'ABCD', 4],
  ['string', 'BADC', '42 41 44 43', 'ABCD', 4],
  ['string', 'CDAB', '41 42 43 00', 'ABC', 4],
  ['bytes', 'ABCD', 'DE AD BE EF', 'deadbeef', 4],
];

describe('registers and values', () => {
  it.each(GOLDEN)('reads and writes %s %s %s as %s', (type, order, wire, value, length) => {
    const shape = format(type, order, { length });
    expect(decodeValue(shape, octets(wire), 0)).toBe(value);
    expect(hex(encodeValue(shape, value))).toBe(wire);
  });

  it('writes what it reads, for every type and order, at any offset', () => {
    const value: Record<TagType, fc.Arbitrary<RegisterValue>> = {
      bool: fc.constantFrom(0, 1),
      int8: fc.integer({ min: -128, max: 127 }),
      uint8: fc.nat(255),
      int16: fc.integer({ min: -32768, max: 32767 }),
      uint16: fc.nat(65535),
      int32: fc.integer(),
      uint32: fc.integer({ min: 0, max: 4294967295 }),
      int64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      uint64: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      float32: fc.float({ noNaN: true, noDefaultInfinity: true }),
      float64: fc.double({ noNaN: true, noDefaultInfinity: true }),
      bcd: fc.nat(999999),
      string: fc.string({ unit: 'grapheme', maxLength: 20 }).map((text) => {
        let end = text.replaceAll('\0', '');
        while (new TextEncoder().encode(end).length > 7) end = Array.from(end).slice(0, -1).join('');
        return end.replace(/[\ud800-\udfff]/g, '').replace(/ +$/, '');
      }),
      bytes: fc.uint8Array({ minLength: 7, maxLength: 7 }).map((all) => hex(all).replaceAll(' ', '').toLowerCase()),
    };
    for (const type of TAG_TYPES) {
      for (const order of BYTE_ORDERS) {
        const length = type === 'bcd' ? 3 : type === 'string' || type === 'bytes' ? 7 : undefined;
        fc.assert(
          fc.property(fc.array(value[type], { minLength: 1, maxLength: 3 }), fc.nat(5), (values, shift) => {
            const shape = format(type, order, { length, count: values.length });
            const wire = encodeValue(shape, values.length === 1 ? (values[0] as RegisterValue) : values) as Uint8Array;
            expect(wire.length).toBe(registerCount(shape) * 2);
            const moved = new Uint8Array(wire.length + shift);
            moved.set(wire, shift);
            const back = decodeValue(shape, moved, shift);
            const list = Array.isArray(back) ? back : [back];
            if (type === 'float32') expect(list.map((v) => Math.fround(v as number))).toEqual(values);
            else expect(list).toEqual(values);
            const kind = numberKind(type, order);
            if (kind >= 0) expect(readNumber(kind, moved, shift)).toBe(list[0]);
          }),
          { numRuns: 60 },
        );
      }
    }
  });

  it('refuses to write what the type cannot hold', () => {
    const refused: [TagType, RegisterValue, number?][] = [
      ['bool', 2],
      ['int8', 128],
      ['uint8', -1],
      ['int16', 32768],
      ['uint16', 65536],
      ['uint16', 1.5],
      ['int32', 2147483648],
      ['uint32', -1],
      ['int64', 2n ** 63n],
      ['uint64', -1n],
      ['float32', 1e39],
      ['float32', Number.NaN],
      ['float64', Number.POSITIVE_INFINITY],
      ['bcd', 10000],
      ['bcd', -1],
      ['string', 'toolong', 4],
      ['bytes', 'abc', 2],
      ['uint16', 'text'],
      ['string', 5, 4],
    ];
    for (const [type, value, length] of refused)
      expect(encodeValue(format(type, 'ABCD', { length }), value)).toBe(null);
  });

  it('takes digits that are none, or more than a number holds, for not a number', () => {
    expect(decodeValue(format('bcd', 'ABCD'), octets('12 3A'), 0)).toBeNaN();
    expect(decodeValue(format('bcd', 'ABCD', { length: 8 }), octets('99 99 99 99 99 99 99 99'), 0)).toBeNaN();
    expect(decodeValue(format('bcd', 'ABCD', { length: 8 }), octets('00 99 99 99 99 99 99 99'), 0)).toBe(
      99999999999999,
    );
  });

  it('reads bits of a register, and coils lowest bit first', () => {
    expect(readBits(octets('12 34'), 0, { bits: { low: 4, high: 7 }, order: 'ABCD' })).toBe(3);
    expect(readBits(octets('34 12'), 0, { bits: { low: 4, high: 7 }, order: 'BADC' })).toBe(3);
    expect(readBits(octets('80 00'), 0, { bits: { low: 15, high: 15 }, order: 'ABCD' })).toBe(1);
    expect(readBits(octets('FF FF'), 0, { bits: { low: 0, high: 15 }, order: 'ABCD' })).toBe(65535);
    expect(Array.from({ length: 9 }, (_, i) => readCoil(octets('CD 6B'), 0, i))).toEqual([1, 0, 1, 1, 0, 0, 1, 1, 1]);
  });
});

describe('shortest decimal of a Float32', () => {
  it('reads as the very same Float32, and no shorter decimal does', () => {
    fc.assert(
      fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), (value) => {
        const short = shortestFloat32(value);
        expect(Math.fround(short)).toBe(value);
        let digits = 1;
        while (Math.fround(Number(value.toPrecision(digits))) !== value) digits++;
        const significant = short.toExponential().replace(/e.*|[-.]/g, '').length;
        expect(significant).toBeLessThanOrEqual(digits);
      }),
      { numRuns: 20000 },
    );
  });

  it.each([
    [49.8],
    [0.1],
    [-0.001],
    [123.456],
    [65000.01],
    [1234567.9],
    [16777217.5],
    [3e10],
    [1e-7],
    [9.999999],
    [1e38],
    [1e-40],
    [8589973000],
  ])('gives %d back as it was', (decimal) => {
    expect(shortestFloat32(Math.fround(decimal))).toBe(
      Number(
        Array.from({ length: 9 }, (_, i) => Math.fround(decimal).toPrecision(i + 1)).find(
          (text) => Math.fround(Number(text)) === Math.fround(decimal),
        ),
      ),
    );
  });

  it('leaves NaN and the infinities', () => {
    expect(shortestFloat32(Number.NaN)).toBeNaN();
    expect(shortestFloat32(Number.NEGATIVE_INFINITY)).toBe(Number.NEGATIVE_INFINITY);
  });
});
