import type { ControlRequest } from '@busbar/events';
import { type CheckedItem, type Finding, fact } from './check.js';
import { makeDeadline } from './deadline.js';
import { refuse } from './operate.js';
import type { OpenRequest, Selection } from './state.js';
import { changeSelection, giveEnd, openOn, type Turn } from './turn.js';

type Selections = ReadonlyMap<string, Selection>;

/** Source and link: another link of the same source is somebody else (control.md 5.5). */
function isOwn(request: ControlRequest, source: string, link: string | undefined): boolean {
  return source === request.origin.source && link === request.origin.link;
}

/** The selections of the points of a request. An operate uses up its own, whatever the answer will be. */
export function takeSelections(turn: Turn, request: ControlRequest): Selections {
  const taken = new Map<string, Selection>();
  for (const { point } of request.items) {
    const selection = turn.state.selections.get(point);
    if (!selection) continue;
    taken.set(point, selection);
    const isUsed = request.act === 'operate' && !request.dryRun;
    if (isUsed && isOwn(request, selection.hold.source, selection.hold.link)) {
      changeSelection(turn, point, { change: 'used' });
    }
  }
  return taken;
}

function checkItem(request: ControlRequest, item: CheckedItem, selection: Selection | undefined): Finding[] {
  const { point, policy } = item;
  const about = fact('point', point);
  if (request.act === 'select' && !policy.select) return [{ rule: 'MISMATCH', facts: [about, fact('select', 'none')] }];
  if (selection && !isOwn(request, selection.hold.source, selection.hold.link)) {
    return [{ rule: 'SELECTED', holder: selection.hold, facts: [about] }];
  }
  if (request.act === 'select') return [];
  if (!selection) return policy.select?.mode === 'required' ? [{ rule: 'NOT_SELECTED', facts: [about] }] : [];
  const asked = request.items.find((candidate) => candidate.point === point);
  if (asked?.value === selection.hold.value && asked?.qualifier === selection.qualifier) return [];
  const selected = [selection.hold.value, selection.qualifier].filter((part) => part !== undefined);
  return [{ rule: 'MISMATCH', facts: [about, fact('selected', selected.join(' '))] }];
}

/** Rule 7, of a select or an operate. Who waits was asked already: nobody can select behind an operate that waits. */
export function checkSelections(
  request: ControlRequest,
  items: readonly CheckedItem[],
  selections: Selections,
): Finding[] {
  return items.flatMap((item) => checkItem(request, item, selections.get(item.point)));
}

/** The rules have allowed it: the points are selected, anew if they were by the same one. */
export function select(turn: Turn, request: ControlRequest, items: readonly CheckedItem[]): void {
  for (const { point, policy, priority } of items) {
    const asked = request.items.find((candidate) => candidate.point === point);
    const { source, link } = request.origin;
    const until = makeDeadline(turn.context.now, policy.select?.timeoutMs ?? 0);
    const hold = { point, kind: 'select' as const, source, link, priority, value: asked?.value ?? null, until };
    changeSelection(turn, point, { next: { hold, qualifier: asked?.qualifier }, change: 'selected' });
  }
}

export interface Cancellation {
  readonly findings: readonly Finding[];
  /** Points whose selection ends. */
  readonly points: ReadonlySet<string>;
  readonly waiting: readonly OpenRequest[];
}

/**
 * What of its own a cancel ends: selections, and writes that wait. What is granted may have been started by now, and a
 * started write is never canceled. A refusal only where there is nothing at all to end.
 */
export function findCancellation(turn: Turn, request: ControlRequest): Cancellation {
  const points = new Set<string>();
  const findings: Finding[] = [];
  const own = openOn(turn, request).filter(({ request: { origin } }) => isOwn(request, origin.source, origin.link));
  const waiting = own.filter(({ phase }) => phase === 'waiting');
  for (const { point } of request.items) {
    const about = fact('point', point);
    const selection = turn.state.selections.get(point);
    const inFlight = own.find((open) => open.request.items.some((item) => item.point === point));
    if (selection && isOwn(request, selection.hold.source, selection.hold.link)) points.add(point);
    else if (inFlight) findings.push({ rule: 'BUSY', facts: [about, fact('in flight', inFlight.request.id)] });
    else if (selection) findings.push({ rule: 'SELECTED', holder: selection.hold, facts: [about] });
    else findings.push({ rule: 'NOT_SELECTED', facts: [about] });
  }
  return { findings: points.size + waiting.length > 0 ? [] : findings, points, waiting };
}

/** Ends what was found; the asker hears of each item whether something of it was ended. */
export function cancel(turn: Turn, request: ControlRequest, { points, waiting }: Cancellation): void {
  for (const point of points) changeSelection(turn, point, { change: 'canceled' });
  for (const open of waiting) {
    refuse(turn, open.request, [{ rule: 'CANCELED', facts: [fact('by', request.id)] }]);
  }
  const ended = new Set([...points, ...waiting.flatMap((open) => open.request.items.map(({ point }) => point))]);
  const items = request.items.map(({ point }) => ({
    point,
    outcome: ended.has(point) ? ('executed' as const) : ('not-started' as const),
  }));
  giveEnd(turn, request, { end: { kind: 'executed', verified: false, written: false, clamped: false }, items });
}
