import {
  type AccessConnectionConfig,
  type AssetConfig,
  type Configuration,
  canonicalJson,
  digestOf,
  type FileConnectionConfig,
  type ForwardingConnectionConfig,
  type ModelConfig,
  type PlanPart,
  type PointConfig,
  type PolicyConfig,
  type SinkConnectionConfig,
  type SiteConfig,
  splitPlan,
  type TableConfig,
  type TagConfig,
  type TemplateConfig,
} from '@busbar/events';
import type { Asset, Feed } from './assets.js';
import { type Connection, type Device, groupOf } from './connections.js';
import { directId } from './direct.js';
import type { ForwardPlan } from './forward-plans.js';
import type { Forwarding } from './forwarding.js';
import type { Model, Point } from './models.js';
import type { Numbering } from './numbering.js';
import type { Policy } from './policies.js';
import type { TableForm } from './protocols.js';
import type { Sink } from './sinks.js';
import { invalidValue } from './tag-check.js';
import type { TagDraft } from './tags.js';

/** A package with every name looked up. */
export interface Resolved {
  readonly site: SiteConfig;
  readonly connections: readonly Connection[];
  readonly assets: readonly Asset[];
  readonly sinks: readonly Sink[];
  readonly files: readonly FileConnectionConfig[];
  readonly policies: readonly Policy[];
  readonly forwardings: readonly Forwarding[];
  /** All tags of each point table, whatever a variant leaves out. */
  readonly tables: ReadonlyMap<string, readonly TagDraft[]>;
}

export function typeText({ fields: { type } }: TagDraft): string {
  if (!type) return '';
  return type.count > 1 ? `${type.type}[${type.count}]` : type.type;
}

/** Turns a package without errors into what travels on the bus. */
export class ConfigurationBuilder {
  readonly #resolved: Resolved;
  readonly #numbering: Numbering;
  readonly #tables = new Map<TableForm, TableConfig>();
  readonly #models = new Map<string, ModelConfig>();
  readonly #pointNumbers = new Map<string, ReadonlyMap<string, number>>();
  readonly #templates = new Map<string, { readonly config: TemplateConfig; readonly text: string }[]>();

  readonly #plans: readonly ForwardPlan[];

  constructor(resolved: Resolved, numbering: Numbering, plans: readonly ForwardPlan[] = []) {
    this.#resolved = resolved;
    this.#numbering = numbering;
    this.#plans = plans;
  }

  build(): Configuration {
    const { site, connections, assets, sinks, files, policies } = this.#resolved;
    this.#carryScopes();
    this.#numberTables();
    const access = connections.map((connection) => this.#access(connection));
    const built = assets.map((asset) => this.#asset(asset));
    const tables = new Map([...this.#tables.values()].map((table) => [table.digest, table]));
    const forwarded = this.#plans.map((each) => this.#forwarding(each));
    const parts = new Map(forwarded.flatMap(({ parts: own }) => own.map((part) => [part.id, part] as const)));
    return {
      site,
      tables: [...tables.values()],
      connections: [
        ...access,
        ...sinks.map((sink) => this.#sink(sink)),
        ...files,
        ...forwarded.map(({ config }) => config),
      ],
      models: [...this.#models.values()],
      templates: [...this.#templates.values()].flat().map(({ config }) => config),
      assets: built,
      policies: policies.map(policyConfig),
      ...(parts.size === 0 ? {} : { plans: [...parts.values()] }),
    };
  }

  #carryScopes(): void {
    const { connections, assets } = this.#resolved;
    for (const { id, was } of new Set(assets.map(({ model }) => model))) {
      if (was !== undefined) this.#numbering.renameScope('point', was, id);
    }
    for (const { id, value } of connections.flatMap(({ devices }) => devices)) {
      if (value.was !== undefined) this.#numbering.renameScope('tag', value.was, id);
    }
  }

  /** In the order of the rows, so that a new package counts from 1 down its table. */
  #numberTables(): void {
    const { connections, tables } = this.#resolved;
    const used = new Set(connections.flatMap(({ devices }) => devices.map(({ form }) => form.table)));
    for (const [id, tags] of tables) {
      if (!used.has(id)) continue;
      for (const tag of tags) this.#tagNumber(tag, id, false);
    }
  }

  #tagNumber(tag: TagDraft, scope: string, isOwn: boolean): number {
    const { was } = tag.fields;
    return this.#numbering.number({ kind: 'tag', scope, id: tag.id, type: typeText(tag), was, isOwn });
  }

  #table(device: Device): TableConfig {
    const { form, ownTags } = device;
    const known = this.#tables.get(form);
    if (known) return known;
    const numbers = new Map(
      form.tags.map((tag) => {
        const isOwn = ownTags.has(tag.id) || form.table === undefined;
        return [tag.id, this.#tagNumber(tag, isOwn ? device.id : (form.table ?? device.id), isOwn)];
      }),
    );
    const content = {
      id: form.table ?? device.id,
      driver: form.check.id,
      base: form.base,
      tags: form.tags.map((tag) => tagConfig(tag, form, numbers)),
    };
    const table: TableConfig = { digest: digestOf(content), ...content };
    this.#tables.set(form, table);
    return table;
  }

  #access({ id, title, driver, readOnly, with: options, devices }: Connection): AccessConnectionConfig {
    const configs = devices.map((device) => ({
      id: device.id,
      title: device.title,
      table: this.#table(device).digest,
      with: device.with,
      quirks: device.quirks,
      groups: { ...device.groups },
      staleScans: device.value.stale ?? 3,
      enabled: device.value.enabled ?? true,
    }));
    return { kind: 'access', id, title, driver, readOnly, with: options, devices: configs };
  }

  #asset(asset: Asset): AssetConfig {
    this.#model(asset);
    const from = asset.feeds.map((feed) => ({
      template: this.#template(asset, feed),
      connection: feed.device.connection,
      device: feed.device.id,
    }));
    return {
      kind: 'asset',
      id: asset.id,
      title: asset.title,
      model: asset.model.id,
      ...(asset.parent === undefined ? {} : { parent: asset.parent }),
      logic: asset.logic,
      from,
      attributes: asset.attributes,
    };
  }

  #model({ model, feeds }: Asset): void {
    if (this.#models.has(model.id)) return;
    const numbers = this.#numbers(model, feeds[0]);
    this.#pointNumbers.set(model.id, numbers);
    this.#models.set(model.id, {
      kind: 'model',
      id: model.id,
      title: model.title,
      lineage: [...model.lineage],
      points: [...model.points.values()].map((point) => pointConfig(point, numbers.get(point.id) ?? 0)),
      attributes: Object.fromEntries([...model.attributes].map(([id, fields]) => [id, defined(fields)])),
      services: Object.fromEntries([...model.services].map(([id, fields]) => [id, defined(fields)])),
    });
  }

  /** A direct point has the number of its tag: batches pass through as they are. */
  #numbers(model: Model, feed: Feed | undefined): ReadonlyMap<string, number> {
    if (feed && feed.template === undefined) {
      return new Map(this.#table(feed.device).tags.map(({ id, number }) => [id, number]));
    }
    return new Map(
      [...model.points.values()].map(({ id, type, fields }) => [
        id,
        this.#numbering.number({ kind: 'point', scope: model.id, id, type, was: fields.was }),
      ]),
    );
  }

  /** Id of the template's form for this device: variants whose tags have other units or types get one of their own. */
  #template(asset: Asset, { template, device, map }: Feed): string {
    const id = template?.id ?? directId(device);
    const services = (template?.draft.services ?? []).map(
      ({ subject, write, value }): [string, { write: string; value: string | number | boolean }] => [
        subject.id,
        { write: write ?? '', value },
      ],
    );
    const config: TemplateConfig = {
      kind: 'template',
      id,
      model: template?.model.id ?? asset.model.id,
      table: template?.draft.value.table ?? device.form.table ?? device.id,
      map: [...map],
      attributes: template?.draft.value.attributes ?? {},
      services: Object.fromEntries(services),
    };
    const forms = this.#templates.get(id) ?? [];
    const known = forms.find((one) => one.config.map.length === map.length && isSameMap(one, config));
    if (known) return known.config.id;
    const own = forms.length === 0 ? id : `${id}@${device.form.variant ?? device.id}`;
    forms.push({ config: { ...config, id: own }, text: canonicalJson(config.map) });
    this.#templates.set(id, forms);
    return own;
  }

  #sink({ id, title, sink, control, with: options, assets }: Sink): SinkConnectionConfig {
    const profiles: SinkConnectionConfig['profiles'] = [];
    const known = new Map<string, number>();
    const shared = new Map<Sink['assets'][number]['points'], number>();
    const profileOf = ({ model }: Asset, points: Sink['assets'][number]['points']): number => {
      const numbers = this.#pointNumbers.get(model.id);
      const sent = points.map(({ point, rule }) => ({ number: numbers?.get(point) ?? 0, rule }));
      const key = `${model.id} ${JSON.stringify(sent)}`;
      const profile = known.get(key) ?? profiles.push({ model: model.id, points: sent }) - 1;
      known.set(key, profile);
      return profile;
    };
    const members = assets.map(({ asset, points, identity }) => {
      const profile = shared.get(points) ?? profileOf(asset, points);
      shared.set(points, profile);
      return { asset: asset.id, title: asset.title, model: asset.model.id, profile, identity };
    });
    const site = this.#resolved.site.id;
    return { kind: 'sink', id, title, sink, control, with: options, site, profiles, assets: members };
  }

  /** The plan travels in parts beside its connection: an address for each of 50,000 points is too much for one record. */
  #forwarding({ forwarding, plan }: ForwardPlan): { config: ForwardingConnectionConfig; parts: readonly PlanPart[] } {
    const { id, title, server, control, with: options, clients, members } = forwarding;
    const models = new Map(members.map(({ asset }) => [asset.id, asset.model]));
    const parts = splitPlan(plan, (asset, point) => {
      const model = models.get(asset);
      const number = model && this.#pointNumbers.get(model.id)?.get(point);
      const valueType = model?.points.get(point)?.type;
      return number === undefined || valueType === undefined ? undefined : { number, valueType };
    });
    const config: ForwardingConnectionConfig = {
      kind: 'forwarding',
      id,
      title,
      server,
      site: this.#resolved.site.id,
      control,
      with: options,
      clients: [...clients],
      plan: { kind: plan.kind, digest: plan.digest, parts: parts.map((part) => part.id) },
    };
    return { config, parts };
  }
}

function isSameMap(known: { readonly config: TemplateConfig; readonly text: string }, config: TemplateConfig): boolean {
  return known.text === canonicalJson(config.map);
}

function defined(fields: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function tagConfig(tag: TagDraft, form: TableForm, numbers: ReadonlyMap<string, number>): TagConfig {
  const { id, fields } = tag;
  const { type, length, writeMode, scaleBy, min, max, unit } = fields;
  return {
    number: numbers.get(id) ?? 0,
    id,
    title: fields.title ?? id,
    address: fields.address,
    ...(type ? { type: type.type } : {}),
    count: type?.count ?? 1,
    ...(length === undefined ? {} : { length }),
    order: fields.order ?? form.order,
    access: fields.access ?? 'r',
    ...(writeMode === undefined ? {} : { writeMode }),
    group: groupOf(tag, form.check),
    scale: fields.scale ?? 1,
    offset: fields.offset ?? 0,
    ...(scaleBy === undefined ? {} : { scaleBy: numbers.get(scaleBy) ?? 0 }),
    invalid: (fields.invalid ?? []).map((token) => invalidValue(token, type?.type) ?? token),
    ...(min === undefined ? {} : { min }),
    ...(max === undefined ? {} : { max }),
    ...(unit === undefined ? {} : { unit }),
  };
}

function pointConfig({ id, type, fields }: Point, number: number): PointConfig {
  const { unit, range, values } = fields;
  return {
    number,
    id,
    title: fields.title ?? id,
    type,
    kind: fields.kind ?? (type === 'bool' || type === 'enum' ? 'DI' : 'AI'),
    access: fields.access ?? 'r',
    ...(unit === undefined ? {} : { unit }),
    ...(range === undefined ? {} : { range }),
    ...(values === undefined ? {} : { values }),
    quality: fields.quality ?? true,
  };
}

function policyConfig({ id, points, priority, range, feedback, select, ...times }: Policy): PolicyConfig {
  return {
    kind: 'policy',
    id,
    points: [...points],
    ...(priority === undefined ? {} : { priority: [...priority] }),
    ...times,
    limits: range === undefined ? {} : { range },
    ...(feedback === undefined ? {} : { feedback }),
    ...(select === undefined ? {} : { select }),
  };
}
