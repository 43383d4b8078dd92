import { z } from 'zod';
import { CODE } from './codes.js';

export const faultSchema = z.strictObject({
  /** `no-reply`: values are taken, the reply is not sent. `disconnect` acts at once. */
  kind: z.enum(['no-reply', 'refuse', 'delay', 'disconnect']),
  /** Of `delay`. */
  ms: z.number().int().min(0).max(600_000).default(1_000),
  /** How many data requests it meets; without it until it is taken away. */
  count: z.number().int().min(1).optional(),
  /** Only requests that carry this device; without it all. */
  deviceKey: z.string().optional(),
  /** Of `refuse`. */
  code: z.number().int().default(CODE.undefinedPoint),
});
export type Fault = z.infer<typeof faultSchema>;

/** What shall go wrong with the next data requests. */
export class Faults {
  #faults: { fault: Fault; left: number }[] = [];

  add(fault: Fault): void {
    this.#faults.push({ fault, left: fault.count ?? Number.POSITIVE_INFINITY });
  }

  clear(): void {
    this.#faults = [];
  }

  get isEmpty(): boolean {
    return this.#faults.length === 0;
  }

  list(): Fault[] {
    return this.#faults.map(({ fault }) => fault);
  }

  /** Faults that meet a request of these devices; each is used up by one. */
  meet(deviceKeys: ReadonlySet<string>): Fault[] {
    const met = this.#faults.filter(({ fault }) => fault.deviceKey === undefined || deviceKeys.has(fault.deviceKey));
    for (const entry of met) entry.left--;
    this.#faults = this.#faults.filter(({ left }) => left > 0);
    return met.map(({ fault }) => fault);
  }
}
