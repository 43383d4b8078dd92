import type {
  AccessConnectionConfig,
  AssetConfig,
  Configuration,
  ForwardingConnectionConfig,
  MapEntry,
  PointConfig,
  PolicyConfig,
  SinkConnectionConfig,
  TagConfig,
} from '@busbar/events';
import type { AppliedGeneration } from '@busbar/service-kit';

/** A site for tests: the inverters `inv-1` on `line` and `inv-2` on the read-only `watch`, with a limit that can be set. */

function tag(number: number, id: string, access: TagConfig['access']): TagConfig {
  const plain = { count: 1, order: 'ABCD' as const, group: 'fast', scale: 1, offset: 0, invalid: [] };
  return { number, id, title: id, address: `holding:${number}`, type: 'float32', access, ...plain };
}

function point(number: number, id: string, change: Partial<PointConfig>): PointConfig {
  return { number, id, title: id, type: 'double', kind: 'AI', access: 'rw', quality: true, ...change };
}

function line(id: string, device: string, readOnly: boolean): AccessConnectionConfig {
  const plain = { with: {}, quirks: {}, groups: { fast: 1000 }, staleScans: 3, enabled: true };
  const devices = [{ id: device, title: device, table: 'T1', ...plain }];
  return { kind: 'access', id, title: id, driver: 'modbus', readOnly, with: {}, devices };
}

export function sink(id: string, control: boolean): SinkConnectionConfig {
  return { kind: 'sink', id, title: id, sink: 'mqtt', control, with: {}, site: 'demo', profiles: [], assets: [] };
}

/** @param clients by their control source: may it command? */
export function forwarding(
  id: string,
  control: boolean,
  clients: Readonly<Record<string, boolean>>,
): ForwardingConnectionConfig {
  return {
    kind: 'forwarding',
    id,
    title: id,
    server: 'iec104',
    site: 'demo',
    control,
    with: {},
    clients: Object.entries(clients).map(([source, may]) => ({
      name: source,
      addresses: [],
      group: source,
      control: may,
      source,
    })),
    plan: { kind: 'iec104', digest: '', parts: [] },
  };
}

export function asset(id: string, connection: string, device: string): AssetConfig {
  const from = [{ template: 'inverter', connection, device }];
  return { kind: 'asset', id, title: id, model: 'inverter', logic: false, from, attributes: {} };
}

export function policy(change: Partial<PolicyConfig> = {}): PolicyConfig {
  return {
    kind: 'policy',
    id: 'limit',
    points: ['inv-1', 'inv-2'].map((each) => ({ asset: each, point: 'Limit' })),
    holdMs: 60_000,
    maxHoldMs: 60_000,
    expiryMs: 30_000,
    maxExpiryMs: 300_000,
    limits: { range: [10, 100] },
    feedback: { withinMs: 5_000, tolerance: 0.5 },
    ...change,
  };
}

export const MAP: readonly MapEntry[] = [
  { point: 'Power', read: 'p', factor: 1, shift: 0, time: 'source' },
  { point: 'Limit', read: 'limit', write: 'limit', factor: 10, shift: 0, time: 'source' },
  { point: 'Mode', write: 'mode', factor: 1, shift: 0, time: 'source' },
];

export function configuration(change: Partial<Configuration> = {}): Configuration {
  const points = [point(1, 'Power', { access: 'r' }), point(2, 'Limit', { range: [0, 110] }), point(3, 'Mode', {})];
  const template = { kind: 'template' as const, model: 'inverter', table: 'inverter', attributes: {}, services: {} };
  const tags = [tag(1, 'p', 'r'), tag(2, 'limit', 'rw'), tag(3, 'mode', 'w')];
  return {
    site: { kind: 'site', id: 'demo', title: 'Demo', timezone: 'UTC' },
    tables: [{ digest: 'T1', id: 'inverter', driver: 'modbus', base: 0, tags }],
    connections: [line('line', 'd1', false), line('watch', 'd2', true), sink('enos', true), sink('mute', false)],
    models: [{ kind: 'model', id: 'inverter', title: '', lineage: ['inverter'], points, attributes: {}, services: {} }],
    templates: [{ ...template, id: 'inverter', map: [...MAP] }],
    assets: [asset('inv-1', 'line', 'd1'), asset('inv-2', 'watch', 'd2')],
    policies: [policy()],
    ...change,
  };
}

export function generation(number: number, change: Partial<Configuration> = {}): AppliedGeneration {
  return { number, digest: `g${number}`, configuration: configuration(change) };
}
