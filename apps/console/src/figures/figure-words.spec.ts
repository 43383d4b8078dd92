import type { Display } from '@busbar/ui';
import { describe, expect, it } from 'vitest';
import { figureWords } from './figure-words.js';
import { sparklinePath } from './sparkline.js';

const t: Display['t'] = (key, params) => `${key} ${Object.values(params ?? {}).join(' ')}`.trim();
const display: Display = { language: 'en', zone: 'UTC', t };

describe('the words of a figure', () => {
  it('say its value in its unit', () => {
    expect(figureWords({ value: 0.374, unit: 'share' }, display)).toBe('figures.share 37');
    expect(figureWords({ value: 0.0042, unit: 'share' }, display)).toBe('figures.share 0.4');
    expect(figureWords({ value: 12_345.6, unit: 'perSecond' }, display)).toBe('figures.perSecond 12,346');
    expect(figureWords({ value: 3 * 1024 ** 2, unit: 'bytes' }, display)).toBe('3.0 MB');
    expect(figureWords({ value: 0.005, unit: 'seconds' }, display)).toBe('figures.milliseconds 5.00');
    expect(figureWords({ value: 2.25, unit: 'seconds' }, display)).toBe('figures.seconds 2.3');
    expect(figureWords({ value: 0, unit: 'isUp' }, display)).toBe('figures.down');
    expect(figureWords({ value: 7, unit: 'count' }, display)).toBe('7');
  });

  it('say that nothing is known, never 0', () => {
    expect(figureWords({ value: null, unit: 'count' }, display)).toBe('--');
  });
});

describe('the line of a trend', () => {
  it('goes from 0 at the bottom to its greatest value at the top', () => {
    expect(sparklinePath([0, 2])).toBe('M1.5 18.5h0.1L86.5 1.5');
  });

  it('is not drawn over a gap, and is nothing where nothing is known', () => {
    expect(sparklinePath([1, null, 1]).match(/M/g)).toHaveLength(2);
    expect(sparklinePath([null, null])).toBe('');
  });
});
