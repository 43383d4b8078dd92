import type { AddressPlan, PlanClass } from './address-plan.js';
import { registersOf } from './modbus-types.js';
import { firstStation, isPerStation, type PlanSettings } from './plan-settings.js';

/** One address as busbar.lock keeps it: all that a later plan must know of an earlier one. */
export interface PlanLine {
  /** Class or area; with several stations `@` and the station's distance from the first: `YC@3`. */
  readonly space: string;
  readonly number: number;
  /** As in an entry; `<asset>/spare.<address>` for free places. */
  readonly id: string;
  /** Of an entry; for free places their number. */
  readonly type: string;
  readonly state: '' | 'retired';
}

export interface LineParts {
  readonly asset: string;
  /** Number of a reserved place; undefined for anything else. */
  readonly reserved: number | undefined;
  readonly isSpare: boolean;
}

/** What an id of a line or entry names. */
export function lineParts(id: string): LineParts {
  if (id.startsWith('@')) return { asset: '', reserved: undefined, isSpare: false };
  const slash = id.indexOf('/');
  const match = /^(reserved|spare)\.(\d+)$/.exec(id.slice(slash + 1));
  return {
    asset: id.slice(0, slash),
    reserved: match?.[1] === 'reserved' ? Number(match[2]) : undefined,
    isSpare: match?.[1] === 'spare',
  };
}

/** An id that a point cannot have: it would be taken for a place without one. */
export function isPlaceId(point: string): boolean {
  return /^(reserved|spare)\.\d+$/.test(point);
}

/** Addresses that a line takes. */
export function lineWidth(line: PlanLine): number {
  if (lineParts(line.id).isSpare) return Number(line.type);
  return registersOf(line.type) ?? 1;
}

export function spaceText(settings: PlanSettings, name: PlanClass, station: number): string {
  const distance = station - firstStation(settings);
  // A dead address keeps its station when all that lives has become one.
  return isPerStation(settings) || distance !== 0 ? `${name}@${distance}` : name;
}

/** Class and station of a space's text. */
export function spaceParts(
  settings: PlanSettings,
  text: string,
): { readonly name: PlanClass; readonly station: number } {
  const [name = '', distance = '0'] = text.split('@');
  return { name: name as PlanClass, station: firstStation(settings) + Number(distance) };
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** What busbar.lock keeps of a plan, sorted. */
export function planLines(plan: AddressPlan, settings: PlanSettings): readonly PlanLine[] {
  const space = (one: { readonly class: PlanClass; readonly station: number }): string =>
    spaceText(settings, one.class, one.station);
  const lines: PlanLine[] = [
    ...plan.entries.map((one) => ({ space: space(one), number: one.address, id: one.id, type: one.type })),
    ...plan.spares.map((one) => ({
      space: space(one),
      number: one.address,
      id: `${one.asset}/spare.${one.address}`,
      type: String(one.width),
    })),
  ].map((line) => ({ ...line, state: '' as const }));
  for (const one of plan.tombstones) {
    lines.push({ space: space(one), number: one.address, id: one.id, type: one.type, state: 'retired' });
  }
  return lines.sort((a, b) => compare(a.space, b.space) || a.number - b.number);
}

/** Lines in both whose address is another one now; by id within a class, whatever the station. */
export function movesBetween(
  before: readonly PlanLine[],
  after: readonly PlanLine[],
): readonly { readonly id: string; readonly before: PlanLine; readonly after: PlanLine }[] {
  const key = ({ space, id }: PlanLine): string => `${space.split('@')[0]} ${id}`;
  const isKept = (line: PlanLine): boolean => {
    const { reserved, isSpare } = lineParts(line.id);
    return line.state === '' && reserved === undefined && !isSpare;
  };
  const known = new Map(before.filter(isKept).map((line) => [key(line), line]));
  return after.filter(isKept).flatMap((line) => {
    const old = known.get(key(line));
    if (!old || (old.number === line.number && old.space === line.space)) return [];
    return [{ id: line.id, before: old, after: line }];
  });
}
