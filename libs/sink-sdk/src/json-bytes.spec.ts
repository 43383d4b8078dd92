import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JsonBytes, utf8 } from './json-bytes.js';

function written(value: number): string {
  const json = new JsonBytes();
  json.number(value);
  return json.take().toString();
}

describe('numbers written as octets', () => {
  it.each([
    0,
    -0,
    1,
    -1,
    0.5,
    -0.001,
    1e-6,
    1.5e-6,
    1e-7,
    0.1 + 0.2,
    999999999,
    1e9,
    1e9 + 0.5,
    2147483647,
    2147483648,
    -2147483648,
    1234.56,
    4.35,
    1.005,
    100.001,
    8388607.5,
    Number.MAX_SAFE_INTEGER,
    Number.MAX_VALUE,
    Number.MIN_VALUE,
    5e-324,
    1e21,
    123456.789012,
  ])('read like JavaScript prints %d', (value) => {
    expect(written(value)).toBe(`${value}`);
  });

  it('read like JavaScript prints any double', () => {
    fc.assert(
      fc.property(fc.double({ noDefaultInfinity: true, noNaN: true }), (value) => {
        expect(written(value)).toBe(`${value}`);
      }),
      { numRuns: 5_000 },
    );
  });

  it('read like JavaScript prints any decimal of a meter', () => {
    const decimal = fc.tuple(fc.integer({ min: -2_000_000_000, max: 2_000_000_000 }), fc.integer({ min: 0, max: 9 }));
    fc.assert(
      fc.property(decimal, ([digits, decimals]) => {
        const value = digits / 10 ** decimals;
        expect(written(value)).toBe(`${value}`);
      }),
      { numRuns: 20_000 },
    );
  });

  it('read like JavaScript prints any float32', () => {
    fc.assert(
      fc.property(fc.float({ noDefaultInfinity: true, noNaN: true }), (value) => {
        expect(written(value)).toBe(`${value}`);
      }),
      { numRuns: 5_000 },
    );
  });
});

describe('a buffer of JSON', () => {
  it('grows without losing what was written', () => {
    const json = new JsonBytes();
    json.text('[');
    for (let i = 0; i < 20_000; i++) {
      if (i > 0) json.comma();
      json.number(i / 4);
    }
    json.raw(utf8(']'));
    const numbers = JSON.parse(json.take().toString()) as number[];
    expect(numbers.length).toBe(20_000);
    expect(numbers.every((value, i) => value === i / 4)).toBe(true);
    expect(json.length).toBe(0);
  });

  it('keeps texts of any script', () => {
    const json = new JsonBytes();
    json.text(JSON.stringify('逆变器 "1" \u{1F31E}'));
    expect(JSON.parse(json.take().toString())).toBe('逆变器 "1" \u{1F31E}');
  });
});
