import type { AddressPlan } from '@busbar/address-plan';
import {
  type Configuration,
  canonicalJson,
  type ForwardingConnectionConfig,
  type JoinedPlan,
  joinPlan,
} from '@busbar/events';
import type { ServerClientConfig } from '@busbar/server-sdk';
import type { AppliedGeneration } from '@busbar/service-kit';

/** One forwarding connection as its runner needs it. */
export interface ForwardTarget {
  readonly connection: string;
  readonly server: string;
  readonly site: string;
  readonly generation: number;
  readonly config: Readonly<Record<string, unknown>>;
  readonly clients: readonly (ServerClientConfig & { readonly source: string })[];
  readonly control: boolean;
  readonly plan: AddressPlan;
  readonly joined: JoinedPlan;
  /** Assets that are offered. */
  readonly assets: readonly string[];
  /** Paths of offered points that nothing ever reads: they show what was executed. */
  readonly withoutFeedback: ReadonlySet<string>;
  /** Equal: nothing of the connection changed. */
  readonly digest: string;
  /** Equal: the same listener will do. */
  readonly listener: string;
}

/** Undefined: there is no such forwarding connection, or a part of its plan is missing. */
export function compileTarget({ number, configuration }: AppliedGeneration, id: string): ForwardTarget | undefined {
  const found = configuration.connections.find((connection) => connection.id === id);
  if (found?.kind !== 'forwarding') return undefined;
  const parts = new Map((configuration.plans ?? []).map((part) => [part.id, part]));
  const joined = joinPlan(found, (digest) => parts.get(digest));
  if (!joined) return undefined;
  const { plan } = joined;
  return {
    connection: id,
    server: found.server,
    site: found.site,
    generation: number,
    config: found.with,
    clients: clientsOf(found),
    control: found.control,
    plan,
    joined,
    withoutFeedback: withoutFeedback(plan, configuration),
    assets: [...new Set(plan.entries.flatMap(({ asset }) => asset ?? []))],
    digest: canonicalJson(found),
    listener: canonicalJson(found.with),
  };
}

/** Of what is commanded here. A logic asset works its points out: they have a value of their own. */
function withoutFeedback({ entries }: AddressPlan, { assets, templates }: Configuration): ReadonlySet<string> {
  const byId = new Map(templates.map((template) => [template.id, template]));
  const owners = new Map(assets.map((asset) => [asset.id, asset]));
  const isRead = (asset: string, point: string) => {
    const owner = owners.get(asset);
    if (!owner || owner.logic) return true;
    const maps = owner.from.flatMap(({ template }) => byId.get(template)?.map ?? []);
    return maps.some((entry) => entry.point === point && entry.read !== undefined);
  };
  const paths = entries.flatMap(({ role, asset, point }) =>
    role === 'control' && asset !== undefined && point !== undefined && !isRead(asset, point)
      ? [`${asset}/${point}`]
      : [],
  );
  return new Set(paths);
}

/** Nobody listed: anybody may read, and nobody is known well enough to command. */
function clientsOf({ id, clients }: ForwardingConnectionConfig): ForwardTarget['clients'] {
  return clients.length > 0 ? clients : [{ name: 'any', addresses: [], group: 'any', control: false, source: id }];
}
