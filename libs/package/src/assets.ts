import type { MapEntry } from '@busbar/events';
import { canRead, canWrite, type PointType } from '@busbar/model';
import { z } from 'zod';
import type { Connection, Device } from './connections.js';
import { type DirectForm, directAsset } from './direct.js';
import { described, notBuilt, scalar, text } from './fields.js';
import { LIMITS } from './limits.js';
import type { Attribute, Model } from './models.js';
import { suggestion } from './nearest.js';
import type { TableForm } from './protocols.js';
import type { Report } from './report.js';
import { checkShape, type Subject, subjectsOf } from './shape.js';
import { type EntryDraft, mapOf, mapWrite, type Template } from './templates.js';
import { keyPlace, type MapTree, treeAt, valuePlace } from './tree.js';

type Scalar = string | number | boolean;

const assetSchema = z.strictObject({
  ...described,
  kind: z.enum(['logic']).optional(),
  parent: text.optional(),
  from: z.record(z.string(), text).optional(),
  model: text.optional(),
  attributes: z.record(z.string(), scalar).optional(),
  params: notBuilt('`params` of an asset'),
});

export interface AssetDraft {
  readonly subject: Subject & { readonly tree: MapTree };
  readonly value: z.output<typeof assetSchema>;
}

/** One device that feeds an asset. */
export interface Feed {
  /** Undefined: sent as it is, without an access template. */
  readonly template: Template | undefined;
  readonly device: Device;
  readonly map: readonly MapEntry[];
  readonly entries: ReadonlyMap<string, EntryDraft>;
}

export interface Asset {
  readonly id: string;
  readonly subject: Subject;
  readonly title: string;
  readonly model: Model;
  readonly parent: string | undefined;
  readonly logic: boolean;
  readonly feeds: readonly Feed[];
  readonly attributes: Readonly<Record<string, Scalar>>;
}

/** Stage schema. */
export function readAssets(section: MapTree | undefined, report: Report): AssetDraft[] {
  const subjects = subjectsOf(section, 'asset', report);
  const first = subjects[0];
  if (first && subjects.length > LIMITS.assets) {
    const params = { thing: 'the package', actual: `${subjects.length} assets`, limit: `${LIMITS.assets}` };
    report.add('PACKAGE_LIMIT', first.place, params);
    return [];
  }
  return subjects.flatMap((subject) => {
    const value = checkShape(assetSchema, subject, report);
    return value ? [{ subject, value }] : [];
  });
}

export interface AssetParts {
  readonly drafts: readonly AssetDraft[];
  readonly models: ReadonlyMap<string, Model>;
  readonly templates: ReadonlyMap<string, Template>;
  readonly connections: readonly Connection[];
  /** Named in the package but in error themselves: what refers to them is left out without a finding. */
  readonly broken: {
    readonly templates: ReadonlySet<string>;
    readonly devices: ReadonlySet<string>;
    readonly models: ReadonlySet<string>;
  };
}

/** Stages references and meaning; devices that no asset uses become assets of their own. */
export class AssetResolver {
  readonly #parts: AssetParts;
  readonly #report: Report;
  readonly #devices: ReadonlyMap<string, Device>;
  readonly #readOnly: ReadonlySet<string>;
  readonly #maps = new Map<TableForm, Map<Template, readonly MapEntry[]>>();
  readonly #used = new Map<string, Feed[]>();

  constructor(parts: AssetParts, report: Report) {
    this.#parts = parts;
    this.#report = report;
    this.#devices = new Map(parts.connections.flatMap(({ devices }) => devices.map((device) => [device.id, device])));
    this.#readOnly = new Set(parts.connections.filter(({ readOnly }) => readOnly).map(({ id }) => id));
  }

  resolve(): Asset[] {
    const named = new Set(this.#parts.drafts.flatMap(({ value }) => Object.values(value.from ?? {})));
    const assets = this.#parts.drafts.flatMap((draft) => this.#asset(draft) ?? []);
    this.#parents();
    const ids = new Map(this.#parts.drafts.map(({ subject }) => [subject.id.toLowerCase(), subject]));
    const forms = new Map<string, DirectForm>();
    for (const device of this.#devices.values()) {
      const { direct } = device.value;
      if (direct === false || (direct === undefined && named.has(device.id))) continue;
      if (device.form.tags.length === 0) continue;
      const twin = ids.get(device.id.toLowerCase());
      if (twin) {
        if (direct) {
          const thing = `\`direct: true\` on a device beside an asset of the same id, ${device.id},`;
          this.#report.add('NOT_BUILT', keyPlace(device.subject.tree, ['direct']), { thing });
        } else {
          const place = `${twin.place.file}:${twin.place.position().line}, and the device needs it for itself`;
          this.#report.add('ID_DUPLICATE', device.subject.place, { kind: 'asset', id: device.id, place });
        }
        continue;
      }
      assets.push(directAsset(device, forms, this.#report));
    }
    this.#unmapped();
    return assets;
  }

  #asset(draft: AssetDraft): Asset | undefined {
    const { subject, value } = draft;
    const feeds: Feed[] = [];
    let isWhole = true;
    for (const [template, device] of Object.entries(value.from ?? {})) {
      const feed = this.#feed(draft, template, device);
      if (feed) feeds.push(feed);
      else isWhole = false;
    }
    const model = this.#model(draft, feeds[0]?.template);
    if (!model || !isWhole) return undefined;
    for (const feed of feeds) {
      if (feed.template) this.#checkTemplate(draft, model, feed.template, feed.device);
    }
    this.#checkTwice(draft, feeds);
    const attributes = this.#attributes(draft, model, feeds);
    const logic = value.kind === 'logic';
    return {
      id: subject.id,
      subject,
      title: value.title ?? subject.id,
      model,
      parent: value.parent,
      logic,
      feeds,
      attributes,
    };
  }

  #feed({ subject }: AssetDraft, templateId: string, deviceId: string): Feed | undefined {
    const { templates, broken } = this.#parts;
    const template = templates.get(templateId);
    if (!template) {
      if (broken.templates.has(templateId)) return undefined;
      const params = { kind: 'access template', id: templateId, suggestion: suggestion(templateId, templates.keys()) };
      this.#report.add('REFERENCE_UNKNOWN', keyPlace(subject.tree, ['from', templateId]), params);
      return undefined;
    }
    const place = valuePlace(subject.tree, ['from', templateId]);
    const device = this.#devices.get(deviceId);
    if (!device) {
      if (broken.devices.has(deviceId)) return undefined;
      if (deviceId === 'none') this.#report.add('NOT_BUILT', place, { thing: 'an access template without a device' });
      else {
        const params = { kind: 'device', id: deviceId, suggestion: suggestion(deviceId, this.#devices.keys()) };
        this.#report.add('REFERENCE_UNKNOWN', place, params);
      }
      return undefined;
    }
    const entries = new Map(template.draft.entries.map((entry) => [entry.point, entry]));
    const feed: Feed = { template, device, map: this.#map(template, device), entries };
    const known = this.#used.get(deviceId);
    if (known) known.push(feed);
    else this.#used.set(deviceId, [feed]);
    return feed;
  }

  #map(template: Template, device: Device): readonly MapEntry[] {
    const known = this.#maps.get(device.form)?.get(template);
    if (known) return known;
    const { byId } = device.form;
    const map = mapOf({ template, device: device.id, tags: byId }, this.#report);
    if (this.#readOnly.has(device.connection)) {
      for (const entry of template.draft.entries) {
        if (entry.write === undefined) continue;
        const reason = `connection ${device.connection} is read-only`;
        mapWrite(
          entry,
          { reason, remedy: `Write \`readOnly: false\` at connection ${device.connection}, or take the write out` },
          this.#report,
        );
      }
    }
    // A map with errors is made again for each asset, so that findings count their instances.
    if (map.length < template.draft.entries.length) return map;
    const ofForm = this.#maps.get(device.form);
    if (ofForm) ofForm.set(template, map);
    else this.#maps.set(device.form, new Map([[template, map]]));
    return map;
  }

  #model({ subject, value }: AssetDraft, template: Template | undefined): Model | undefined {
    const { models, broken } = this.#parts;
    if (value.model === undefined) {
      if (template) return template.model;
      if (Object.keys(value.from ?? {}).length === 0) {
        const params = { kind: 'asset', id: subject.id, field: 'model', sample: 'model: pv-plant' };
        this.#report.record('FIELD_MISSING', subject.place, { params, mark: 'model' });
      }
      return undefined;
    }
    const model = models.get(value.model);
    if (!model && !broken.models.has(value.model)) {
      const params = { kind: 'model', id: value.model, suggestion: suggestion(value.model, models.keys()) };
      this.#report.add('REFERENCE_UNKNOWN', valuePlace(subject.tree, ['model']), params);
    }
    return model;
  }

  #checkTemplate({ subject }: AssetDraft, model: Model, template: Template, device: Device): void {
    const { table } = template.draft.value;
    const ofDevice = device.form.table ?? device.id;
    const isOfModel = model.lineage.includes(template.model.id);
    if (isOfModel && (ofDevice === table || (device.ownTags.size > 0 && device.id === table))) return;
    const params = { template: template.id, model: template.model.id, table, other: model.id, otherTable: ofDevice };
    this.#report.add('ASSET_TEMPLATE', keyPlace(subject.tree, ['from', template.id]), params);
  }

  #checkTwice({ subject }: AssetDraft, feeds: readonly Feed[]): void {
    const fedBy = new Map<string, string>();
    for (const { template, map } of feeds) {
      for (const { point } of map) {
        const first = fedBy.get(point);
        if (first === undefined) fedBy.set(point, template?.id ?? '');
        else {
          const params = { asset: subject.id, point, a: first, b: template?.id ?? '' };
          this.#report.record('MAP_TWICE', keyPlace(subject.tree, ['from', template?.id ?? '']), {
            params,
            mark: point,
          });
        }
      }
    }
  }

  #attributes({ subject, value }: AssetDraft, model: Model, feeds: readonly Feed[]): Record<string, Scalar> {
    const attributes: Record<string, Scalar> = {};
    for (const [id, given] of Object.entries(value.attributes ?? {})) {
      const attribute = model.attributes.get(id);
      if (!attribute) {
        const params = { kind: 'attribute', id, suggestion: suggestion(id, model.attributes.keys()) };
        this.#report.add('REFERENCE_UNKNOWN', keyPlace(subject.tree, ['attributes', id]), params);
        continue;
      }
      const tree = treeAt(subject.tree, ['attributes', id]);
      const written = tree?.kind === 'scalar' && tree.isLoose ? (tree.source ?? given) : given;
      const fitting = [given, written].find((one) => isOfType(one, attribute));
      if (fitting !== undefined) attributes[id] = fitting;
      else {
        const params = { value: String(given), field: id, allowed: allowedText(attribute) };
        this.#report.add('FIELD_VALUE', valuePlace(subject.tree, ['attributes', id]), params);
      }
    }
    const read = new Set(feeds.flatMap(({ template }) => Object.keys(template?.draft.value.attributes ?? {})));
    for (const [id, { required }] of model.attributes) {
      if (required !== true || read.has(id) || Object.hasOwn(value.attributes ?? {}, id)) continue;
      const params = { asset: subject.id, attribute: id, model: model.id };
      this.#report.record('ASSET_ATTRIBUTE', subject.place, { params, mark: id });
    }
    return attributes;
  }

  #parents(): void {
    const parents = new Map(this.#parts.drafts.map(({ subject, value }) => [subject.id, value.parent]));
    const sound = new Set<string>();
    for (const { subject, value } of this.#parts.drafts) {
      if (value.parent === undefined) continue;
      const place = valuePlace(subject.tree, ['parent']);
      if (!parents.has(value.parent) && !this.#devices.has(value.parent)) {
        const params = { kind: 'asset', id: value.parent, suggestion: suggestion(value.parent, parents.keys()) };
        this.#report.add('REFERENCE_UNKNOWN', place, params);
        continue;
      }
      const path = new Set([subject.id]);
      let above: string | undefined = value.parent;
      while (above !== undefined && !path.has(above) && !sound.has(above)) {
        path.add(above);
        above = parents.get(above);
      }
      if (above === subject.id) this.#report.add('ASSET_PARENT', place, { asset: subject.id });
      else if (above === undefined || sound.has(above)) for (const id of path) sound.add(id);
    }
  }

  /** Tags of devices in use that no asset reads, writes or shows. */
  #unmapped(): void {
    if (this.#report.hasErrors) return;
    for (const [id, feeds] of this.#used) {
      const device = this.#devices.get(id);
      if (!device || device.value.direct) continue;
      const mapped = new Set(
        feeds.flatMap(({ template, map }) => [
          ...map.flatMap(({ read, write }) => [read, write]),
          ...Object.values(template?.draft.value.attributes ?? {}),
          ...(template?.draft.services.map(({ write }) => write) ?? []),
        ]),
      );
      const scales = new Set(device.form.tags.map(({ fields }) => fields.scaleBy));
      const left = device.form.tags.filter((tag) => !mapped.has(tag.id) && !scales.has(tag.id));
      if (left.length === 0) continue;
      const tags = left
        .slice(0, 5)
        .map((tag) => tag.id)
        .join(', ');
      this.#report.add('TAG_UNMAPPED', device.subject.place, { count: left.length, device: id, tags });
    }
  }
}

function isOfType(value: Scalar, { type, values, maxLength }: Attribute): boolean {
  const isText = typeof value === 'string' && value.length <= (maxLength ?? Number.POSITIVE_INFINITY);
  const byType: Partial<Record<PointType, boolean>> = {
    bool: typeof value === 'boolean',
    int: Number.isInteger(value),
    long: Number.isInteger(value),
    float: typeof value === 'number',
    double: typeof value === 'number',
    enum: Object.hasOwn(values ?? {}, String(value)),
  };
  return byType[type] ?? isText;
}

function allowedText({ type, values, maxLength }: Attribute): string {
  if (type === 'enum') return Object.keys(values ?? {}).join(', ');
  return maxLength === undefined ? `a value of type ${type}` : `a text of at most ${maxLength} characters`;
}

/** Can a command reach this point of the asset? Why not, if it cannot. */
export function writeProblem(asset: Asset, point: string, readOnly: ReadonlySet<string>): string | undefined {
  const fields = asset.model.points.get(point)?.fields;
  if (!canWrite(fields?.access ?? 'r')) return `its access is ${fields?.access ?? 'r'}`;
  const feed = asset.feeds.find(({ map }) => map.some((entry) => entry.point === point && entry.write !== undefined));
  if (!feed) return 'no access template of the asset writes it';
  return readOnly.has(feed.device.connection) ? `connection ${feed.device.connection} is read-only` : undefined;
}

/** Points of an asset that get a value from a device. */
export function readPoints(asset: Asset): Set<string> {
  const ids = asset.feeds.flatMap(({ map }) => map.filter(({ read }) => read !== undefined).map(({ point }) => point));
  return new Set(ids.filter((id) => canRead(asset.model.points.get(id)?.fields.access ?? 'r')));
}
