import { SEQUENCE_MODULUS } from './apci.js';

/** The frames on their way: V(S), the acknowledged number, and when each was sent (IEC 60870-5-104 §5.1). */
export class SendWindow {
  private readonly sentAt: Float64Array;
  private sentCount = 0;
  private acknowledgedCount = 0;

  /** k: 1 to 32767. */
  constructor(
    private readonly k: number,
    private readonly t1Ms: number,
  ) {
    this.sentAt = new Float64Array(k);
  }

  get sentTotal(): number {
    return this.sentCount;
  }

  get acknowledgedTotal(): number {
    return this.acknowledgedCount;
  }

  get outstanding(): number {
    return this.sentCount - this.acknowledgedCount;
  }

  get free(): number {
    return this.k - this.outstanding;
  }

  /** V(S): the number of the frame sent next. */
  get nextNumber(): number {
    return this.sentCount % SEQUENCE_MODULUS;
  }

  /** When t1 of the oldest frame ends; Infinity when none is on its way. */
  get overdueAt(): number {
    if (this.outstanding === 0) return Number.POSITIVE_INFINITY;
    return (this.sentAt[this.acknowledgedCount % this.k] ?? 0) + this.t1Ms;
  }

  /** A frame was sent; only while `free` is above 0. */
  sent(nowMs: number): void {
    this.sentAt[this.sentCount % this.k] = nowMs;
    this.sentCount += 1;
  }

  /** Takes an N(R). False, and nothing changes, if it is not among the frames on their way. */
  acknowledge(number: number): boolean {
    const ahead = (number - (this.acknowledgedCount % SEQUENCE_MODULUS) + SEQUENCE_MODULUS) % SEQUENCE_MODULUS;
    if (ahead > this.outstanding) return false;
    this.acknowledgedCount += ahead;
    return true;
  }
}
