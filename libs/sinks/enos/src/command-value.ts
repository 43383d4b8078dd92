import type { ControlValue, PointConfig } from '@busbar/events';

const DECIMAL = /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/;
const INTEGER = /^-?\d{1,20}$/;

/**
 * The value of a set command in the form of the point's type. EnOS may send numbers as texts and bools as 0 and 1; what
 * does not fit stays as it is, for the arbiter to refuse. Undefined: no value at all (null, list, object).
 */
export function commandValue(raw: unknown, point: PointConfig | undefined): ControlValue | undefined {
  if (typeof raw !== 'string' && typeof raw !== 'boolean' && (typeof raw !== 'number' || !Number.isFinite(raw))) {
    return undefined;
  }
  switch (point?.type) {
    case 'bool':
      return asBool(raw);
    case 'enum':
    case 'int':
      return typeof raw === 'string' && INTEGER.test(raw) && Number.isSafeInteger(Number(raw)) ? Number(raw) : raw;
    case 'float':
    case 'double':
      return typeof raw === 'string' && DECIMAL.test(raw) ? Number(raw) : raw;
    default:
      return raw;
  }
}

function asBool(raw: ControlValue): ControlValue {
  if (raw === 1 || raw === '1' || raw === 'true') return true;
  if (raw === 0 || raw === '0' || raw === 'false') return false;
  return raw;
}
