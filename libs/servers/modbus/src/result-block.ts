import type { PlanEntry, ServicePoint } from '@busbar/address-plan';
import { controlAnswer, type End } from '@busbar/events';
import type { Clock } from '@busbar/model';

const MOST = 65_535;
const SECOND_MS = 1_000;

/** `result.end`; published numbers, never reused. `failed` left the point as it was, `written` perhaps not. */
export const RESULT_ENDS = {
  none: 0,
  executed: 1,
  refused: 2,
  expired: 3,
  failed: 4,
  written: 5,
  unknown: 6,
  pending: 7,
} as const;

function endNumber(end: End): number {
  if (end.kind !== 'failed') return RESULT_ENDS[end.kind];
  return end.effect === 'none' ? RESULT_ENDS.failed : RESULT_ENDS.written;
}

/**
 * What became of the last write of one client, for it to read: a number that counts writes, the end, the rule as the
 * code of control.md 8 (2101 to 2121; 0 for none), the address that it was about, seconds since.
 */
export class ResultBlock {
  readonly #clock: Clock;
  #sequence = 0;
  #end: number = RESULT_ENDS.none;
  #rule = 0;
  #address = 0;
  #sinceMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Gives the number of this write. */
  begin(address: number): number {
    this.#sequence = (this.#sequence % MOST) + 1;
    this.#set(RESULT_ENDS.pending, 0, address);
    return this.#sequence;
  }

  /** The end of an earlier write than the last one is not shown any more. */
  finish(sequence: number, end: End, address: number): void {
    if (sequence !== this.#sequence) return;
    this.#set(endNumber(end), end.kind === 'executed' ? 0 : controlAnswer(end).enos, address);
  }

  /** 0 to 65535; undefined for a point that is not of this block. */
  valueOf(service: ServicePoint | undefined): number | undefined {
    switch (service) {
      case 'result.sequence':
        return this.#sequence;
      case 'result.end':
        return this.#end;
      case 'result.rule':
        return this.#rule;
      case 'result.address':
        return this.#address;
      case 'result.age':
        return this.#end === RESULT_ENDS.none ? MOST : this.#age();
      default:
        return undefined;
    }
  }

  #age(): number {
    return Math.min(MOST, Math.floor((this.#clock.monotonicMs() - this.#sinceMs) / SECOND_MS));
  }

  #set(end: number, rule: number, address: number): void {
    this.#end = end;
    this.#rule = rule;
    this.#address = address;
    this.#sinceMs = this.#clock.monotonicMs();
  }
}

export function isResult({ role, service }: PlanEntry): boolean {
  return role === 'service' && service !== undefined && service.startsWith('result.');
}
