import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_PAYLOAD_BYTES, parseEnvelope, parseExact } from './envelope.js';

const octets = (text: string) => Buffer.from(text);

describe('an envelope', () => {
  it.each([
    ['', { id: undefined, code: 1251 }],
    ['{', { id: undefined, code: 1220 }],
    ['[]', { id: undefined, code: 1220 }],
    ['null', { id: undefined, code: 1220 }],
  ])('that is %j is refused with the code of EnOS', (text, expected) => {
    expect(parseEnvelope(octets(text))).toEqual(expected);
  });

  it('of 512 KB and more is not parsed; its id is answered where it stands in front', () => {
    const large = 'x'.repeat(MAX_PAYLOAD_BYTES);
    expect(parseEnvelope(octets(`{"id":"17","params":"${large}"}`))).toEqual({ id: '17', code: 1008 });
    expect(parseEnvelope(octets(`{"params":"${large}"}`))).toEqual({ id: undefined, code: 1008 });
  });

  it('never makes the parser throw', () => {
    fc.assert(fc.property(fc.uint8Array(), (bytes) => void parseEnvelope(Buffer.from(bytes))));
    fc.assert(fc.property(fc.json(), (text) => void parseEnvelope(octets(text))));
  });
});

describe('exact JSON', () => {
  it('keeps every digit of a 64-bit integer', () => {
    expect(parseExact('{"a":9007199254740993,"b":[-9223372036854775808],"c":1}')).toEqual({
      a: '9007199254740993',
      b: ['-9223372036854775808'],
      c: 1,
    });
  });

  it('leaves texts, fractions and small integers alone', () => {
    const value = { a: ':9007199254740993', b: 0.1234567890123456, c: 9007199254740991, d: 1.234567890123456e300 };
    expect(parseExact(JSON.stringify({ ...value, e: 0 }))).toEqual({ ...value, e: 0 });
    expect(parseExact('{"x":"\\":12345678901234567","y":12345678901234567}')).toEqual({
      x: '":12345678901234567',
      y: '12345678901234567',
    });
  });

  it('reads any JSON like JSON.parse where no integer is beyond 2^53', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const plain = JSON.parse(text) as unknown;
        const hasLarge = /\d{16}/.test(text.replace(/"(?:[^"\\]|\\.)*"/g, '').replace(/\.\d+/g, ''));
        if (!hasLarge) expect(parseExact(text)).toEqual(plain);
      }),
    );
  });
});
