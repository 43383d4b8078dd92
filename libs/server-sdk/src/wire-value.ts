import type { PlanEntry } from '@busbar/address-plan';
import type { ControlValue } from '@busbar/events';

/** What a type of the wire can say. */
export interface WireRange {
  readonly low: number;
  readonly high: number;
  readonly isWhole: boolean;
  /** A counter: beyond the end it begins anew at the other one, instead of being clamped. */
  readonly wraps: boolean;
}

export interface WireValue {
  /** NaN: the value has no number here (a text without a pair, NaN, infinity). */
  readonly value: number;
  /** True: the value lay beyond the type's range. */
  readonly isClamped: boolean;
}

const FLOAT32_MAX = (2 - 2 ** -23) * 2 ** 127;

const whole = (low: number, high: number, wraps = false): WireRange => ({ low, high, isWhole: true, wraps });
const real = (low: number, high: number): WireRange => ({ low, high, isWhole: false, wraps: false });

const BIT = whole(0, 1);
const INT16 = whole(-0x8000, 0x7fff);
const INT32 = whole(-0x8000_0000, 0x7fff_ffff);
const UINT32 = whole(0, 0xffff_ffff);
const FLOAT32 = real(-FLOAT32_MAX, FLOAT32_MAX);
/** IEC 60870-5-101 §7.2.6.6: 16 bits as a fraction. */
const FRACTION = real(-1, 1 - 2 ** -15);
/** The greatest numbers of 64 bits that a double holds exactly. */
const INT64 = whole(-(2 ** 63), 2 ** 63 - 1024);
const UINT64 = whole(0, 2 ** 64 - 2048);

const RANGES: Readonly<Record<string, WireRange>> = {
  bool: BIT,
  int16: INT16,
  uint16: whole(0, 0xffff),
  int32: INT32,
  uint32: UINT32,
  int64: INT64,
  uint64: UINT64,
  float32: FLOAT32,
  float64: real(-Number.MAX_VALUE, Number.MAX_VALUE),
  M_SP: BIT,
  M_DP: whole(0, 3),
  /** IEC 60870-5-101 §7.2.6.5: seven bits. */
  M_ST: whole(-64, 63),
  M_BO: UINT32,
  M_ME_NA: FRACTION,
  M_ME_NB: INT16,
  M_ME_NC: FLOAT32,
  M_IT: whole(-0x8000_0000, 0x7fff_ffff, true),
  C_SC: BIT,
  C_DC: whole(0, 3),
  C_RC: whole(0, 3),
  C_BO: UINT32,
  C_SE_NA: FRACTION,
  C_SE_NB: INT16,
  C_SE_NC: FLOAT32,
};

/** Undefined for texts and for a type that is none. */
export function wireRange(type: string): WireRange | undefined {
  return Object.hasOwn(RANGES, type) ? RANGES[type] : undefined;
}

/**
 * The number for a value of the point, before the type's range: the number of its pair, else the value itself (bool as
 * 0 and 1), scaled. NaN if there is none. Allocates nothing.
 */
export function wireNumber(entry: PlanEntry, value: ControlValue): number {
  const { values, scale, offset } = entry;
  const number = values ? paired(values, value) : typeof value === 'string' ? Number.NaN : Number(value);
  const scaled = scale * number + offset;
  return Number.isFinite(scaled) ? scaled : Number.NaN;
}

/** A number within the range, rounded half away from zero for whole ones; NaN stays NaN. Allocates nothing. */
export function fitted(range: WireRange, number: number): number {
  const rounded = range.isWhole ? roundedOf(number) : number;
  if (range.wraps && (rounded < range.low || rounded > range.high)) return wrapped(range, rounded);
  return Math.min(range.high, Math.max(range.low, rounded));
}

/** What is sent for a value of the point: scale * value + offset, within the range of the entry's type. */
export function toWire(entry: PlanEntry, value: ControlValue): WireValue {
  const range = wireRange(entry.type);
  const number = wireNumber(entry, value);
  if (!range || Number.isNaN(number)) return { value: Number.NaN, isClamped: false };
  const sent = fitted(range, number);
  return { value: sent, isClamped: !range.wraps && sent !== (range.isWhole ? roundedOf(number) : number) };
}

/**
 * The value of the point that a master means by a number: the inverse of {@link toWire}. Undefined if the number means
 * nothing here (NaN, infinity, no pair has it).
 */
export function fromWire(entry: PlanEntry, number: number): ControlValue | undefined {
  const { values, scale, offset, type } = entry;
  if (!Number.isFinite(number)) return undefined;
  if (values) return values.find(([value]) => isSent(entry, value, number))?.[0];
  if (type === 'bool') return number !== 0;
  const value = scale === 1 && offset === 0 ? number : (number - offset) / scale;
  if (!Number.isFinite(value)) return undefined;
  // 15 digits hold every decimal that a person writes; what is behind them is noise of the division.
  return scale === 1 && offset === 0 ? value : Number(value.toPrecision(15));
}

/** Is a command within the limits of its forwarding template? What is no number has none. */
export function isWithinLimits({ control }: PlanEntry, value: ControlValue): boolean {
  const limits = control?.limits;
  if (!limits || typeof value === 'boolean') return true;
  const number = Number(value);
  return Number.isNaN(number) || (number >= limits[0] && number <= limits[1]);
}

function isSent(entry: PlanEntry, value: ControlValue, number: number): boolean {
  const sent = toWire(entry, value).value;
  const isFloat = wireRange(entry.type) === FLOAT32;
  return sent === number || (isFloat && Math.fround(sent) === Math.fround(number));
}

function paired(values: NonNullable<PlanEntry['values']>, value: ControlValue): number {
  for (let i = 0; i < values.length; i++) {
    const [own, number] = values[i] as readonly [ControlValue, number];
    if (own === value || (typeof own !== 'string' && typeof value !== 'string' && Number(own) === Number(value))) {
      return number;
    }
  }
  return Number.NaN;
}

/** Adding 0 makes -0 plain: no whole number on a wire has a sign of its own for zero. */
function roundedOf(number: number): number {
  return Math.sign(number) * Math.round(Math.abs(number)) + 0;
}

function wrapped({ low, high }: WireRange, number: number): number {
  const span = high - low + 1;
  const rest = (number - low) % span;
  return (rest < 0 ? rest + span : rest) + low;
}
