import {
  lineWidth,
  movesBetween,
  type PlanFinding,
  type PlanLine,
  type Planned,
  plan,
  planLines,
} from '@busbar/address-plan';
import type { Forwarding } from './forwarding.js';
import type { Place } from './place.js';
import type { Report } from './report.js';
import type { LockLine } from './result.js';

export interface ForwardPlan {
  readonly forwarding: Forwarding;
  readonly plan: Planned;
}

export interface ForwardLocks {
  /** Of the package's own lock. */
  readonly own: readonly LockLine[];
  /** That is published: it wins. */
  readonly published: readonly LockLine[] | undefined;
  /** Forwarding connections that get their first plan again. */
  readonly compact: ReadonlySet<string>;
}

/** Stage lock: addresses of every forwarding connection, and the lines that keep them. */
export function planForwardings(
  forwardings: readonly Forwarding[],
  locks: ForwardLocks,
  report: Report,
): { readonly plans: readonly ForwardPlan[]; readonly lines: readonly LockLine[] } {
  const plans: ForwardPlan[] = [];
  const lines: LockLine[] = [];
  for (const forwarding of forwardings) {
    const { id, settings, subject, templates } = forwarding;
    const previous = linesOf(forwarding, locks);
    const indexes = giveIndexes(forwarding, locks);
    const devices = forwarding.members.map((member) => ({
      asset: member.asset.id,
      ...(member.was === undefined ? {} : { was: member.was }),
      index: indexes.of(member.asset.id),
      template: member.template,
      ...(member.group === undefined ? {} : { group: member.group }),
    }));
    const made = plan(
      { ...settings, renumber: locks.compact.has(id) },
      { devices, templates: new Map([...templates].map(([key, { rows }]) => [key, { id: key, rows }])) },
      previous,
    );
    for (const finding of made.findings) reportFinding(finding, forwarding, report);
    const next = planLines(made, settings);
    const moves = movesBetween(linesOf(forwarding, { ...locks, own: locks.published ? [] : locks.own }), next);
    const first = moves[0];
    if (first) {
      const params = {
        count: moves.length,
        server: id,
        first: `${first.id}: ${first.before.number} to ${first.after.number}`,
      };
      report.add('FORWARD_MOVED', subject.place, params);
    }
    plans.push({ forwarding, plan: made });
    lines.push(...indexes.lines);
    for (const { space, ...line } of next) lines.push({ kind: 'address', scope: `${id}/${space}`, ...line });
  }
  return { plans, lines: [...lines, ...goneLines(forwardings, locks)] };
}

const isOf =
  (id: string) =>
  (line: LockLine): boolean =>
    line.kind === 'address' ? line.scope.startsWith(`${id}/`) : line.kind === 'index' && line.scope === id;

/** Lines of one connection, under the id that it has now; of the package's own only what contradicts none published. */
function linesOf({ id, was }: Forwarding, { own, published = [] }: ForwardLocks): PlanLine[] {
  const named = (lines: readonly LockLine[]): PlanLine[] => {
    const hasOwn = lines.some(isOf(id));
    const name = hasOwn || was === undefined ? id : was;
    return lines
      .filter((line) => line.kind === 'address' && isOf(name)(line))
      .map(({ scope, number, id: of, type, state }) => ({
        space: scope.slice(name.length + 1),
        number,
        id: of,
        type,
        state,
      }));
  };
  const kept = named(published);
  const taken = new Set<string>();
  const places = (line: PlanLine): string[] =>
    Array.from({ length: lineWidth(line) }, (_, step) => `${line.space} ${line.number + step}`);
  for (const line of kept) for (const place of places(line)) taken.add(place);
  const live = new Set(kept.filter(({ state }) => state === '').map(({ space, id: of }) => `${space} ${of}`));
  for (const line of named(own)) {
    const all = places(line);
    if (all.some((place) => taken.has(place)) || live.has(`${line.space} ${line.id}`)) continue;
    for (const place of all) taken.add(place);
    kept.push(line);
  }
  return kept;
}

/** A missing index is given once and kept: those of assets that are gone too. */
function giveIndexes(forwarding: Forwarding, { own, published = [] }: ForwardLocks) {
  const { id, was, members } = forwarding;
  const given = new Map<string, number>();
  for (const line of [...published, ...own]) {
    const isOwn = line.kind === 'index' && (line.scope === id || line.scope === was);
    if (isOwn && !given.has(line.id)) given.set(line.id, line.number);
  }
  const written = new Map(
    members.flatMap(({ asset, index }) => (index === undefined ? [] : [[asset.id, index] as const])),
  );
  let highest = Math.max(0, ...given.values(), ...written.values());
  const indexes = new Map<string, number>(written);
  const used = new Set<string>();
  for (const { asset, was: before, index } of members) {
    if (index !== undefined) continue;
    const name = !given.has(asset.id) && before !== undefined && given.has(before) ? before : asset.id;
    const kept = given.get(name) ?? ++highest;
    if (name !== asset.id) given.delete(name);
    given.set(asset.id, kept);
    indexes.set(asset.id, kept);
    used.add(asset.id);
  }
  const lines = [...given].map(
    ([asset, number]): LockLine => ({
      kind: 'index',
      scope: id,
      number,
      id: asset,
      type: '',
      state: used.has(asset) ? '' : 'retired',
    }),
  );
  return { lines: uniqueNumbers(lines), of: (asset: string): number => indexes.get(asset) ?? 0 };
}

/** One line per number: of a lock that was merged by hand what is in use goes first. */
function uniqueNumbers(lines: readonly LockLine[]): LockLine[] {
  const byNumber = new Map<number, LockLine>();
  for (const line of lines) if (line.state === '' || !byNumber.has(line.number)) byNumber.set(line.number, line);
  return [...byNumber.values()];
}

/** Lines of connections that are gone: should one come back, its third party finds its addresses again. */
function goneLines(forwardings: readonly Forwarding[], { own, published }: ForwardLocks): LockLine[] {
  const isKnown = (line: LockLine): boolean =>
    forwardings.some(({ id, was }) => isOf(id)(line) || (was !== undefined && isOf(was)(line)));
  return (published ?? own)
    .filter((line) => (line.kind === 'address' || line.kind === 'index') && !isKnown(line))
    .map((line) => ({ ...line, state: 'retired' as const }));
}

function reportFinding(finding: PlanFinding, forwarding: Forwarding, report: Report): void {
  const { severity, code, params, asset, template, row } = finding;
  if (severity === 'note') return;
  const member = forwarding.members.find((one) => one.asset.id === asset);
  const drafted =
    template === undefined || row === undefined ? undefined : forwarding.templates.get(template)?.places[row];
  const place: Place = drafted?.place ?? member?.place ?? forwarding.subject.place;
  // One line of a template is one finding, however many connections and models take it.
  const mark = drafted
    ? String(params.type ?? '')
    : [forwarding.id, params.class, params.station, params.asset].join(' ');
  report.record(code, place, { params, mark });
}
