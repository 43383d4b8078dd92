import type { AddressPlan, PlanEntry } from '@busbar/address-plan';
import { typeOf } from './wire-point.js';

/** What an interrogation asks for: everything, a group 1 to 16, all totals, or totals of a group 1 to 4. */
export type Selection = 'all' | 'totals' | `group-${number}` | `totals-${number}` | Round;

/** What is sent without being asked for, again and again. */
export type Round = 'cyclic' | 'background';

/** Slots of one station by object address. */
export interface Station {
  readonly address: number;
  /** Values and service points, by object address. */
  readonly monitored: ReadonlyMap<number, number>;
  /** Commands, by object address. */
  readonly commands: ReadonlyMap<number, number>;
}

function isMonitored({ role }: PlanEntry): boolean {
  return role === 'value' || role === 'service';
}

const isTotal = ({ type }: PlanEntry): boolean => type === 'M_IT';

function isSelected(entry: PlanEntry, selection: Selection): boolean {
  if (selection === 'all') return !isTotal(entry);
  if (selection === 'cyclic') return entry.cyclic;
  if (selection === 'background') return entry.background;
  if (selection === 'totals') return isTotal(entry);
  const group = Number(selection.slice(selection.lastIndexOf('-') + 1));
  return entry.group === group && isTotal(entry) === selection.startsWith('totals');
}

/** Finds slots of a plan by station and object address, and what an interrogation sends. */
export class StationMap {
  readonly plan: AddressPlan;
  readonly stations: ReadonlyMap<number, Station>;
  readonly #selected = new Map<string, readonly number[]>();

  constructor(plan: AddressPlan) {
    this.plan = plan;
    const stations = new Map<
      number,
      { address: number; monitored: Map<number, number>; commands: Map<number, number> }
    >();
    plan.entries.forEach((entry, slot) => {
      const { station: address } = entry;
      const station = stations.get(address) ?? { address, monitored: new Map(), commands: new Map() };
      stations.set(address, station);
      if (!typeOf(entry)) return;
      if (isMonitored(entry)) station.monitored.set(entry.address, slot);
      if (entry.role === 'control') station.commands.set(entry.address, slot);
    });
    this.stations = stations;
  }

  /** Slots of a station that an interrogation answers with, by type and object address. */
  selected(station: number, selection: Selection): readonly number[] {
    const key = `${station} ${selection}`;
    const known = this.#selected.get(key);
    if (known) return known;
    const { entries } = this.plan;
    const slots = [...(this.stations.get(station)?.monitored.values() ?? [])].filter((slot) =>
      isSelected(entries[slot] as PlanEntry, selection),
    );
    const typeAt = (slot: number) => typeOf(entries[slot] as PlanEntry)?.untimed ?? 0;
    const addressAt = (slot: number) => entries[slot]?.address ?? 0;
    slots.sort((a, b) => typeAt(a) - typeAt(b) || addressAt(a) - addressAt(b));
    this.#selected.set(key, slots);
    return slots;
  }
}
