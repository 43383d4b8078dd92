import { describe, expect, it } from 'vitest';
import type { Edition } from './control-codes.js';
import { FRAME_LIMITS } from './frame.js';
import { itemOctets, type MeterItem, meterItem, readItem, statedItem } from './meter-item.js';
import { hex } from './test-frames.js';

function item(edition: Edition, identifier: string): MeterItem {
  const found = meterItem(edition, identifier);
  if (found === null) throw new Error(`no item ${identifier}`);
  return found;
}

describe('meterItem', () => {
  it.each<[Edition, string, string, string, string, number[]]>([
    ['2007', '00010000', 'forward active energy', 'kWh', '42 06 12 00', [1206.42]],
    ['2007', '00000000', 'combined active energy', 'kWh', '42 06 12 80', [-1206.42]],
    ['2007', '00010200', 'forward active energy, tariff 2', 'kWh', '42 06 12 00', [1206.42]],
    ['2007', '00020001', 'reverse active energy, settlement 1', 'kWh', '42 06 12 80', [801206.42]],
    ['2007', '00150000', 'forward active energy, phase A', 'kWh', '42 06 12 00', [1206.42]],
    ['2007', '00080000', 'reactive energy of quadrant 4', 'kvarh', '42 06 12 00', [1206.42]],
    ['2007', '0001FF00', 'forward active energy, total and tariffs', 'kWh', '01 00 00 00 02 00 00 00', [0.01, 0.02]],
    ['2007', '02010200', 'voltage, phase B', 'V', '94 23', [239.4]],
    ['2007', '02020100', 'current, phase A', 'A', '56 34 92', [-123.456]],
    ['2007', '02030000', 'active power, total', 'kW', '56 34 92', [-12.3456]],
    ['2007', '0203FF00', 'active power, total and phases', 'kW', '01 00 00 02 00 00', [0.0001, 0.0002]],
    ['2007', '02060000', 'power factor, total', '', '50 89', [-0.95]],
    ['2007', '02800002', 'frequency', 'Hz', '98 49', [49.98]],
    ['2007', '02800007', 'temperature', '°C', '53 80', [-5.3]],
    ['1997', '9010', 'forward active energy', 'kWh', '42 06 12 00', [1206.42]],
    ['1997', '9012', 'forward active energy, tariff 2', 'kWh', '42 06 12 00', [1206.42]],
    ['1997', '9420', 'reverse active energy, last month', 'kWh', '42 06 12 00', [1206.42]],
    ['1997', '9110', 'forward reactive energy', 'kvarh', '42 06 12 00', [1206.42]],
    ['1997', 'A010', 'maximum forward active demand', 'kW', '56 34 12', [12.3456]],
    ['1997', 'B611', 'voltage, phase A', 'V', '39 02', [239]],
    ['1997', 'B623', 'current, phase C', 'A', '56 12', [12.56]],
    ['1997', 'B630', 'active power, total', 'kW', '56 34 92', [92.3456]],
    ['1997', 'B650', 'power factor, total', '', '50 09', [0.95]],
  ])('%s knows %s as %s', (edition, identifier, quantity, unit, octets, values) => {
    const found = item(edition, identifier);
    expect([found.quantity, found.unit]).toEqual([quantity, unit]);
    expect(readItem(found, hex(octets))).toEqual(values.map((value) => ({ value })));
  });

  it('gives a demand with its time, and a demand that has not been without one', () => {
    const demand = item('2007', '01010000');
    expect(readItem(demand, hex('56 34 12 30 12 25 11 26'))).toEqual([
      { value: 12.3456 },
      { value: '2026-11-25T12:30' },
    ]);
    expect(readItem(demand, hex('00 00 00 00 00 00 00 00'))).toEqual([{ value: 0 }, { fault: 'empty' }]);
  });

  it('reads date, time and addresses as text', () => {
    expect(readItem(item('2007', '04000101'), hex('03 25 11 26'))).toEqual([{ value: '2026-11-25' }]);
    expect(readItem(item('1997', 'C011'), hex('45 30 12'))).toEqual([{ value: '12:30:45' }]);
    expect(readItem(item('2007', '04000401'), hex('25 04 03 02 01 00'))).toEqual([{ value: '000102030425' }]);
  });

  it('says which value of a block is missing and keeps the others', () => {
    expect(readItem(item('2007', '0201FF00'), hex('94 23 FF FF FF FF'))).toEqual([
      { value: 239.4 },
      { fault: 'empty' },
      { fault: 'empty' },
    ]);
  });

  it.each([
    ['nothing', '00010000', ''],
    ['an octet less', '00010000', '42 06 12'],
    ['an octet more', '00010000', '42 06 12 00 00'],
    ['two values for one', '00010000', '42 06 12 00 42 06 12 00'],
    ['a fourth phase', '0201FF00', '94 23 94 23 94 23 94 23'],
    ['half a value at the end of a block', '0201FF00', '94 23 94'],
  ])('trusts no value of %s', (_, identifier, octets) => {
    expect(readItem(item('2007', identifier), hex(octets))).toBe('length');
  });

  it('does not guess at identifiers that it does not know', () => {
    for (const identifier of [
      '0B000000',
      '00014000',
      '0001000D',
      '02010000',
      '02010400',
      '02030001',
      '04000500',
      '9010',
      'x',
    ])
      expect(meterItem('2007', identifier)).toBeNull();
    for (const identifier of ['9000', '9070', '9130', '9210', '9C10', 'B614', 'C110', '00010000', '9130Z'])
      expect(meterItem('1997', identifier)).toBeNull();
  });

  it('names each item of 1997 that it knows, and one value of it fits into a frame', () => {
    let known = 0;
    for (let id = 0; id <= 0xffff; id++) {
      const found = meterItem('1997', id.toString(16).padStart(4, '0'));
      if (found === null) continue;
      known += 1;
      expect(found.quantity).not.toBe('');
      expect(itemOctets(found)).toBeLessThan(FRAME_LIMITS.dataOctets);
    }
    expect(known).toBeGreaterThan(250);
  });
});

describe('statedItem', () => {
  it('reads an item by the type string of its user', () => {
    expect(readItem(statedItem('XX.XX') as MeterItem, hex('01 50'))).toEqual([{ value: 50.01 }]);
    expect(readItem(statedItem('XX+HH') as MeterItem, hex('01 F0'))).toEqual([{ value: 1 }, { value: 240 }]);
    expect(readItem(statedItem('XX*') as MeterItem, hex('01 02 03'))).toHaveLength(3);
    expect(readItem(statedItem('XX') as MeterItem, hex('01 02'))).toBe('length');
  });

  it.each(['', '*', 'XX+', 'XX**', 'XX YY', 'uint16'])('refuses "%s"', (text) => {
    expect(statedItem(text)).toBeNull();
  });
});
