/**
 * What may be done about an error: `fix` a person changes something, `retry` it may pass by itself,
 * `defect` the fault is ours, `refuse` a rule said no.
 */
export type RetryClass = 'fix' | 'retry' | 'defect' | 'refuse';

export interface ErrorEntry {
  /** What happened, to which thing; `{name}` is filled from the parameters. */
  readonly sentence: string;
  /** What to do. */
  readonly fix: string;
  readonly retry: RetryClass;
}
