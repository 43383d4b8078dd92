import type { ControlRequest, End, Executed, Started } from '@busbar/events';
import { type Context, check, checkAge, type Finding } from './check.js';
import { checkRate, sweepRates } from './check-rate.js';
import { earlierOf, isPast, makeDeadline, remainingMs } from './deadline.js';
import { changeHolds, findPlace, operate, promote, refuse } from './operate.js';
import { cancel, checkSelections, findCancellation, select, takeSelections } from './select.js';
import {
  type ControlEvent,
  type ControlState,
  contentOf,
  type Effect,
  forget,
  keyOf,
  LIMITS,
  type OpenRequest,
  openRequest,
  type Selection,
} from './state.js';
import { changeHold, changeSelection, endOpen, giveEnd, type Turn } from './turn.js';

export interface Decision {
  readonly state: ControlState;
  readonly effects: readonly Effect[];
  /** When to send a `tick` at the latest, on the monotonic clock of `now`; infinite: nothing is due. */
  readonly wakeAtMs: number;
}

const NOTHING_WRITTEN: End = { kind: 'executed', verified: false, written: false, clamped: false };

function sweep(turn: Turn): void {
  const { state, context } = turn;
  const { now } = context;
  for (const [point, hold] of state.holds) {
    if (isPast(hold.until, now)) changeHold(turn, point, { change: 'expired' });
  }
  for (const [point, { hold }] of state.selections) {
    if (isPast(hold.until, now)) changeSelection(turn, point, { change: 'lapsed' });
  }
  sweepRates(turn);
  for (const open of [...state.open.values()]) {
    if (open.phase === 'received' || !isPast(open.limit, now)) continue;
    if (open.phase === 'waiting') endOpen(turn, open, { end: { kind: 'expired', reason: 'DEADLINE' }, isOurs: true });
    else if (open.phase === 'granted')
      endOpen(turn, open, { end: { kind: 'expired', reason: 'PERMIT' }, isOurs: true });
    else endOpen(turn, open, { end: { kind: 'unknown', reason: 'EXECUTOR_LOST' }, isOurs: true });
  }
  for (const ended of state.ended.values()) {
    if (!isPast(ended.until, now)) break;
    forget(state, ended);
  }
}

/** What an earlier request with the same id says about this one: its answer is known, is to come, or it is another one. */
function findRepeat({ state, context }: Turn, request: ControlRequest): 'answered' | 'open' | 'reused' | 'new' {
  const known = state.keys.get(keyOf(request)) ?? '';
  const content = contentOf(request);
  const open = state.open.get(known);
  if (open) return open.content === content ? 'open' : 'reused';
  const ended = state.ended.get(known);
  if (!ended || isPast(ended.keyUntil, context.now)) return 'new';
  return ended.content === content ? 'answered' : 'reused';
}

function answerRepeat(turn: Turn, request: ControlRequest, repeat: 'answered' | 'open'): void {
  const { state, effects } = turn;
  const known = state.keys.get(keyOf(request)) as string;
  if (repeat === 'open') state.open.get(known)?.twins.push(request);
  else {
    const ended = state.ended.get(known);
    if (ended) giveEnd(turn, request, { end: ended.end, items: ended.items });
  }
  effects.push({ kind: 'noted', id: request.id, note: 'repeated' });
}

function isKnown({ state }: Turn, { id }: ControlRequest): boolean {
  if (state.open.has(id) || state.ended.has(id)) return true;
  for (const open of state.open.values()) if (open.twins.some((twin) => twin.id === id)) return true;
  return false;
}

/** A request cannot live longer than the policies of its points allow, whatever its entry wrote. */
function cutExpiry({ context }: Turn, request: ControlRequest) {
  let limit = request.expiresAt;
  for (const { point } of request.items) {
    const policy = context.directory.point(point)?.policy;
    if (policy) limit = earlierOf(limit, makeDeadline(context.now, policy.maxExpiryMs), context.now);
  }
  return limit;
}

function requested(turn: Turn, request: ControlRequest, isBeforeOffice: boolean): void {
  const { state, context, effects } = turn;
  if (isKnown(turn, request)) {
    effects.push({ kind: 'noted', id: request.id, note: 'repeated' });
    return;
  }
  const repeat = findRepeat(turn, request);
  if (repeat === 'answered' || repeat === 'open') {
    answerRepeat(turn, request, repeat);
    return;
  }
  if (repeat === 'new') state.keys.set(keyOf(request), request.id);
  const selections = takeSelections(turn, request);
  if (isBeforeOffice) {
    refuse(turn, request, [{ rule: 'RESTARTED', facts: [] }]);
    return;
  }
  if (isPast(request.expiresAt, context.now)) {
    giveEnd(turn, request, { end: { kind: 'expired', reason: 'DEADLINE' } });
    return;
  }
  if (isPast(request.decideBy, context.now)) {
    giveEnd(turn, request, { end: { kind: 'expired', reason: 'DECISION' } });
    return;
  }
  judge(turn, request, { isReused: repeat === 'reused', selections });
}

/** All rules, then the act. A dry run is judged alike, and changes nothing. */
function judge(
  turn: Turn,
  request: ControlRequest,
  { isReused, selections }: { readonly isReused: boolean; readonly selections: ReadonlyMap<string, Selection> },
): void {
  const checked = check(request, turn.state, turn.context);
  const place = findPlace(turn, request, checked.items);
  const cancellation = findCancellation(turn, request);
  const findings: Finding[] = [...checked.findings];
  if (isReused) findings.push({ rule: 'ID_REUSED', facts: [{ name: 'id', value: keyOf(request) }] });
  if (request.act === 'operate' || request.act === 'select') {
    findings.push(...checkAge(request), ...checkSelections(request, checked.items, selections));
    findings.push(...place.findings, ...checkRate(turn, request));
  }
  if (request.act === 'cancel') findings.push(...cancellation.findings);
  if (findings.length > 0) refuse(turn, request, findings);
  else if (request.dryRun) giveEnd(turn, request, { end: NOTHING_WRITTEN });
  else if (request.act === 'operate') {
    operate(turn, openRequest(request, cutExpiry(turn, request)), { checked, place });
  } else if (request.act === 'cancel') cancel(turn, request, cancellation);
  else {
    if (request.act === 'select') select(turn, request, checked.items);
    else changeHolds(turn, request, checked.items);
    giveEnd(turn, request, { end: NOTHING_WRITTEN });
  }
}

/** How long to wait for the executor's end: its own limits and a little more, or a moment at a new epoch. */
function watch({ state, context: { now } }: Turn, open: OpenRequest): void {
  const { grant } = open;
  if (!grant) return;
  const withinMs = Math.max(0, ...grant.writes.map(({ feedback }) => feedback?.withinMs ?? 0));
  const ms = grant.writes.length * LIMITS.writeMs + withinMs + LIMITS.executorMs;
  const epoch = state.executors.get(grant.executor.connection);
  const isReplaced = epoch !== undefined && epoch !== grant.executor.epoch;
  open.limit = makeDeadline(now, isReplaced ? LIMITS.epochMs : ms);
}

/** A start that the state does not know (older than what was replayed, or of another arbiter) is adopted. */
export function started(turn: Turn, { grant }: Pick<Started, 'grant'>): void {
  const { state } = turn;
  const { id } = grant.request;
  if (state.ended.has(id)) return;
  let open = state.open.get(id);
  if (!open) {
    open = openRequest(grant.request, grant.permitUntil);
    state.open.set(id, open);
    if (!state.keys.has(open.key)) state.keys.set(open.key, id);
  }
  if (open.phase === 'started' || open.phase === 'verifying') return;
  if (open.grant && open.grant.executor.epoch !== grant.executor.epoch) return;
  open.grant = grant;
  open.phase = 'started';
  watch(turn, open);
}

export function executed(turn: Turn, event: Executed): void {
  const { state, effects } = turn;
  const open = state.open.get(event.id);
  if (!open) {
    if (event.kind === 'ended' && event.epoch !== undefined)
      effects.push({ kind: 'noted', id: event.id, note: 'late' });
    return;
  }
  // Who was not granted the request cannot know its end: another epoch's executor may be at work.
  if (event.epoch !== undefined && event.epoch !== open.grant?.executor.epoch) {
    effects.push({ kind: 'noted', id: event.id, note: 'late' });
    return;
  }
  if (event.kind === 'ended') {
    endOpen(turn, open, { end: event.end, items: event.items, isOurs: false });
    return;
  }
  if (open.phase === 'granted') watch(turn, open);
  open.phase = 'verifying';
  open.items = event.items;
}

function executor({ state, context: { now } }: Turn, connection: string, epoch: string | null): void {
  if (epoch === null) {
    state.executors.delete(connection);
    return;
  }
  state.executors.set(connection, epoch);
  for (const open of state.open.values()) {
    if (open.phase !== 'started' && open.phase !== 'verifying') continue;
    const by = open.grant?.executor;
    if (by?.connection !== connection || by.epoch === epoch) continue;
    // The old executor's last record may be on its way on another topic.
    open.limit = earlierOf(open.limit, makeDeadline(now, LIMITS.epochMs), now);
  }
}

function takeOffice(turn: Turn): void {
  const { state } = turn;
  for (const point of [...state.selections.keys()]) changeSelection(turn, point, { change: 'restarted' });
  for (const open of [...state.open.values()]) {
    if (open.phase !== 'received') continue;
    state.open.delete(open.request.id);
    const known = state.keys.get(open.key);
    const isRepeat = known !== open.request.id && findRepeat(turn, open.request) === 'answered';
    if (isRepeat) answerRepeat(turn, open.request, 'answered');
    else endOpen(turn, open, { end: { kind: 'refused', rule: 'RESTARTED', also: [], facts: [] }, isOurs: true });
  }
}

function configured(turn: Turn): void {
  for (const point of [...turn.state.holds.keys()]) {
    if (!turn.context.directory.point(point)) changeHold(turn, point, { change: 'removed' });
  }
  for (const point of [...turn.state.selections.keys()]) {
    if (!turn.context.directory.point(point)?.policy?.select) changeSelection(turn, point, { change: 'removed' });
  }
}

function apply(turn: Turn, event: ControlEvent): void {
  switch (event.kind) {
    case 'requested':
      requested(turn, event.request, event.isBeforeOffice ?? false);
      break;
    case 'started':
      started(turn, event.started);
      break;
    case 'executed':
      executed(turn, event.executed);
      break;
    case 'executor':
      executor(turn, event.connection, event.epoch);
      break;
    case 'office':
      takeOffice(turn);
      break;
    case 'configured':
      configured(turn);
      break;
    case 'tick':
      break;
  }
}

function wakeAtMs({ state, context: { now } }: Turn): number {
  let least = Number.POSITIVE_INFINITY;
  for (const open of state.open.values()) {
    if (open.phase !== 'received') least = Math.min(least, remainingMs(open.limit, now));
  }
  for (const hold of state.holds.values()) least = Math.min(least, remainingMs(hold.until, now));
  for (const { hold } of state.selections.values()) least = Math.min(least, remainingMs(hold.until, now));
  return now.monotonicMs + least;
}

/**
 * The whole of arbitration (control.md 2 to 5): no clock, no I/O, no randomness; equal states and events give equal
 * decisions. It takes the state over: go on with the one returned. The effects are to be published in order until they
 * are durable; an event is not given twice.
 */
export function decide(state: ControlState, event: ControlEvent, context: Context): Decision {
  const turn: Turn = { state, context, effects: [] };
  if (event.kind === 'office') state.term = event.term;
  sweep(turn);
  apply(turn, event);
  promote(turn);
  return { state, effects: turn.effects, wakeAtMs: wakeAtMs(turn) };
}
