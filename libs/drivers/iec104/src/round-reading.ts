import type { SampleWriter } from '@busbar/driver-sdk';
import { bad, type Quality } from '@busbar/model';
import type { Asdu } from '@busbar/protocol-iec104';
import type { PlannedRound } from './plan.js';
import type { StationListener } from './session.js';

interface Kept {
  readonly value: number;
  readonly quality: Quality;
  readonly timeMs: number;
}

const ABSENT = bad('refused-address');

/** The newest value of each tag of a request, while its interrogation is answered. */
export class RoundReading implements StationListener {
  readonly ca: number;
  readonly #request: PlannedRound;
  readonly #wallMs: () => number;
  readonly #kept = new Map<number, Kept>();
  readonly #keeper: SampleWriter = {
    put: (tag, value, quality, timeMs) => this.#kept.set(tag, { value, quality, timeMs }),
    putText: () => {},
    putInt64: () => {},
    putArray: () => {},
  };

  constructor(request: PlannedRound, wallMs: () => number) {
    this.ca = request.ca;
    this.#request = request;
    this.#wallMs = wallMs;
  }

  get isComplete(): boolean {
    return this.#kept.size >= this.#request.tags.length;
  }

  values(asdu: Asdu): void {
    this.#request.book.take(asdu, this.#wallMs(), this.#keeper);
  }

  initialized(): void {}

  restarted(): void {}

  ended(): void {}

  /** Every tag of the request, once: what did not come is not there. */
  tell(out: SampleWriter): void {
    for (const tag of this.#request.tags) {
      const kept = this.#kept.get(tag);
      if (kept === undefined) out.put(tag, Number.NaN, ABSENT, Number.NaN);
      else out.put(tag, kept.value, kept.quality, kept.timeMs);
    }
  }
}
