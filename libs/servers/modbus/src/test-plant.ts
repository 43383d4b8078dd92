import type { ModbusRowOptions, PlanSite, RowPoint, TemplateRow } from '@busbar/address-plan';
import { BYTE_ORDERS } from '@busbar/model';
import { type TestServer, type TestServerOptions, testServerHost } from '@busbar/server-testkit';
import type { ModbusServerConfig } from './config.js';
import server from './server.js';

/** Number types of registers with a value that uses all of their octets. */
export const SAMPLES = {
  int16: -12_345,
  uint16: 54_321,
  int32: -123_456_789,
  uint32: 3_456_789_012,
  float32: -49.800_001,
  int64: -1_234_567_890_123_456,
  uint64: 1_234_567_890_123_456,
  float64: Math.PI * -1e100,
} as const;

export function pointRow(point: string, model: Partial<RowPoint>, modbus: ModbusRowOptions = {}): TemplateRow {
  return { point, model: { type: 'double', kind: 'AI', access: 'r', ...model }, modbus };
}

/** Sites of one device `a` with these rows, and more of its kind. */
export function siteOf(rows: readonly TemplateRow[], devices: readonly string[] = ['a']): PlanSite {
  return {
    devices: devices.map((asset, at) => ({ asset, index: at + 1, template: 't' })),
    templates: new Map([['t', { id: 't', rows }]]),
  };
}

/** Each type in each order, readable and writable. */
export function everyType(): readonly TemplateRow[] {
  return Object.keys(SAMPLES).flatMap((type) => {
    const model = { type: type.includes('int') ? ('long' as const) : ('double' as const), access: 'rw' as const };
    return BYTE_ORDERS.map((order) => pointRow(`${type}.${order}`, model, { type, order }));
  });
}

export function plant(
  rows: readonly TemplateRow[],
  config: Readonly<Record<string, unknown>> = {},
  more: Partial<TestServerOptions> = {},
): TestServer<ModbusServerConfig> {
  return testServerHost(server, {
    config: { address: '127.0.0.1', port: 0, ...config },
    site: siteOf(rows),
    ...more,
  });
}
