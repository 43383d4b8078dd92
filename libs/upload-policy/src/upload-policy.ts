import { type BatchBuilder, type SampleBatch, sourceMs } from '@busbar/batch';
import type { Quality } from '@busbar/model';
import { isNumberChanged, isSameSide, SideSlots } from './change.js';
import type { UploadProfile } from './profile.js';

const DECISIONS = ['never-seen', 'sent', 'unchanged', 'not-due', 'not-uploaded'] as const;
export type UploadDecision = (typeof DECISIONS)[number];
const SENT = 1;
const UNCHANGED = 2;
const NOT_DUE = 3;
const NOT_UPLOADED = 4;

/** Why a point is in the cloud, or is not. `atMs` is of the clock given to `select`; NaN: never. */
export interface UploadExplanation {
  readonly decision: UploadDecision;
  readonly atMs: number;
}

/**
 * Which values of one asset go to one sink. What `select` names counts as sent at once, since later batches are selected
 * before earlier ones are acknowledged. A send that is tried again takes the same selection; whoever gives a selection
 * up, or will select the same batch anew, calls `release` first, or CHANGE would lose the value. A new policy (after a
 * restart, or when the sink moved here) sends the first value of every point: repeated, never missed.
 *
 * - REALTIME: every value.
 * - CHANGE: the first, and each that differs from the last one sent by the deadband or in quality.
 * - TIMER: the first, then at most one a period, on a fixed beat from the first: the newest value at the beat, or the next
 *   to come. A period without a new value sends nothing.
 * - CHANGE_TIMER: as CHANGE, and as TIMER with the period counted from the last one sent.
 * - NOT_UPLOAD, and points that the profile does not name: never.
 */
export class UploadPolicy {
  readonly #profile: UploadProfile;
  readonly #decision: Uint8Array;
  readonly #decidedMs: Float64Array;
  readonly #isSent: Uint8Array;
  readonly #sentValue: Float64Array;
  readonly #sentQuality: Uint8Array;
  readonly #sentSide = new SideSlots();
  /** 1 for TIMER and CHANGE_TIMER. */
  readonly #isTimed: Uint8Array;
  readonly #dueMs: Float64Array;
  /** The newest value not sent, of timed points. */
  readonly #isWaiting: Uint8Array;
  readonly #waitingValue: Float64Array;
  readonly #waitingQuality: Uint8Array;
  readonly #waitingSourceMs: Float64Array;
  readonly #waitingSide = new SideSlots();
  #collectedMs = Number.NaN;
  #nowMs = 0;
  #wakeAtMs = Number.POSITIVE_INFINITY;

  constructor(profile: UploadProfile) {
    const size = profile.size;
    const timed = profile.timed.length === 0 ? 0 : size;
    this.#profile = profile;
    this.#decision = new Uint8Array(size);
    this.#decidedMs = new Float64Array(size).fill(Number.NaN);
    this.#isSent = new Uint8Array(size);
    this.#sentValue = new Float64Array(size);
    this.#sentQuality = new Uint8Array(size);
    this.#isTimed = new Uint8Array(size);
    for (const slot of profile.timed) this.#isTimed[slot] = 1;
    this.#dueMs = new Float64Array(timed);
    this.#isWaiting = new Uint8Array(timed);
    this.#waitingValue = new Float64Array(timed);
    this.#waitingQuality = new Uint8Array(timed);
    this.#waitingSourceMs = new Float64Array(timed);
  }

  /**
   * Which values of the batch are sent.
   * @param nowMs of a monotonic clock.
   * @param into room for `batch.count` indexes; gets them ascending.
   * @returns how many were put there.
   */
  select(batch: SampleBatch, nowMs: number, into: Int32Array): number {
    const index = this.#profile.index;
    const { count, handles } = batch;
    this.#collectedMs = batch.collectedMs;
    this.#nowMs = nowMs;
    let selected = 0;
    for (let i = 0; i < count; i++) {
      const slot = index.slotOf(handles[i] as number);
      if (slot === -1) continue;
      const decision = this.#decide(slot, batch, i);
      this.#decision[slot] = decision;
      this.#decidedMs[slot] = nowMs;
      if (decision === SENT) {
        into[selected] = i;
        selected += 1;
        this.#keepSent(slot, batch, i);
      } else if (this.#isTimed[slot] === 1) this.#keepWaiting(slot, batch, i);
    }
    return selected;
  }

  /** When `due` has something to say at the earliest, on the clock of `select`; infinite: nothing waits. */
  get wakeAtMs(): number {
    return this.#wakeAtMs;
  }

  /** Epoch ms at which the newest batch was collected: the head of the batch that `due` fills. */
  get collectedMs(): number {
    return this.#collectedMs;
  }

  /**
   * Puts the values whose time has come without another one arriving, each with its own source time. They count as sent.
   * @returns how many.
   */
  due(nowMs: number, out: BatchBuilder): number {
    if (nowMs < this.#wakeAtMs) return 0;
    let put = 0;
    let wakeAtMs = Number.POSITIVE_INFINITY;
    for (const slot of this.#profile.timed) {
      if (this.#isWaiting[slot] === 0) continue;
      const dueMs = this.#dueMs[slot] as number;
      if (nowMs < dueMs) {
        wakeAtMs = Math.min(wakeAtMs, dueMs);
        continue;
      }
      const value = this.#waitingValue[slot] as number;
      const quality = this.#waitingQuality[slot] as Quality;
      const side = this.#waitingSide.get(slot);
      const source = this.#waitingSourceMs[slot] as number;
      const number = this.#profile.numbers[slot] as number;
      if (side === undefined) out.put(number, value, quality, source);
      else out.putSide(number, side, quality, source);
      this.#decision[slot] = SENT;
      this.#decidedMs[slot] = nowMs;
      this.#sentValue[slot] = value;
      this.#sentQuality[slot] = quality;
      this.#sentSide.set(slot, side);
      this.#nowMs = nowMs;
      this.#startPeriod(slot);
      this.#isSent[slot] = 1;
      put += 1;
    }
    this.#wakeAtMs = wakeAtMs;
    return put;
  }

  /** These values were selected and will not be sent after all: the next value of each of their points is. */
  release(batch: SampleBatch, selected: ArrayLike<number>, count = selected.length): void {
    for (let k = 0; k < count; k++) {
      const slot = this.#profile.index.slotOf(batch.handles[selected[k] as number] as number);
      if (slot !== -1) this.#isSent[slot] = 0;
    }
  }

  /** The last decision about a point. */
  explain(pointNumber: number): UploadExplanation {
    const slot = this.#profile.index.slotOf(pointNumber);
    if (slot === -1) return { decision: 'not-uploaded', atMs: Number.NaN };
    return {
      decision: DECISIONS[this.#decision[slot] as number] as UploadDecision,
      atMs: this.#decidedMs[slot] as number,
    };
  }

  #decide(slot: number, batch: SampleBatch, i: number): number {
    const type = this.#profile.types[slot];
    if (type === 'NOT_UPLOAD') return NOT_UPLOADED;
    if (type === 'REALTIME' || this.#isSent[slot] === 0) return SENT;
    if (type === 'TIMER') return this.#nowMs >= (this.#dueMs[slot] as number) ? SENT : NOT_DUE;
    if (this.#isChanged(slot, batch, i)) return SENT;
    return type === 'CHANGE_TIMER' && this.#nowMs >= (this.#dueMs[slot] as number) ? SENT : UNCHANGED;
  }

  #isChanged(slot: number, batch: SampleBatch, i: number): boolean {
    if (batch.quality[i] !== this.#sentQuality[slot]) return true;
    const side = batch.side === null ? undefined : batch.side.get(i);
    const sentSide = this.#sentSide.get(slot);
    if (side !== undefined || sentSide !== undefined) return !isSameSide(side, sentSide);
    const deadband = this.#profile.deadbands[slot] as number;
    return isNumberChanged(batch.values[i] as number, this.#sentValue[slot] as number, deadband);
  }

  #keepSent(slot: number, batch: SampleBatch, i: number): void {
    if (this.#isTimed[slot] === 1) this.#startPeriod(slot);
    this.#isSent[slot] = 1;
    this.#sentValue[slot] = batch.values[i] as number;
    this.#sentQuality[slot] = batch.quality[i] as Quality;
    this.#sentSide.set(slot, batch.side === null ? undefined : batch.side.get(i));
  }

  #keepWaiting(slot: number, batch: SampleBatch, i: number): void {
    this.#isWaiting[slot] = 1;
    this.#waitingValue[slot] = batch.values[i] as number;
    this.#waitingQuality[slot] = batch.quality[i] as Quality;
    this.#waitingSourceMs[slot] = sourceMs(batch, i);
    this.#waitingSide.set(slot, batch.side === null ? undefined : batch.side.get(i));
    this.#wakeAtMs = Math.min(this.#wakeAtMs, this.#dueMs[slot] as number);
  }

  #startPeriod(slot: number): void {
    const intervalMs = this.#profile.intervalsMs[slot] as number;
    const dueMs = this.#dueMs[slot] as number;
    const isOnBeat = this.#profile.types[slot] === 'TIMER' && this.#isSent[slot] === 1 && intervalMs > 0;
    this.#dueMs[slot] = isOnBeat
      ? dueMs + intervalMs * (1 + Math.floor((this.#nowMs - dueMs) / intervalMs))
      : this.#nowMs + intervalMs;
    this.#isWaiting[slot] = 0;
    this.#waitingSide.set(slot, undefined);
  }
}
