import type { ForwardingTemplate, PlanDevice, PlanSite, RowPoint, TemplateRow } from '@busbar/address-plan';

function row(point: string, type: RowPoint['type'], more: Partial<RowPoint> = {}): TemplateRow {
  return { point, model: { type, kind: 'AI', access: 'r', ...more } };
}

/** One of each kind: measured value, state, total, small integer; a set value and a switch with their feedback. */
const INVERTER: ForwardingTemplate = {
  id: 'inverter',
  rows: [
    row('power', 'float', { range: [-1_000, 1_000] }),
    row('running', 'bool', { kind: 'DI' }),
    { reserved: 2, class: 'YC' },
    row('energy', 'int', { kind: 'PI' }),
    row('temperature', 'int', { range: [-40, 120] }),
    row('limit', 'float', { access: 'rw', range: [0, 100] }),
    row('enabled', 'bool', { kind: 'DI', access: 'rw' }),
  ],
};

export const TEST_TEMPLATES: ReadonlyMap<string, ForwardingTemplate> = new Map([[INVERTER.id, INVERTER]]);

/** `inv-01` has the index 1. */
export function testDevices(count: number): PlanDevice[] {
  return Array.from({ length: count }, (_, i) => ({
    asset: `inv-${String(i + 1).padStart(2, '0')}`,
    index: i + 1,
    template: INVERTER.id,
  }));
}

export function testSite(devices = 2): PlanSite {
  return { devices: testDevices(devices), templates: TEST_TEMPLATES };
}
