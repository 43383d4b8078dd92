/** Injection tokens of what the kit lends to every service. */
export const BUS = Symbol('Bus');
export const SETTINGS = Symbol('Settings');
export const CLOCK = Symbol('Clock');
export const LOGGER = Symbol('Logger');
/** Registry of prom-client. */
export const METRICS = Symbol('Metrics');
export const HEALTH = Symbol('Health');
/** {@link ProcessIdentity} */
export const IDENTITY = Symbol('Identity');

/** Who this process is, in logs, epochs and deadlines. */
export interface ProcessIdentity {
  readonly service: string;
  readonly bootId: string;
  /** Random, new at each start. */
  readonly instance: string;
}
