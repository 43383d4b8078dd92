import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countingProblem, countingReads, countingValue, decodeCountingValue } from './counting.js';

const SHAPE = { devices: 24, tags: 50 };

describe('counting values', () => {
  it('say device, tag and read also after a float32 and a text of two decimals', () => {
    const parts = fc.record({
      shape: fc.constantFrom(SHAPE, { devices: 1, tags: 1 }, { devices: 100, tags: 1_000 }, { devices: 3, tags: 7 }),
      device: fc.nat(),
      tag: fc.nat(),
      read: fc.nat(),
    });
    fc.assert(
      fc.property(parts, ({ shape, ...given }) => {
        const wanted = {
          device: given.device % shape.devices,
          tag: given.tag % shape.tags,
          read: given.read % countingReads(shape),
        };
        const value = countingValue(shape, { ...wanted, read: given.read });
        expect(value).toBeGreaterThanOrEqual(1_000);
        expect(value).toBeLessThan(65_000);
        expect(decodeCountingValue(shape, value)).toEqual(wanted);
        expect(decodeCountingValue(shape, Math.fround(value))).toEqual(wanted);
        expect(decodeCountingValue(shape, Number(Math.fround(value).toFixed(2)))).toEqual(wanted);
      }),
    );
  });

  it('count as the neutral bench does: (100000 + ((read mod K) * D + d) * T + i) / 100', () => {
    expect(countingReads(SHAPE)).toBe(4_096);
    expect(countingReads({ devices: 20, tags: 500 })).toBe(630);
    expect(countingValue(SHAPE, { device: 2, tag: 7, read: 3 })).toBe((100_000 + (3 * 24 + 2) * 50 + 7) / 100);
    expect(countingValue(SHAPE, { device: 0, tag: 0, read: 4_096 })).toBe(1_000);
  });

  it.each([0, 999.98, 1_000.005, 65_000, -1_200, Number.NaN, Number.POSITIVE_INFINITY])(
    '%d is no value of a site',
    (value) => {
      expect(decodeCountingValue(SHAPE, value)).toBeNull();
    },
  );

  it('refuse a site whose values would repeat too soon', () => {
    expect(countingProblem(SHAPE)).toBeNull();
    expect(countingProblem({ devices: 100, tags: 1_000 })).toBeNull();
    expect(countingProblem({ devices: 200, tags: 1_000 })).toMatch(/at most 103278 tags/);
    expect(countingProblem({ devices: 0, tags: 1 })).toMatch(/devices/);
    expect(countingProblem({ devices: 1, tags: 32_737 })).toMatch(/65536/);
  });
});
