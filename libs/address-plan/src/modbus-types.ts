import type { PointType } from '@busbar/model';
import type { Iec104Class, ModbusArea } from './address-plan.js';
import type { RowPoint } from './template.js';

const REGISTERS: Readonly<Record<string, number>> = {
  bool: 1,
  int16: 1,
  uint16: 1,
  int32: 2,
  uint32: 2,
  float32: 2,
  int64: 4,
  uint64: 4,
  float64: 4,
};

/** Types of a register, and the text of declared octets. */
export const MODBUS_TYPES = ['int16', 'uint16', 'int32', 'uint32', 'float32', 'int64', 'uint64', 'float64'] as const;

/** Octets of `string[16]`; undefined for another type. At most what one read can carry (125 registers). */
export function textLength(type: string): number | undefined {
  const match = /^string\[([1-9]\d{0,2})\]$/.exec(type);
  const octets = Number(match?.[1]);
  return match && octets <= 250 ? octets : undefined;
}

/** Registers (or the one bit) of a type; undefined for a name that is none. */
export function registersOf(type: string): number | undefined {
  const octets = textLength(type);
  if (octets !== undefined) return Math.ceil(octets / 2);
  return Object.hasOwn(REGISTERS, type) ? REGISTERS[type] : undefined;
}

const NUMBER: readonly string[] = MODBUS_TYPES;
const ALLOWED: Readonly<Partial<Record<PointType, readonly string[]>>> = {
  bool: ['bool', 'uint16'],
  enum: NUMBER,
  int: NUMBER,
  long: NUMBER,
  float: NUMBER,
  double: NUMBER,
  string: ['string[16]'],
};

/** Types that a point can be sent as, `string[16]` for a text of any length. */
export function modbusTypesFor({ type }: RowPoint): readonly string[] {
  return ALLOWED[type] ?? [];
}

export function isModbusTypeFor(point: RowPoint, type: string): boolean {
  if (point.type === 'string') return textLength(type) !== undefined;
  return modbusTypesFor(point).includes(type);
}

const DEFAULTS: Readonly<Partial<Record<PointType, string>>> = {
  bool: 'bool',
  enum: 'uint16',
  int: 'int32',
  long: 'int64',
  float: 'float32',
  double: 'float32',
};

/** What a point is sent as unless its row says so; undefined: it cannot be sent, or, a text, needs its octets. */
export function defaultModbusType({ type }: RowPoint): string | undefined {
  return DEFAULTS[type];
}

/** Areas of a value: bits and registers do not mix. */
export function areasOf(type: string): readonly ModbusArea[] {
  return type === 'bool' ? ['discrete', 'coil'] : ['input', 'holding'];
}

/** Where a class of the other protocol has its like: templates are shared. */
export const AREA_OF_CLASS: Readonly<Record<Iec104Class, ModbusArea>> = {
  YX: 'discrete',
  YC: 'input',
  YM: 'input',
  YK: 'coil',
  YT: 'holding',
};
export const CLASS_OF_AREA: Readonly<Record<ModbusArea, Iec104Class>> = {
  discrete: 'YX',
  input: 'YC',
  coil: 'YK',
  holding: 'YT',
};
