import type { SampleBatch } from '@busbar/batch';
import type { AnyDriver, DriverLog, DriverSpec, PlannedRequest } from '@busbar/driver-sdk';
import type { ConnectionChanged } from '@busbar/events';
import type { Clock } from '@busbar/model';

/** What can go wrong on a connection: the faults of a driver, a request that the device refuses, what no driver should throw. */
export const ERROR_KINDS = [
  'no-answer',
  'busy',
  'connection-lost',
  'access-denied',
  'invalid-config',
  'refused',
  'defect',
] as const;
export type ErrorKind = (typeof ERROR_KINDS)[number];

/** One-shot timers, lent like the clock. */
export interface Timers {
  /** Calls `run` once after about `delayMs`; the result cancels. */
  after(delayMs: number, run: () => void): () => void;
}

export interface HostLog extends DriverLog {
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
}

/** Health of one connection; the owner adds service, member and epoch. */
export type AccessState = Omit<ConnectionChanged, 'service' | 'member' | 'epoch'>;

/** Everything that the host needs from its process. */
export interface DriverHostPorts {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: HostLog;
  /**
   * May return a promise; it is not awaited: what cannot be kept is dropped behind this port. A throw or a rejection
   * is counted, and logged once.
   */
  publishBatch(batch: SampleBatch): unknown;
  /** The value behind `secret:<path>`. */
  secret(reference: string): Promise<string>;
  /** Called on every edge, and every 30 s with fresh figures. */
  onState(state: AccessState): void;
  /** Called once for each error of a connection: for counters. */
  erred?(connection: string, kind: ErrorKind): void;
  /** May this process still act for its connections? Asked before each scan and each write. */
  isLeased(use: 'read' | 'write'): boolean;
  /** 0 to 1, for jitter; `Math.random` if absent. */
  random?(): number;
}

/** The catalog: drivers by id, loaded when a connection first needs them. */
export type DriverCatalog = Readonly<Record<string, () => Promise<AnyDriver>>>;

/** A driver whose types only it knows; the host hands back what the driver itself gave out. */
export type UntypedDriver = DriverSpec<unknown, unknown, unknown, unknown, unknown, PlannedRequest>;

/** Timers of the platform. */
export const systemTimers: Timers = {
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
};
