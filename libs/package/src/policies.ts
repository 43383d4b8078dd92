import type { PolicyConfig } from '@busbar/events';
import { z } from 'zod';
import { type Asset, writeProblem } from './assets.js';
import { described, duration, notBuilt, refused, text } from './fields.js';
import { listed } from './nearest.js';
import type { Report } from './report.js';
import { checkedSelector, type SelectorScope, selectsAsset } from './selectors.js';
import { checkShape, type Subject, subjectsOf } from './shape.js';
import type { Sink } from './sinks.js';
import { keyPlace, type MapTree, valuePlace } from './tree.js';

const limit = z.unknown().transform((value, context): number => {
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  if (typeof value === 'string')
    return refused(context, 'NOT_BUILT', { thing: `the expression "${value.slice(0, 80)}" as a limit` });
  return refused(context, 'FIELD_TYPE', { wanted: 'a number', actual: 'something else', example: '10' });
});

const limitsSchema = z.strictObject({
  range: z
    .tuple([limit, limit])
    .transform(([low, high], context): [number, number] =>
      low <= high
        ? [low, high]
        : refused(context, 'FIELD_VALUE', { value: `[${low}, ${high}]`, allowed: 'the lower bound first' }),
    )
    .optional(),
  step: notBuilt('`limits.step` of a policy'),
  maxChange: notBuilt('`limits.maxChange` of a policy'),
  every: notBuilt('`limits.every` of a policy'),
});

const SELECT_MS = 10_000;
const SELECT_BOUNDS_MS = [1_000, 180_000] as const;

/** While it lasts nobody else may operate the point. */
const selectTimeout = duration().transform((ms, context): number => {
  const [least, most] = SELECT_BOUNDS_MS;
  if (ms >= least && ms <= most) return ms;
  return refused(context, 'FIELD_VALUE', { value: `${ms} ms`, allowed: 'a duration from 1s to 180s' });
});

const policyFields = {
  ...described,
  priority: z.array(text).min(1).max(9).optional(),
  hold: duration(0).optional(),
  maxHold: duration(0).optional(),
  expiry: duration().optional(),
  maxExpiry: duration().optional(),
  limits: limitsSchema.optional(),
  feedback: z.strictObject({ within: duration(), tolerance: z.number().min(0).optional() }).optional(),
  select: z.strictObject({ required: z.boolean().optional(), timeout: selectTimeout.optional() }).optional(),
  onRelease: notBuilt('`onRelease` of a policy'),
  interlocks: notBuilt('`interlocks` of a policy'),
  remoteWhen: notBuilt('`remoteWhen` of a policy'),
  local: notBuilt('`local` of a policy'),
  staleAfter: notBuilt('`staleAfter` of a policy'),
  equal: notBuilt('`equal` of a policy'),
  mode: notBuilt('`mode` of a policy'),
  watchdog: notBuilt('`watchdog` of a policy'),
};

const policySchema = z.strictObject({
  ...policyFields,
  points: z.array(text).min(1).meta({ sample: 'points: [ model:m/P ]' }),
});
const defaultSchema = z.strictObject(policyFields);

/** The policy of every controllable point that no other one names. */
export const DEFAULT_POLICY = 'default';

const HOLD_MS = 60_000;
const EXPIRY_MS = 30_000;
const MAX_EXPIRY_MS = 300_000;

export interface PolicyDraft {
  readonly subject: Subject & { readonly tree: MapTree };
  readonly value: z.output<typeof defaultSchema> & { readonly points?: readonly string[] };
}

export interface Policy {
  readonly id: string;
  readonly points: readonly { readonly asset: string; readonly point: string }[];
  readonly priority: readonly string[] | undefined;
  readonly holdMs: number;
  readonly maxHoldMs: number;
  readonly expiryMs: number;
  readonly maxExpiryMs: number;
  readonly range: [number, number] | undefined;
  readonly feedback: { readonly withinMs: number; readonly tolerance: number } | undefined;
  readonly select: PolicyConfig['select'];
}

/** Stage schema. */
export function readPolicies(section: MapTree | undefined, report: Report): PolicyDraft[] {
  return subjectsOf(section, 'policy', report).flatMap((subject): PolicyDraft[] => {
    const schema = subject.id === DEFAULT_POLICY ? defaultSchema : policySchema;
    const value = checkShape(schema, subject, report);
    return value ? [{ subject, value }] : [];
  });
}

export interface PolicyParts {
  readonly scope: SelectorScope;
  readonly sinks: readonly Pick<Sink, 'id' | 'control'>[];
  /** Names of external sources that may command. */
  readonly external: ReadonlySet<string>;
  /** Connections that no write leaves. */
  readonly readOnly: ReadonlySet<string>;
}

/** Stages references and meaning; a policy `default` is always there. */
export function resolvePolicies(drafts: readonly PolicyDraft[], parts: PolicyParts, report: Report): Policy[] {
  const governed = new Map<string, string>();
  const policies = drafts.map((draft): Policy => {
    const { subject, value } = draft;
    checkSources(draft, parts, report);
    const holdMs = value.hold ?? HOLD_MS;
    const expiryMs = value.expiry ?? EXPIRY_MS;
    const most = (field: 'hold' | 'expiry', ms: number, greatest: number | undefined, name: string): void => {
      if (greatest === undefined || ms <= greatest) return;
      const params = { value: `${ms} ms`, field, allowed: `at most ${name}, ${greatest} ms` };
      report.add('FIELD_VALUE', valuePlace(subject.tree, [field], subject.place), params);
    };
    most('hold', holdMs, value.maxHold, 'maxHold');
    most('expiry', expiryMs, value.maxExpiry, 'maxExpiry');
    return {
      id: subject.id,
      points: pointsOf(draft, parts, governed, report),
      priority: value.priority,
      holdMs,
      maxHoldMs: value.maxHold ?? holdMs,
      expiryMs,
      maxExpiryMs: value.maxExpiry ?? Math.max(expiryMs, MAX_EXPIRY_MS),
      range: value.limits?.range,
      feedback: value.feedback && { withinMs: value.feedback.within, tolerance: value.feedback.tolerance ?? 0 },
      select: value.select && {
        mode: value.select.required === false ? 'optional' : 'required',
        timeoutMs: value.select.timeout ?? SELECT_MS,
      },
    };
  });
  if (policies.some(({ id }) => id === DEFAULT_POLICY)) return policies;
  const preset: Policy = {
    id: DEFAULT_POLICY,
    points: [],
    priority: undefined,
    holdMs: HOLD_MS,
    maxHoldMs: HOLD_MS,
    expiryMs: EXPIRY_MS,
    maxExpiryMs: MAX_EXPIRY_MS,
    range: undefined,
    feedback: undefined,
    select: undefined,
  };
  return [...policies, preset];
}

function checkSources({ subject, value }: PolicyDraft, { sinks, external }: PolicyParts, report: Report): void {
  const seen = new Set<string>();
  (value.priority ?? []).forEach((source, index) => {
    const place = valuePlace(subject.tree, ['priority', index]);
    if (seen.has(source)) {
      report.add('FIELD_VALUE', place, { value: source, field: 'priority', allowed: 'each source once' });
    }
    seen.add(source);
    const [kind, name, ...rest] = source.split(':');
    const isKind = ['operator', 'cloud', 'app', 'external'].includes(kind ?? '') && rest.length === 0;
    const isNamed =
      name === undefined ||
      (kind === 'app' && name !== '') ||
      (kind === 'external' && external.has(name)) ||
      (kind === 'cloud' && sinks.some(({ id, control }) => id === name && control));
    if (isKind && isNamed) return;
    const clouds = sinks.filter(({ control }) => control).map(({ id }) => `cloud:${id}`);
    const others = [...external].map((one) => `external:${one}`);
    const sources = listed(['operator', 'cloud', ...clouds, 'app', 'external', ...others]);
    report.add('CONTROL_SOURCE', place, { source, sources });
  });
}

function pointsOf(
  { subject, value }: PolicyDraft,
  { scope, readOnly }: PolicyParts,
  governed: Map<string, string>,
  report: Report,
): Policy['points'] {
  const chosen = new Map<string, { readonly asset: string; readonly point: string }>();
  (value.points ?? []).forEach((one, index) => {
    const place = valuePlace(subject.tree, ['points', index]);
    const selector = checkedSelector({ text: one, place }, scope, report);
    if (!selector) return;
    let isEmpty = true;
    for (const asset of scope.assets) {
      if (!selectsAsset(selector, asset)) continue;
      const { point: named } = selector;
      for (const point of named === undefined ? asset.model.points.keys() : [named]) {
        const path = `${asset.id}/${point}`;
        if (!asset.model.points.has(point)) continue;
        if (chosen.has(path)) {
          isEmpty = false;
          continue;
        }
        const problem = writeProblem(asset, point, readOnly);
        if (problem !== undefined) {
          if (named !== undefined) report.add('CONTROL_POINT', place, { point: path, reason: problem });
          continue;
        }
        isEmpty = false;
        const other = governed.get(path);
        if (other === undefined) {
          governed.set(path, subject.id);
          chosen.set(path, { asset: asset.id, point });
          checkRange({ subject, value }, asset, point, report);
        } else {
          report.add('CONTROL_TWICE', place, { point: path, a: other, b: subject.id });
        }
      }
    }
    if (isEmpty && selector.point === undefined && !scope.isPartial)
      report.add('SELECTOR_EMPTY', place, { selector: one });
  });
  return [...chosen.values()];
}

function checkRange({ subject, value }: PolicyDraft, asset: Asset, point: string, report: Report): void {
  const range = value.limits?.range;
  const widest = asset.model.points.get(point)?.fields.range;
  if (!range || !widest || (range[0] >= widest[0] && range[1] <= widest[1])) return;
  const place = keyPlace(subject.tree, ['limits', 'range'], subject.place);
  const params = { range: `[${range.join(', ')}]`, point: `${asset.id}/${point}`, widest: `[${widest.join(', ')}]` };
  report.add('CONTROL_RANGE', place, params);
}
