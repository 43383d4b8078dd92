import { type EnergyKind, type ItemRow, words } from './item-row.js';

/**
 * DL/T 645-2007 appendix A, the usual items. Signs: combined energies, currents, powers, power factors, demands and the
 * temperature carry theirs in the top bit of the highest octet.
 */

const ACTIVE = 'kWh';
const REACTIVE = 'kvarh';
const APPARENT = 'kVAh';

/** Table A.1 by DI2; a phase's ones have no tariffs. */
const ENERGIES: ReadonlyMap<number, EnergyKind> = new Map([
  [0x00, { quantity: 'combined active energy', unit: ACTIVE, isSigned: true }],
  [0x01, { quantity: 'forward active energy', unit: ACTIVE }],
  [0x02, { quantity: 'reverse active energy', unit: ACTIVE }],
  [0x03, { quantity: 'combined reactive energy 1', unit: REACTIVE, isSigned: true }],
  [0x04, { quantity: 'combined reactive energy 2', unit: REACTIVE, isSigned: true }],
  [0x05, { quantity: 'reactive energy of quadrant 1', unit: REACTIVE }],
  [0x06, { quantity: 'reactive energy of quadrant 2', unit: REACTIVE }],
  [0x07, { quantity: 'reactive energy of quadrant 3', unit: REACTIVE }],
  [0x08, { quantity: 'reactive energy of quadrant 4', unit: REACTIVE }],
  [0x09, { quantity: 'forward apparent energy', unit: APPARENT }],
  [0x0a, { quantity: 'reverse apparent energy', unit: APPARENT }],
]);

const PHASE_ENERGIES: ReadonlyMap<number, EnergyKind> = new Map([
  [0x15, { quantity: 'forward active energy, phase A', unit: ACTIVE }],
  [0x16, { quantity: 'reverse active energy, phase A', unit: ACTIVE }],
  [0x29, { quantity: 'forward active energy, phase B', unit: ACTIVE }],
  [0x2a, { quantity: 'reverse active energy, phase B', unit: ACTIVE }],
  [0x3d, { quantity: 'forward active energy, phase C', unit: ACTIVE }],
  [0x3e, { quantity: 'reverse active energy, phase C', unit: ACTIVE }],
]);

/** Table A.2 by DI2. */
const DEMANDS: ReadonlyMap<number, EnergyKind> = new Map([
  [0x01, { quantity: 'maximum forward active demand', unit: 'kW' }],
  [0x02, { quantity: 'maximum reverse active demand', unit: 'kW' }],
]);

/** Table A.3 by DI2: with total, or with phases alone. */
const MOMENTARY: ReadonlyMap<number, ItemRow & { readonly hasTotal: boolean }> = new Map([
  [0x01, { quantity: 'voltage', unit: 'V', format: 'XXX.X', hasTotal: false }],
  [0x02, { quantity: 'current', unit: 'A', format: '-XXX.XXX', hasTotal: false }],
  [0x03, { quantity: 'active power', unit: 'kW', format: '-XX.XXXX', hasTotal: true }],
  [0x04, { quantity: 'reactive power', unit: 'kvar', format: '-XX.XXXX', hasTotal: true }],
  [0x05, { quantity: 'apparent power', unit: 'kVA', format: '-XX.XXXX', hasTotal: true }],
  [0x06, { quantity: 'power factor', format: '-X.XXX', hasTotal: true }],
  [0x07, { quantity: 'phase angle', unit: '°', format: 'XXX.X', hasTotal: false }],
  [0x08, { quantity: 'voltage distortion', unit: '%', format: 'XX.XX', hasTotal: false }],
  [0x09, { quantity: 'current distortion', unit: '%', format: 'XX.XX', hasTotal: false }],
]);

const SINGLE: ReadonlyMap<string, ItemRow> = new Map([
  ['02800001', { quantity: 'neutral current', unit: 'A', format: '-XXX.XXX' }],
  ['02800002', { quantity: 'frequency', unit: 'Hz', format: 'XX.XX' }],
  ['02800003', { quantity: 'active power, mean of a minute', unit: 'kW', format: '-XX.XXXX' }],
  ['02800004', { quantity: 'active demand', unit: 'kW', format: '-XX.XXXX' }],
  ['02800005', { quantity: 'reactive demand', unit: 'kvar', format: '-XX.XXXX' }],
  ['02800006', { quantity: 'apparent demand', unit: 'kVA', format: '-XX.XXXX' }],
  ['02800007', { quantity: 'temperature', unit: '°C', format: '-XXX.X' }],
  ['02800008', { quantity: 'clock battery voltage', unit: 'V', format: 'XX.XX' }],
  ['02800009', { quantity: 'reading battery voltage', unit: 'V', format: 'XX.XX' }],
  ['0280000A', { quantity: 'time on battery', unit: 'min', format: 'XXXXXXXX' }],
  ['04000101', { quantity: 'date', format: 'YYMMDDWW' }],
  ['04000102', { quantity: 'time', format: 'hhmmss' }],
  ['04000103', { quantity: 'demand period', unit: 'min', format: 'XX' }],
  ['04000104', { quantity: 'demand step', unit: 'min', format: 'XX' }],
  ['04000401', { quantity: 'address', format: 'NNNNNNNNNNNN' }],
  ['04000402', { quantity: 'meter number', format: 'NNNNNNNNNNNN' }],
  ['04000403', { quantity: 'asset number', format: 'A32' }],
  ['04000404', { quantity: 'rated voltage', format: 'A6' }],
  ['04000405', { quantity: 'rated current', format: 'A6' }],
  ['04000406', { quantity: 'maximum current', format: 'A6' }],
  ['04000407', { quantity: 'active accuracy class', format: 'A4' }],
  ['04000408', { quantity: 'reactive accuracy class', format: 'A4' }],
  ['04000409', { quantity: 'active constant', unit: 'imp/kWh', format: 'XXXXXX' }],
  ['0400040A', { quantity: 'reactive constant', unit: 'imp/kvarh', format: 'XXXXXX' }],
  ['0400040B', { quantity: 'meter type', format: 'A10' }],
  ['040005FF', { quantity: 'status words', format: 'HHHH', most: 7 }],
]);

const PHASES = ['total', 'phase A', 'phase B', 'phase C'];
const BLOCK = 0xff;
const MAX_TARIFF = 0x3f;
const MAX_SETTLEMENT = 0x0c;

/** The row of 8 capital hex digits. */
export function items2007(identifier: string): ItemRow | null {
  const single = SINGLE.get(identifier);
  if (single !== undefined) return single;
  const [di3 = 0, di2 = 0, di1 = 0, di0 = 0] = Uint8Array.from({ length: 4 }, (_, i) =>
    Number.parseInt(identifier.slice(i * 2, i * 2 + 2), 16),
  );
  switch (di3) {
    case 0x00:
      return energy(di2, di1, di0);
    case 0x01:
      return demand(di2, di1, di0);
    case 0x02:
      return di0 === 0 ? momentary(di2, di1) : null;
    case 0x04:
      return di2 === 0 && di1 === 0x05 && di0 >= 1 && di0 <= 7
        ? { quantity: `status word ${di0}`, format: 'HHHH' }
        : null;
    default:
      return null;
  }
}

function energy(di2: number, tariff: number, settlement: number): ItemRow | null {
  const kind = ENERGIES.get(di2) ?? (tariff === 0 ? PHASE_ENERGIES.get(di2) : undefined);
  const which = tariffWords(tariff, settlement);
  if (kind === undefined || which === null) return null;
  return {
    quantity: words(kind.quantity, which),
    unit: kind.unit,
    format: kind.isSigned === true ? '-XXXXXX.XX' : 'XXXXXX.XX',
    most: tariff === BLOCK ? MAX_TARIFF + 1 : 1,
  };
}

function demand(di2: number, tariff: number, settlement: number): ItemRow | null {
  const kind = DEMANDS.get(di2);
  const which = tariffWords(tariff, settlement);
  if (kind === undefined || which === null) return null;
  return {
    quantity: words(kind.quantity, which),
    unit: kind.unit,
    format: 'XX.XXXX+YYMMDDhhmm',
    most: tariff === BLOCK ? MAX_TARIFF + 1 : 1,
  };
}

/** Settlement 0 is now, 1 the last one, to 12; a block over settlements is left to the user's format. */
function tariffWords(tariff: number, settlement: number): string | null {
  if (settlement > MAX_SETTLEMENT || (tariff > MAX_TARIFF && tariff !== BLOCK)) return null;
  const which = tariff === 0 ? '' : tariff === BLOCK ? 'total and tariffs' : `tariff ${tariff}`;
  return words(which, settlement === 0 ? '' : `settlement ${settlement}`);
}

function momentary(di2: number, phase: number): ItemRow | null {
  const row = MOMENTARY.get(di2);
  if (row === undefined) return null;
  const { hasTotal, quantity, ...format } = row;
  if (phase === BLOCK) {
    return { ...format, quantity: words(quantity, hasTotal ? 'total and phases' : 'phases'), most: hasTotal ? 4 : 3 };
  }
  const name = PHASES[phase];
  if (name === undefined || (phase === 0 && !hasTotal)) return null;
  return { ...format, quantity: words(quantity, name) };
}
