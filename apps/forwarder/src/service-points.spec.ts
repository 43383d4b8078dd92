import type { AddressPlan, PlanEntry, ServicePoint } from '@busbar/address-plan';
import { bad } from '@busbar/model';
import { PointImage } from '@busbar/server-sdk';
import { describe, expect, it } from 'vitest';
import type { ForwardTarget } from './forward-target.js';
import { ServicePoints } from './service-points.js';
import { batchOf } from './test-plan.js';

const NAMES: readonly (readonly [ServicePoint, string?])[] = [
  ['heartbeat'],
  ['generation'],
  ['lost'],
  ['dropped'],
  ['communication', 'a'],
  ['age', 'a'],
];

function bench() {
  let nowMs = 0;
  const clock = { monotonicMs: () => nowMs, wallMs: () => 1_000_000 + nowMs };
  const entries = NAMES.map(([service, asset], i) => ({ role: 'service', service, asset, address: i }) as PlanEntry);
  const plan = { kind: 'iec104', entries, tombstones: [], spares: [], digest: 'aabbccdd' } as AddressPlan;
  const target = { plan, generation: 7, assets: ['a', 'b'] } as unknown as ForwardTarget;
  const service = new ServicePoints(target, clock);
  const image = new PointImage(entries.length);
  const slot = (name: ServicePoint) => NAMES.findIndex(([each]) => each === name);
  return {
    service,
    image,
    pass: (ms: number) => {
      nowMs += ms;
    },
    fill: (dropped = 0) => [...service.fill(image, { dropped })],
    value: (name: ServicePoint) => image.value[slot(name)],
    quality: (name: ServicePoint) => image.quality[slot(name)],
  };
}

describe('the points about a connection itself', () => {
  it('beat, count what was dropped, and say which generation is served', () => {
    const { fill, value } = bench();
    fill();
    const before = value('heartbeat') as number;
    fill(3);
    expect(value('heartbeat')).toBe(before + 1);
    expect(value('dropped')).toBe(3);
    expect(value('generation')).toBe(7);
  });

  it('say nothing of a device of which nothing is known: a start is no loss', () => {
    const { fill, value, quality } = bench();
    fill();
    expect(value('communication')).toBeNaN();
    expect(quality('communication')).toBe(bad('never-read'));
    expect(value('lost')).toBe(0);
  });

  it('tell that a device is lost and since when, and that it is back', () => {
    const { service, fill, value, pass } = bench();
    service.seen(batchOf('a', ['power', 1, 1]));
    fill();
    expect([value('communication'), value('age'), value('lost')]).toEqual([1, 0, 0]);
    pass(12_000);
    service.seen(batchOf('a', ['power', Number.NaN, 2, bad('not-connected')]));
    fill();
    expect([value('communication'), value('age'), value('lost')]).toEqual([0, 12, 1]);
    service.seen(batchOf('a', ['power', 1, 3]));
    fill();
    expect([value('communication'), value('age'), value('lost')]).toEqual([1, 0, 0]);
  });

  it('name only the slots whose value is another now', () => {
    const { fill } = bench();
    fill();
    expect(fill()).toEqual([0]);
  });
});
