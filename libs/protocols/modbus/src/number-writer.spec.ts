import { BYTE_ORDERS, type ByteOrder } from '@busbar/model';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bitAt, copyBits, setBit } from './bits.js';
import { numberWriter, putInt64, type RegisterType } from './number-writer.js';
import { decodeValue, encodeValue, numberKind, readInt64, readNumber } from './values.js';

const order = fc.constantFrom(...BYTE_ORDERS);
const integers: Record<string, [number, number]> = {
  int16: [-32_768, 32_767],
  uint16: [0, 65_535],
  int32: [-2_147_483_648, 2_147_483_647],
  uint32: [0, 4_294_967_295],
};

function put(type: RegisterType, value: number, how: ByteOrder): Uint8Array {
  const octets = new Uint8Array(12).fill(0xaa);
  numberWriter(type, how)(octets, 2, value);
  return octets;
}

describe('a number put into registers', () => {
  it.each([
    ['ABCD', [0x43, 0xf9, 0, 0]],
    ['CDAB', [0, 0, 0x43, 0xf9]],
    ['BADC', [0xf9, 0x43, 0, 0]],
    ['DCBA', [0, 0, 0xf9, 0x43]],
  ] as const)('stands in order %s as devices store 498.0', (how, octets) => {
    expect([...put('float32', 498, how)]).toEqual([0xaa, 0xaa, ...octets, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa]);
  });

  it('is read back as it was, in every order, and touches nothing else', () => {
    for (const [type, [min, max]] of Object.entries(integers)) {
      fc.assert(
        fc.property(fc.integer({ min, max }), order, (value, how) => {
          const octets = put(type as RegisterType, value, how);
          expect(readNumber(numberKind(type as RegisterType, how), octets, 2)).toBe(value);
          const width = type.endsWith('16') ? 2 : 4;
          expect([...octets.slice(0, 2), ...octets.slice(2 + width)].every((octet) => octet === 0xaa)).toBe(true);
        }),
      );
    }
    fc.assert(
      fc.property(fc.double({ noNaN: true }), order, (value, how) => {
        expect(readNumber(numberKind('float64', how), put('float64', value, how), 2)).toBe(value);
      }),
    );
  });

  it('holds 64 bits exactly, as number and as bigint', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), order, (value, how) => {
        expect(readInt64(put('int64', value, how), 2, { type: 'int64', order: how })).toBe(BigInt(value));
      }),
    );
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), order, (value, how) => {
        const octets = new Uint8Array(8);
        putInt64(octets, 0, value, how);
        expect(readInt64(octets, 0, { type: 'uint64', order: how })).toBe(value);
      }),
    );
  });

  it('is what the encoder of single values makes', () => {
    fc.assert(
      fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), order, (value, how) => {
        const format = { type: 'float32', order: how, count: 1, length: undefined } as const;
        expect(put('float32', value, how).slice(2, 6)).toEqual(encodeValue(format, value));
        expect(Math.fround(decodeValue(format, put('float32', value, how), 2) as number)).toBe(value);
      }),
    );
  });
});

describe('bits copied', () => {
  it('are those of the run, and zeros behind it', () => {
    const octets = fc.uint8Array({ minLength: 40, maxLength: 40 });
    fc.assert(
      fc.property(octets, fc.integer({ min: 0, max: 150 }), fc.integer({ min: 1, max: 170 }), (source, from, count) => {
        const target = new Uint8Array((count + 7) >> 3).fill(0xff);
        copyBits(source, { from, count }, target);
        const expected = new Uint8Array(target.length);
        for (let i = 0; i < count; i++) setBit(expected, i, bitAt(source, from + i));
        expect(target).toEqual(expected);
      }),
    );
  });
});
