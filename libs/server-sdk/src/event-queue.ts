/** Changes in the order in which they happened, as columns of equal length. */
export interface EventSlice {
  readonly count: number;
  /** Index of the entry in `plan.entries`. */
  readonly slot: Uint32Array;
  /** In units of the point, as in the image. */
  readonly value: Float64Array;
  /** Source time, epoch ms. */
  readonly timeMs: Float64Array;
  readonly quality: Uint8Array;
  /** 1: collected time stands in for the source time. */
  readonly isCollected: Uint8Array;
}

/**
 * What one group of masters has not confirmed yet. Durable: after a crash the last second may come twice with the same
 * stamps, never with a hole. When the bound is reached the oldest go, are counted, and `dropped` says so.
 */
export interface EventCursor {
  /** Events that were neither taken nor dropped. */
  readonly waiting: number;
  /** Dropped since the start because nobody took them in time. */
  readonly dropped: number;
  /** The next ones, at most `most`; an empty slice when there are none. */
  take(most: number): EventSlice;
  /** The oldest `count` of what was taken were confirmed by the master (N(R) in IEC 60870-5-104). */
  confirm(count: number): void;
  /** The link went: what was taken and not confirmed comes first again. */
  rewind(): void;
  /** Called, without a storm, when events wait again after there were none. Returns the way to end it. */
  onReady(listener: () => void): () => void;
}

/** The bounded event queue of a forwarding connection; every group of masters reads all of it at its own pace. */
export interface EventQueue {
  /** The same group gives the same cursor. Only groups of the configuration have one. */
  cursor(group: string): EventCursor;
}
