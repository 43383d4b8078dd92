import { describe, expect, it } from 'vitest';
import type { Cell, PointNames } from './point-file.js';
import { pointFile, toCsv } from './point-file.js';
import type { RowPoint } from './template.js';
import { iec104, measured, modbus, planned, reserved, siteOf } from './testing/test-site.js';

const limit: RowPoint = { type: 'double', kind: 'AI', access: 'rw', range: [0, 100] };
const names: PointNames = {
  generation: 13,
  asset: (id) => (id === 'd1' ? 'Inverter 1, north' : undefined),
  point: (_, point) => (point === 'L' ? { title: '=Limit', unit: '%', range: [0, 100] } : undefined),
  newSince: ({ id }) => (id === 'd1/P' ? 13 : undefined),
};

function cells(file: ReturnType<typeof pointFile>, row: number): Record<string, Cell> {
  return Object.fromEntries(file.header.map((header, column) => [header, file.rows[row]?.[column] ?? 'no cell']));
}

describe('the point file', () => {
  const rows = [measured('P'), { point: 'L', model: limit, control: { select: true, qualifier: 2 } }, reserved('YC')];
  const before = planned(iec104(), siteOf([...rows, measured('OLD')], [1]));
  const { plan } = planned(iec104(), siteOf(rows, [1]), before.lines);
  const file = pointFile(plan, names);

  it('has a row for every address, the dead and reserved ones too, and every cell filled or empty', () => {
    expect(file.rows).toHaveLength(plan.entries.length + plan.tombstones.length);
    for (const row of file.rows) expect(row).toHaveLength(file.header.length);
    const status = file.rows.map((row) => [row[file.header.indexOf('IOA')], row.at(-1)]);
    expect(status.slice(0, 5)).toEqual([
      [16385, 'new since 13'],
      [16386, 'live'],
      [16387, 'reserved'],
      [16388, 'dead'],
      [25089, 'live'],
    ]);
  });

  it('says of a command where its feedback is', () => {
    expect(cells(file, 4)).toEqual({
      Plan: plan.digest.slice(0, 16),
      Generation: 13,
      CA: 1,
      IOA: 25089,
      'IOA hex': '0x6201',
      'IOA octets': '0.98.1',
      Type: 'C_SE_NC',
      'Type id': 50,
      'Type id with time': 63,
      Direction: 'command',
      Class: 'YT',
      Asset: 'd1',
      Point: 'L',
      'Asset name': 'Inverter 1, north',
      'Point name': '=Limit',
      'Unit of value': '%',
      Scale: 1,
      Offset: 0,
      Deadband: 0,
      Group: 0,
      Events: '',
      SOE: '',
      Select: 'yes',
      QU: 2,
      Feedback: 16386,
      Lowest: 0,
      Highest: 100,
      Status: 'live',
    });
  });

  it('names unit, area, width and word order of Modbus', () => {
    const modbusPlan = planned(modbus({ order: 'CDAB', qualityStart: 100 }), siteOf([measured('P')], [1])).plan;
    const made = pointFile(modbusPlan, names);
    expect(cells(made, 0)).toMatchObject({ Unit: 1, Area: 'input', Address: 0, Width: 2, 'Word order': 'CDAB' });
    expect(cells(made, 1)).toMatchObject({ Area: 'discrete', Address: 100, Class: 'quality', Point: 'P' });
    expect(cells(made, 2)).toMatchObject({ Area: 'input', Address: 60_000, Asset: '', Point: 'service heartbeat' });
  });

  it('is CSV in which no text is run as a formula', () => {
    const csv = toCsv(file);
    const line = csv.split('\r\n')[5];
    expect(line).toContain(`d1,L,"Inverter 1, north",'=Limit,%,`);
    expect(toCsv({ header: ['a'], rows: [['-1'], [-1], ['x"y']] })).toBe(`a\r\n'-1\r\n-1\r\n"x""y"\r\n`);
  });
});
