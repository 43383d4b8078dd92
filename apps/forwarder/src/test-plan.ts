import type { AddressPlan, PlanEntry } from '@busbar/address-plan';
import { BatchBuilder, type SampleBatch } from '@busbar/batch';
import type { JoinedPlan } from '@busbar/events';
import type { Quality } from '@busbar/model';

const DEFAULTS = {
  role: 'value',
  class: 'YC',
  station: 1,
  width: 1,
  type: 'M_ME_NC',
  scale: 1,
  offset: 0,
  deadband: 0,
  event: 'latest',
  group: 0,
  cyclic: false,
  background: false,
} as const satisfies Partial<PlanEntry>;

/** Handles of the points of the test plans. */
export const NUMBERS: Readonly<Record<string, number>> = { power: 1, state: 2, limit: 3 };

/** A plan over `asset/point` ids, in that order; `state` wants every change. */
export function joinedPlan(...ids: readonly string[]): JoinedPlan {
  const entries = ids.map((id, at): PlanEntry => {
    const [asset, point] = id.split('/') as [string, string];
    const isState = point === 'state';
    const kind = isState ? ({ class: 'YX', type: 'M_SP', event: 'soe' } as const) : {};
    return { ...DEFAULTS, ...kind, id, asset, point, address: at + 1 };
  });
  const plan: AddressPlan = { kind: 'iec104', entries, tombstones: [], spares: [], digest: ids.join(' ') };
  const sources = entries.map(({ point }) => ({
    number: NUMBERS[point as string] as number,
    valueType: 'double' as const,
  }));
  return { plan, sources };
}

type Row = readonly [point: string, value: number, timeMs: number, quality?: Quality];

export function batchOf(key: string, ...rows: readonly Row[]): SampleBatch {
  const builder = new BatchBuilder(rows.length, 0);
  for (const [point, value, timeMs, quality = 0] of rows) builder.put(NUMBERS[point] as number, value, quality, timeMs);
  return builder.finish({ kind: 'points', key, generation: 1, collectedMs: 5_000 });
}
