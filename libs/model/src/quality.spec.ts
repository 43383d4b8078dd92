import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bad,
  GOOD,
  isQuality,
  type QualityReason,
  qualityLevel,
  qualityReason,
  qualityText,
  uncertain,
  worseQuality,
} from './quality.js';

/** The published numbers: written out here, so that nobody reuses one by accident. */
const NUMBERS: Record<QualityReason, number> = {
  none: 0,
  stale: 1,
  'out-of-range': 2,
  substituted: 3,
  maintenance: 4,
  operand: 5,
  'not-connected': 8,
  'never-read': 9,
  device: 10,
  sensor: 11,
  formula: 12,
  configuration: 13,
  'not-a-number': 14,
  'refused-address': 15,
};
const REASONS = Object.keys(NUMBERS) as QualityReason[];
const octet = fc.integer({ min: 0, max: 255 });
const quality = octet.filter(isQuality);

describe('quality', () => {
  it('keeps the number of every level and reason', () => {
    for (const reason of REASONS) {
      expect(uncertain(reason)).toBe(0x40 + NUMBERS[reason]);
      expect(bad(reason)).toBe(0x80 + NUMBERS[reason]);
    }
    expect(GOOD).toBe(0);
  });

  it('gives level and reason back', () => {
    for (const reason of REASONS) {
      expect([qualityLevel(uncertain(reason)), qualityReason(uncertain(reason))]).toEqual(['uncertain', reason]);
      expect([qualityLevel(bad(reason)), qualityReason(bad(reason))]).toEqual(['bad', reason]);
    }
    expect([qualityLevel(GOOD), qualityReason(GOOD)]).toEqual(['good', 'none']);
  });

  it('reads a reason of a newer version as none and keeps its level', () => {
    expect(qualityReason(0x80 | 63)).toBe('none');
    expect(qualityText(0x80 | 63)).toBe('bad');
    expect(qualityText(0x40 | 7)).toBe('uncertain');
  });

  it('is worded as the sinks send it', () => {
    expect([GOOD, uncertain('stale'), bad('not-connected'), bad('none')].map(qualityText)).toEqual([
      'good',
      'uncertain stale',
      'bad not-connected',
      'bad',
    ]);
  });

  it('refuses the unused level, a good value with a reason, and what is no octet', () => {
    fc.assert(
      fc.property(octet, (value) => {
        const level = value >> 6;
        expect(isQuality(value)).toBe(level === 1 || level === 2 || value === 0);
      }),
    );
    for (const value of [-1, 256, 0.5, Number.NaN]) expect(isQuality(value)).toBe(false);
  });

  it('of two takes the worse level, and the first of equal ones', () => {
    fc.assert(
      fc.property(quality, quality, (a, b) => {
        const worse = worseQuality(a, b);
        expect(worse >> 6).toBe(Math.max(a >> 6, b >> 6));
        expect(worse).toBe(a >> 6 === b >> 6 ? a : a >> 6 > b >> 6 ? a : b);
      }),
    );
    expect(worseQuality(bad('device'), bad('sensor'))).toBe(bad('device'));
  });
});
