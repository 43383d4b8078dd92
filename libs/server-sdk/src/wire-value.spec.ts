import type { PlanEntry } from '@busbar/address-plan';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromWire, isWithinLimits, toWire, wireRange } from './wire-value.js';

function entry(type: string, more: Partial<PlanEntry> = {}): PlanEntry {
  return {
    id: 'inv-01/limit',
    role: 'control',
    class: 'holding',
    station: 1,
    address: 0,
    width: 1,
    type,
    scale: 1,
    offset: 0,
    deadband: 0,
    event: 'none',
    group: 0,
    cyclic: false,
    background: false,
    ...more,
  };
}

const TYPES = ['int16', 'uint16', 'int32', 'uint32', 'int64', 'uint64', 'M_ST', 'M_BO', 'M_ME_NB', 'C_SE_NB', 'C_BO'];

describe('a value on the wire', () => {
  it.each([
    ['float32', 49.8, { scale: 10 }, 498],
    ['int16', 49.86, { scale: 10 }, 499],
    ['int16', -0.25, { scale: 10 }, -3],
    ['int16', 0.04, { scale: -1 }, 0],
    ['int32', 5, { scale: 2, offset: -1 }, 9],
    ['bool', true, {}, 1],
    ['bool', 0, {}, 0],
    ['uint16', 'running', { values: [['running', 3]] }, 3],
    [
      'M_DP',
      1,
      {
        values: [
          [false, 1],
          [true, 2],
        ],
      },
      2,
    ],
    ['M_IT', 2 ** 31, {}, -(2 ** 31)],
    ['M_IT', 2 ** 32 + 5, {}, 5],
  ] as const)('of type %s for %j with %j is %d', (type, value, more, sent) => {
    expect(toWire(entry(type, more as Partial<PlanEntry>), value)).toEqual({ value: sent, isClamped: false });
  });

  it.each([
    ['int16', 32_767.5, 32_767],
    ['int16', -1e9, -32_768],
    ['uint16', -1, 0],
    ['bool', 2, 1],
    ['M_ME_NA', 1, 1 - 2 ** -15],
    ['M_ME_NA', -1.5, -1],
    ['float32', 1e39, (2 - 2 ** -23) * 2 ** 127],
    ['uint64', 2 ** 64, 2 ** 64 - 2048],
  ] as const)('of type %s is clamped from %d to %d, and says so', (type, value, sent) => {
    expect(toWire(entry(type), value)).toEqual({ value: sent, isClamped: true });
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, 'running', 'unknown key'])('has no number for %j', (value) => {
    expect(toWire(entry('float32'), value).value).toBeNaN();
    expect(toWire(entry('float32', { values: [['other', 1]] }), value).value).toBeNaN();
  });

  it('says not that a value at the very end was clamped', () => {
    for (const type of TYPES) {
      const { low, high } = wireRange(type) as { low: number; high: number };
      for (const value of [low, high]) expect(toWire(entry(type), value)).toEqual({ value, isClamped: false });
    }
  });

  it('never leaves the range of its type', () => {
    fc.assert(
      fc.property(fc.constantFrom(...TYPES, 'float32', 'M_ME_NA', 'M_IT', 'bool'), fc.double(), (type, value) => {
        const range = wireRange(type) as { low: number; high: number };
        const sent = toWire(entry(type), value).value;
        if (Number.isFinite(value)) expect(sent >= range.low && sent <= range.high).toBe(true);
        else expect(sent).toBeNaN();
      }),
    );
  });
});

describe('a number of a master', () => {
  it('means the value that is sent as that number', () => {
    const scale = fc.constantFrom(1, 10, 0.1, 0.001, -2, 1000, 1 / 60);
    fc.assert(
      fc.property(
        fc.constantFrom('int16', 'int32', 'C_SE_NB'),
        scale,
        fc.integer({ min: -9, max: 9 }),
        (type, by, offset) => {
          const one = entry(type, { scale: by, offset });
          for (let number = -32_768; number <= 32_767; number += 911) {
            expect(toWire(one, fromWire(one, number) as number)).toEqual({ value: number, isClamped: false });
          }
        },
      ),
      { numRuns: 200 },
    );
  });

  it('gives decimals of a scaled point back as they were written', () => {
    fc.assert(
      fc.property(fc.integer({ min: -3_000, max: 3_000 }), fc.constantFrom(10, 100, 0.1, 0.5), (digits, scale) => {
        const value = digits / 10;
        const one = entry('float64', { scale });
        expect(fromWire(one, toWire(one, value).value)).toBe(value);
      }),
    );
  });

  it('means the key of its pair, bools and texts too', () => {
    const keys = entry('uint16', {
      scale: 10,
      values: [
        ['off', 0],
        ['on', 1],
      ],
    });
    expect([0, 10, 5].map((number) => fromWire(keys, number))).toEqual(['off', 'on', undefined]);
    const double = entry('C_DC', {
      values: [
        [false, 1],
        [true, 2],
      ],
    });
    expect([0, 1, 2, 3].map((number) => fromWire(double, number))).toEqual([undefined, false, true, undefined]);
    const float = entry('float32', { values: [['low', 0.1]] });
    expect(fromWire(float, Math.fround(0.1))).toBe('low');
  });

  it('is a bool for a coil, and nothing where it is no number', () => {
    expect([0, 1].map((number) => fromWire(entry('bool'), number))).toEqual([false, true]);
    for (const number of [Number.NaN, Number.POSITIVE_INFINITY])
      expect(fromWire(entry('float32'), number)).toBeUndefined();
    expect(fromWire(entry('int16', { scale: 0 }), 3)).toBeUndefined();
  });

  it('is checked against the limits of its template, in units of the point', () => {
    const limited = entry('int16', { control: { select: false, qualifier: 0, limits: [10, 20] } });
    expect([9.9, 10, 20, 20.1, '30', true, 'on'].map((value) => isWithinLimits(limited, value))).toEqual([
      false,
      true,
      true,
      false,
      false,
      true,
      true,
    ]);
    expect(isWithinLimits(entry('int16'), 1e9)).toBe(true);
  });
});
