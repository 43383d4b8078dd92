import { HandleIndex } from '@busbar/batch';
import type { UploadRule } from '@busbar/events';

/** How one point of a model goes to one sink. */
export interface PointUpload {
  readonly number: number;
  readonly rule: UploadRule;
}

/** The rules of a sink for the points of a model, compiled: assets alike share one. */
export class UploadProfile {
  readonly index: HandleIndex;
  readonly numbers: readonly number[];
  readonly types: readonly UploadRule['type'][];
  readonly intervalsMs: Float64Array;
  readonly deadbands: Float64Array;
  /** Slots of TIMER and CHANGE_TIMER. */
  readonly timed: readonly number[];

  constructor(points: readonly PointUpload[]) {
    this.numbers = points.map((point) => point.number);
    this.index = new HandleIndex(this.numbers);
    this.types = points.map((point) => point.rule.type);
    this.intervalsMs = Float64Array.from(points, (point) => point.rule.intervalMs);
    this.deadbands = Float64Array.from(points, (point) => point.rule.deadband);
    this.timed = [...points.keys()].filter((slot) => this.types[slot]?.endsWith('TIMER'));
  }

  get size(): number {
    return this.types.length;
  }
}
