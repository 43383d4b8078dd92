import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cleanDecimal, toRaw } from './conversion.js';
import { tagConfig } from './testing/memory-site.js';

describe('clean decimals', () => {
  it.each([
    [498 * 0.1, 49.8],
    [0.1 + 0.2, 0.3],
    [3 * 0.3, 0.9],
    [1.1 / 10, 0.11],
    [-498 * 0.1, -49.8],
    [123456789 * 0.001, 123456.789],
    [1e-9, 1e-9],
    [1e20, 1e20],
  ])('makes %d to %d', (given, wanted) => {
    expect(cleanDecimal(given)).toBe(wanted);
  });

  it('gives every decimal of up to 15 digits as it is written', () => {
    fc.assert(
      fc.property(fc.integer({ min: -(10 ** 12), max: 10 ** 12 }), fc.integer({ min: 0, max: 6 }), (whole, places) => {
        const decimal = Number(`${whole}e-${places}`);
        expect(cleanDecimal(decimal)).toBe(decimal);
        const scaled = cleanDecimal(whole * Number(`1e-${places}`));
        expect(scaled).toBe(decimal);
      }),
      { numRuns: 5000 },
    );
  });

  it('never moves a number by more than a part in 10^14', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(Math.abs(cleanDecimal(value) - value)).toBeLessThanOrEqual(Math.abs(value) * 1e-14);
      }),
      { numRuns: 5000 },
    );
  });
});

describe('from tag units to raw', () => {
  it.each([
    [{ type: 'uint16', scale: 0.1 }, 49.8, 498],
    [{ type: 'uint16', scale: 0.1 }, 49.84, 498],
    [{ type: 'int16', scale: 0.1, offset: -40 }, 25, 650],
    [{ type: 'float32', scale: 0.001 }, 1.5, 1500],
    [{ type: 'bool' }, true, 1],
    [{ type: 'int64' }, '-9223372036854775808', -(2n ** 63n)],
    [{ type: 'uint64' }, 5, 5n],
    [{ type: 'string', length: 4 }, 'abcd', 'abcd'],
    [{ type: 'bcd', length: 2 }, 9999, 9999],
    [{ type: 'uint16', scaleBy: 9 }, 12.34, 1234],
  ] as const)('turns %o %s into %s', (more, value, raw) => {
    expect(toRaw(tagConfig(1, more), value, 'scaleBy' in more ? -2 : 0)).toEqual({ raw });
  });

  it.each([
    [{ type: 'uint16' }, -1],
    [{ type: 'uint16' }, 65536],
    [{ type: 'uint16', invalid: [65535] }, 65535],
    [{ type: 'uint16', scale: 0.1, max: 100 }, 100.1],
    [{ type: 'uint16', min: 10 }, 9],
    [{ type: 'bool' }, 2],
    [{ type: 'float32' }, 1e39],
    [{ type: 'float32' }, Number.NaN],
    [{ type: 'uint16' }, 'abc'],
    [{ type: 'int64' }, '9223372036854775808'],
    [{ type: 'int64' }, 1.5],
    [{ type: 'string', length: 4 }, 5],
    [{ type: 'bcd', length: 1 }, 100],
    [{ type: 'uint16', count: 2 }, 1],
    [{ type: 'uint16', scaleBy: 9 }, 1],
  ] as const)('refuses %o %s', (more, value) => {
    expect(
      toRaw(tagConfig(1, { ...more, invalid: 'invalid' in more ? [...more.invalid] : [] }), value, Number.NaN),
    ).toHaveProperty('refused');
  });

  it('is the way of a read backwards', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 65535 }),
        fc.constantFrom(1, 0.1, 0.01, 0.001, 0.5, 2, 0.3),
        fc.constantFrom(0, -40, 0.5),
        (raw, scale, offset) => {
          const value = cleanDecimal(raw * scale + offset);
          expect(toRaw(tagConfig(1, { type: 'uint16', scale, offset }), value, 0)).toEqual({ raw });
        },
      ),
    );
  });
});
