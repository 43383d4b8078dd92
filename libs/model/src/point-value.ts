import type { PointType } from './value.js';

const DECIMAL = /^-?\d{1,20}$/;

function isInt64(text: string): boolean {
  if (!DECIMAL.test(text)) return false;
  const value = BigInt(text);
  return value >= -(2n ** 63n) && value < 2n ** 64n;
}

/**
 * A value asked for, in the form of the point's type: bools from 0 and 1 too, 64-bit integers as decimal text where a
 * number would not be exact. Undefined if it does not fit (NaN, infinity, a fraction for an integer, a text for a number).
 */
export function asPointValue(type: PointType, value: number | string | boolean): number | string | boolean | undefined {
  switch (type) {
    case 'bool':
      if (typeof value === 'boolean') return value;
      return value === 0 ? false : value === 1 ? true : undefined;
    case 'int':
      return typeof value === 'number' && Number.isSafeInteger(value) ? value : undefined;
    case 'long':
      if (typeof value === 'string' && isInt64(value)) {
        return Number.isSafeInteger(Number(value)) ? Number(value) : value;
      }
      return typeof value === 'number' && Number.isSafeInteger(value) ? value : undefined;
    case 'float':
    case 'double':
      return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
    case 'enum':
      return typeof value === 'string' || Number.isSafeInteger(value) ? value : undefined;
    case 'date':
    case 'timestamp':
      return typeof value === 'string' || (typeof value === 'number' && Number.isFinite(value)) ? value : undefined;
    case 'string':
      return typeof value === 'string' ? value : undefined;
    default:
      return undefined;
  }
}
