import { type AddressPlan, type PlanEntry, plan, planDigest, planSettings } from '@busbar/address-plan';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type JoinedPlan, joinPlan, type PlanPart, planPartSchema, splitPlan } from './forwarding.js';
import { connectionEntity, generationCounts, publishedEntity } from './generation.js';
import { encodeJson } from './json.js';

const source = { number: 4, valueType: 'double' as const };

const starts = { YX: 1, YC: 1_000_000, YM: 2_000_000, YK: 3_000_000, YT: 4_000_000 };
const FIELDS = {
  iec104: { spare: { YC: 2 }, starts, service: { start: 5_000_000 } },
  modbus: { spare: { input: 3 }, qualityStart: 900 },
};

function made(kind: 'iec104' | 'modbus', count: number): AddressPlan {
  const rows = [
    { point: 'P', model: { type: 'double' as const, kind: 'AI' as const, access: 'rw' as const }, scale: 10, group: 2 },
    { reserved: 2, class: 'YC' as const },
    {
      point: 'S',
      model: { type: 'enum' as const, kind: 'DI' as const, access: 'r' as const, keys: ['open', 'closed'] },
      values: [
        ['open', 1],
        ['closed', 2],
      ] as const,
      deadband: { absolute: 2 },
    },
  ];
  const settings = planSettings(kind, FIELDS[kind], { control: true });
  const devices = Array.from({ length: count }, (_, index) => ({ asset: `a${index}`, index, template: 't' }));
  const { findings, ...whole } = plan(settings, { devices, templates: new Map([['t', { id: 't', rows }]]) });
  expect(findings).toEqual([]);
  const dead = { id: 'gone/P', class: whole.entries[0]?.class ?? 'YC', station: 1, address: 7, width: 1, type: 'M_SP' };
  const tombstones = [dead];
  return { ...whole, tombstones, digest: planDigest(whole.entries, tombstones) };
}

function joined(whole: AddressPlan, parts: readonly PlanPart[]): JoinedPlan | undefined {
  const byId = new Map(parts.map((part) => [part.id, part]));
  const reference = { kind: whole.kind, digest: whole.digest, parts: parts.map(({ id }) => id) };
  return joinPlan({ plan: reference }, (id) => byId.get(id));
}

describe('an address plan on its way', () => {
  it('comes out as it went in, through JSON, in parts that each stay small', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('iec104' as const, 'modbus' as const),
        fc.integer({ min: 1, max: 60 }),
        (kind, count) => {
          const whole = made(kind, count);
          const parts = splitPlan(whole, () => source).map((part) =>
            planPartSchema.parse(JSON.parse(JSON.stringify(part))),
          );
          const result = joined(whole, parts);
          expect(result?.plan).toEqual(whole);
          expect(result && planDigest(result.plan.entries, result.plan.tombstones)).toBe(whole.digest);
        },
      ),
      { numRuns: 20 },
    );
    const parts = splitPlan(made('iec104', 1_500), () => source);
    expect(parts.length).toBeGreaterThan(1);
    for (const part of parts) expect(encodeJson('configuration.published.v1', part).length).toBeLessThan(500_000);
  });

  it('names the source of what has one', () => {
    const whole = made('iec104', 1);
    const parts = splitPlan(whole, (_, point) => (point === 'P' ? source : undefined));
    const result = joined(whole, parts);
    const byRole = result?.plan.entries.map((entry: PlanEntry, slot) => [
      entry.role,
      entry.point,
      result.sources[slot],
    ]);
    expect(byRole).toContainEqual(['value', 'P', source]);
    expect(byRole).toContainEqual(['control', 'P', source]);
    expect(byRole).toContainEqual(['value', 'S', undefined]);
    expect(byRole).toContainEqual(['reserved', undefined, undefined]);
  });

  it('waits for its last part', () => {
    const whole = made('iec104', 1_500);
    const [first, ...rest] = splitPlan(whole, () => source);
    const reference = { plan: { kind: whole.kind, digest: whole.digest, parts: [first?.id ?? '', 'absent'] } };
    expect(joinPlan(reference, (id) => [first, ...rest].find((part) => part?.id === id))).toBeUndefined();
  });

  it('has equal parts when it is equal', () => {
    expect(splitPlan(made('modbus', 3), () => source)).toEqual(splitPlan(made('modbus', 3), () => source));
  });
});

describe('records of forwarding', () => {
  it('are counted by kinds of their own, which a generation without them does not name', () => {
    const [part] = splitPlan(made('iec104', 1), () => source) as [PlanPart];
    const connection = connectionEntity({
      kind: 'forwarding',
      id: 'd',
      title: 'd',
      server: 'iec104',
      site: 's',
      control: false,
      with: {},
      clients: [],
      plan: { kind: 'iec104', digest: 'x', parts: [part.id] },
    });
    const counts = generationCounts([connection, publishedEntity(part)]);
    expect(counts['connections.configured/forwarding']?.count).toBe(1);
    expect(counts['configuration.published/plan']?.count).toBe(1);
    expect(publishedEntity(part).key).toBe(`plan/${part.id}`);
    expect(Object.keys(generationCounts([]))).not.toContain('configuration.published/plan');
  });
});
