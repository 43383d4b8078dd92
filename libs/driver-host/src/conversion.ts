import type { ControlValue, TagConfig } from '@busbar/events';
import type { TagType, Value } from '@busbar/model';

const float = new Float64Array(1);
const words = new Uint32Array(float.buffer);
const HIGH = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1 ? 1 : 0;
const POWERS = Float64Array.from({ length: 23 }, (_, i) => Number(`1e${i}`));
const SIGNIFICANT = 15;
/** By binary exponent, from -64: decimal digits before the point of the smallest such number, and where one more begins. */
const DIGITS = Int8Array.from({ length: 128 }, (_, i) => Math.floor(Math.log10(2 ** (i - 64))) + 1);
const NEXT_DIGIT = Float64Array.from(DIGITS, (digits) => Number(`1e${digits}`));

/**
 * Rounds to 15 significant digits, which takes away what binary arithmetic added: 49.800000000000004 becomes 49.8.
 * Numbers below 1e-7 or from 1e15 on stay as they are.
 */
export function cleanDecimal(value: number): number {
  const size = Math.abs(value);
  if (!(size >= 1e-7 && size < 1e15) || Number.isInteger(value)) return value;
  float[0] = size;
  const exponent = ((words[HIGH] as number) >>> 20) - 1023 + 64;
  let digits = DIGITS[exponent] as number;
  if (size >= (NEXT_DIGIT[exponent] as number)) digits++;
  const power = POWERS[SIGNIFICANT - digits] as number;
  return Math.round(value * power) / power;
}

const INTEGER_LIMITS: Partial<Record<TagType, readonly [number, number]>> = {
  bool: [0, 1],
  int8: [-128, 127],
  uint8: [0, 255],
  int16: [-32768, 32767],
  uint16: [0, 65535],
  int32: [-2147483648, 2147483647],
  uint32: [0, 4294967295],
};

export function isIntegerType(type: TagType | undefined): boolean {
  return type === 'bcd' || (type !== undefined && type in INTEGER_LIMITS);
}

export type RawValue = { readonly raw: Value } | { readonly refused: string };

/** The same number as the invalid code, seen through the raw type. */
export function isInvalidCode(invalid: readonly (number | string)[], raw: Value, type: TagType | undefined): boolean {
  return invalid.some((code) => {
    if (typeof raw === 'bigint') return String(code) === raw.toString();
    const number = Number(code);
    if (type === 'float32') return Object.is(Math.fround(number), Math.fround(Number(raw)));
    return number === Number(raw);
  });
}

function wholeNumber(value: ControlValue): bigint | null {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value);
  return typeof value === 'string' && /^-?\d{1,20}$/.test(value) ? BigInt(value) : null;
}

function toRaw64(tag: TagConfig, value: ControlValue): RawValue {
  const linear = tag.scale !== 1 || tag.offset !== 0;
  const converted = linear && typeof value === 'number' ? Math.round((value - tag.offset) / tag.scale) : value;
  const raw = wholeNumber(converted);
  if (raw === null) return { refused: `${String(value)} is no whole number` };
  const fits = tag.type === 'int64' ? BigInt.asIntN(64, raw) === raw : BigInt.asUintN(64, raw) === raw;
  return fits ? { raw } : { refused: `${raw} does not fit ${tag.type}` };
}

function toRawNumber(tag: TagConfig, value: number, exponent: number): RawValue {
  const linear = cleanDecimal((value / 10 ** exponent - tag.offset) / tag.scale);
  if (!Number.isFinite(linear)) return { refused: `${value} is no number of this tag` };
  if (!isIntegerType(tag.type)) {
    const fits = tag.type !== 'float32' || Number.isFinite(Math.fround(linear));
    return fits ? { raw: linear } : { refused: `${linear} does not fit float32` };
  }
  const raw = Math.round(linear) + 0;
  const limits = tag.type === 'bcd' ? ([0, 100 ** (tag.length ?? 2) - 1] as const) : INTEGER_LIMITS[tag.type as 'bool'];
  if (limits && (raw < limits[0] || raw > limits[1])) return { refused: `${raw} does not fit ${tag.type}` };
  return { raw };
}

/**
 * The raw value for a value in tag units: the way of a read backwards, rounded to the raw type.
 * @param exponent value of the tag `scaleBy`, 0 without; NaN when it is not known.
 */
export function toRaw(tag: TagConfig, value: ControlValue, exponent: number): RawValue {
  if (tag.count > 1 || tag.type === 'bytes') return { refused: `a ${tag.type} like this cannot be written` };
  if (tag.type === 'string') return typeof value === 'string' ? { raw: value } : { refused: 'a text is wanted' };
  if (Number.isNaN(exponent)) return { refused: 'the tag of scaleBy has no value yet' };
  const size = typeof value === 'boolean' ? Number(value) : value;
  if (tag.min !== undefined && Number(size) < tag.min) return { refused: `${size} is below ${tag.min}` };
  if (tag.max !== undefined && Number(size) > tag.max) return { refused: `${size} is above ${tag.max}` };
  let result: RawValue;
  if (tag.type === 'int64' || tag.type === 'uint64') result = toRaw64(tag, size);
  else if (typeof size !== 'number') result = { refused: `${size} is no number` };
  else result = toRawNumber(tag, size, exponent);
  if ('raw' in result && isInvalidCode(tag.invalid, result.raw, tag.type)) {
    return { refused: `${String(result.raw)} means "no value" at this tag` };
  }
  return result;
}
