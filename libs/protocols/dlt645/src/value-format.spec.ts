import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hex, toHex } from './test-frames.js';
import { encodeValue, parseFormat, readValue, type ValueFormat } from './value-format.js';

function format(text: string): ValueFormat {
  const parsed = parseFormat(text);
  if (parsed === null) throw new Error(`no format: ${text}`);
  return parsed;
}

describe('readValue', () => {
  it.each([
    { text: 'XXXXXX.XX', octets: '42 06 12 00', value: 1206.42 },
    { text: 'XXX.X', octets: '94 23', value: 239.4 },
    { text: 'XXX', octets: '00 01', value: 100 },
    { text: '-XX.XXXX', octets: '56 34 92', value: -12.3456 },
    { text: '-XX.XXXX', octets: '56 34 12', value: 12.3456 },
    { text: '-XXX.X', octets: '00 80', value: 0 },
    { text: '-X.XXX', octets: '50 89', value: -0.95 },
    { text: 'XX.XX', octets: '01 50', value: 50.01 },
    { text: 'XX', octets: '99', value: 99 },
    { text: 'NNNNNNNNNNNN', octets: '25 04 03 02 01 00', value: '000102030425' },
    { text: 'HHHH', octets: '34 12', value: 0x1234 },
    { text: 'HHHH', octets: 'FF FF', value: 0xffff },
    { text: 'A6', octets: '00 00 56 30 32 32', value: '220V' },
    { text: 'YYMMDDWW', octets: '03 25 11 26', value: '2026-11-25' },
    { text: 'hhmmss', octets: '45 30 12', value: '12:30:45' },
    { text: 'YYMMDDhhmm', octets: '30 12 25 11 26', value: '2026-11-25T12:30' },
    { text: 'MMDDhhmm', octets: '30 12 29 02', value: '02-29T12:30' },
    { text: 'hhmmss', octets: '00 00 00', value: '00:00:00' },
  ])('reads $octets as $text: $value', ({ text, octets, value }) => {
    expect(readValue(format(text), hex(octets))).toEqual({ value });
  });

  it.each([
    { text: 'XXXXXX.XX', octets: 'FF FF FF FF', fault: 'empty' },
    { text: '-XX.XXXX', octets: 'FF FF FF', fault: 'empty' },
    { text: 'NNNN', octets: 'FF FF', fault: 'empty' },
    { text: 'YYMMDDhhmm', octets: '00 00 00 00 00', fault: 'empty' },
    { text: 'XXX.X', octets: '9A 23', fault: 'digits' },
    { text: 'XXX.X', octets: 'FF 23', fault: 'digits' },
    { text: 'XXX.X', octets: '94 A3', fault: 'digits' },
    { text: 'XXX', octets: '00 11', fault: 'digits' },
    { text: 'NNNN', octets: '0A 00', fault: 'digits' },
    { text: 'A2', octets: '30 07', fault: 'digits' },
    { text: 'YYMMDDWW', octets: '03 31 11 26', fault: 'digits' },
    { text: 'YYMMDDWW', octets: '07 25 11 26', fault: 'digits' },
    { text: 'YYMMDD', octets: '29 02 25', fault: 'digits' },
    { text: 'hhmmss', octets: '00 60 12', fault: 'digits' },
    { text: 'XXXXXX.XX', octets: '42 06 12', fault: 'length' },
  ])('gives no value for $octets as $text: $fault', ({ text, octets, fault }) => {
    expect(readValue(format(text), hex(octets))).toEqual({ fault });
  });

  it('gives back every number that encodeValue took, to its last digit', () => {
    const numbers = fc
      .record({ digits: fc.integer({ min: 1, max: 15 }), places: fc.nat(), sign: fc.boolean(), whole: fc.maxSafeNat() })
      .map(({ digits, places, sign, whole }) => {
        const decimals = places % digits;
        const fraction = decimals === 0 ? '' : `.${'X'.repeat(decimals)}`;
        const text = `${sign ? '-' : ''}${'X'.repeat(digits - decimals)}${fraction}`;
        // A sign takes the top bit of a first digit that fills its octet.
        const limit = sign && digits % 2 === 0 ? 8 * 10 ** (digits - 1) : 10 ** digits;
        const size = (whole % limit) / 10 ** decimals;
        return { text, value: sign && whole % 2 === 1 && size !== 0 ? -size : size };
      });
    fc.assert(
      fc.property(numbers, ({ text, value }) => {
        const own = format(text);
        const octets = encodeValue(own, value);
        expect(octets).not.toBeNull();
        expect(readValue(own, octets as Uint8Array)).toEqual({ value });
      }),
      { numRuns: 2000 },
    );
  });

  it('gives octets that encodeValue makes again, or no value', () => {
    const texts = ['XXX.X', '-XX.XXXX', 'XXX', 'NNNN', 'HHHH', 'YYMMDDhhmmss', 'hhmm', 'MMDDhhmm', 'DDhh'];
    fc.assert(
      fc.property(fc.constantFrom(...texts), fc.uint8Array({ minLength: 6, maxLength: 6 }), (text, octets) => {
        const own = format(text);
        const read = readValue(own, octets);
        if ('fault' in read || read.value === 0) return;
        expect(toHex(encodeValue(own, read.value) as Uint8Array)).toBe(toHex(octets.subarray(0, own.octets)));
      }),
      { numRuns: 2000 },
    );
  });
});

describe('encodeValue', () => {
  it.each([
    { text: 'XXX.X', value: 239.45 },
    { text: 'XXX.X', value: 1000 },
    { text: 'XXX.X', value: -1 },
    { text: '-XXX.X', value: 800 },
    { text: 'XXX.X', value: Number.NaN },
    { text: 'XXX.X', value: Number.POSITIVE_INFINITY },
    { text: 'XXX.X', value: '1' },
    { text: 'NNNN', value: '12345' },
    { text: 'NNNN', value: '12A4' },
    { text: 'HH', value: 256 },
    { text: 'HH', value: 1.5 },
    { text: 'A4', value: 'abcde' },
    { text: 'A4', value: 'é' },
    { text: 'YYMMDD', value: '2026-02-29' },
    { text: 'YYMMDD', value: '1999-02-28' },
    { text: 'YYMMDD', value: '2026-2-28' },
    { text: 'hhmmss', value: '12:30' },
  ])('refuses $value as $text', ({ text, value }) => {
    expect(encodeValue(format(text), value)).toBeNull();
  });

  it('adds the day of the week, Sunday 0', () => {
    expect(toHex(encodeValue(format('YYMMDDWW'), '2026-11-25') as Uint8Array)).toBe('03251126');
    expect(encodeValue(format('DDWW'), '25')).toBeNull();
  });

  it('writes text from its last character', () => {
    const octets = encodeValue(format('A6'), '220V') as Uint8Array;
    expect(toHex(octets)).toBe('202056303232');
    expect(readValue(format('A6'), octets)).toEqual({ value: '220V' });
  });
});

describe('parseFormat', () => {
  it.each([
    '',
    '-',
    'X.',
    '.XX',
    'XX.XX.XX',
    'xx.xx',
    'NNN',
    'HHH',
    'HHHHHHHHHHHHHH',
    'XXXXXXXXXXXXXXXX',
    'A0',
    'A65',
    'A',
    'WW',
    'YYYY',
    'YYMMD',
    'YYMMDDMM',
    'float32',
  ])('refuses "%s"', (text) => {
    expect(parseFormat(text)).toBeNull();
  });
});
