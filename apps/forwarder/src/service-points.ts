import type { PlanEntry, ServicePoint } from '@busbar/address-plan';
import type { SampleBatch } from '@busbar/batch';
import { type Clock, GOOD, type Quality, qualityLevel, qualityReason, uncertain } from '@busbar/model';
import type { PointImage } from '@busbar/server-sdk';
import type { ForwardTarget } from './forward-target.js';

const MOST = 65_535;
const SECOND_MS = 1_000;
/** Node cannot ask the system whether its clock is synchronized: the point is there and says that nobody knows. */
const CLOCK_UNKNOWN = uncertain('substituted');

interface Seen {
  isLost: boolean;
  /** Monotonic ms of the last value that was not bad. */
  goodMs: number | null;
}

interface Slot {
  readonly slot: number;
  readonly service: ServicePoint;
  readonly asset: string | undefined;
}

/** Numbers that a connection tells about itself, so that a third party can alarm on facts. */
export class ServicePoints {
  readonly #clock: Clock;
  readonly #assets = new Map<string, Seen>();
  #target: ForwardTarget;
  #slots: readonly Slot[];
  #heartbeat = 0;

  constructor(target: ForwardTarget, clock: Clock) {
    this.#clock = clock;
    this.#target = target;
    this.#slots = slotsOf(target.plan.entries);
  }

  replan(target: ForwardTarget): void {
    this.#target = target;
    this.#slots = slotsOf(target.plan.entries);
  }

  /** Called with every batch of an asset that is offered. @param ageMs of a batch from before the start. */
  seen(batch: SampleBatch, ageMs = 0): void {
    const seen = this.#assets.get(batch.key) ?? { isLost: false, goodMs: null };
    this.#assets.set(batch.key, seen);
    let isLost = batch.count > 0;
    for (let i = 0; i < batch.count; i++) {
      const quality = batch.quality[i] as number;
      if (qualityLevel(quality) !== 'bad') seen.goodMs = this.#clock.monotonicMs() - ageMs;
      const reason = qualityReason(quality);
      if (qualityLevel(quality) !== 'bad' || (reason !== 'not-connected' && reason !== 'never-read')) isLost = false;
    }
    seen.isLost = isLost;
  }

  /** Once a second. Gives the slots whose value is another now. */
  fill(image: PointImage, { dropped }: { readonly dropped: number }): Uint32Array {
    this.#heartbeat = (this.#heartbeat + 1) & MOST;
    const timeMs = this.#clock.wallMs();
    const changed: number[] = [];
    for (const { slot, service, asset } of this.#slots) {
      const value = this.#valueOf(service, { asset, dropped });
      if (value === undefined) continue;
      const quality: Quality = service === 'clock' ? CLOCK_UNKNOWN : GOOD;
      if (image.value[slot] === value && image.quality[slot] === quality) continue;
      image.set(slot, value, { timeMs, quality, isCollected: false });
      changed.push(slot);
    }
    return Uint32Array.from(changed);
  }

  /** Undefined: the server knows it, not we. */
  #valueOf(
    service: ServicePoint,
    { asset, dropped }: { readonly asset: string | undefined; readonly dropped: number },
  ): number | undefined {
    switch (service) {
      case 'heartbeat':
        return this.#heartbeat;
      case 'digest':
        return Number.parseInt(this.#target.plan.digest.slice(0, 8), 16);
      case 'generation':
        return this.#target.generation;
      case 'lost':
        return this.#target.assets.filter((each) => this.#assets.get(each)?.isLost === true).length;
      case 'dropped':
        return dropped;
      case 'clock':
        return 1;
      case 'communication':
        return this.#communication(asset);
      case 'age':
        return asset === undefined || !this.#assets.has(asset) ? undefined : this.#age(asset);
      default:
        return undefined;
    }
  }

  /** Undefined until anything is known: a start is no loss. */
  #communication(asset: string | undefined): number | undefined {
    const seen = asset === undefined ? undefined : this.#assets.get(asset);
    return seen && (seen.isLost ? 0 : 1);
  }

  /** Seconds since the last value that was not bad; 65535: more, or never. */
  #age(asset: string): number {
    const goodMs = this.#assets.get(asset)?.goodMs ?? null;
    return goodMs === null ? MOST : Math.min(MOST, Math.floor((this.#clock.monotonicMs() - goodMs) / SECOND_MS));
  }
}

function slotsOf(entries: readonly PlanEntry[]): readonly Slot[] {
  return entries.flatMap(({ role, service, asset }, slot) =>
    role === 'service' && service !== undefined ? [{ slot, service, asset }] : [],
  );
}
