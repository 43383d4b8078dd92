import type { MapEntry, UploadRule } from '@busbar/events';
import { z } from 'zod';
import { type Asset, type Feed, readPoints } from './assets.js';
import { described, notBuilt, options, text, upload } from './fields.js';
import type { Model } from './models.js';
import { suggestion } from './nearest.js';
import type { Place } from './place.js';
import { fillPlaceholders, type Parameters, scalarParameter } from './placeholders.js';
import { checkOptions } from './plugin-options.js';
import type { Report } from './report.js';
import type { PackagePlugins, SinkCheck } from './result.js';
import { checkedSelector, type Selector, type SelectorScope, selectsAsset, selectsPoint } from './selectors.js';
import { checkShape, type Subject, subjectsOf } from './shape.js';
import { keyPlace, type MapTree, type Tree, type TreeEntry, treeAt, valuePlace } from './tree.js';
import { conversion } from './units.js';

const fieldsSchema = z.record(z.string(), text);

const sinkSchema = z.strictObject({
  ...described,
  sink: text.meta({ sample: 'sink: enos' }),
  control: z.boolean().optional(),
  with: options.optional(),
  products: fieldsSchema.optional(),
  identity: fieldsSchema.optional(),
  assets: z.record(z.string(), fieldsSchema).optional(),
  send: z.array(text).optional(),
  except: z.array(text).optional(),
  upload: z.record(z.string(), upload).optional(),
  backfill: notBuilt('`backfill` of a sink'),
});

export interface SinkDraft {
  readonly subject: Subject & { readonly tree: MapTree };
  readonly value: z.output<typeof sinkSchema>;
}

export interface SinkPoint {
  readonly point: string;
  readonly rule: UploadRule;
}

export interface SinkAsset {
  readonly asset: Asset;
  readonly points: readonly SinkPoint[];
  readonly identity: Readonly<Record<string, string>>;
}

export interface Sink {
  readonly id: string;
  readonly subject: Subject;
  readonly title: string;
  readonly sink: string;
  readonly control: boolean;
  readonly with: Record<string, unknown>;
  readonly assets: readonly SinkAsset[];
}

/** Stage schema. */
export function readSinks(section: MapTree | undefined, report: Report): SinkDraft[] {
  return subjectsOf(section, 'sink', report).flatMap((subject) => {
    const value = checkShape(sinkSchema, subject, report);
    return value ? [{ subject, value }] : [];
  });
}

export interface SinkParts {
  readonly site: string;
  readonly scope: SelectorScope;
  /** Point tables and devices, for `table:` in `products`. */
  readonly tables: ReadonlySet<string>;
  readonly plugins: PackagePlugins;
  /** Points that get files, by asset. */
  readonly filePoints: ReadonlyMap<string, ReadonlySet<string>>;
}

interface Rule {
  readonly selector: Selector;
  readonly rule: Pick<UploadRule, 'type' | 'intervalMs'>;
  readonly place: Place;
}

interface Chosen {
  readonly sends: readonly Selector[];
  readonly omits: readonly Selector[];
  readonly rules: readonly Rule[];
}

interface MappedPoint {
  readonly feed: Feed;
  readonly entry: MapEntry;
}

/** Stages references and meaning. */
export class SinkResolver {
  readonly #parts: SinkParts;
  readonly #report: Report;

  constructor(parts: SinkParts, report: Report) {
    this.#parts = parts;
    this.#report = report;
  }

  resolve(drafts: readonly SinkDraft[]): Sink[] {
    return drafts.flatMap((draft) => this.#sink(draft) ?? []);
  }

  #sink({ subject, value }: SinkDraft): Sink | undefined {
    const { plugins, site } = this.#parts;
    const check = plugins.sinks.get(value.sink);
    if (!check) {
      const params = { driver: value.sink, installed: suggestion(value.sink, plugins.sinks.keys()) };
      this.#report.add('DRIVER_UNKNOWN', valuePlace(subject.tree, ['sink']), params);
      return undefined;
    }
    const given = treeAt(subject.tree, ['with']);
    const filled = given && fillSite(given, new Map([['site', scalarParameter(site)]]));
    const source = { trees: [filled], field: 'with', owner: check.id, place: subject.place };
    const checked = checkOptions(check.config, source, this.#report);
    this.#checkNames({ subject, value });
    const assets = this.#assets({ subject, value }, check);
    this.#checkTwins(subject, check, assets);
    return {
      id: subject.id,
      subject,
      title: value.title ?? subject.id,
      sink: check.id,
      control: value.control ?? false,
      with: checked ?? {},
      assets,
    };
  }

  #checkNames({ subject, value }: SinkDraft): void {
    const { scope, tables } = this.#parts;
    const known = (kind: string, id: string, ids: Iterable<string>, place: Place): void => {
      const names = new Set(ids);
      if (!names.has(id)) {
        this.#report.add('REFERENCE_UNKNOWN', place, { kind, id, suggestion: suggestion(id, names) });
      }
    };
    for (const key of Object.keys(value.products ?? {})) {
      const place = keyPlace(subject.tree, ['products', key]);
      if (key.startsWith('table:')) known('point table or device', key.slice('table:'.length), tables, place);
      else known('model', key, scope.models, place);
    }
    for (const id of scope.isPartial ? [] : Object.keys(value.assets ?? {})) {
      known(
        'asset',
        id,
        scope.assets.map((asset) => asset.id),
        keyPlace(subject.tree, ['assets', id]),
      );
    }
  }

  #selectors(texts: readonly string[] | undefined, field: string, subject: Subject): Selector[] {
    return (texts ?? []).flatMap((one, index) => {
      const place = valuePlace(subject.tree, [field, index], subject.place);
      return checkedSelector({ text: one, place }, this.#parts.scope, this.#report) ?? [];
    });
  }

  #assets({ subject, value }: SinkDraft, check: SinkCheck): SinkAsset[] {
    const send = this.#selectors(value.send ?? ['*'], 'send', subject);
    const except = this.#selectors(value.except, 'except', subject);
    const rules = Object.entries(value.upload ?? {}).flatMap(([key, rule]): Rule[] => {
      const place = keyPlace(subject.tree, ['upload', key]);
      const selector = checkedSelector({ text: key, place }, this.#parts.scope, this.#report);
      return selector ? [{ selector, rule, place }] : [];
    });
    const all = [...send, ...except, ...rules.map(({ selector }) => selector)];
    // What is sent of a model by one access template is worked out once, unless single assets are named.
    const shared = new Map<Model, Map<Feed['map'], readonly SinkPoint[]>>();
    return this.#parts.scope.assets.flatMap((asset): SinkAsset[] => {
      // A logic asset has no identity of its own, and no device feeds it.
      if (asset.logic) return [];
      const sends = send.filter((selector) => selectsAsset(selector, asset));
      if (sends.length === 0) return [];
      const omits = except.filter((selector) => selectsAsset(selector, asset));
      if (omits.some(({ point }) => point === undefined)) return [];
      const own = rules.filter(({ selector }) => selectsAsset(selector, asset));
      const [feed, second] = asset.feeds;
      const hasFiles = this.#parts.filePoints.has(asset.id);
      const isShared = !second && !hasFiles && !all.some((selector) => selector.asset === asset.id);
      const ofModel = shared.get(asset.model) ?? new Map<Feed['map'], readonly SinkPoint[]>();
      shared.set(asset.model, ofModel);
      const known = isShared && feed ? ofModel.get(feed.map) : undefined;
      const points = known ?? this.#points(asset, { sends, omits, rules: own });
      if (isShared && feed) ofModel.set(feed.map, points);
      if (points.length === 0) return [];
      const identity = this.#identity({ subject, value }, asset, check);
      return identity ? [{ asset, points, identity }] : [];
    });
  }

  #points(asset: Asset, { sends, omits, rules }: Chosen): readonly SinkPoint[] {
    const feeds = new Map<string, MappedPoint>();
    for (const feed of asset.feeds) for (const entry of feed.map) feeds.set(entry.point, { feed, entry });
    return [...new Set([...readPoints(asset), ...(this.#parts.filePoints.get(asset.id) ?? [])])]
      .filter((point) => sends.some((one) => one.point === undefined || one.point === point))
      .filter((point) => !omits.some((one) => one.point === point))
      .map((point) => ({ point, rule: this.#rule(asset, point, feeds.get(point), rules) }));
  }

  /** Who wins: sink, access template, model, point table, else REALTIME. */
  #rule(asset: Asset, point: string, mapped: MappedPoint | undefined, rules: readonly Rule[]): UploadRule {
    const written = mapped?.feed.entries.get(point)?.value;
    const fields = asset.model.points.get(point)?.fields;
    const read = mapped?.entry.read;
    const isOneToOne = mapped !== undefined && mapped.entry.values === undefined;
    const tag = isOneToOne && read !== undefined ? mapped.feed.device.form.byId.get(read)?.fields : undefined;
    const chosen = this.#bestRule(asset, point, rules) ?? written?.upload ?? fields?.upload ?? tag?.upload;
    let deadband = written?.deadband ?? fields?.deadband;
    if (deadband === undefined && tag?.deadband !== undefined) {
      const linear = conversion(tag.unit, fields?.unit);
      deadband = tag.deadband * Math.abs(linear === 'different' ? 1 : linear.factor);
    }
    return { type: chosen?.type ?? 'REALTIME', intervalMs: chosen?.intervalMs ?? 0, deadband: deadband ?? 0 };
  }

  #bestRule(asset: Asset, point: string, rules: readonly Rule[]): Rule['rule'] | undefined {
    let best: Rule | undefined;
    for (const rule of rules) {
      if (!selectsPoint(rule.selector, asset, point)) continue;
      if (!best || rule.selector.rank > best.selector.rank) best = rule;
      else if (rule.selector.rank === best.selector.rank) {
        const { text: value } = rule.selector;
        const allowed = `one rule for ${asset.id}/${point}; ${best.selector.text} selects it too`;
        this.#report.add('FIELD_VALUE', rule.place, { value, field: 'upload', allowed });
      }
    }
    return best?.rule;
  }

  /** productKey by model or ancestor, then `identity`, then what is said of this asset; later ones win. */
  #identity({ subject, value }: SinkDraft, asset: Asset, check: SinkCheck): Record<string, string> | undefined {
    const entries = new Map<string, TreeEntry>();
    const product = productOf(asset, value.products ?? {});
    const add = (tree: Tree | undefined): void => {
      if (tree?.kind === 'map') for (const [field, entry] of tree.entries) entries.set(field, entry);
    };
    const productTree = product === undefined ? undefined : treeAt(subject.tree, ['products', product]);
    if (productTree) entries.set('productKey', { keyPlace: productTree.place, value: productTree });
    add(treeAt(subject.tree, ['identity']));
    add(treeAt(subject.tree, ['assets', asset.id]));
    const parameters: Parameters = new Map([
      ['site', scalarParameter(this.#parts.site)],
      ['asset', scalarParameter(asset.id)],
      ['model', scalarParameter(asset.model.id)],
    ]);
    let isFilled = true;
    for (const [field, { keyPlace: place, value: tree }] of entries) {
      if (tree.kind !== 'scalar') continue;
      const filled = fillPlaceholders(String(tree.source ?? tree.value), parameters);
      if ('problem' in filled) {
        isFilled = false;
        const { problem } = filled;
        const name = `$${problem.kind === 'syntax' ? problem.rest : problem.name}`;
        this.#report.add('PARAM_UNKNOWN', tree.place, { name, known: '$site, $asset or $model' });
      } else {
        const { source: _source, isLoose: _isLoose, ...plain } = tree;
        entries.set(field, { keyPlace: place, value: { ...plain, value: filled.text } });
      }
    }
    if (!isFilled) return undefined;
    const source = {
      trees: [{ kind: 'map', entries, place: subject.place } as MapTree],
      field: 'identity',
      owner: check.id,
      place: keyPlace(subject.tree, ['identity'], subject.place),
      isReported: ({ path }: { readonly path: readonly (string | number)[] }): boolean => {
        if (path[0] !== 'productKey' || entries.has('productKey')) return false;
        const place = keyPlace(subject.tree, ['products'], subject.place);
        this.#report.record('SINK_PRODUCT', place, {
          params: { model: asset.model.id.replace(/^@/, 'table:') },
          mark: asset.model.id,
        });
        return true;
      },
    };
    const identity = checkOptions(check.identity, source, this.#report);
    return identity && Object.fromEntries(Object.entries(identity).map(([field, one]) => [field, String(one)]));
  }

  #checkTwins(subject: Subject, check: SinkCheck, assets: readonly SinkAsset[]): void {
    const seen = new Map<string, string>();
    for (const { asset, identity } of assets) {
      const fields = Object.entries(identity).filter(([field]) => !check.identity.secrets.includes(field));
      if (fields.length === 0) continue;
      const key = JSON.stringify(fields.sort(([a], [b]) => (a < b ? -1 : 1)));
      const twin = seen.get(key);
      if (twin === undefined) seen.set(key, asset.id);
      else {
        const place = keyPlace(subject.tree, ['assets', asset.id], subject.place);
        const shown = identity.deviceKey ?? fields.map(([, one]) => one).join(' ');
        this.#report.add('SINK_IDENTITY', place, { a: twin, b: asset.id, identity: shown });
      }
    }
  }
}

/** Key of `products` for an asset: its model or nearest ancestor; for a direct one its table or device. */
function productOf(asset: Asset, products: Readonly<Record<string, string>>): string | undefined {
  const [feed] = asset.feeds;
  const isDirect = feed !== undefined && feed.template === undefined;
  const names = isDirect
    ? [`table:${asset.id}`, `table:${feed.device.form.table ?? feed.device.id}`]
    : asset.model.lineage;
  return names.find((name) => Object.hasOwn(products, name));
}

/** `$site` is known now; `$asset`, `$model` and `$point` are filled in per message by the sink. */
function fillSite(tree: Tree, site: Parameters): Tree {
  switch (tree.kind) {
    case 'list':
      return { ...tree, items: tree.items.map((item) => fillSite(item, site)) };
    case 'map': {
      const entries = [...tree.entries].map(([key, entry]): [string, TreeEntry] => [
        key,
        { ...entry, value: fillSite(entry.value, site) },
      ]);
      return { ...tree, entries: new Map(entries) };
    }
    case 'scalar': {
      if (typeof tree.value !== 'string') return tree;
      const filled = fillPlaceholders(tree.value, site, { leavesUnknown: true });
      return 'problem' in filled ? tree : { ...tree, value: filled.text };
    }
  }
}
