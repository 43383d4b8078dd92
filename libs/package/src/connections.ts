import type { ByteOrder } from '@busbar/model';
import { z } from 'zod';
import { described, notBuilt, options, scalar, text } from './fields.js';
import { LIMITS } from './limits.js';
import { listed, suggestion } from './nearest.js';
import { fillPlaceholders, scalarParameter } from './placeholders.js';
import { checkOptions } from './plugin-options.js';
import {
  applyVariant,
  findProtocol,
  type GroupPeriod,
  groupsSchema,
  type ProtocolDraft,
  parseGroup,
  type TableForm,
  tableForm,
} from './protocols.js';
import type { Report } from './report.js';
import type { DriverCheck, PackagePlugins } from './result.js';
import { checkShape, type Subject, subjectsOf } from './shape.js';
import { checkTags } from './tag-check.js';
import { type TagDraft, tagsOfMap } from './tags.js';
import { keyPlace, type MapTree, treeAt, valuePlace } from './tree.js';

const connectionSchema = z.strictObject({
  ...described,
  driver: text.meta({ sample: 'driver: modbus' }),
  readOnly: z.boolean().optional(),
  with: options.optional(),
  devices: z.unknown().optional(),
  standby: notBuilt('`standby` of a connection'),
});

const deviceSchema = z.strictObject({
  ...described,
  protocol: text.optional(),
  table: text.optional(),
  tags: z.unknown().optional(),
  with: options.optional(),
  variant: text.optional(),
  params: z.record(z.string(), scalar).optional(),
  groups: groupsSchema.optional(),
  quirks: options.optional(),
  stale: z.number().int().min(1).max(1_000).optional(),
  enabled: z.boolean().optional(),
  direct: z.boolean().optional(),
});

interface DeviceDraft {
  readonly subject: Subject & { readonly tree: MapTree };
  readonly value: z.output<typeof deviceSchema>;
  readonly tags: readonly TagDraft[];
}

export interface ConnectionDraft {
  readonly subject: Subject & { readonly tree: MapTree };
  readonly value: z.output<typeof connectionSchema>;
  readonly devices: readonly DeviceDraft[];
}

export interface Device {
  readonly id: string;
  readonly subject: Subject;
  readonly connection: string;
  readonly title: string;
  readonly value: DeviceDraft['value'];
  /** Point table, own tags, or both. */
  readonly form: TableForm;
  readonly ownTags: ReadonlySet<string>;
  readonly with: Record<string, unknown>;
  readonly quirks: Record<string, unknown>;
  readonly groups: Readonly<Record<string, GroupPeriod>>;
}

export interface Connection {
  readonly id: string;
  readonly subject: Subject;
  readonly title: string;
  readonly driver: string;
  readonly readOnly: boolean;
  readonly with: Record<string, unknown>;
  readonly devices: readonly Device[];
}

/** Stage schema. */
export function readConnections(section: MapTree | undefined, report: Report): ConnectionDraft[] {
  const subjects = subjectsOf(section, 'connection', report);
  const first = subjects[0];
  if (first && subjects.length > LIMITS.connections) {
    const params = { thing: 'the package', actual: `${subjects.length} connections`, limit: `${LIMITS.connections}` };
    report.add('PACKAGE_LIMIT', first.place, params);
    return [];
  }
  return subjects.flatMap((subject) => {
    const value = checkShape(connectionSchema, subject, report);
    const devices = subjectsOf(treeAt(subject.tree, ['devices']), 'device', report).flatMap((device) => {
      const checked = checkShape(deviceSchema, device, report);
      const tags = tagsOfMap(treeAt(device.tree, ['tags']), report);
      return checked ? [{ subject: device, value: checked, tags }] : [];
    });
    return value ? [{ subject, value, devices }] : [];
  });
}

/** The group of a tag that states none: subscribed where the driver can, else every 5 s. */
export function groupOf(tag: TagDraft, check: DriverCheck): string {
  return tag.fields.group ?? (check.subscribes ? 'event' : '5s');
}

export interface ConnectionParts {
  readonly drafts: readonly ConnectionDraft[];
  readonly protocols: ReadonlyMap<string, ProtocolDraft>;
  readonly tables: ReadonlyMap<string, readonly TagDraft[]>;
  readonly plugins: PackagePlugins;
}

/** Stages references and meaning. What cannot be resolved is reported and left out. */
export class ConnectionResolver {
  readonly #parts: ConnectionParts;
  readonly #report: Report;
  readonly #forms = new Map<string, TableForm | undefined>();

  constructor(parts: ConnectionParts, report: Report) {
    this.#parts = parts;
    this.#report = report;
  }

  resolve(): Connection[] {
    this.#protocolForms();
    this.#checkDeviceIds();
    const connections = this.#parts.drafts.flatMap((draft) => this.#connection(draft) ?? []);
    for (const form of this.#forms.values()) {
      if (!form) continue;
      const { check, base, order } = form;
      checkTags(form.tags, { check, base, order, devices: form.devices }, this.#report);
    }
    this.#checkShared(connections);
    const tags = connections.flatMap(({ devices }) => devices).reduce((sum, { form }) => sum + form.tags.length, 0);
    const first = connections[0];
    if (first && tags > LIMITS.tags) {
      const params = { thing: 'the package', actual: `${tags} tags`, limit: `${LIMITS.tags}` };
      this.#report.add('PACKAGE_LIMIT', first.subject.place, params);
    }
    return connections;
  }

  /** Each protocol is checked also when no device uses it. */
  #protocolForms(): void {
    for (const draft of this.#parts.protocols.values()) {
      const { subject, value, variants } = draft;
      const check = this.#driver(value.driver, subject);
      if (!check) continue;
      checkOptions(
        check.quirks,
        { trees: [treeAt(subject.tree, ['quirks'])], field: 'quirks', owner: check.id, place: subject.place },
        this.#report,
      );
      this.#form(draft, undefined, check);
      for (const variant of variants.keys()) this.#form(draft, variant, check);
      this.#checkGroups(draft);
    }
  }

  #checkGroups({ subject, value }: ProtocolDraft): void {
    for (const tag of this.#parts.tables.get(value.table) ?? []) {
      const { group } = tag.fields;
      if (group === undefined || Object.hasOwn(value.groups ?? {}, group) || parseGroup(group) !== undefined) continue;
      const isGiven = this.#parts.drafts.some(({ devices }) =>
        devices.some(
          (device) => device.value.protocol?.startsWith(subject.id) && Object.hasOwn(device.value.groups ?? {}, group),
        ),
      );
      if (!isGiven) this.#groupUnknown(tag, group, Object.keys(value.groups ?? {}), 0);
    }
  }

  #groupUnknown(tag: TagDraft, group: string, known: readonly string[], instances: number): void {
    const groups = known.length === 0 ? 'a period such as 5s' : suggestion(group, known);
    this.#report.record('GROUP_UNKNOWN', tag.at('group'), { params: { group, groups }, instances });
  }

  #driver(reference: string, subject: Subject): DriverCheck | undefined {
    const [id, version] = reference.split('@');
    const place = valuePlace(subject.tree, ['driver'], subject.place);
    if (version !== undefined) {
      this.#report.add('NOT_BUILT', place, { thing: `a driver with its version, ${reference},` });
      return undefined;
    }
    const check = this.#parts.plugins.drivers.get(id ?? '');
    if (!check) {
      const params = { driver: reference, installed: suggestion(reference, this.#parts.plugins.drivers.keys()) };
      this.#report.add('DRIVER_UNKNOWN', place, params);
    }
    return check;
  }

  #table(id: string, subject: Subject): readonly TagDraft[] | undefined {
    const tags = this.#parts.tables.get(id);
    if (!tags) {
      const names = suggestion(id, this.#parts.tables.keys(), `a file points/${id}.csv`);
      const params = { kind: 'point table', id, suggestion: names };
      this.#report.add('REFERENCE_UNKNOWN', valuePlace(subject.tree, ['table'], subject.place), params);
    }
    return tags;
  }

  #form(protocol: ProtocolDraft, variant: string | undefined, check: DriverCheck): TableForm | undefined {
    const key = `${protocol.subject.id}\n${variant ?? ''}`;
    if (this.#forms.has(key)) return this.#forms.get(key);
    const { value, variants, subject } = protocol;
    const base = this.#table(value.table, subject);
    const patches = variant === undefined ? [] : (variants.get(variant) ?? []);
    const tags = base && (variant === undefined ? base : applyVariant(base, patches, this.#report));
    const form =
      tags &&
      tableForm({ table: value.table, variant, check, base: value.base ?? 0, order: value.order ?? 'ABCD', tags });
    this.#forms.set(key, form);
    return form;
  }

  #tableForm(table: string, check: DriverCheck, subject: Subject): TableForm | undefined {
    const key = `\n${table}\n${check.id}`;
    if (this.#forms.has(key)) return this.#forms.get(key);
    const tags = this.#table(table, subject);
    const form = tags && tableForm({ table, variant: undefined, check, base: 0, order: 'ABCD', tags });
    this.#forms.set(key, form);
    return form;
  }

  #connection(draft: ConnectionDraft): Connection | undefined {
    const { subject, value } = draft;
    const check = this.#driver(value.driver, subject);
    if (!check) return undefined;
    const source = { trees: [treeAt(subject.tree, ['with'])], field: 'with', owner: check.id, place: subject.place };
    const checked = checkOptions(check.connection, source, this.#report);
    const devices = draft.devices.flatMap((device) => this.#device(device, subject.id, check) ?? []);
    this.#checkAddresses(devices);
    return {
      id: subject.id,
      subject,
      title: value.title ?? subject.id,
      driver: check.id,
      readOnly: value.readOnly ?? true,
      with: checked ?? {},
      devices,
    };
  }

  #device(draft: DeviceDraft, connection: string, check: DriverCheck): Device | undefined {
    const { subject, value } = draft;
    const protocol = this.#protocolOf(draft, check);
    if (protocol === null) return undefined;
    const form = this.#formOf(draft, protocol, check);
    if (!form) return undefined;
    form.devices += 1;
    const withOf = [protocol?.subject.tree, subject.tree];
    const own = (field: string) => withOf.map((tree) => tree && treeAt(tree, [field]));
    const source = { owner: check.id, place: subject.place };
    const checked = checkOptions(check.device, { ...source, trees: own('with'), field: 'with' }, this.#report);
    const quirks = checkOptions(check.quirks, { ...source, trees: own('quirks'), field: 'quirks' }, this.#report);
    return {
      id: subject.id,
      subject,
      connection,
      title: value.title ?? subject.id,
      value,
      form,
      ownTags: new Set(draft.tags.map(({ id }) => id)),
      with: checked ?? {},
      quirks: quirks ?? {},
      groups: this.#groups(form, { ...protocol?.value.groups, ...value.groups }),
    };
  }

  /** null: named, but not to be used. */
  #protocolOf({ subject, value }: DeviceDraft, check: DriverCheck): ProtocolDraft | undefined | null {
    const at = (field: string) => valuePlace(subject.tree, [field], subject.place);
    if (value.protocol === undefined) {
      if (value.variant === undefined) return undefined;
      const params = { value: value.variant, field: 'variant', allowed: 'only beside `protocol`' };
      this.#report.add('FIELD_VALUE', at('variant'), params);
      return null;
    }
    if (value.table !== undefined) {
      const params = { value: value.table, field: 'table', allowed: 'only where there is no `protocol`' };
      this.#report.add('FIELD_VALUE', at('table'), params);
      return null;
    }
    const protocol = findProtocol(
      { reference: value.protocol, place: at('protocol') },
      this.#parts.protocols,
      this.#report,
    );
    if (!protocol) return null;
    if (protocol.value.driver !== check.id) {
      const params = { protocol: value.protocol, driver: protocol.value.driver, other: check.id };
      this.#report.add('PROTOCOL_DRIVER', at('protocol'), params);
      return null;
    }
    if (value.variant !== undefined && !protocol.variants.has(value.variant)) {
      const variants = suggestion(value.variant, protocol.variants.keys(), 'none');
      const params = { protocol: value.protocol, variant: value.variant, variants };
      this.#report.add('VARIANT_UNKNOWN', at('variant'), params);
      return null;
    }
    return protocol;
  }

  #formOf(draft: DeviceDraft, protocol: ProtocolDraft | undefined, check: DriverCheck): TableForm | undefined {
    const { subject, value, tags: own } = draft;
    let shared: TableForm | undefined;
    if (protocol) shared = this.#form(protocol, value.variant, check);
    else if (value.table !== undefined) shared = this.#tableForm(value.table, check, subject);
    if (!shared && (protocol || value.table !== undefined)) return undefined;
    const isFilled = value.params !== undefined && [...(shared?.tags ?? []), ...own].some(hasPlaceholder);
    const isEmpty = (shared?.tags.length ?? 0) + own.length === 0;
    if (isEmpty) this.#report.add('DEVICE_EMPTY', subject.place, { device: subject.id });
    if (shared && own.length === 0 && !isFilled) return shared;
    for (const tag of own) {
      if (!shared?.byId.has(tag.id)) continue;
      const params = { kind: 'tag', id: tag.id, place: `the point table ${shared.table}` };
      this.#report.add('ID_DUPLICATE', tag.at('id'), params);
    }
    const parameters = new Map(Object.entries(value.params ?? {}).map(([name, one]) => [name, scalarParameter(one)]));
    const tags = [...(shared?.tags ?? []), ...own].map((tag) => {
      if (!hasPlaceholder(tag)) return tag;
      const filled = fillPlaceholders(tag.fields.address, parameters, { leavesUnknown: true });
      const address = 'problem' in filled ? tag.fields.address : filled.text.replaceAll('$$', '$');
      return { ...tag, fields: { ...tag.fields, address } };
    });
    const base = shared?.base ?? 0;
    const order: ByteOrder = shared?.order ?? 'ABCD';
    const form = tableForm({ table: shared?.table, variant: shared?.variant, check, base, order, tags });
    this.#forms.set(`\n\n${subject.id}`, form);
    return form;
  }

  #groups(form: TableForm, groups: Readonly<Record<string, GroupPeriod>>): Record<string, GroupPeriod> {
    const used: Record<string, GroupPeriod> = { ...groups };
    for (const tag of form.tags) {
      const group = groupOf(tag, form.check);
      if (Object.hasOwn(used, group)) continue;
      const parsed = parseGroup(group);
      if (parsed === undefined || (parsed === 'event' && !form.check.subscribes)) {
        this.#groupUnknown(tag, group, Object.keys(groups), 1);
      } else {
        used[group] = parsed;
      }
    }
    return used;
  }

  #checkDeviceIds(): void {
    const seen = new Map<string, { readonly id: string; readonly subject: Subject }>();
    for (const { subject } of this.#parts.drafts.flatMap(({ devices }) => devices)) {
      const first = seen.get(subject.id.toLowerCase());
      if (!first) {
        seen.set(subject.id.toLowerCase(), { id: subject.id, subject });
      } else if (first.id === subject.id) {
        const { file } = first.subject.place;
        const place = `${file}:${first.subject.place.position().line}`;
        this.#report.add('ID_DUPLICATE', subject.place, { kind: 'device', id: subject.id, place });
      } else {
        this.#report.add('ID_CASE', subject.place, { a: first.id, b: subject.id });
      }
    }
  }

  #checkAddresses(devices: readonly Device[]): void {
    const seen = new Map<string, string>();
    for (const device of devices) {
      const key = JSON.stringify(Object.entries(device.with).sort(([a], [b]) => (a < b ? -1 : 1)));
      const twin = seen.get(key);
      if (twin === undefined) seen.set(key, device.id);
      else if (Object.keys(device.with).length > 0) {
        const address = Object.entries(device.with)
          .map(([name, one]) => `${name} ${String(one)}`)
          .join(', ');
        const place = keyPlace(device.subject.tree, ['with'], device.subject.place);
        this.#report.add('DEVICE_ADDRESS', place, { a: twin, b: device.id, address });
      }
    }
  }

  #checkShared(connections: readonly Connection[]): void {
    const seen = new Map<string, string>();
    for (const { id, subject, driver, with: fields } of connections) {
      const { line, host, port } = fields;
      const link =
        typeof line === 'string'
          ? `line ${line}`
          : typeof host === 'string'
            ? listed([`${host}:${String(port)}`])
            : undefined;
      if (link === undefined) continue;
      const key = `${driver} ${link}`;
      const twin = seen.get(key);
      if (twin === undefined) seen.set(key, id);
      else {
        const place = keyPlace(subject.tree, ['with'], subject.place);
        this.#report.add('CONNECTION_SHARED', place, { a: twin, b: id, line: link });
      }
    }
  }
}

function hasPlaceholder({ fields }: TagDraft): boolean {
  return fields.address.includes('$');
}
