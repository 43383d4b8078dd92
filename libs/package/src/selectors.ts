import type { Asset } from './assets.js';
import { suggestion } from './nearest.js';
import type { Place } from './place.js';
import type { Report } from './report.js';

/** `*`, `inv-01`, `inv-01/INV.State`, `model:inverter`, `model:inverter/INV.State`. */
export interface Selector {
  readonly text: string;
  readonly asset: string | undefined;
  readonly model: string | undefined;
  /** Undefined: all points. */
  readonly point: string | undefined;
  /** How much it names: of two that fit one point the greater one counts. */
  readonly rank: number;
}

export function parseSelector(text: string): Selector | undefined {
  const match = /^(\*|model:[^/\s*]+|[^:/\s*]+)(?:\/(\*|[^/\s*]+))?$/.exec(text);
  if (!match) return undefined;
  const [, what = '', point] = match;
  const model = what.startsWith('model:') ? what.slice('model:'.length) : undefined;
  const asset = what === '*' || model !== undefined ? undefined : what;
  const isPoint = point !== undefined && point !== '*';
  const rank = (asset !== undefined ? 4 : model !== undefined ? 2 : 0) + (isPoint ? 1 : 0);
  return { text, asset, model, point: isPoint ? point : undefined, rank };
}

export function selectsAsset({ asset, model }: Selector, candidate: Asset): boolean {
  if (asset !== undefined) return candidate.id === asset;
  return model === undefined || candidate.model.lineage.includes(model);
}

export function selectsPoint(selector: Selector, candidate: Asset, point: string): boolean {
  return selectsAsset(selector, candidate) && (selector.point === undefined || selector.point === point);
}

export interface SelectorScope {
  readonly assets: readonly Asset[];
  readonly models: ReadonlySet<string>;
  /** Assets with errors are missing: what selects nothing may be a consequence. */
  readonly isPartial: boolean;
}

/** The selector, its names checked; undefined after reporting. */
export function checkedSelector(
  { text, place }: { readonly text: string; readonly place: Place },
  { assets, models, isPartial }: SelectorScope,
  report: Report,
): Selector | undefined {
  const selector = parseSelector(text);
  if (!selector) {
    const allowed = '*, asset, asset/point, model:m or model:m/point';
    report.add('FIELD_VALUE', place, { value: text.slice(0, 80), field: 'selector', allowed });
    return undefined;
  }
  const { asset, model, point } = selector;
  const unknown = (kind: string, id: string, known: Iterable<string>): undefined => {
    report.add('REFERENCE_UNKNOWN', place, { kind, id, suggestion: suggestion(id, known) });
    return undefined;
  };
  if (model !== undefined && !models.has(model)) return unknown('model', model, models);
  if (isPartial) return selector;
  const chosen = assets.filter((one) => selectsAsset(selector, one));
  if (asset !== undefined && chosen.length === 0)
    return unknown(
      'asset',
      asset,
      assets.map(({ id }) => id),
    );
  if (chosen.length === 0) {
    report.add('SELECTOR_EMPTY', place, { selector: text });
  } else if (point !== undefined && !chosen.some((one) => one.model.points.has(point))) {
    const known = new Set(chosen.flatMap((one) => [...one.model.points.keys()]));
    return unknown('point', point, known);
  }
  return selector;
}
