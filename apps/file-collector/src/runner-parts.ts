import { type BusbarError, type Diagnosis, isBusbarError } from '@busbar/errors';
import type { FileConnectionConfig } from '@busbar/events';
import type { Clock } from '@busbar/model';
import type { Logger } from '@busbar/service-kit';
import type { FileDelivery } from './delivery.js';
import type { FileNews } from './file-news.js';
import type { Ledger } from './ledger.js';
import type { FileSource } from './sources/file-source.js';
import type { Spool } from './spool.js';
import type { TaskState } from './task-state.js';
import type { Pause } from './throttle.js';

/** What both lanes of a connection share. */
export interface RunnerParts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly pause: Pause;
  readonly spool: Spool;
  readonly ledger: Ledger;
  readonly news: FileNews;
  readonly delivery: FileDelivery;
  readonly tasks: ReadonlyMap<string, TaskState>;
  connection(): FileConnectionConfig;
  open(signal: AbortSignal): Promise<FileSource>;
  /** Health or counters have changed. */
  changed(): void;
  counted(counter: 'collected' | 'uploaded' | 'refused', bytes: number): void;
}

export function diagnosisOf(error: unknown, connection: string): Diagnosis {
  if (isBusbarError(error)) return error.diagnosis;
  const reason = error instanceof Error ? error.message : String(error);
  return { code: 'CONNECTION_LOST', params: { target: connection, reason } };
}

/** Is it one file's matter, while the source goes on? */
export function isOfFile(error: unknown): error is BusbarError {
  return isBusbarError(error) && /^FILE_(DENIED|GONE|CHANGED|SIZE|TOO_LARGE|SPOOL_DAMAGED)$/.test(error.code);
}
