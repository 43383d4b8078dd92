import { z } from 'zod';

/** One series of a metric: what it is about, and its value now. */
export const measuredSeriesSchema = z.strictObject({
  labels: z.record(z.string(), z.string()),
  value: z.number(),
});

/**
 * Record of `services.measured`, key = instance of the process: its own metrics, every 10 s, as Prometheus would read
 * them. A histogram is its `_bucket`, `_sum` and `_count`. Labeled counters that stand at 0 are left out.
 */
export const measuredSchema = z.strictObject({
  service: z.string(),
  /** Group of collectors; `all` elsewhere. */
  workload: z.string(),
  /** Of the process, new at each start. */
  instance: z.string(),
  /** By which people know the process: its pod, else its service. */
  name: z.string(),
  /** Epoch ms. */
  at: z.number(),
  /** By a clock that never jumps, ms; only differences of one instance mean anything. */
  monotonicMs: z.number(),
  /** It ends in order: the last record of the instance. */
  isLast: z.boolean(),
  figures: z.record(
    z.string(),
    z.strictObject({ kind: z.enum(['counter', 'gauge']), series: z.array(measuredSeriesSchema) }),
  ),
});
export type Measured = z.infer<typeof measuredSchema>;
export type MeasuredFigure = Measured['figures'][string];
