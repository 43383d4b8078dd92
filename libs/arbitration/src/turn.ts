import type { ControlRequest, Deadline, End, Hold, ItemResult } from '@busbar/events';
import type { Context } from './check.js';
import { makeDeadline } from './deadline.js';
import { isSwitched } from './directory.js';
import {
  type ControlState,
  contentOf,
  type Effect,
  type HoldChange,
  keyOf,
  LIMITS,
  type OpenRequest,
  rememberEnd,
  type Selection,
  type SelectionChange,
} from './state.js';

/** One decision under way: the state it changes and the effects it gathers. */
export interface Turn {
  readonly state: ControlState;
  readonly context: Context;
  readonly effects: Effect[];
}

const OUTCOMES = {
  refused: 'not-started',
  expired: 'not-started',
  failed: 'failed',
  unknown: 'unknown',
  executed: 'executed',
} as const satisfies Record<End['kind'], ItemResult['outcome']>;

function outcomes(request: ControlRequest, end: End): ItemResult[] {
  return request.items.map(({ point }) => ({ point, outcome: OUTCOMES[end.kind] }));
}

function keyUntil(request: ControlRequest, endedAt: Deadline): Deadline {
  return makeDeadline(endedAt, request.origin.kind === 'cloud' ? LIMITS.cloudIdMs : LIMITS.idMs);
}

/** Remembers an end; `at` is when it came. */
export function remember(
  state: ControlState,
  request: ControlRequest,
  { end, items, at }: { readonly end: End; readonly items: readonly ItemResult[]; readonly at: Deadline },
): void {
  rememberEnd(state, {
    id: request.id,
    key: keyOf(request),
    content: contentOf(request),
    end,
    items,
    keyUntil: keyUntil(request, at),
    until: makeDeadline(at, LIMITS.idMs),
  });
}

/** The arbiter ends a request: a record for its asker. */
export function giveEnd(
  { state, context, effects }: Turn,
  request: ControlRequest,
  { end, items = outcomes(request, end) }: { readonly end: End; readonly items?: readonly ItemResult[] },
): void {
  const at = context.now.wallMs;
  effects.push(
    end.kind === 'refused'
      ? { kind: 'refused', refused: { request, end, at } }
      : { kind: 'ended', ended: { kind: 'ended', id: request.id, end, items: [...items], late: false, at } },
  );
  remember(state, request, { end, items, at: context.now });
}

/** An open request ends; by `isOurs` the arbiter says so, else the executor has. Repeats hear it from the arbiter. */
export function endOpen(
  turn: Turn,
  open: OpenRequest,
  { end, items, isOurs }: { readonly end: End; readonly items?: readonly ItemResult[]; readonly isOurs: boolean },
): void {
  turn.state.open.delete(open.request.id);
  const results = items ?? outcomes(open.request, end);
  if (isOurs) giveEnd(turn, open.request, { end, items: results });
  else remember(turn.state, open.request, { end, items: results, at: turn.context.now });
  for (const twin of open.twins) giveEnd(turn, twin, { end, items: results });
}

function holdsOf({ holds, selections }: ControlState, point: string): Hold[] {
  return [holds.get(point), selections.get(point)?.hold].filter((hold) => hold !== undefined);
}

/** Puts a hold in place of what is there, or ends it (`next` undefined). */
export function changeHold(
  { state, effects }: Turn,
  point: string,
  { next, change }: { readonly next?: Hold; readonly change: HoldChange },
): void {
  const before = state.holds.get(point);
  if (next) state.holds.set(point, next);
  else state.holds.delete(point);
  const isLost = before !== undefined && before.source !== next?.source;
  effects.push({
    kind: 'hold',
    point,
    term: state.term,
    holds: holdsOf(state, point),
    change,
    ...(isLost ? { lost: before } : {}),
  });
}

/** Puts a selection in place of what is there, or ends it (`next` undefined). */
export function changeSelection(
  { state, effects }: Turn,
  point: string,
  { next, change }: { readonly next?: Selection; readonly change: SelectionChange },
): void {
  if (next) state.selections.set(point, next);
  else state.selections.delete(point);
  effects.push({ kind: 'hold', point, term: state.term, holds: holdsOf(state, point), change });
}

function touches(open: OpenRequest, points: ReadonlySet<string>): boolean {
  return open.request.items.some(({ point }) => points.has(point));
}

/** Open requests about any of these points. */
export function openOn(turn: Turn, request: ControlRequest): OpenRequest[] {
  const points = new Set(request.items.map(({ point }) => point));
  return [...turn.state.open.values()].filter((open) => open.request.id !== request.id && touches(open, points));
}

/** In flight, and in the way: a kept value is not any more once the device has acknowledged it. */
export function isBlocking({ context }: Turn, open: OpenRequest): boolean {
  if (open.phase === 'granted' || open.phase === 'started') return true;
  return (
    open.phase === 'verifying' &&
    open.request.items.some(({ point }) => {
      const entry = context.directory.point(point);
      return entry !== undefined && isSwitched(entry);
    })
  );
}
