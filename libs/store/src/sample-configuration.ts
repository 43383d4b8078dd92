import type { Configuration } from '@busbar/events';
import type { LockLine } from '@busbar/package';
import type { Publication } from './store.js';

/** A small whole configuration; `limit` makes one entity of it another. */
export function sampleConfiguration(limit = 100): Configuration {
  const tag = {
    title: 'Power limit',
    count: 1,
    order: 'ABCD',
    access: 'rw',
    group: 'fast',
    scale: 0.1,
    offset: 0,
  } as const;
  return {
    site: { kind: 'site', id: 'demo', title: 'Demo · 演示', timezone: 'Asia/Shanghai' },
    tables: [
      {
        digest: 't1',
        id: 'inverter',
        driver: 'modbus',
        base: 0,
        tags: [{ ...tag, number: 1, id: 'p_limit', address: 'holding:40120', type: 'uint16', invalid: ['NaN', 65535] }],
      },
    ],
    connections: [
      {
        kind: 'access',
        id: 'inverters',
        title: 'Inverters',
        driver: 'modbus',
        readOnly: false,
        with: { host: '127.0.0.1', port: 15020, nested: { z: 1, a: [1.5, 1e21, -0.1] } },
        devices: [],
      },
    ],
    models: [
      {
        kind: 'model',
        id: 'inverter',
        title: 'Inverter',
        lineage: ['inverter'],
        points: [],
        attributes: {},
        services: {},
      },
    ],
    templates: [],
    assets: [
      { kind: 'asset', id: 'inv-01', title: 'One', model: 'inverter', logic: false, from: [], attributes: { limit } },
    ],
    policies: [],
  };
}

export const SAMPLE_LOCK: readonly LockLine[] = [
  { kind: 'tag', scope: 'inverter', number: 1, id: 'p_limit', type: 'uint16', state: '' },
  { kind: 'point', scope: 'inverter', number: 1, id: 'INV.PowerLimit', type: 'double', state: '' },
];

export function samplePublication(basedOn: number | null, limit = 100): Publication {
  const content = new TextEncoder().encode(`limit: ${limit}\n# 注释\n`);
  const files = [
    { path: 'busbar.yaml', content },
    { path: 'points/raw.bin', content: new Uint8Array([0, 255, 10, 13]) },
  ];
  return { basedOn, configuration: sampleConfiguration(limit), files, lock: SAMPLE_LOCK, by: 'test' };
}
