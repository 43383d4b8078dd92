/** Time is lent, never taken: tests put a clock of their own here. */
export interface Clock {
  /** Milliseconds of a monotonic clock, with fraction; only differences have a meaning. Measures. */
  monotonicMs(): number;
  /** Epoch milliseconds of the wall clock, an integer. Stamps; never measures. */
  wallMs(): number;
}
