import type { AddressPlan } from '@busbar/address-plan';
import { HandleIndex } from '@busbar/batch';
import type { JoinedPlan } from '@busbar/events';

/** Where the values of one asset stand in a plan. */
export interface AssetSlots {
  readonly handles: HandleIndex;
  /** By the index that `handles` gives: the slots that show the point, a value and the feedback of its command alike. */
  readonly slots: readonly (readonly number[])[];
  /** By the same index: does any of them want every change? */
  readonly isEvent: readonly boolean[];
  /** By the same index: the handle itself. */
  readonly numbers: readonly number[];
}

/** Finds the slots of a plan by asset and handle, as batches name them. */
export class PlanIndex {
  readonly plan: AddressPlan;
  readonly #assets = new Map<string, AssetSlots>();

  constructor({ plan, sources }: JoinedPlan) {
    this.plan = plan;
    const byAsset = new Map<string, Map<number, number[]>>();
    plan.entries.forEach((entry, slot) => {
      const { role, asset } = entry;
      const handle = sources[slot]?.number;
      if ((role !== 'value' && role !== 'control') || asset === undefined || handle === undefined) return;
      const handles = byAsset.get(asset) ?? new Map<number, number[]>();
      byAsset.set(asset, handles);
      const slots = handles.get(handle);
      if (slots) slots.push(slot);
      else handles.set(handle, [slot]);
    });
    for (const [asset, handles] of byAsset) {
      const numbers = [...handles.keys()];
      const slots = [...handles.values()];
      this.#assets.set(asset, {
        handles: new HandleIndex(numbers),
        slots,
        isEvent: slots.map((list) => list.some((slot) => plan.entries[slot]?.event === 'soe')),
        numbers,
      });
    }
  }

  get assets(): IterableIterator<string> {
    return this.#assets.keys();
  }

  of(asset: string): AssetSlots | undefined {
    return this.#assets.get(asset);
  }

  /** For each slot here, the slot of the same address and identity there; -1 where there is none. */
  slotsFrom(previous: AddressPlan): Int32Array {
    const old = new Map(previous.entries.map((entry, slot) => [keyOf(entry), slot]));
    return Int32Array.from(this.plan.entries, (entry) => old.get(keyOf(entry)) ?? -1);
  }
}

function keyOf({ id, class: name, station }: AddressPlan['entries'][number]): string {
  return `${station} ${name} ${id}`;
}
