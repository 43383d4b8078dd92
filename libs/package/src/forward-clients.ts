import type { ForwardingClientConfig } from '@busbar/events';
import { z } from 'zod';
import { formed, text } from './fields.js';
import { isId } from './ids.js';
import type { Report } from './report.js';
import { checkShape, type Subject } from './shape.js';
import { type MapTree, treeAt } from './tree.js';

const ADDRESS = z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()]);
const address = formed(
  (value) => (ADDRESS.safeParse(value).success ? value : undefined),
  'an IP address such as 10.9.0.11, or a block such as 10.9.0.0/24',
);
const addresses = z.preprocess((value) => (typeof value === 'string' ? [value] : value), z.array(address).min(1));
const name = formed((value) => (isId(value) ? value : undefined), 'an id');

const clientSchema = z.strictObject({
  addresses: addresses.meta({ sample: 'addresses: [ 10.9.0.11 ]' }),
  group: name.optional(),
  control: z.boolean().optional(),
  source: name.optional(),
  comment: text.optional(),
});

/** The part of `with` that is alike for all servers. */
const shortSchema = z.strictObject({
  clients: z.array(address).min(1).meta({ sample: 'clients: [ 10.9.0.11 ]' }),
  redundancy: z.enum(['per-client', 'single-group']).optional(),
});
const longSchema = z.strictObject({
  clients: z.record(z.string(), clientSchema).meta({ sample: 'clients: [ 10.9.0.11 ]' }),
  redundancy: z.enum(['per-client', 'single-group']).optional(),
});

export const CLIENT_FIELDS = ['clients', 'redundancy'] as const;

export interface ClientDefaults {
  /** Id of the forwarding connection: the source of commands unless a client has one of its own. */
  readonly forwarding: string;
  /** Does the connection take commands? A client may be kept from it, never let in against it. */
  readonly control: boolean;
}

/**
 * Who may connect: a list of addresses, or a map of names. Each client has its own queue of events unless `group` or
 * `redundancy: single-group` says that some stand by for one another.
 */
export function readClients(
  subject: Subject,
  { forwarding, control }: ClientDefaults,
  report: Report,
): ForwardingClientConfig[] | undefined {
  const given = treeAt(subject.tree, ['with']);
  const entries = given?.kind === 'map' ? [...given.entries] : [];
  const own = entries.filter(([key]) => (CLIENT_FIELDS as readonly string[]).includes(key));
  const tree: MapTree = { kind: 'map', entries: new Map(own), place: given?.place ?? subject.place };
  const part = { kind: 'forwarding connection', id: forwarding, place: subject.place, tree };
  const isLong = treeAt(tree, ['clients'])?.kind === 'map';
  const value = isLong ? checkShape(longSchema, part, report) : checkShape(shortSchema, part, report);
  if (!value) return undefined;
  const shared = value.redundancy === 'single-group' ? 'all' : undefined;
  const clients = Array.isArray(value.clients)
    ? value.clients.map((one) => ({ name: one, addresses: [one], group: shared ?? one, control, source: forwarding }))
    : Object.entries(value.clients).map(([id, one]) => ({
        name: id,
        addresses: one.addresses,
        group: one.group ?? shared ?? id,
        control: control && (one.control ?? true),
        source: one.source ?? forwarding,
      }));
  const twice = clients.find((one, index) => clients.findIndex(({ name: other }) => other === one.name) < index);
  if (twice) {
    const place = treeAt(tree, ['clients'])?.place ?? subject.place;
    report.add('FIELD_VALUE', place, { value: twice.name, field: 'clients', allowed: 'each client once' });
  }
  return clients;
}
