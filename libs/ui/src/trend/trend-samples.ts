import { type QualityLevel, qualityLevel } from '@busbar/model';

/** Columns of one length, in order of time (epoch ms). */
export interface TrendSamples {
  readonly times: readonly number[];
  /** null: no value. */
  readonly values: readonly (number | null)[];
  readonly quality: readonly number[];
}

export const NO_SAMPLES: TrendSamples = { times: [], values: [], quality: [] };

/** The stored ones, then those that came live since; nothing before `from`. */
export function joinSamples(stored: TrendSamples, live: TrendSamples, from: number): TrendSamples {
  const last = stored.times.at(-1) ?? Number.NEGATIVE_INFINITY;
  const times: number[] = [];
  const values: (number | null)[] = [];
  const quality: number[] = [];
  const take = (samples: TrendSamples, after: number) => {
    samples.times.forEach((time, i) => {
      if (time <= after || time < from) return;
      times.push(time);
      values.push(samples.values[i] ?? null);
      quality.push(samples.quality[i] ?? 0);
    });
  };
  take(stored, Number.NEGATIVE_INFINITY);
  take(live, last);
  return { times, values, quality };
}

/** One more at the end; a repeated or older time is left out. At most `most` are kept. */
export function appendSample(
  samples: TrendSamples,
  sample: { readonly time: number; readonly value: number | null; readonly quality: number },
  most: number,
): TrendSamples {
  if (sample.time <= (samples.times.at(-1) ?? Number.NEGATIVE_INFINITY)) return samples;
  return {
    times: [...samples.times, sample.time].slice(-most),
    values: [...samples.values, sample.value].slice(-most),
    quality: [...samples.quality, sample.quality].slice(-most),
  };
}

/** Where nothing came for much longer than usual, a null stands between: the line must not bridge what nobody saw. */
export function withGaps(samples: TrendSamples): { times: number[]; values: (number | null)[] } {
  const gap = longestStep(samples.times);
  const times: number[] = [];
  const values: (number | null)[] = [];
  samples.times.forEach((time, i) => {
    const before = samples.times[i - 1];
    if (before !== undefined && time - before > gap) {
      times.push(before + 1);
      values.push(null);
    }
    times.push(time);
    values.push(samples.values[i] ?? null);
  });
  return { times, values };
}

/** Longer than this between two samples means that some are missing. */
function longestStep(times: readonly number[]): number {
  const steps = times.slice(1).map((time, i) => time - (times[i] ?? time));
  steps.sort((a, b) => a - b);
  return Math.max(5000, 5 * (steps[Math.floor(steps.length / 2)] ?? 0));
}

export interface QualityRun {
  readonly from: number;
  readonly to: number;
  readonly level: QualityLevel;
}

/** Stretches of one level: a sample's level holds until the next one, the last one's until `now`; none in a gap. */
export function qualityRuns(samples: TrendSamples, now: number): readonly QualityRun[] {
  const runs: { from: number; to: number; level: QualityLevel }[] = [];
  const gap = longestStep(samples.times);
  samples.times.forEach((time, i) => {
    const level = qualityLevel(samples.quality[i] ?? 0);
    const last = runs.at(-1);
    const isGap = last !== undefined && time - last.to > gap;
    if (last !== undefined && !isGap) last.to = time;
    if (last?.level !== level || isGap) runs.push({ from: time, to: time, level });
  });
  const last = runs.at(-1);
  if (last !== undefined && now > last.to) last.to = now;
  return runs;
}
