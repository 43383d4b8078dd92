import {
  type ControlRequest,
  type Fact,
  type Hold,
  type PolicyConfig,
  RULES,
  type Rule,
  type TagWrite,
} from '@busbar/events';
import { asPointValue, canWrite } from '@busbar/model';
import { type Now, remainingMs } from './deadline.js';
import type { ControlDirectory, ControlPoint } from './directory.js';
import { priorityOf } from './priority.js';
import { type ControlState, LIMITS } from './state.js';

/** A rule that failed for one item, with what the decision rested on. */
export interface Finding {
  readonly rule: Rule;
  readonly facts: readonly Fact[];
  readonly holder?: Hold;
}

/** An item that may be carried out, as far as the rules checked here go. */
export interface CheckedItem {
  readonly point: string;
  readonly entry: ControlPoint;
  readonly policy: PolicyConfig;
  readonly priority: number;
}

export interface Checked {
  readonly findings: readonly Finding[];
  readonly items: readonly CheckedItem[];
  readonly writes: readonly TagWrite[];
  readonly connection: string | undefined;
}

export interface Context {
  readonly directory: ControlDirectory;
  readonly now: Now;
}

export function fact(name: string, value: unknown): Fact {
  return { name, value: String(value) };
}

/** The first by the order of the rules answers, the others stand beside it. */
export function firstOf(findings: readonly Finding[]): { readonly first: Finding; readonly also: Rule[] } | undefined {
  const sorted = [...findings].sort((a, b) => RULES.indexOf(a.rule) - RULES.indexOf(b.rule));
  const first = sorted[0];
  if (!first) return undefined;
  return { first, also: [...new Set(sorted.map(({ rule }) => rule))].filter((rule) => rule !== first.rule) };
}

/** What the point and the policy allow together. */
function rangeOf(point: ControlPoint): readonly [number, number] | undefined {
  const limits = [point.range, point.policy?.limits.range].filter((range) => range !== undefined);
  if (limits.length === 0) return undefined;
  return [Math.max(...limits.map(([low]) => low)), Math.min(...limits.map(([, high]) => high))];
}

function isIn(value: unknown, range: readonly [number, number] | undefined): boolean {
  if (!range || typeof value === 'boolean') return true;
  const number = Number(value);
  return number >= range[0] && number <= range[1];
}

function held(hold: Hold, point: string, now: Now): Finding {
  const restS = Math.max(0, Math.ceil(remainingMs(hold.until, now) / 1000));
  return { rule: 'HELD', holder: hold, facts: [fact('point', point), fact('rest', `${restS} s`)] };
}

/** Rules 1 and 8 for one item: may this source command this point, now? */
function checkAccess(
  request: ControlRequest,
  point: string,
  { state, context }: { readonly state: ControlState; readonly context: Context },
): { readonly item?: CheckedItem; readonly findings: Finding[] } {
  const entry = context.directory.point(point);
  const about = fact('point', point);
  if (!entry) return { findings: [{ rule: 'UNKNOWN_POINT', facts: [about] }] };
  const { policy } = entry;
  if (!policy || !canWrite(entry.access) || entry.connection === undefined) {
    return { findings: [{ rule: 'NOT_CONTROLLABLE', facts: [about] }] };
  }
  const findings: Finding[] = [];
  const priority = priorityOf(request, policy);
  const isAllowed = request.origin.kind === 'busbar' || context.directory.mayCommand(request.origin.source);
  if (priority === undefined || !isAllowed) {
    findings.push({ rule: 'NOT_ALLOWED', facts: [about, fact('source', request.origin.source)] });
  }
  const hold = state.holds.get(point);
  const item = { point, entry, policy, priority: priority ?? 16 };
  if (request.act === 'cancel') return { item, findings };
  if (request.act === 'operate' || request.act === 'select') {
    if (hold && hold.source !== request.origin.source && item.priority >= hold.priority) {
      findings.push(held(hold, point, context.now));
    }
  } else if (hold?.source !== request.origin.source) {
    findings.push({ rule: 'NOT_HELD', facts: [about], ...(hold ? { holder: hold } : {}) });
  }
  return { item, findings };
}

/** Rules 3 and 4 for one item, and the writes that carry it out. */
function checkValue(
  request: ControlRequest,
  { item, index, state }: { readonly item: CheckedItem; readonly index: number; readonly state: ControlState },
): { readonly findings: Finding[]; readonly writes: readonly TagWrite[] } {
  const { entry, point } = item;
  const asked = request.items[index]?.value ?? null;
  const about = fact('point', point);
  const findings: Finding[] = [];
  let writes: readonly TagWrite[] = [];
  const value = asked === null ? undefined : asPointValue(entry.type, asked);
  if (value === undefined) {
    findings.push({ rule: 'TYPE', facts: [about, fact('type', entry.type), fact('value', asked)] });
  } else {
    const range = rangeOf(entry);
    if (!isIn(value, range)) {
      findings.push({ rule: 'RANGE', facts: [about, fact('range', range?.join('-')), fact('value', asked)] });
    } else {
      const made = entry.writes(value);
      if ('rule' in made) findings.push({ rule: made.rule, facts: [about, fact('reason', made.reason)] });
      else writes = made;
    }
  }
  const connection = fact('connection', entry.connection);
  if (entry.isReadOnly) findings.push({ rule: 'READ_ONLY', facts: [about, connection] });
  if (!state.executors.has(entry.connection as string)) {
    findings.push({ rule: 'NOT_CONNECTED', facts: [about, connection] });
  }
  return { findings, writes };
}

/** Rule 2, what the sender's own clock says: a command that was long under way is no wish of now (control.md 3). */
export function checkAge({ sourceAt, requestedAt }: ControlRequest): Finding[] {
  if (sourceAt === undefined) return [];
  const ageMs = requestedAt - sourceAt;
  if (ageMs <= LIMITS.oldMs && ageMs >= -LIMITS.aheadMs) return [];
  return [{ rule: 'TOO_OLD', facts: [fact('age', `${ageMs / 1000} s`)] }];
}

/** Rules 1, 3, 4 and 8, in whatever order; {@link firstOf} sorts. */
export function check(request: ControlRequest, state: ControlState, context: Context): Checked {
  const findings: Finding[] = [];
  const items: CheckedItem[] = [];
  const writes: TagWrite[] = [];
  const isWrite = request.act === 'operate' || request.act === 'select';
  request.items.forEach(({ point }, index) => {
    const access = checkAccess(request, point, { state, context });
    findings.push(...access.findings);
    if (!access.item) return;
    items.push(access.item);
    if (!isWrite) return;
    const checked = checkValue(request, { item: access.item, index, state });
    findings.push(...checked.findings);
    writes.push(...checked.writes);
  });
  const connections = [...new Set(items.map(({ entry }) => entry.connection as string))];
  if (isWrite && connections.length > 1) {
    findings.push({ rule: 'NOT_BUILT', facts: [fact('connections', connections.join(', '))] });
  }
  const points = new Set(request.items.map(({ point }) => point));
  if (points.size < request.items.length)
    findings.push({ rule: 'NOT_BUILT', facts: [fact('reason', 'a point twice')] });
  return { findings, items, writes, connection: connections[0] };
}
