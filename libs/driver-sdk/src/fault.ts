/** What a driver met. The thrower states the nature, the host decides what to do (contracts: host's reaction). */
export type DriverFault =
  /** The link is gone; the session is of no more use. */
  | {
      readonly kind: 'connection-lost';
      readonly reason: string;
      /** Where it led, for people: `10.20.1.10:502`. */
      readonly target?: string;
      /** `refused`: nobody listens there; `silent`: no answer to the attempt; else it was open and closed. */
      readonly how?: 'refused' | 'silent' | 'closed';
    }
  /**
   * This device did not answer in time. `sessionEnded`: the line may still hold a late answer, so the driver threw its
   * session away (host connects anew before the next request); else the session goes on.
   */
  | { readonly kind: 'no-answer'; readonly timeoutMs: number; readonly sessionEnded: boolean; readonly reason?: string }
  | { readonly kind: 'busy'; readonly retryAfterMs: number }
  | { readonly kind: 'access-denied'; readonly reason: string }
  | { readonly kind: 'invalid-config'; readonly field: string; readonly reason: string };

export class DriverFaultError extends Error {
  override readonly name = 'DriverFaultError';
  readonly fault: DriverFault;

  constructor(fault: DriverFault, options?: { readonly cause?: unknown }) {
    super('reason' in fault ? `${fault.kind}: ${fault.reason}` : fault.kind, options);
    this.fault = fault;
  }
}
