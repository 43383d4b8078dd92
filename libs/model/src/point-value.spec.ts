import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asPointValue } from './point-value.js';
import { POINT_TYPES } from './value.js';

const NUMBERS = ['bool', 'int', 'long', 'float', 'double', 'enum', 'date', 'timestamp'] as const;

describe('a value asked for', () => {
  it.each([
    ['bool', true, true],
    ['bool', 0, false],
    ['bool', 1, true],
    ['int', -3, -3],
    ['long', '42', 42],
    ['long', '9007199254740993', '9007199254740993'],
    ['long', '-9223372036854775808', '-9223372036854775808'],
    ['long', '18446744073709551615', '18446744073709551615'],
    ['float', 0.1, 0.1],
    ['double', -1e300, -1e300],
    ['enum', 'running', 'running'],
    ['enum', 2, 2],
    ['date', '2026-11-02', '2026-11-02'],
    ['timestamp', 1793586600000, 1793586600000],
    ['string', 'north', 'north'],
  ] as const)('takes for %s %j as %j', (type, value, expected) => {
    expect(asPointValue(type, value)).toBe(expected);
  });

  it.each([
    ['bool', 2],
    ['bool', 'true'],
    ['int', 1.5],
    ['int', '1'],
    ['int', 2 ** 53],
    ['int', true],
    ['long', '1.5'],
    ['long', ''],
    ['long', '0x10'],
    ['long', ' 1'],
    ['long', '18446744073709551616'],
    ['long', '-9223372036854775809'],
    ['long', 2 ** 60],
    ['float', '1'],
    ['double', true],
    ['enum', 1.5],
    ['enum', false],
    ['date', false],
    ['string', 1],
    ['array', 1],
    ['struct', '{}'],
    ['file', 'a'],
    ['raw', 'ff'],
  ] as const)('refuses for %s %j', (type, value) => {
    expect(asPointValue(type, value)).toBeUndefined();
  });

  it('is never NaN nor infinite, whatever the type', () => {
    for (const type of POINT_TYPES) {
      for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
        expect(asPointValue(type, value)).toBeUndefined();
      }
    }
  });

  it('keeps every integer of 64 bits exactly', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }), (value) => {
        expect(BigInt(asPointValue('long', value.toString()) as number | string)).toBe(value);
      }),
    );
  });

  it('stays itself when asked for again', () => {
    fc.assert(
      fc.property(fc.constantFrom(...NUMBERS), fc.oneof(fc.double(), fc.string(), fc.boolean()), (type, value) => {
        const once = asPointValue(type, value);
        if (once !== undefined) expect(asPointValue(type, once)).toBe(once);
      }),
    );
  });
});
