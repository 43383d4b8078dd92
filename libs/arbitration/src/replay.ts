import type { ControlRequest, Deadline, Executed, Grant, Held, Refused, Started } from '@busbar/events';
import type { Context } from './check.js';
import { isPast, makeDeadline, remainingMs } from './deadline.js';
import { executed, started } from './decide.js';
import { type ControlState, contentOf, emptyState, keyOf, LIMITS, openRequest } from './state.js';
import { remember, type Turn } from './turn.js';

/** What the control topics hold, each in its own order; how they lie between each other does not matter. */
export interface ControlHistory {
  readonly requested: readonly ControlRequest[];
  readonly granted: readonly Grant[];
  readonly started: readonly Started[];
  readonly refused: readonly Refused[];
  readonly executed: readonly Executed[];
  /** The newest record of every point. */
  readonly held: readonly { readonly point: string; readonly held: Held }[];
  /** The newest epoch of every connection that has one. */
  readonly executors: ReadonlyMap<string, string>;
}

type Given = Pick<Extract<Executed, { kind: 'ended' }>, 'end' | 'items' | 'at'>;

/** No monotonic clock of this boot saw it: the wall clock counts. */
function pastMoment(wallMs: number): Deadline {
  return { bootId: '', monotonicMs: 0, wallMs };
}

/** The first end of a request is its end; what came later was noted only. */
function endsOf({ refused, executed: records }: ControlHistory): Map<string, Given> {
  const ends = new Map<string, Given>();
  for (const { request, end, at } of refused) if (!ends.has(request.id)) ends.set(request.id, { end, items: [], at });
  for (const record of records) {
    if (record.kind === 'ended' && !ends.has(record.id)) ends.set(record.id, record);
  }
  return ends;
}

function register({ state, context }: Turn, request: ControlRequest, given: Given | undefined): void {
  if (state.open.has(request.id) || state.ended.has(request.id)) return;
  const key = keyOf(request);
  const before = state.keys.get(key) ?? '';
  const content = contentOf(request);
  const open = state.open.get(before);
  const isTwin = open?.content === content;
  if (given) {
    remember(state, request, { ...given, at: pastMoment(given.at) });
    const isReuse = given.end.kind === 'refused' && given.end.rule === 'ID_REUSED';
    if (!isReuse && !isTwin) state.keys.set(key, request.id);
    return;
  }
  if (isTwin) {
    open?.twins.push(request);
    return;
  }
  state.open.set(request.id, openRequest(request, request.expiresAt));
  const ended = state.ended.get(before);
  const isRepeat = ended?.content === content && !isPast(ended.keyUntil, context.now);
  if (!isRepeat) state.keys.set(key, request.id);
}

function adopt({ state, context: { now } }: Turn, grant: Grant): void {
  const { id } = grant.request;
  if (state.ended.has(id)) return;
  const open = state.open.get(id) ?? openRequest(grant.request, grant.permitUntil);
  state.open.set(id, open);
  if (!state.keys.has(open.key)) state.keys.set(open.key, id);
  open.phase = 'granted';
  open.grant = grant;
  open.limit = makeDeadline(now, remainingMs(grant.permitUntil, now) + LIMITS.lapseMs);
}

/**
 * The state that the control topics of the last 24 h tell, for an arbiter that takes office: give it the event `office`
 * next. Requests without a grant will be refused as RESTARTED then, those with one are adopted and watched.
 */
export function replay(history: ControlHistory, context: Context): ControlState {
  const state = emptyState();
  const turn: Turn = { state, context, effects: [] };
  for (const [connection, epoch] of history.executors) state.executors.set(connection, epoch);
  const ends = endsOf(history);
  for (const request of history.requested) register(turn, request, ends.get(request.id));
  for (const { request, end, at } of history.refused) {
    if (!state.ended.has(request.id)) remember(state, request, { end, items: [], at: pastMoment(at) });
  }
  for (const grant of history.granted) if (!ends.has(grant.request.id)) adopt(turn, grant);
  for (const record of history.started) if (!ends.has(record.grant.request.id)) started(turn, record);
  for (const record of history.executed) if (record.kind === 'acknowledged') executed(turn, record);
  for (const { point, held } of history.held) {
    for (const hold of held.kind === 'holds' ? held.holds : []) {
      if (hold.kind === 'value') state.holds.set(point, hold);
      // It ends as the office is taken: who selected cannot be told what became of it.
      else state.selections.set(point, { hold, qualifier: undefined });
    }
  }
  return state;
}
