import type { PointRow } from '@busbar/api-schema';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { powerLimit } from '../testing/console-bench.js';
import { allowedRange, checkValue } from './check-value.js';

const row = (type: PointRow['point']['type'], range?: [number, number]): PointRow => ({
  ...powerLimit,
  point: { ...powerLimit.point, type, range },
  control: { policy: 'p', range: null },
});

describe('checkValue', () => {
  it.each(['', ' ', 'x', 'NaN', 'Infinity', '1e999', '1,5', '0x10', '--1', '1 2'])(
    'takes no number from "%s"',
    (text) => {
      expect(checkValue(text, row('float')).ok).toBe(false);
    },
  );

  it('takes every number as typed', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(checkValue(String(value), row('double'))).toEqual({ ok: true, value: Number(String(value)) });
      }),
    );
  });

  it('keeps every digit of a 64-bit integer', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }), (value) => {
        const checked = checkValue(String(value), row('long'));
        expect(checked.ok && BigInt(checked.value)).toBe(value);
      }),
    );
  });

  it('asks for a whole number where the point is one', () => {
    expect(checkValue('1.5', row('int'))).toMatchObject({ ok: false, key: 'check.whole' });
  });

  it('holds to the narrower of model and policy, its ends included', () => {
    expect(allowedRange(powerLimit)).toEqual([10, 100]);
    expect(checkValue('10', powerLimit).ok).toBe(true);
    expect(checkValue('100.001', powerLimit)).toMatchObject({ key: 'check.range', params: { least: 10, most: 100 } });
    expect(allowedRange(row('float'))).toBeUndefined();
  });

  it('reads a bool and leaves a text alone', () => {
    expect(checkValue('1', row('bool'))).toEqual({ ok: true, value: true });
    expect(checkValue('0', row('bool'))).toEqual({ ok: true, value: false });
    expect(checkValue(' a ', row('string'))).toEqual({ ok: true, value: ' a ' });
  });
});
