import { BYTE_ORDERS, type ByteOrder } from '@busbar/model';
import { z } from 'zod';
import { described, formed, options, parseDuration, text } from './fields.js';
import { checkKeys, splitVersion } from './ids.js';
import { listed, suggestion } from './nearest.js';
import type { Place } from './place.js';
import type { Report } from './report.js';
import type { DriverCheck } from './result.js';
import { checkShape, type Subject, subjectsOf } from './shape.js';
import { type TagDraft, type TagFields, tagPatchSchema } from './tags.js';
import { type MapTree, treeAt, valuePlace } from './tree.js';

export type GroupPeriod = number | 'start' | 'event';

/** Milliseconds, `start` or `event`; undefined if the text is none. */
export function parseGroup(value: string): GroupPeriod | undefined {
  if (value === 'start' || value === 'event') return value;
  const ms = parseDuration(value);
  return ms === undefined || ms < 1 ? undefined : ms;
}

const period = formed(parseGroup, 'a period such as 1s, `start` or `event`');
export const groupsSchema = z.record(z.string(), period);

const protocolSchema = z.strictObject({
  ...described,
  version: text.optional(),
  driver: text.meta({ sample: 'driver: modbus' }),
  table: text.meta({ sample: 'table: string-inverter' }),
  base: z.literal([0, 1]).optional(),
  order: z.enum(BYTE_ORDERS).optional(),
  with: options.optional(),
  groups: groupsSchema.optional(),
  quirks: options.optional(),
  variants: z.unknown().optional(),
});

interface Patch {
  readonly subject: Subject;
  readonly value: z.output<typeof tagPatchSchema>;
}

export interface ProtocolDraft {
  readonly subject: Subject & { readonly tree: MapTree };
  readonly value: z.output<typeof protocolSchema>;
  readonly variants: ReadonlyMap<string, readonly Patch[]>;
}

/** Stage schema. */
export function readProtocols(section: MapTree | undefined, report: Report): Map<string, ProtocolDraft> {
  const drafts = new Map<string, ProtocolDraft>();
  for (const subject of subjectsOf(section, 'protocol', report)) {
    const value = checkShape(protocolSchema, subject, report);
    const variants = new Map<string, Patch[]>();
    const map = treeAt(subject.tree, ['variants']);
    if (map?.kind === 'map') checkKeys(map.entries, 'variant', report);
    for (const variant of subjectsOf(map, 'variant', report)) {
      const patches = subjectsOf(variant.tree, 'tag', report).flatMap((patch) => {
        const checked = checkShape(tagPatchSchema, patch, report);
        return checked ? [{ subject: patch, value: checked }] : [];
      });
      variants.set(variant.id, patches);
    }
    if (!value) continue;
    const { version } = splitVersion(subject.id);
    if (version !== undefined && value.version !== undefined && value.version !== version) {
      const params = { value: value.version, field: 'version', allowed: `${version}, as in ${subject.id}` };
      report.add('FIELD_VALUE', valuePlace(subject.tree, ['version']), params);
    }
    drafts.set(subject.id, { subject, value, variants });
  }
  return drafts;
}

/** A protocol by its id, `id@version` where several are present. */
export function findProtocol(
  { reference, place }: { readonly reference: string; readonly place: Place },
  protocols: ReadonlyMap<string, ProtocolDraft>,
  report: Report,
): ProtocolDraft | undefined {
  const exact = protocols.get(reference);
  if (exact) return exact;
  const { id, version } = splitVersion(reference);
  const versions = [...protocols].map(([key, draft]) => {
    const split = splitVersion(key);
    return { id: split.id, version: split.version ?? draft.value.version ?? '', draft };
  });
  const same = versions.filter((one) => one.id === id && (version === undefined || one.version === version));
  if (same.length === 1) return same[0]?.draft;
  if (same.length > 1) {
    const list = listed(same.map((one) => one.version));
    const params = { protocol: id, versions: list, example: `${id}@${same[0]?.version}` };
    report.add('REFERENCE_AMBIGUOUS', place, params);
  } else {
    const params = { kind: 'protocol', id: reference, suggestion: suggestion(reference, protocols.keys()) };
    report.add('REFERENCE_UNKNOWN', place, params);
  }
  return undefined;
}

/** The tags of a table as one driver reads them, one variant applied: what devices share. */
export interface TableForm {
  /** Of the point table; undefined for a device that has own tags only. */
  readonly table: string | undefined;
  readonly variant: string | undefined;
  readonly check: DriverCheck;
  readonly base: 0 | 1;
  readonly order: ByteOrder;
  readonly tags: readonly TagDraft[];
  readonly byId: ReadonlyMap<string, TagDraft>;
  /** Devices with this form. */
  devices: number;
}

export function tableForm(parts: Omit<TableForm, 'byId' | 'devices'>): TableForm {
  return { ...parts, byId: new Map(parts.tags.map((tag) => [tag.id, tag])), devices: 0 };
}

/** The table's tags with a variant's changes; a patched tag has its places in the patch. */
export function applyVariant(tags: readonly TagDraft[], patches: readonly Patch[], report: Report): TagDraft[] {
  const byId = new Map(tags.map((tag) => [tag.id, tag]));
  for (const { subject, value } of patches) {
    const tag = byId.get(subject.id);
    if (value.remove === true) {
      if (!byId.delete(subject.id)) report.add('REMOVE_UNKNOWN', subject.place, { id: subject.id });
      continue;
    }
    if (!tag) {
      const params = { kind: 'tag', id: subject.id, suggestion: suggestion(subject.id, byId.keys()) };
      report.add('REFERENCE_UNKNOWN', subject.place, params);
      continue;
    }
    const { remove: _remove, ...rest } = value;
    const changes = Object.fromEntries(Object.entries(rest).filter(([, field]) => field !== undefined));
    const fields: TagFields = { ...tag.fields, ...changes };
    const at = (field: string): Place =>
      field in changes ? valuePlace(subject.tree, [field], subject.place) : tag.at(field);
    byId.set(subject.id, { id: subject.id, fields, at });
  }
  return [...byId.values()];
}
