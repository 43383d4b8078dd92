import type { Diagnosis } from '@busbar/errors';
import type { Clock } from '@busbar/model';
import type { Rejection } from '@busbar/sink-sdk';

/** Rejections of one `send`, one per message; of several reasons the first is told. */
export class Rejections {
  readonly #byMessage = new Map<number, { count: number; reason: string }>();
  readonly #target: string;

  constructor(target: string) {
    this.#target = target;
  }

  add(message: number, count: number, reason: string): void {
    const known = this.#byMessage.get(message);
    if (known) known.count += count;
    else this.#byMessage.set(message, { count, reason });
  }

  list(): readonly Rejection[] {
    return [...this.#byMessage]
      .sort(([a], [b]) => a - b)
      .map(([message, { count, reason }]) => ({ message, count, diagnosis: this.#diagnosis(count, reason) }));
  }

  #diagnosis(count: number, reason: string): Diagnosis {
    return { code: 'SINK_REFUSED', params: { target: this.#target, count, reason } };
  }
}

/** Points that EnOS refused lately: they are not asked for again with every batch. */
export class RefusedPoints {
  readonly #byAsset = new Map<string, Map<number, { untilMs: number; reason: string }>>();
  readonly #clock: Clock;
  readonly #forMs: number;

  constructor(clock: Clock, forMs: number) {
    this.#clock = clock;
    this.#forMs = forMs;
  }

  note(asset: string, point: number, reason: string): void {
    let points = this.#byAsset.get(asset);
    if (!points) {
      points = new Map();
      this.#byAsset.set(asset, points);
    }
    points.set(point, { untilMs: this.#clock.monotonicMs() + this.#forMs, reason });
  }

  hasAny(asset: string): boolean {
    return this.#byAsset.has(asset);
  }

  /** Why the point is not sent now, or undefined. */
  reason(asset: string, point: number): string | undefined {
    const points = this.#byAsset.get(asset);
    const refused = points?.get(point);
    if (!points || !refused) return undefined;
    if (this.#clock.monotonicMs() < refused.untilMs) return refused.reason;
    points.delete(point);
    if (points.size === 0) this.#byAsset.delete(asset);
    return undefined;
  }
}
