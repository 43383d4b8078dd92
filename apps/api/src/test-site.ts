import { BatchBuilder, encodeBatch, type SampleBatch, type SideValue } from '@busbar/batch';
import type { OutRecord } from '@busbar/bus';
import type { Configuration, ModelConfig, PointConfig } from '@busbar/events';
import type { Quality } from '@busbar/model';

/** Configuration and batches for the tests of this app. */

function point(number: number, id: string, more: Partial<PointConfig> = {}): PointConfig {
  return { number, id, title: `Title of ${id}`, type: 'double', kind: 'AI', access: 'r', quality: true, ...more };
}

const INVERTER: ModelConfig = {
  kind: 'model',
  id: 'inverter',
  title: 'Inverter',
  lineage: ['inverter'],
  points: [
    point(1, 'ActivePower', { unit: 'kW' }),
    point(7, 'PowerLimit', { unit: '%', access: 'rw', range: [0, 100] }),
    point(3, 'Running', { type: 'bool', kind: 'DI' }),
    point(9, 'Serial', { type: 'string' }),
  ],
  attributes: {},
  services: {},
};

const METER: ModelConfig = {
  ...INVERTER,
  id: 'meter',
  title: 'Meter',
  lineage: ['meter'],
  points: [point(1, 'Energy')],
};

export function sampleSite(inverters = 2): Configuration {
  return {
    site: { kind: 'site', id: 'demo', title: 'Demo', timezone: 'Asia/Shanghai' },
    tables: [],
    connections: [
      { kind: 'access', id: 'ring', title: 'Ring', driver: 'modbus', readOnly: false, with: {}, devices: [] },
    ],
    models: [INVERTER, METER],
    templates: [
      {
        kind: 'template',
        id: 'string',
        model: 'inverter',
        table: 'string',
        map: [{ point: 'PowerLimit', read: 'p', write: 'p', factor: 1, shift: 0, time: 'source' }],
        attributes: {},
        services: {},
      },
    ],
    assets: [
      ...Array.from({ length: inverters }, (_, i) => ({
        kind: 'asset' as const,
        id: `inv-0${i + 1}`,
        title: `Inverter ${i + 1}`,
        model: 'inverter',
        logic: false,
        from: [{ template: 'string', connection: 'ring', device: `inv-0${i + 1}` }],
        attributes: {},
      })),
      { kind: 'asset', id: 'mtr', title: 'Grid meter', model: 'meter', logic: false, from: [], attributes: {} },
    ],
    policies: [
      {
        kind: 'policy',
        id: 'curtailment',
        points: [{ asset: 'inv-01', point: 'PowerLimit' }],
        holdMs: 60_000,
        maxHoldMs: 60_000,
        expiryMs: 30_000,
        maxExpiryMs: 300_000,
        limits: { range: [10, 200] },
      },
    ],
  };
}

export type Sample = readonly [handle: number, value: number | SideValue, quality?: Quality, time?: number];

export function batchOf(asset: string, samples: readonly Sample[], generation = 1, at = 1_000_000): SampleBatch {
  const builder = new BatchBuilder(samples.length, at);
  for (const [handle, value, quality = 0, time = at] of samples) {
    if (typeof value === 'number') builder.put(handle, value, quality, time);
    else builder.putSide(handle, value, quality, time);
  }
  return builder.finish({ kind: 'points', key: asset, generation, collectedMs: at + 5 });
}

export function pointsRecord(batch: SampleBatch): OutRecord {
  return { topic: 'points.updated.v1', key: batch.key, value: encodeBatch(batch) };
}
