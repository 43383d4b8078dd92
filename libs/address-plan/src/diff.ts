import type { AddressPlan, PlanEntry } from './address-plan.js';

export interface PlanChange {
  /** Undefined: added. */
  readonly before: PlanEntry | undefined;
  /** Undefined: removed. */
  readonly after: PlanEntry | undefined;
}

/** Every live entry of both plans stands in exactly one list; reserved places are not compared. */
export interface PlanDiff {
  readonly same: readonly PlanChange[];
  readonly added: readonly PlanChange[];
  readonly removed: readonly PlanChange[];
  readonly renamed: readonly PlanChange[];
  /** Scale, offset or values differ. */
  readonly rescaled: readonly PlanChange[];
  /** Another type, and mostly another address. */
  readonly retyped: readonly PlanChange[];
  readonly moved: readonly PlanChange[];
  /** Removed, rescaled, retyped and moved: a third party must be told before. */
  readonly breaking: readonly PlanChange[];
}

const identity = ({ class: name, id }: PlanEntry): string => `${name} ${id}`;
const placeOf = ({ class: name, station, address, type }: PlanEntry): string => `${name} ${station} ${address} ${type}`;

function scalingOf({ scale, offset, values }: PlanEntry): string {
  return JSON.stringify([scale, offset, values ?? []]);
}

/** What a third party would notice. */
export function diff(previous: AddressPlan, next: AddressPlan): PlanDiff {
  const isLive = ({ role }: PlanEntry): boolean => role !== 'reserved';
  const before = new Map(previous.entries.filter(isLive).map((entry) => [identity(entry), entry]));
  const after = new Map(next.entries.filter(isLive).map((entry) => [identity(entry), entry]));
  const gone = new Map(
    [...before].filter(([key]) => !after.has(key)).map(([, entry]) => [placeOf(entry), entry] as const),
  );
  const lists = {
    same: [] as PlanChange[],
    added: [] as PlanChange[],
    removed: [] as PlanChange[],
    renamed: [] as PlanChange[],
    rescaled: [] as PlanChange[],
    retyped: [] as PlanChange[],
    moved: [] as PlanChange[],
  };
  for (const [key, entry] of after) {
    const known = before.get(key);
    // An address is never given to somebody else: the same place under another id is a renamed point.
    const old = known ?? gone.get(placeOf(entry));
    if (old && !known) gone.delete(placeOf(entry));
    lists[kindOf(old, entry, known !== undefined)].push({ before: old, after: entry });
  }
  for (const entry of gone.values()) lists.removed.push({ before: entry, after: undefined });
  const { removed, rescaled, retyped, moved } = lists;
  return { ...lists, breaking: [...removed, ...rescaled, ...retyped, ...moved] };
}

function kindOf(before: PlanEntry | undefined, after: PlanEntry, isSameId: boolean) {
  if (!before) return 'added';
  if (before.type !== after.type) return 'retyped';
  if (before.address !== after.address || before.station !== after.station) return 'moved';
  if (scalingOf(before) !== scalingOf(after) || before.order !== after.order) return 'rescaled';
  return isSameId ? 'same' : 'renamed';
}
