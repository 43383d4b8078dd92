import type { PointRow } from '@busbar/api-schema';
import { HandleIndex } from '@busbar/batch';
import type { AssetConfig, Configuration, ModelConfig, PointConfig, PolicyConfig } from '@busbar/events';
import { canWrite, pointPath } from '@busbar/model';

/** Which rows of the directory a page wants. */
export interface DirectoryQuery {
  readonly text?: string | undefined;
  readonly asset?: string | undefined;
  readonly paths?: readonly string[] | undefined;
}

interface AssetEntry {
  readonly asset: AssetConfig;
  readonly model: ModelConfig;
  readonly handles: HandleIndex;
  readonly slots: ReadonlyMap<string, number>;
  /** Row of the model's first point. */
  readonly base: number;
  /** Since this generation the asset has its model: handles of older batches may mean other points. */
  readonly since: number;
}

interface ModelEntry {
  readonly model: ModelConfig;
  readonly handles: HandleIndex;
  /** Place in the model by point id. */
  readonly slots: ReadonlyMap<string, number>;
}

/** Every point of every asset of one generation, as rows 0..size-1 in the order of assets and their model's points. */
export class PointDirectory {
  readonly generation: number;
  readonly size: number;
  readonly #assets: readonly AssetEntry[];
  readonly #byAsset: ReadonlyMap<string, AssetEntry>;
  /** Index into the assets by row. */
  readonly #assetOf: Int32Array;
  readonly #policies: PolicyFinder;
  #texts: readonly string[] | null = null;

  /** @param since by asset, the generation since which it is the same; unknown: it may always have been. */
  constructor(generation: number, configuration: Configuration | null, since: ReadonlyMap<string, number> = new Map()) {
    this.generation = generation;
    const models = new Map<string, ModelEntry>();
    for (const model of configuration?.models ?? []) {
      const handles = new HandleIndex(model.points.map((point) => point.number));
      models.set(model.id, { model, handles, slots: new Map(model.points.map((point, slot) => [point.id, slot])) });
    }
    const assets: AssetEntry[] = [];
    let base = 0;
    for (const asset of configuration?.assets ?? []) {
      const entry = models.get(asset.model);
      if (!entry) continue;
      assets.push({ asset, ...entry, base, since: since.get(asset.id) ?? 0 });
      base += entry.model.points.length;
    }
    this.#assets = assets;
    this.#byAsset = new Map(assets.map((entry) => [entry.asset.id, entry]));
    this.size = base;
    this.#assetOf = new Int32Array(base);
    assets.forEach((entry, index) => {
      this.#assetOf.fill(index, entry.base, entry.base + entry.model.points.length);
    });
    this.#policies = new PolicyFinder(configuration);
  }

  /** Where a batch of that asset and generation belongs; undefined if its handles mean nothing here. */
  rowsOf(asset: string, generation: number): { readonly base: number; readonly handles: HandleIndex } | undefined {
    const entry = this.#byAsset.get(asset);
    return entry && generation >= entry.since ? entry : undefined;
  }

  /** What the next generation's directory is told: since when each of its assets has its model. */
  sinceFor(generation: number, configuration: Configuration): ReadonlyMap<string, number> {
    return new Map(
      configuration.assets.map(({ id, model }) => {
        const entry = this.#byAsset.get(id);
        return [id, entry?.asset.model === model ? entry.since : generation];
      }),
    );
  }

  /** -1 for a point that is not here. */
  rowOf(asset: string, point: string): number {
    const entry = this.#byAsset.get(asset);
    const index = entry?.slots.get(point);
    return entry && index !== undefined ? entry.base + index : -1;
  }

  pointAt(row: number): PointConfig {
    const entry = this.#entryAt(row);
    return entry.model.points[row - entry.base] as PointConfig;
  }

  idsAt(row: number): { readonly asset: string; readonly point: string } {
    return { asset: this.#entryAt(row).asset.id, point: this.pointAt(row).id };
  }

  rowAt(row: number): PointRow {
    const { asset, model } = this.#entryAt(row);
    const point = this.pointAt(row);
    return {
      path: pointPath(asset.id, point.id),
      asset: asset.id,
      assetTitle: asset.title,
      model: model.id,
      point,
      control: this.#policies.controlOf(asset, point),
    };
  }

  assets(): { asset: string; title: string; model: string; points: number }[] {
    return this.#assets.map(({ asset, model }) => ({
      asset: asset.id,
      title: asset.title,
      model: model.id,
      points: model.points.length,
    }));
  }

  /** Rows that fit, in order; null: all of them. */
  find(query: DirectoryQuery): Int32Array | null {
    const { text, asset, paths } = query;
    if (paths) return this.#findPaths(paths);
    const wanted = text?.trim().toLowerCase() ?? '';
    if (asset === undefined && wanted === '') return null;
    let from = 0;
    let to = this.size;
    if (asset !== undefined) {
      const entry = this.#byAsset.get(asset);
      if (!entry) return new Int32Array(0);
      from = entry.base;
      to = from + entry.model.points.length;
    }
    const rows: number[] = [];
    const texts = wanted === '' ? null : this.#allTexts();
    for (let row = from; row < to; row++) {
      if (!texts || (texts[row] as string).includes(wanted)) rows.push(row);
    }
    return Int32Array.from(rows);
  }

  #findPaths(paths: readonly string[]): Int32Array {
    const rows = paths.map((path) => {
      const slash = path.indexOf('/');
      return this.rowOf(path.slice(0, slash), path.slice(slash + 1));
    });
    return Int32Array.from(rows.filter((row) => row >= 0));
  }

  #allTexts(): readonly string[] {
    if (this.#texts) return this.#texts;
    const texts: string[] = [];
    for (const { asset, model } of this.#assets) {
      for (const point of model.points) {
        texts.push(`${pointPath(asset.id, point.id)}\n${asset.title}\n${point.title}`.toLowerCase());
      }
    }
    this.#texts = texts;
    return texts;
  }

  #entryAt(row: number): AssetEntry {
    return this.#assets[this.#assetOf[row] as number] as AssetEntry;
  }
}

/** What governs a command to a point: its own policy, else the one called `default`. */
class PolicyFinder {
  readonly #byPath = new Map<string, PolicyConfig>();
  readonly #default: PolicyConfig | undefined;
  /** By template: the points that it can write. */
  readonly #writable = new Map<string, ReadonlySet<string>>();

  constructor(configuration: Configuration | null) {
    for (const policy of configuration?.policies ?? []) {
      for (const { asset, point } of policy.points) this.#byPath.set(pointPath(asset, point), policy);
    }
    this.#default = configuration?.policies.find((policy) => policy.id === 'default');
    for (const template of configuration?.templates ?? []) {
      const points = template.map.filter((entry) => entry.write !== undefined).map((entry) => entry.point);
      this.#writable.set(template.id, new Set(points));
    }
  }

  controlOf(asset: AssetConfig, point: PointConfig): PointRow['control'] {
    if (!canWrite(point.access)) return null;
    const policy = this.#byPath.get(pointPath(asset.id, point.id)) ?? this.#default;
    const isMapped = asset.from.some(({ template }) => this.#writable.get(template)?.has(point.id));
    if (!policy || !isMapped) return null;
    return {
      policy: policy.id,
      range: narrower(policy.limits.range, point.range),
      expiryMs: policy.expiryMs,
      maxExpiryMs: policy.maxExpiryMs,
      holdMs: policy.holdMs,
      feedback: policy.feedback !== undefined,
    };
  }
}

type Range = readonly [number, number];

function narrower(a: Range | undefined, b: Range | undefined): [number, number] | null {
  if (!a || !b) {
    const one = a ?? b;
    return one ? [one[0], one[1]] : null;
  }
  return [Math.max(a[0], b[0]), Math.min(a[1], b[1])];
}
