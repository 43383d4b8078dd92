import { type PlanKind, type PlanSettings, planSettings, type TemplateRow } from '@busbar/address-plan';
import type { ForwardingClientConfig } from '@busbar/events';
import { canWrite } from '@busbar/model';
import { z } from 'zod';
import type { Asset } from './assets.js';
import type { CsvTable } from './csv-reader.js';
import { described, options, text } from './fields.js';
import { CLIENT_FIELDS, readClients } from './forward-clients.js';
import { type PointFields, type RowDraft, rowsOfCsv, rowsOfList } from './forward-rows.js';
import { LIMITS } from './limits.js';
import type { Model } from './models.js';
import { suggestion } from './nearest.js';
import type { Place } from './place.js';
import { checkOptions } from './plugin-options.js';
import { DEFAULT_POLICY, type Policy } from './policies.js';
import type { Report } from './report.js';
import type { PackagePlugins } from './result.js';
import { checkedSelector, type SelectorScope, selectsAsset, selectsPoint } from './selectors.js';
import { checkShape, type Subject, subjectsOf } from './shape.js';
import { type MapTree, type Tree, treeAt, valuePlace } from './tree.js';

const templateSchema = z.strictObject({
  ...described,
  model: text.meta({ sample: 'model: inverter' }),
  points: z.union([z.array(z.unknown()), text]).meta({ sample: 'points: [ INV.ActivePower ]' }),
});

const memberSchema = z.strictObject({
  template: text.optional(),
  index: z.number().int().min(0).max(65_535).optional(),
  group: z.number().int().min(0).max(65_535).optional(),
  comment: text.optional(),
});

const forwardingSchema = z.strictObject({
  ...described,
  server: text.meta({ sample: 'server: iec104' }),
  control: z.boolean().optional(),
  policy: z.enum(['keep', 'dense']).optional(),
  retype: z.array(text).optional(),
  with: options.optional(),
  assets: z
    .union([z.array(text), z.record(z.string(), z.unknown())])
    .meta({ sample: 'assets: { inv-01: { template: inverter-out } }' }),
});

export interface ForwardTemplateDraft {
  readonly subject: Subject & { readonly tree: MapTree };
  readonly model: string;
  readonly rows: readonly RowDraft[];
}

export interface ForwardingDraft {
  readonly subject: Subject & { readonly tree: MapTree };
  readonly value: z.output<typeof forwardingSchema>;
  readonly clients: readonly ForwardingClientConfig[];
}

/** Reads a CSV that a template names. */
export type CsvReader = (path: string) => CsvTable | 'missing' | 'unreadable';

/** Stage schema. */
export function readForwardTemplates(
  section: MapTree | undefined,
  csv: CsvReader,
  report: Report,
): Map<string, ForwardTemplateDraft> {
  const drafts = new Map<string, ForwardTemplateDraft>();
  for (const subject of subjectsOf(section, 'forwarding template', report)) {
    const value = checkShape(templateSchema, subject, report);
    if (!value) continue;
    const points = treeAt(subject.tree, ['points']) as Tree;
    const rows =
      typeof value.points === 'string' ? csvRows(points, value.points) : rowsOfList(points, subject.id, report);
    const places = rows.reduce((sum, { fields }) => sum + ('reserved' in fields ? fields.reserved : 0), 0);
    if (places > LIMITS.reserved) {
      const params = { thing: subject.id, actual: `${places} reserved places`, limit: `${LIMITS.reserved}` };
      report.add('PACKAGE_LIMIT', subject.place, params);
    }
    drafts.set(subject.id, { subject, model: value.model, rows });

    function csvRows(tree: Tree, path: string): RowDraft[] {
      const table = csv(path);
      if (table === 'unreadable') return [];
      if (table !== 'missing') return rowsOfCsv(table, subject.id, report);
      const params = { kind: 'file', id: path, suggestion: 'a list of points, or a CSV of this package' };
      report.add('REFERENCE_UNKNOWN', tree.place, params);
      return [];
    }
  }
  return drafts;
}

/** Stage schema. */
export function readForwardings(section: MapTree | undefined, report: Report): ForwardingDraft[] {
  return subjectsOf(section, 'forwarding connection', report).flatMap((subject) => {
    const value = checkShape(forwardingSchema, subject, report);
    const clients = readClients(subject, { forwarding: subject.id, control: value?.control ?? false }, report);
    return value && clients ? [{ subject, value, clients }] : [];
  });
}

/** Names by which policies may admit what comes through forwarding connections that take commands. */
export function forwardSources(drafts: readonly ForwardingDraft[]): ReadonlySet<string> {
  return new Set(
    drafts
      .filter(({ value }) => value.control)
      .flatMap(({ clients }) => clients.filter(({ control }) => control).map(({ source }) => source)),
  );
}

/** An asset that is offered, its template resolved for its own model. */
export interface Member {
  readonly asset: Asset;
  readonly was: string | undefined;
  readonly place: Place;
  readonly index: number | undefined;
  readonly group: number | undefined;
  /** Key of the connection's `templates`. */
  readonly template: string;
}

export interface MemberTemplate {
  readonly rows: readonly TemplateRow[];
  readonly places: readonly RowDraft[];
}

export interface Forwarding {
  readonly id: string;
  readonly was: string | undefined;
  readonly subject: Subject;
  readonly title: string;
  readonly server: string;
  readonly control: boolean;
  readonly with: Record<string, unknown>;
  readonly settings: PlanSettings;
  readonly clients: readonly ForwardingClientConfig[];
  readonly members: readonly Member[];
  readonly templates: ReadonlyMap<string, MemberTemplate>;
}

export interface ForwardingParts {
  readonly templates: ReadonlyMap<string, ForwardTemplateDraft>;
  readonly models: ReadonlyMap<string, Model>;
  readonly named: ReadonlySet<string>;
  readonly scope: SelectorScope;
  readonly policies: readonly Policy[];
  readonly plugins: PackagePlugins;
  /** Ids of connections and sinks: all connections are told apart by id alone. */
  readonly taken: ReadonlyMap<string, Place>;
}

interface Chosen {
  /** Key of the member's template. */
  readonly template: string;
  readonly draft: ForwardTemplateDraft;
  readonly member: Member;
}

/** Stages references and meaning. */
export class ForwardingResolver {
  readonly #parts: ForwardingParts;
  readonly #report: Report;
  readonly #rows = new Map<string, TemplateRow[]>();
  readonly #policies: ReadonlyMap<string, Policy>;
  readonly #assets: ReadonlyMap<string, Asset>;

  constructor(parts: ForwardingParts, report: Report) {
    this.#parts = parts;
    this.#report = report;
    this.#policies = new Map(
      parts.policies.flatMap((policy) =>
        policy.points.map(({ asset, point }) => [`${asset}/${point}`, policy] as const),
      ),
    );
    this.#assets = new Map(parts.scope.assets.map((asset) => [asset.id, asset]));
  }

  resolve(drafts: readonly ForwardingDraft[]): Forwarding[] {
    for (const draft of this.#parts.templates.values()) this.#checkTemplate(draft);
    return drafts.flatMap((draft) => this.#forwarding(draft) ?? []);
  }

  #checkTemplate({ subject, model: id, rows }: ForwardTemplateDraft): void {
    const { models, named } = this.#parts;
    const model = models.get(id);
    if (!model) {
      if (named.has(id)) return;
      const params = { kind: 'model', id, suggestion: suggestion(id, models.keys()) };
      this.#report.add('REFERENCE_UNKNOWN', valuePlace(subject.tree, ['model']), params);
      return;
    }
    for (const { fields, at } of rows) {
      if ('reserved' in fields || model.points.has(fields.point)) continue;
      const params = { model: id, point: fields.point, suggestion: suggestion(fields.point, model.points.keys()) };
      this.#report.add('MAP_POINT', at('point'), params);
    }
  }

  #forwarding(draft: ForwardingDraft): Forwarding | undefined {
    const { subject, value, clients } = draft;
    const twin = this.#parts.taken.get(subject.id.toLowerCase());
    if (twin) {
      const place = `${twin.file}:${twin.position().line}`;
      this.#report.add('ID_DUPLICATE', subject.place, { kind: 'connection', id: subject.id, place });
    }
    const servers = this.#parts.plugins.servers ?? new Map();
    const check = servers.get(value.server);
    if (!check) {
      const params = { driver: value.server, installed: suggestion(value.server, servers.keys()) };
      this.#report.add('DRIVER_UNKNOWN', valuePlace(subject.tree, ['server']), params);
      return undefined;
    }
    const given = treeAt(subject.tree, ['with']);
    const source = {
      trees: [given?.kind === 'map' ? without(given, CLIENT_FIELDS) : undefined],
      field: 'with',
      owner: check.id,
      place: subject.place,
    };
    const checked = checkOptions(check.config, source, this.#report);
    const members = this.#members(draft);
    if (!checked) return undefined;
    const templates = new Map(
      members.map(({ template, draft: of, member }) => [
        template,
        { rows: this.#resolved(of, member.asset.model), places: of.rows },
      ]),
    );
    this.#checkControl(draft, members);
    const settings = this.#settings(draft, check.addressing, checked);
    if (!settings) return undefined;
    return {
      id: subject.id,
      was: value.was,
      subject,
      title: value.title ?? subject.id,
      server: check.id,
      control: value.control ?? false,
      with: checked,
      settings,
      clients,
      members: members.map(({ member }) => member),
      templates,
    };
  }

  #settings({ subject, value }: ForwardingDraft, kind: PlanKind, options: Record<string, unknown>) {
    const { scope } = this.#parts;
    const retype = new Set<string>();
    (value.retype ?? []).forEach((one, index) => {
      const place = valuePlace(subject.tree, ['retype', index]);
      const selector = checkedSelector({ text: one, place }, scope, this.#report);
      if (!selector) return;
      for (const asset of scope.assets) {
        for (const point of asset.model.points.keys()) {
          if (selectsPoint(selector, asset, point)) retype.add(`${asset.id}/${point}`);
        }
      }
    });
    return planSettings(kind, options, { control: value.control ?? false, policy: value.policy ?? 'keep', retype });
  }

  #members({ subject, value }: ForwardingDraft): Chosen[] {
    const { scope } = this.#parts;
    const given = treeAt(subject.tree, ['assets']);
    if (given?.kind === 'map') {
      return subjectsOf(given, 'asset', this.#report).flatMap((part) => {
        const fields = checkShape(memberSchema, part, this.#report);
        const asset = this.#assets.get(part.id);
        if (!asset && !scope.isPartial) {
          const params = { kind: 'asset', id: part.id, suggestion: suggestion(part.id, this.#assets.keys()) };
          this.#report.add('REFERENCE_UNKNOWN', part.place, params);
        }
        return asset && fields ? this.#member(asset, part, fields) : [];
      });
    }
    const chosen = new Map<string, readonly Chosen[]>();
    (Array.isArray(value.assets) ? value.assets : []).forEach((one, index) => {
      const place = valuePlace(subject.tree, ['assets', index]);
      const selector = checkedSelector({ text: one, place }, scope, this.#report);
      if (!selector) return;
      for (const asset of scope.assets) {
        if (chosen.has(asset.id) || !selectsAsset(selector, asset)) continue;
        const tree: MapTree = { kind: 'map', entries: new Map(), place };
        chosen.set(asset.id, this.#member(asset, { kind: 'asset', id: asset.id, place, tree }, {}));
      }
    });
    return [...chosen.values()].flat();
  }

  #member(asset: Asset, subject: Subject, fields: z.output<typeof memberSchema>): Chosen[] {
    const draft = this.#templateOf(asset, subject, fields.template);
    if (!draft) return [];
    const was = treeAt(asset.subject.tree, ['was']);
    const template = `${draft.subject.id}@${asset.model.id}`;
    const member: Member = {
      asset,
      was: was?.kind === 'scalar' ? String(was.value) : undefined,
      place: valuePlace(subject.tree, ['index'], subject.place),
      index: fields.index,
      group: fields.group,
      template,
    };
    return [{ template, draft, member }];
  }

  /** The named one, else that of the nearest model of the asset. */
  #templateOf(asset: Asset, subject: Subject, id: string | undefined): ForwardTemplateDraft | undefined {
    const { templates } = this.#parts;
    if (id !== undefined) {
      const draft = templates.get(id);
      const place = valuePlace(subject.tree, ['template'], subject.place);
      if (!draft) {
        const params = { kind: 'forwarding template', id, suggestion: suggestion(id, templates.keys()) };
        this.#report.add('REFERENCE_UNKNOWN', place, params);
        return undefined;
      }
      if (asset.model.lineage.includes(draft.model)) return draft;
      const params = { template: id, model: draft.model, asset: asset.id, other: asset.model.id };
      this.#report.add('FORWARD_TEMPLATE', place, params);
      return undefined;
    }
    for (const model of asset.model.lineage) {
      const fitting = [...templates.values()].filter((draft) => draft.model === model);
      if (fitting.length === 1) return fitting[0];
      if (fitting.length > 1) break;
    }
    const sample = `template: ${suggestion(asset.model.id, templates.keys(), 'my-template')}`;
    const params = { kind: 'asset', id: asset.id, field: 'template', sample };
    this.#report.record('FIELD_MISSING', subject.place, { params, mark: 'template' });
    return undefined;
  }

  /** Rows with what the model says of their points; an heir's own unit and range count. */
  #resolved({ subject, rows }: ForwardTemplateDraft, model: Model): readonly TemplateRow[] {
    const key = `${subject.id}@${model.id}`;
    const known = this.#rows.get(key);
    if (known) return known;
    const resolved = rows.flatMap(({ fields }): TemplateRow[] => {
      if ('reserved' in fields) {
        const { reserved, class: name, iec104, modbus } = fields;
        return [{ reserved, class: name, ...(iec104 ? { iec104 } : {}), ...(modbus ? { modbus } : {}) }];
      }
      const point = model.points.get(fields.point);
      if (!point) return [];
      const { type, fields: of } = point;
      return [
        {
          ...defined(fields),
          ...(of.was === undefined ? {} : { was: of.was }),
          ...(fields.values ? { values: valuePairs(fields.values, type) } : {}),
          model: {
            type,
            kind: of.kind ?? (type === 'bool' || type === 'enum' ? 'DI' : 'AI'),
            access: of.access ?? 'r',
            ...(of.range === undefined ? {} : { range: of.range }),
            ...(of.values === undefined ? {} : { keys: Object.keys(of.values) }),
          },
        },
      ];
    });
    this.#rows.set(key, resolved);
    return resolved;
  }

  /** What is offered for control must be open to it: a third party would alarm on every refusal. */
  #checkControl({ subject, value, clients }: ForwardingDraft, members: readonly Chosen[]): void {
    if (!value.control) return;
    const sources = [...new Set(clients.filter(({ control }) => control).map(({ source }) => source))];
    const preset = this.#parts.policies.find(({ id }) => id === DEFAULT_POLICY);
    for (const { draft, member } of members) {
      for (const { fields, at } of draft.rows) {
        if ('reserved' in fields || fields.control === false) continue;
        const point = member.asset.model.points.get(fields.point);
        if (!point || !canWrite(point.fields.access ?? 'r')) continue;
        const policy = this.#policies.get(`${member.asset.id}/${fields.point}`) ?? preset;
        const { priority } = policy ?? {};
        if (!priority || priority.includes('external')) continue;
        const missing = sources.find((source) => !priority.includes(`external:${source}`));
        if (missing === undefined) continue;
        const params = { point: fields.point, server: subject.id, policy: policy?.id, source: `external:${missing}` };
        this.#report.record('FORWARD_CONTROL', at('point'), { params, mark: `${subject.id} ${policy?.id}` });
      }
    }
  }
}

function without(tree: MapTree, fields: readonly string[]): MapTree {
  return { ...tree, entries: new Map([...tree.entries].filter(([key]) => !fields.includes(key))) };
}

/** Fields that are there; `values` are turned into pairs apart. */
function defined(fields: PointFields): Omit<PointFields, 'values'> & { values?: never } {
  const entries = Object.entries(fields).filter(
    ([name, value]) => value !== undefined && name !== 'values' && name !== 'comment',
  );
  return Object.fromEntries(entries) as ReturnType<typeof defined>;
}

/** Keys as the point's values are: integers of an enum as numbers, bools as bools. */
function valuePairs(
  values: Readonly<Record<string, number>>,
  type: string,
): (readonly [number | string | boolean, number])[] {
  return Object.entries(values).map(([key, sent]) => {
    if (type === 'bool') return [key === 'true' || key === '1', sent] as const;
    return [/^-?\d{1,15}$/.test(key) ? Number(key) : key, sent] as const;
  });
}
