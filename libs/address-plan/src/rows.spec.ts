import { describe, expect, it } from 'vitest';
import type { PlanEntry } from './address-plan.js';
import { diff } from './diff.js';
import { plan } from './plan.js';
import type { PointRow, RowPoint } from './template.js';
import { bit, command, entryAt, iec104, measured, modbus, reserved, siteOf } from './testing/test-site.js';

function one(settings: Parameters<typeof plan>[0], row: Partial<PointRow> & { model: RowPoint }): PlanEntry[] {
  const made = plan(settings, siteOf([{ point: 'X', ...row }], [1]));
  expect(made.findings.filter(({ severity }) => severity === 'error')).toEqual([]);
  return made.entries.filter(({ role }) => role !== 'service');
}

const shown = ({ class: name, type, role }: PlanEntry): string => `${role} ${name} ${type}`;

describe('what a point is sent as', () => {
  const point = (type: RowPoint['type'], rest: Partial<RowPoint> = {}): RowPoint => ({
    type,
    kind: 'AI',
    access: 'r',
    ...rest,
  });
  it.each([
    [point('bool'), 'value YX M_SP', 'value discrete bool'],
    [point('enum', { keys: ['0', '1'] }), 'value YC M_ME_NB', 'value input uint16'],
    [point('int'), 'value YC M_ME_NC', 'value input int32'],
    [point('int', { range: [0, 1000] }), 'value YC M_ME_NB', 'value input int32'],
    [point('int', { range: [0, 40_000] }), 'value YC M_ME_NC', 'value input int32'],
    [point('double'), 'value YC M_ME_NC', 'value input float32'],
    [point('double', { kind: 'PI' }), 'value YM M_IT', 'value input float32'],
    [point('long', { kind: 'PI' }), 'value YM M_IT', 'value input int64'],
  ])('%j', (model, asIec104, asModbus) => {
    expect(one(iec104(), { model }).map(shown)).toEqual([asIec104]);
    expect(one(modbus(), { model }).map(shown)).toEqual([asModbus]);
  });

  it('is refused for what a protocol cannot carry', () => {
    for (const type of ['string', 'array', 'struct', 'file', 'raw', 'date', 'timestamp'] as const) {
      const { findings } = plan(iec104(), siteOf([{ point: 'X', model: point(type) }], [1]));
      expect(findings).toMatchObject([{ severity: 'error', code: 'FORWARD_TYPE', params: { point: 'X', type } }]);
    }
    const text = { point: 'X', model: point('string') };
    expect(plan(modbus(), siteOf([text], [1])).findings).toMatchObject([
      { code: 'FORWARD_TYPE', params: { type: 'string', types: 'string[16]' } },
    ]);
    expect(one(modbus(), { model: point('string'), modbus: { type: 'string[7]' } })).toMatchObject([{ width: 4 }]);
    const wrong = { point: 'X', model: point('double'), iec104: { type: 'M_SP' } };
    expect(plan(iec104(), siteOf([wrong], [1])).findings).toMatchObject([
      { code: 'FORWARD_TYPE', params: { type: 'M_SP', types: 'M_ME_NC, M_ME_NB, M_ME_NA, M_IT, M_ST, M_BO' }, row: 0 },
    ]);
  });

  it('needs numbers for the texts of an enum', () => {
    const model = point('enum', { keys: ['open', 'closed'] });
    expect(plan(iec104(), siteOf([{ point: 'X', model }], [1])).findings).toMatchObject([{ code: 'FORWARD_TYPE' }]);
    const values = [
      ['open', 1],
      ['closed', 2],
    ] as const;
    expect(one(iec104(), { model, values, iec104: { type: 'M_DP' } })).toMatchObject([
      { class: 'YX', type: 'M_DP', values },
    ]);
  });

  it('warns of whole numbers that a short float cannot hold', () => {
    const { findings } = plan(iec104(), siteOf([{ point: 'X', model: point('int', { range: [0, 2 ** 25] }) }], [1]));
    expect(findings).toMatchObject([{ severity: 'warning', code: 'FORWARD_PRECISION' }]);
  });

  it('may differ for one kind of server', () => {
    const row = {
      model: point('double'),
      scale: 2,
      iec104: { type: 'M_ME_NB', scale: 10 },
      modbus: { type: 'float64', area: 'holding' as const, order: 'CDAB' as const },
    };
    expect(one(iec104(), row)).toMatchObject([{ class: 'YC', type: 'M_ME_NB', scale: 10 }]);
    expect(one(modbus(), row)).toMatchObject([
      { class: 'holding', type: 'float64', width: 4, scale: 2, order: 'CDAB' },
    ]);
  });

  it('is a fraction of its range as a normalized value', () => {
    const row = { model: point('double', { range: [-50, 200] }), iec104: { type: 'M_ME_NA' } };
    expect(one(iec104(), row)).toMatchObject([{ type: 'M_ME_NA', scale: 1 / 200 }]);
    const spanless = { point: 'X', model: point('double'), iec104: { type: 'M_ME_NA' } };
    expect(plan(iec104(), siteOf([spanless], [1])).findings).toMatchObject([{ code: 'FORWARD_TYPE' }]);
  });

  it('has a deadband after conversion, as a number or as a share of its range', () => {
    const model = point('double', { range: [0, 200] });
    expect(one(iec104(), { model, scale: 10, deadband: { absolute: 3 } })).toMatchObject([{ deadband: 3 }]);
    expect(one(iec104(), { model, scale: 10, deadband: { percent: 1 } })).toMatchObject([{ deadband: 20 }]);
    const rangeless = measured('X', { deadband: { percent: 1 } });
    expect(plan(iec104(), siteOf([rangeless], [1])).findings).toMatchObject([{ code: 'FORWARD_DEADBAND' }]);
  });

  it('is an event by its kind unless the row says otherwise', () => {
    const { entries } = plan(
      iec104(),
      siteOf([bit('A'), measured('P'), measured('E', { iec104: { type: 'M_IT' } })], [1]),
    );
    const mode = (name: string) => entryAt(entries, name)?.event;
    expect([mode('YX d1/A'), mode('YC d1/P'), mode('YM d1/E')]).toEqual(['soe', 'latest', 'none']);
    expect(one(iec104(), { model: point('double'), event: 'soe', group: 3, cyclic: true })).toMatchObject([
      { event: 'soe', group: 3, cyclic: true, background: false },
    ]);
  });
});

describe('a point that can be commanded', () => {
  const limit: RowPoint = { type: 'double', kind: 'AI', access: 'rw', range: [0, 100] };
  const breaker: RowPoint = { type: 'enum', kind: 'DI', access: 'rw', keys: ['0', '1', '2', '3'] };

  it('has a second address, and both name each other', () => {
    const [value, control] = one(iec104(), { model: limit, control: { select: true, qualifier: 1 } });
    expect(control?.control).not.toHaveProperty('limits');
    expect(value).toMatchObject({ class: 'YC', address: 16385, pair: { class: 'YT', address: 25089 } });
    expect(control).toMatchObject({
      class: 'YT',
      type: 'C_SE_NC',
      pair: { class: 'YC', address: 16385 },
      control: { select: true, qualifier: 1 },
    });
  });

  it('is commanded by the type of its feedback', () => {
    expect(one(iec104(), { model: breaker, iec104: { type: 'M_DP' } }).map(shown)).toEqual([
      'value YX M_DP',
      'control YK C_DC',
    ]);
    expect(one(iec104(), { model: breaker }).map(shown)).toEqual(['value YC M_ME_NB', 'control YT C_SE_NB']);
    const switched: RowPoint = { type: 'bool', kind: 'DI', access: 'rw' };
    expect(one(iec104(), { model: switched }).map(shown)).toEqual(['value YX M_SP', 'control YK C_SC']);
    expect(one(modbus(), { model: switched }).map(shown)).toEqual(['control coil bool', 'value discrete bool']);
    expect(one(modbus(), { model: limit }).map(shown)).toEqual(['value input float32', 'control holding float32']);
  });

  it('has one address for both where it is read and written at the same place', () => {
    const entries = one(modbus({ qualityStart: 50 }), { model: limit, modbus: { area: 'holding' } });
    expect(entries.map(shown)).toEqual(['control holding float32', 'quality quality bool']);
    expect(entries[1]?.pair).toEqual({ class: 'holding', address: 0 });
    expect(one(modbus({}, { control: false }), { model: limit, modbus: { area: 'holding' } }).map(shown)).toEqual([
      'value holding float32',
    ]);
  });

  it('has none where the server takes no command, or its row wants none', () => {
    expect(one(iec104({}, { control: false }), { model: limit }).map(shown)).toEqual(['value YC M_ME_NC']);
    expect(one(iec104(), { model: limit, control: false }).map(shown)).toEqual(['value YC M_ME_NC']);
  });

  it('keeps its command when its value is left out of the template', () => {
    const made = plan(iec104(), siteOf([command('S')], [1]));
    expect(entryAt(made.entries, 'YK d1/S')).toMatchObject({ type: 'C_SC', role: 'control' });
    expect(entryAt(made.entries, 'YK d1/S')?.pair).toBeUndefined();
  });
});

describe('a template', () => {
  it('is shared by both protocols, reserved places too', () => {
    const rows = [bit('A'), reserved('YX'), measured('P'), reserved('input')];
    const shapes = (settings: Parameters<typeof plan>[0]) =>
      plan(settings, siteOf(rows, [1]))
        .entries.filter(({ role }) => role === 'reserved')
        .map(shown);
    expect(shapes(iec104())).toEqual(['reserved YX M_SP', 'reserved YC M_ME_NC']);
    expect(shapes(modbus())).toEqual(['reserved discrete bool', 'reserved input float32']);
  });

  it('refuses a point twice, and a point with the id of a place', () => {
    expect(plan(iec104(), siteOf([bit('A'), bit('A')], [1])).findings).toMatchObject([
      { code: 'FORWARD_PLACE', row: 1 },
    ]);
    expect(plan(iec104(), siteOf([bit('reserved.1')], [1])).findings).toMatchObject([
      { code: 'FORWARD_PLACE', row: 0 },
    ]);
  });
});

describe('service points', () => {
  const ids = (settings: Parameters<typeof plan>[0]) =>
    plan(settings, siteOf([bit('A')], [1, 2]))
      .entries.filter(({ role }) => role === 'service')
      .map(({ id, address, type }) => `${address} ${id} ${type}`);

  it('stand at a start of their own', () => {
    expect(ids(iec104())).toEqual([
      '61441 @clock M_SP',
      '61442 @dropped M_ME_NC',
      '61443 @generation M_ME_NC',
      '61444 @heartbeat M_ME_NC',
      '61445 @communication/d1 M_SP',
      '61446 @communication/d2 M_SP',
    ]);
    expect(ids(iec104({ service: { start: 5 } }))[0]).toBe('5 @clock M_SP');
  });

  it('are a block of input registers', () => {
    expect(ids(modbus())).toEqual([
      '60000 @heartbeat uint16',
      '60001 @digest uint32',
      '60003 @generation uint32',
      '60005 @lost uint16',
      '60006 @dropped uint32',
      '60008 @clock uint16',
      '60009 @result.sequence uint16',
      '60010 @result.end uint16',
      '60011 @result.rule uint16',
      '60012 @result.address uint16',
      '60013 @result.age uint16',
      '60014 @communication/d1 uint16',
      '60015 @age/d1 uint16',
      '60016 @communication/d2 uint16',
      '60017 @age/d2 uint16',
    ]);
  });

  it('keep their addresses when devices come and go', () => {
    const before = plan(iec104(), siteOf([bit('A')], [1, 2]));
    expect(diff(before, plan(iec104(), siteOf([bit('A')], [1, 2, 3]))).breaking).toEqual([]);
  });
});

describe('quality bits', () => {
  it('follow the values one to one from their start, each beside its value', () => {
    const rows = [bit('A'), measured('P'), measured('Q')];
    const { entries } = plan(modbus({ qualityStart: 1000 }), siteOf(rows, [1, 2]));
    const bits = entries.filter(({ role }) => role === 'quality');
    expect(bits.map(({ id, address, pair }) => [id, address, pair?.class, pair?.address])).toEqual([
      ['d1/A', 1000, 'discrete', 0],
      ['d1/P', 1001, 'input', 0],
      ['d1/Q', 1002, 'input', 2],
      ['d2/A', 1003, 'discrete', 1],
      ['d2/P', 1004, 'input', 4],
      ['d2/Q', 1005, 'input', 6],
    ]);
  });
});

describe('aligned values', () => {
  it('start at an even register', () => {
    const rows = [measured('A', { modbus: { type: 'int16' } }), measured('P')];
    const { entries } = plan(modbus({ align: true }), siteOf(rows, [1, 2]));
    const at = (name: string) => entryAt(entries, name)?.address;
    expect([at('input d1/A'), at('input d1/P'), at('input d2/A'), at('input d2/P')]).toEqual([0, 2, 4, 6]);
  });
});
