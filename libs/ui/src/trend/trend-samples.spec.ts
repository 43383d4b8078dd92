import { bad, GOOD } from '@busbar/model';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { appendSample, joinSamples, NO_SAMPLES, qualityRuns, type TrendSamples, withGaps } from './trend-samples.js';

const samples = (times: readonly number[]): TrendSamples => ({
  times,
  values: times.map((time) => time),
  quality: times.map(() => GOOD),
});
const rising = fc
  .uniqueArray(fc.integer({ min: 0, max: 1e6 }), { maxLength: 50 })
  .map((times) => times.sort((a, b) => a - b));

describe('trend samples', () => {
  it('join stored and live ones in order of time, none twice, none before the range', () => {
    fc.assert(
      fc.property(rising, rising, fc.nat(1e6), (stored, live, from) => {
        const { times } = joinSamples(samples(stored), samples(live), from);
        expect(times).toEqual([...new Set(times)].sort((a, b) => a - b));
        expect(times.every((time) => time >= from)).toBe(true);
        for (const time of stored) if (time >= from) expect(times).toContain(time);
      }),
    );
  });

  it('take one more, but no repeated and no older one', () => {
    const one = appendSample(NO_SAMPLES, { time: 5, value: 1, quality: GOOD }, 10);
    expect(appendSample(one, { time: 5, value: 2, quality: GOOD }, 10)).toBe(one);
    expect(appendSample(one, { time: 6, value: null, quality: bad('device') }, 1)).toEqual({
      times: [6],
      values: [null],
      quality: [bad('device')],
    });
  });

  it('never bridge a stretch where nothing came', () => {
    const { times, values } = withGaps(samples([0, 1000, 2000, 3000, 60_000, 61_000]));
    expect(times).toEqual([0, 1000, 2000, 3000, 3001, 60_000, 61_000]);
    expect(values[4]).toBeNull();
  });

  it('are stretches of one quality, the last up to now', () => {
    const quality = [GOOD, GOOD, bad('not-connected'), GOOD];
    expect(qualityRuns({ times: [0, 10, 20, 30], values: [1, 1, null, 1], quality }, 45)).toEqual([
      { from: 0, to: 20, level: 'good' },
      { from: 20, to: 30, level: 'bad' },
      { from: 30, to: 45, level: 'good' },
    ]);
  });

  it('have no quality where nothing came', () => {
    const runs = qualityRuns(samples([0, 1000, 2000, 60_000, 61_000]), 61_000);
    expect(runs.map(({ from, to }) => [from, to])).toEqual([
      [0, 2000],
      [60_000, 61_000],
    ]);
  });
});
