import { nearest } from './nearest.js';

interface Unit {
  readonly dimension: string;
  /** Base unit = factor * value + shift. */
  readonly factor: number;
  readonly shift: number;
}

const UNITS = new Map<string, Unit>();

function dimension(
  name: string,
  units: Readonly<Record<string, number>>,
  shifts: Readonly<Record<string, number>> = {},
) {
  for (const [unit, factor] of Object.entries(units)) {
    UNITS.set(unit, { dimension: name, factor, shift: shifts[unit] ?? 0 });
  }
}

dimension('active power', { mW: 1e-3, W: 1, kW: 1e3, MW: 1e6, GW: 1e9 });
dimension('reactive power', { var: 1, Var: 1, kvar: 1e3, kVar: 1e3, Mvar: 1e6, MVar: 1e6 });
dimension('apparent power', { VA: 1, kVA: 1e3, MVA: 1e6 });
dimension('energy', { Wh: 1, kWh: 1e3, MWh: 1e6, GWh: 1e9, J: 1 / 3600, kJ: 1 / 3.6, MJ: 1e3 / 3.6, GJ: 1e6 / 3.6 });
dimension('reactive energy', { varh: 1, kvarh: 1e3, Mvarh: 1e6 });
dimension('apparent energy', { VAh: 1, kVAh: 1e3, MVAh: 1e6 });
dimension('voltage', { uV: 1e-6, mV: 1e-3, V: 1, kV: 1e3, MV: 1e6 });
dimension('current', { uA: 1e-6, mA: 1e-3, A: 1, kA: 1e3 });
dimension('charge', { Ah: 1, mAh: 1e-3, kAh: 1e3 });
dimension('resistance', { mOhm: 1e-3, Ohm: 1, kOhm: 1e3, MOhm: 1e6, Ω: 1, kΩ: 1e3, MΩ: 1e6 });
dimension('frequency', { mHz: 1e-3, Hz: 1, kHz: 1e3, MHz: 1e6 });
dimension('time', { us: 1e-6, ms: 1e-3, s: 1, min: 60, h: 3600, d: 86_400 });
dimension('length', { mm: 1e-3, cm: 1e-2, m: 1, km: 1e3 });
dimension('area', { mm2: 1e-6, cm2: 1e-4, m2: 1, 'm²': 1, km2: 1e6, ha: 1e4 });
dimension('volume', { ml: 1e-6, l: 1e-3, L: 1e-3, m3: 1, 'm³': 1 });
dimension('flow', {
  'l/s': 1e-3,
  'l/min': 1e-3 / 60,
  'l/h': 1e-3 / 3600,
  'm3/s': 1,
  'm3/h': 1 / 3600,
  'm³/h': 1 / 3600,
});
dimension('mass', { g: 1e-3, kg: 1, t: 1e3 });
dimension('speed', { 'm/s': 1, 'km/h': 1 / 3.6 });
dimension('rotation', { rpm: 1, 'r/min': 1, '1/min': 1 });
dimension('pressure', { Pa: 1, hPa: 100, kPa: 1e3, MPa: 1e6, mbar: 100, bar: 1e5 });
dimension('irradiance', { 'W/m2': 1, 'W/m²': 1, 'kW/m2': 1e3, 'kW/m²': 1e3 });
dimension('irradiation', { 'Wh/m2': 1, 'kWh/m2': 1e3, 'MJ/m2': 1e3 / 3.6 });
dimension('share', { '%': 1, ppm: 1e-4, '‰': 0.1 });
dimension('angle', { deg: 1, '°': 1, rad: 180 / Math.PI });
dimension(
  'temperature',
  { degC: 1, '°C': 1, '℃': 1, K: 1, degF: 5 / 9, '°F': 5 / 9 },
  {
    K: -273.15,
    degF: -160 / 9,
    '°F': -160 / 9,
  },
);

export function isKnownUnit(unit: string): boolean {
  return UNITS.has(unit);
}

export function nearestUnit(unit: string): string {
  return nearest(unit, UNITS.keys()) ?? 'a unit such as kW, kWh, V or degC';
}

export interface Conversion {
  readonly factor: number;
  readonly shift: number;
}

const SAME: Conversion = { factor: 1, shift: 0 };

/** A quotient of two decimal factors without the last digits of floating point: 0.001, not 0.0010000000000000002. */
function clean(value: number): number {
  const short = Number(value.toPrecision(12));
  return Math.abs(short - value) <= Math.abs(value) * 4 * Number.EPSILON ? short : value;
}

/**
 * target = factor * source + shift. Without two known units nothing is converted; `different` when they measure
 * two different things.
 */
export function conversion(source: string | undefined, target: string | undefined): Conversion | 'different' {
  const from = source === undefined ? undefined : UNITS.get(source);
  const to = target === undefined ? undefined : UNITS.get(target);
  if (!from || !to || source === target) return SAME;
  if (from.dimension !== to.dimension) return 'different';
  return { factor: clean(from.factor / to.factor), shift: clean((from.shift - to.shift) / to.factor) };
}
