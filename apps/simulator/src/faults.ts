import { z } from 'zod';

/**
 * What a device can do wrong. All but `exception` and `flapping` concern the reply alone: the request is carried out.
 */
export const FAULT_KINDS = {
  delay: 'the reply, and all behind it on the connection, come `ms` later',
  silence: 'no reply',
  late: 'the reply comes `ms` later, replies to later requests may overtake it',
  'late-newest': 'as late, but to the newest connection of the endpoint, as transparent gateways do',
  'wrong-id': 'the reply carries the next transaction id',
  'foreign-unit': 'the reply carries another unit id',
  'wrong-length': 'a read is answered with its first register missing, a write with its last octet missing',
  corrupt: 'a reply with a wrong protocol id, then the right one',
  duplicate: 'the reply comes twice',
  split: 'the reply comes octet by octet, `ms` apart',
  merged: 'the reply waits for the next one; both come in one segment',
  'half-frame': 'half of the reply, then nothing',
  reset: 'half of the reply, then the connection is reset',
  exception: 'exception `code` instead of carrying out the request',
  flapping: 'connections are closed, new ones `ms` after they were accepted; `count` counts connections',
} as const;

export type FaultKind = keyof typeof FAULT_KINDS;

const DEFAULT_MS: Partial<Record<FaultKind, number>> = {
  delay: 1_000,
  late: 3_000,
  'late-newest': 3_000,
  flapping: 200,
};
const DEFAULT_CODE = 4;

export const faultRequest = z.strictObject({
  kind: z.enum(Object.keys(FAULT_KINDS) as [FaultKind, ...FaultKind[]]),
  ms: z.int().min(0).max(600_000).optional(),
  /** Requests that it hits, then it is over; without it, until it is taken back. */
  count: z.int().min(1).max(1_000_000).optional(),
  /** Another unit id at the same endpoint; without it, that of the device. */
  unit: z.int().min(0).max(255).optional(),
  code: z.int().min(1).max(255).optional(),
});

export type FaultRequest = z.infer<typeof faultRequest>;

export interface Fault {
  readonly kind: FaultKind;
  readonly ms: number;
  /** Hits that are left; null: no end. */
  readonly left: number | null;
  /** null: any unit. */
  readonly unit: number | null;
  readonly code: number;
}

/** The faults of a device, used up in the order in which they came. Pure. */
export class FaultList {
  private faults: readonly Fault[] = [];

  /** @param unit of the device; null if it answers to any. */
  constructor(private readonly unit: number | null) {}

  get active(): readonly Fault[] {
    return this.faults;
  }

  add({ kind, ms, count, unit, code }: FaultRequest): Fault {
    const fault: Fault = {
      kind,
      ms: ms ?? DEFAULT_MS[kind] ?? 0,
      left: count ?? null,
      unit: unit ?? this.unit,
      code: code ?? DEFAULT_CODE,
    };
    this.faults = [...this.faults, fault];
    return fault;
  }

  clear(): void {
    this.faults = [];
  }

  /** The fault that hits a request to this unit, one hit used up; null for none. */
  takeRequest(unit: number): Fault | null {
    return this.take((fault) => fault.kind !== 'flapping' && (fault.unit === null || fault.unit === unit));
  }

  /** The same for a connection that was accepted. */
  takeConnection(): Fault | null {
    return this.take((fault) => fault.kind === 'flapping');
  }

  private take(hits: (fault: Fault) => boolean): Fault | null {
    if (this.faults.length === 0) return null;
    const fault = this.faults.find(hits);
    if (fault === undefined) return null;
    if (fault.left !== null) {
      const rest = { ...fault, left: fault.left - 1 };
      this.faults = this.faults.flatMap((each) => (each !== fault ? [each] : rest.left > 0 ? [rest] : []));
    }
    return fault;
  }
}
