import type { ControlRequest, Grant, Hold } from '@busbar/events';
import { type Checked, type CheckedItem, check, type Finding, firstOf } from './check.js';
import { earlierOf, makeDeadline, remainingMs } from './deadline.js';
import { isSwitched } from './directory.js';
import { priorityOf } from './priority.js';
import { LIMITS, type OpenRequest } from './state.js';
import { changeHold, endOpen, giveEnd, isBlocking, openOn, type Turn } from './turn.js';

export function refuse(turn: Turn, request: ControlRequest, findings: readonly Finding[]): void {
  const answer = firstOf(findings);
  if (!answer) return;
  const { first, also } = answer;
  const holder = first.holder ? { holder: first.holder } : {};
  const end = { kind: 'refused' as const, rule: first.rule, also, ...holder, facts: [...first.facts] };
  const open = turn.state.open.get(request.id);
  if (open) endOpen(turn, open, { end, isOurs: true });
  else giveEnd(turn, request, { end });
}

export interface Place {
  /** Rule 9, where the request can neither go nor wait. */
  readonly findings: readonly Finding[];
  readonly mustWait: boolean;
  /** Who waited and has to give way. */
  readonly displaced: readonly OpenRequest[];
}

function mayDisplace(
  turn: Turn,
  waiting: OpenRequest,
  { request, items }: { request: ControlRequest; items: readonly CheckedItem[] },
): boolean {
  if (waiting.request.origin.source === request.origin.source) return true;
  return items.every(({ point, priority }) => {
    if (!waiting.request.items.some((item) => item.point === point)) return true;
    const policy = turn.context.directory.point(point)?.policy;
    const theirs = policy ? priorityOf(waiting.request, policy) : undefined;
    return theirs === undefined || priority < theirs;
  });
}

/** Rule 9: one write in flight per point, one place to wait behind it; none behind a switch, and none for a select. */
export function findPlace(turn: Turn, request: ControlRequest, items: readonly CheckedItem[]): Place {
  const others = openOn(turn, request);
  const inFlight = others.filter((open) => isBlocking(turn, open));
  const waiting = others.filter((open) => open.phase === 'waiting');
  if (inFlight.length + waiting.length === 0) return { findings: [], mustWait: false, displaced: [] };
  const mayWait = request.act === 'operate' && !items.some(({ entry }) => isSwitched(entry));
  const isTaken = waiting.some((open) => !mayDisplace(turn, open, { request, items }));
  if (mayWait && !isTaken) return { findings: [], mustWait: true, displaced: waiting };
  const inTheWay = [...inFlight, ...waiting][0]?.request;
  const facts = [
    { name: 'in flight', value: inTheWay?.id ?? '' },
    { name: 'source', value: inTheWay?.origin.source ?? '' },
  ];
  return { findings: [{ rule: 'BUSY', facts }], mustWait: false, displaced: [] };
}

function holdFor(turn: Turn, request: ControlRequest, item: CheckedItem): Hold | undefined {
  const ms = Math.min(request.holdMs ?? item.policy.holdMs, item.policy.maxHoldMs);
  if (ms <= 0) return undefined;
  return {
    point: item.point,
    kind: 'value',
    source: request.origin.source,
    link: request.origin.link,
    priority: item.priority,
    value: request.items.find(({ point }) => point === item.point)?.value ?? null,
    until: makeDeadline(turn.context.now, ms),
  };
}

function takeHold(turn: Turn, request: ControlRequest, item: CheckedItem): void {
  const before = turn.state.holds.get(item.point);
  const next = holdFor(turn, request, item);
  if (!before && !next) return;
  const isOwn = before?.source === request.origin.source;
  const change = !before ? 'granted' : !isOwn ? 'taken' : next ? 'renewed' : 'released';
  changeHold(turn, item.point, { ...(next ? { next } : {}), change });
}

/** The hold goes out before the grant: a hold without its write lapses, a write without its hold is undefended. */
function grant(turn: Turn, open: OpenRequest, { items, writes, connection }: Checked): void {
  const { state, context, effects } = turn;
  const { now, directory } = context;
  const { request } = open;
  for (const verifying of openOn(turn, request).filter((other) => other.phase === 'verifying')) {
    endOpen(turn, verifying, {
      end: { kind: 'executed', verified: false, written: true, clamped: false },
      ...(verifying.items ? { items: verifying.items } : {}),
      isOurs: true,
    });
  }
  for (const item of items) takeHold(turn, request, item);
  const permitUntil = earlierOf(makeDeadline(now, LIMITS.permitMs), open.limit, now);
  const granted: Grant = {
    request,
    executor: { connection: connection as string, epoch: state.executors.get(connection as string) as string },
    term: state.term,
    generation: directory.generation,
    permitUntil,
    grantedAt: now.wallMs,
    writes: [...writes],
  };
  open.phase = 'granted';
  open.grant = granted;
  open.limit = makeDeadline(now, remainingMs(permitUntil, now) + LIMITS.lapseMs);
  effects.push({ kind: 'grant', grant: granted });
}

/** A request that passed the rules: it goes at once, or waits and takes the place of who waited. */
export function operate(turn: Turn, open: OpenRequest, { checked, place }: { checked: Checked; place: Place }): void {
  turn.state.open.set(open.request.id, open);
  if (!place.mustWait) {
    grant(turn, open, checked);
    return;
  }
  open.phase = 'waiting';
  for (const other of place.displaced) {
    refuse(turn, other.request, [{ rule: 'SUPERSEDED', facts: [{ name: 'by', value: open.request.id }] }]);
  }
}

/** Who waited goes, if nothing is in its way any more; all rules are asked anew. */
export function promote(turn: Turn): void {
  for (const open of [...turn.state.open.values()]) {
    if (open.phase !== 'waiting') continue;
    if (openOn(turn, open.request).some((other) => isBlocking(turn, other))) continue;
    const checked = check(open.request, turn.state, turn.context);
    if (checked.findings.length > 0) refuse(turn, open.request, checked.findings);
    else grant(turn, open, checked);
  }
}

/** Renew or release: the rules have found the holds to be the asker's. */
export function changeHolds(turn: Turn, request: ControlRequest, items: readonly CheckedItem[]): void {
  for (const item of items) {
    const before = turn.state.holds.get(item.point);
    const renewed = request.act === 'renew' ? holdFor(turn, request, item) : undefined;
    if (renewed && before)
      changeHold(turn, item.point, { next: { ...before, until: renewed.until }, change: 'renewed' });
    else changeHold(turn, item.point, { change: 'released' });
  }
}
