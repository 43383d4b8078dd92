import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatExact, formatNumber, formatWhole, MISSING } from './format-number.js';

const en = { locale: 'en' };
const parse = (text: string) => Number(text.replaceAll(',', ''));

describe('formatNumber', () => {
  it.each([
    [50, '50.00'],
    [0, '0'],
    [-0.00004, '-4.000E-5'],
    [0.0001, '0.0001000'],
    [12345.678, '12,346'],
    [1234567.8, '1,234,568'],
    [999_999_999, '999,999,999'],
    [23.100000381469727, '23.10'],
    [-0.4996, '-0.4996'],
  ])('writes %d as %s', (value, text) => {
    expect(formatNumber(value, en)).toBe(text);
  });

  it('takes the decimals of the model', () => {
    expect(formatNumber(50, { locale: 'en', decimals: 3 })).toBe('50.000');
    expect(formatNumber(-0.0001, { locale: 'en', decimals: 1 })).toBe('0.0');
  });

  it('shows a missing number as missing, never as 0', () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) expect(formatNumber(value, en)).toBe(MISSING);
  });

  it('keeps four significant digits and the whole part, without an exponent, from 1e-4 to 1e9', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-4, max: 1e9, noNaN: true }), fc.boolean(), (size, negative) => {
        const value = negative ? -size : size;
        const text = formatNumber(value, en);
        expect(text).not.toMatch(/e/i);
        expect(Math.abs(parse(text) - value)).toBeLessThanOrEqual(Math.min(0.5000001, Math.abs(value) * 5.001e-4));
      }),
    );
  });
});

describe('formatExact', () => {
  it.each([
    [60, '60'],
    [49.9995, '49.9995'],
    [-0.5, '-0.5'],
    [1234567.25, '1,234,567.25'],
    [1e-7, '1e-7'],
  ])('writes %d as %s', (value, text) => {
    expect(formatExact(value, 'en')).toBe(text);
  });

  it('loses nothing of any number', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(parse(formatExact(value, 'en')) + 0).toBe(value + 0);
      }),
    );
  });
});

describe('formatWhole', () => {
  it('keeps every digit of a 64-bit integer', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }), (value) => {
        expect(BigInt(formatWhole(String(value), 'en').replaceAll(',', ''))).toBe(value);
      }),
    );
  });

  it('leaves any other text alone', () => {
    fc.assert(fc.property(fc.string(), (text) => /^-?\d{1,40}$/.test(text) || formatWhole(text, 'en') === text));
  });
});
