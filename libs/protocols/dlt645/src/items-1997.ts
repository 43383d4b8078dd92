import { type ItemRow, words } from './item-row.js';

/** DL/T 645-1997 appendix A, the usual items. Nothing has a sign but the power factor, whose top bit can be no digit. */

/** By bits 2 and 3 of DI1. */
const MONTHS = ['', 'last month', 'the month before'];

const ACTIVE: ReadonlyMap<number, string> = new Map([
  [1, 'forward active'],
  [2, 'reverse active'],
]);

const REACTIVE: ReadonlyMap<number, string> = new Map([
  [1, 'forward reactive'],
  [2, 'reverse reactive'],
]);

const SINGLE: ReadonlyMap<string, ItemRow> = new Map([
  ['B611', { quantity: 'voltage, phase A', unit: 'V', format: 'XXX' }],
  ['B612', { quantity: 'voltage, phase B', unit: 'V', format: 'XXX' }],
  ['B613', { quantity: 'voltage, phase C', unit: 'V', format: 'XXX' }],
  ['B61F', { quantity: 'voltage, phases', unit: 'V', format: 'XXX', most: 3 }],
  ['B621', { quantity: 'current, phase A', unit: 'A', format: 'XX.XX' }],
  ['B622', { quantity: 'current, phase B', unit: 'A', format: 'XX.XX' }],
  ['B623', { quantity: 'current, phase C', unit: 'A', format: 'XX.XX' }],
  ['B62F', { quantity: 'current, phases', unit: 'A', format: 'XX.XX', most: 3 }],
  ['B630', { quantity: 'active power, total', unit: 'kW', format: 'XX.XXXX' }],
  ['B631', { quantity: 'active power, phase A', unit: 'kW', format: 'XX.XXXX' }],
  ['B632', { quantity: 'active power, phase B', unit: 'kW', format: 'XX.XXXX' }],
  ['B633', { quantity: 'active power, phase C', unit: 'kW', format: 'XX.XXXX' }],
  ['B640', { quantity: 'reactive power, total', unit: 'kvar', format: 'XX.XX' }],
  ['B641', { quantity: 'reactive power, phase A', unit: 'kvar', format: 'XX.XX' }],
  ['B642', { quantity: 'reactive power, phase B', unit: 'kvar', format: 'XX.XX' }],
  ['B643', { quantity: 'reactive power, phase C', unit: 'kvar', format: 'XX.XX' }],
  ['B650', { quantity: 'power factor, total', format: '-X.XXX' }],
  ['B651', { quantity: 'power factor, phase A', format: '-X.XXX' }],
  ['B652', { quantity: 'power factor, phase B', format: '-X.XXX' }],
  ['B653', { quantity: 'power factor, phase C', format: '-X.XXX' }],
  ['C010', { quantity: 'date', format: 'YYMMDDWW' }],
  ['C011', { quantity: 'time', format: 'hhmmss' }],
  ['C020', { quantity: 'status word', format: 'HH' }],
  ['C030', { quantity: 'active constant', unit: 'imp/kWh', format: 'XXXXXX' }],
  ['C031', { quantity: 'reactive constant', unit: 'imp/kvarh', format: 'XXXXXX' }],
  ['C032', { quantity: 'meter number', format: 'NNNNNNNNNNNN' }],
  ['C033', { quantity: 'user number', format: 'NNNNNNNNNNNN' }],
  ['C034', { quantity: 'device number', format: 'NNNNNNNNNNNN' }],
]);

const BLOCK = 0x0f;
const MAX_TARIFF = 0x0e;

/** The row of 4 capital hex digits. */
export function items1997(identifier: string): ItemRow | null {
  const single = SINGLE.get(identifier);
  if (single !== undefined) return single;
  const di1 = Number.parseInt(identifier.slice(0, 2), 16);
  const di0 = Number.parseInt(identifier.slice(2), 16);
  const isReactive = (di1 & 1) === 1;
  const month = MONTHS[(di1 & 0x0f) >> 2];
  const direction = (isReactive ? REACTIVE : ACTIVE).get(di0 >> 4);
  if ((di1 & 2) !== 0 || month === undefined || direction === undefined) return null;
  const tariff = di0 & 0x0f;
  if (tariff > MAX_TARIFF && tariff !== BLOCK) return null;
  const which = words(tariff === 0 ? '' : tariff === BLOCK ? 'total and tariffs' : `tariff ${tariff}`, month);
  const most = tariff === BLOCK ? MAX_TARIFF + 1 : 1;
  switch (di1 >> 4) {
    case 0x9:
      return {
        quantity: words(`${direction} energy`, which),
        unit: isReactive ? 'kvarh' : 'kWh',
        format: 'XXXXXX.XX',
        most,
      };
    case 0xa:
      return {
        quantity: words(`maximum ${direction} demand`, which),
        unit: isReactive ? 'kvar' : 'kW',
        format: 'XX.XXXX',
        most,
      };
    case 0xb:
      return { quantity: words(`time of the maximum ${direction} demand`, which), format: 'MMDDhhmm', most };
    default:
      return null;
  }
}
