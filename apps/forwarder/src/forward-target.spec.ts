import type { PlanEntry } from '@busbar/address-plan';
import { type AssetConfig, type Configuration, type MapEntry, splitPlan } from '@busbar/events';
import { describe, expect, it } from 'vitest';
import { compileTarget } from './forward-target.js';
import { joinedPlan } from './test-plan.js';

const maps = (point: string, tags: Partial<MapEntry>): MapEntry => ({
  point,
  factor: 1,
  shift: 0,
  time: 'source',
  ...tags,
});

function configuration(ids: readonly string[], more: Partial<AssetConfig> = {}): Configuration {
  const { plan } = joinedPlan(...ids);
  const entries = plan.entries.map((entry): PlanEntry => ({ ...entry, role: 'control', class: 'YT', type: 'C_SE_NC' }));
  const own = { ...plan, entries };
  const parts = splitPlan(own, () => ({ number: 1, valueType: 'double' }));
  return {
    site: { kind: 'site', id: 's', title: '', timezone: 'UTC' },
    tables: [],
    models: [],
    policies: [],
    connections: [
      {
        kind: 'forwarding',
        id: 'dispatch',
        title: '',
        server: 'iec104',
        site: 's',
        control: true,
        with: {},
        clients: [],
        plan: { kind: 'iec104', digest: plan.digest, parts: parts.map(({ id }) => id) },
      },
    ],
    templates: [
      {
        kind: 'template',
        id: 't',
        model: 'm',
        table: 'x',
        map: [maps('limit', { read: 'r', write: 'w' }), maps('mode', { write: 'w' })],
        attributes: {},
        services: {},
      },
    ],
    assets: [
      {
        kind: 'asset',
        id: 'a',
        title: '',
        model: 'm',
        logic: false,
        from: [{ template: 't', connection: 'c', device: 'd' }],
        attributes: {},
        ...more,
      },
    ],
    plans: [...parts],
  };
}

describe('points without feedback', () => {
  it('are those that nothing reads', () => {
    const target = compileTarget(
      { number: 1, digest: '', configuration: configuration(['a/limit', 'a/mode', 'stranger/mode']) },
      'dispatch',
    );
    expect([...(target?.withoutFeedback ?? [])]).toEqual(['a/mode']);
  });

  it('are none of an asset that works its values out', () => {
    const all = configuration(['a/mode'], { logic: true });
    expect(compileTarget({ number: 1, digest: '', configuration: all }, 'dispatch')?.withoutFeedback.size).toBe(0);
  });
});
