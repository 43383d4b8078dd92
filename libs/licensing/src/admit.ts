import type { Diagnosis } from '@busbar/errors';
import type { AdmittedConnection, EntitlementLimits, LicenseState } from '@busbar/events';

/** What a connection of the configuration asks of the license. */
export type LicenseDemand = AdmittedConnection;

/** What decides: the part of the record `entitlements.changed` that admission depends on. */
export interface Entitling {
  readonly state: LicenseState;
  readonly limits: EntitlementLimits;
  readonly license: { readonly id: string } | null;
}

export interface Usage {
  readonly connections: number;
  readonly tags: number;
  readonly forwarding: number;
  /** Sorted. */
  readonly protocols: readonly string[];
}

export interface Admission {
  /** With their terms, in the order in which they were let in; becomes `running` of the next admission. */
  readonly admitted: readonly AdmittedConnection[];
  /** By connection id: why it may not run now. */
  readonly refused: ReadonlyMap<string, Diagnosis>;
  /** Of all that is let in. */
  readonly usage: Usage;
}

const byId = (a: LicenseDemand, b: LicenseDemand) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);

/** The part of a configuration that is counted. */
export interface CountedConfiguration {
  readonly tables: readonly { readonly digest: string; readonly tags: readonly unknown[] }[];
  readonly connections: readonly {
    readonly kind: string;
    readonly id: string;
    readonly driver?: string;
    readonly server?: string;
    readonly devices?: readonly { readonly table: string; readonly enabled: boolean }[];
  }[];
}

/** Connections that count: those to devices, with the tags of their enabled devices, and those that others read. Uploads are free. */
export function demandsOf({ connections, tables }: CountedConfiguration): LicenseDemand[] {
  const tags = new Map(tables.map((table) => [table.digest, table.tags.length]));
  return connections.flatMap(({ kind, id, driver = '', server = '', devices = [] }): LicenseDemand[] => {
    if (kind === 'forwarding') return [{ id, kind, protocol: server, tags: 0 }];
    if (kind !== 'access') return [];
    const enabled = devices.filter((device) => device.enabled);
    const count = enabled.reduce((sum, device) => sum + (tags.get(device.table) ?? 0), 0);
    return [{ id, kind, protocol: driver, tags: count }];
  });
}

/**
 * Which connections may run. What was let in before stays, whatever became of the license, as long as it asks for no more
 * than it was let in for; so a restart stops nothing, since `running` is part of the record on the bus. What is new or has
 * grown is let in while there is room, grown ones first, then by id; after the end of license and grace period never.
 *
 * While a license lives, terms follow the configuration: what is taken out makes room. After its end the list stands
 * still, so that a generation that is rolled back runs as before.
 */
export function admit(
  entitling: Entitling,
  running: readonly AdmittedConnection[],
  wanted: readonly LicenseDemand[],
): Admission {
  const isOver = entitling.state === 'expired';
  const demands = new Map(wanted.map((demand) => [demand.id, demand]));
  const terms = new Map<string, AdmittedConnection>();
  const changed: LicenseDemand[] = [];
  for (const held of running) {
    const demand = demands.get(held.id);
    const isSame = demand?.kind === held.kind && demand.protocol === held.protocol;
    if (demand && isSame && demand.tags <= held.tags) terms.set(held.id, isOver ? held : demand);
    else {
      // Its old terms stay: going back to them is always allowed.
      if (demand || isOver) terms.set(held.id, held);
      if (demand) changed.push(demand);
    }
  }
  const known = new Set(running.map(({ id }) => id));
  const refused = new Map<string, Diagnosis>();
  const room = new Room(terms.values());
  const ask = (demand: LicenseDemand): boolean => {
    const held = terms.get(demand.id);
    if (held) room.take(held, -1);
    const refusal = isOver ? endedRefusal(demand, entitling) : room.refusal(demand, entitling.limits);
    if (refusal) refused.set(demand.id, refusal);
    else {
      refused.delete(demand.id);
      terms.set(demand.id, demand);
    }
    const standing = terms.get(demand.id);
    if (standing) room.take(standing, 1);
    return refusal === null;
  };
  // One that changed may give room back to one refused before it: asked until nothing changes.
  let waiting = changed;
  for (let before = -1; before !== waiting.length; ) {
    before = waiting.length;
    waiting = waiting.filter((demand) => !ask(demand));
  }
  for (const demand of wanted.filter(({ id }) => !known.has(id)).sort(byId)) ask(demand);
  return { admitted: [...terms.values()], refused, usage: room.usage(terms.values()) };
}

/** Is more in use than granted? So after a license was replaced by a smaller one: what runs goes on. */
export function exceededDiagnosis({ limits }: Entitling, usage: Usage): Diagnosis | null {
  const keys = ['connections', 'tags', 'forwarding'] as const;
  const isCounted = keys.every((key) => usage[key] <= (limits[key] ?? Number.POSITIVE_INFINITY));
  const isSpoken = usage.protocols.every((protocol) => limits.protocols?.includes(protocol) ?? true);
  if (isCounted && isSpoken) return null;
  const granted = {
    grantedProtocols: limits.protocols?.join(', ') ?? '∞',
    grantedConnections: limits.connections ?? '∞',
    grantedTags: limits.tags ?? '∞',
    grantedForwarding: limits.forwarding ?? '∞',
  };
  return { code: 'LICENSE_EXCEEDED', params: { ...usage, protocols: usage.protocols.join(', '), ...granted } };
}

function endedRefusal({ id }: LicenseDemand, { license }: Entitling): Diagnosis {
  return { code: 'LICENSE_ENDED', params: { connection: id, license: license?.id ?? '' } };
}

class Room {
  #connections = 0;
  #tags = 0;
  #forwarding = 0;

  constructor(terms: Iterable<LicenseDemand>) {
    for (const held of terms) this.take(held, 1);
  }

  take({ kind, tags }: LicenseDemand, sign: 1 | -1): void {
    if (kind === 'access') this.#connections += sign;
    else this.#forwarding += sign;
    this.#tags += sign * tags;
  }

  usage(terms: Iterable<LicenseDemand>): Usage {
    const protocols = [...new Set([...terms].map(({ protocol }) => protocol))].sort();
    return { connections: this.#connections, tags: this.#tags, forwarding: this.#forwarding, protocols };
  }

  refusal({ id, kind, protocol, tags }: LicenseDemand, limits: EntitlementLimits): Diagnosis | null {
    if (limits.protocols && !limits.protocols.includes(protocol)) {
      const params = { connection: id, protocol, granted: limits.protocols.join(', ') };
      return { code: 'LICENSE_PROTOCOL', params };
    }
    if (kind === 'forwarding') {
      if (limits.forwarding === null || this.#forwarding < limits.forwarding) return null;
      const params = { connection: id, granted: limits.forwarding, used: this.#forwarding };
      return { code: 'LICENSE_FORWARDING', params };
    }
    if (limits.connections !== null && this.#connections >= limits.connections) {
      const params = { connection: id, granted: limits.connections, used: this.#connections };
      return { code: 'LICENSE_CONNECTIONS', params };
    }
    if (limits.tags !== null && this.#tags + tags > limits.tags) {
      return { code: 'LICENSE_TAGS', params: { connection: id, tags, granted: limits.tags, used: this.#tags } };
    }
    return null;
  }
}
