import type { PointRow } from '@busbar/api-schema';
import type { Display } from '../display.js';
import { formatExact, formatNumber, formatWhole, MISSING } from './format-number.js';
import { formatClock, formatDay } from './format-time.js';

export type Point = PointRow['point'];
export type ShownValue = number | string | boolean | null;

const WHOLE: ReadonlySet<string> = new Set(['int', 'long', 'enum']);
const TEXTS: ReadonlySet<string> = new Set(['string', 'array', 'struct', 'file', 'raw']);

/** The word of an enum or bool by the model's values; undefined without one. */
export function valueWord(value: ShownValue, point: Point): string | undefined {
  if (value === null || point.values === undefined) return undefined;
  const key = typeof value === 'boolean' ? String(Number(value)) : String(value);
  return point.values[key] ?? point.values[String(value)];
}

/** The value for people, without its unit; null is `--`. 64-bit integers keep every digit. */
export function formatValue(value: ShownValue, point: Point, display: Display): string {
  if (value === null) return MISSING;
  const word = valueWord(value, point);
  if (word !== undefined) return word;
  if (point.type === 'bool') {
    if (value === true || value === 1) return display.t('value.true');
    if (value === false || value === 0) return display.t('value.false');
  }
  if (typeof value === 'boolean') return display.t(value ? 'value.true' : 'value.false');
  if (typeof value === 'string') return TEXTS.has(point.type) ? value : formatWhole(value, display.language);
  if (point.type === 'timestamp') return `${formatDay(value, display.zone)} ${formatClock(value, display.zone)}`;
  const whole = WHOLE.has(point.type) && Number.isInteger(value);
  return formatNumber(value, { locale: display.language, decimals: whole ? 0 : undefined });
}

/** As files and copied cells have it: point as decimal sign, no grouping, nothing rounded. */
export function rawValue(value: ShownValue): string {
  if (value === null || (typeof value === 'number' && !Number.isFinite(value))) return '';
  return String(value);
}

/** With its unit after a space; a word or a text needs none. */
export function valueWithUnit(value: ShownValue, point: Point, display: Display): string {
  const text = formatValue(value, point, display);
  return hasUnit(value, point) ? `${text} ${point.unit}` : text;
}

/** As it was asked for, nothing rounded: a command is shown as it is sent. */
export function exactWithUnit(value: ShownValue, point: Point, display: Display): string {
  if (typeof value !== 'number' || valueWord(value, point) !== undefined || point.type === 'bool') {
    return valueWithUnit(value, point, display);
  }
  const text = formatExact(value, display.language);
  return hasUnit(value, point) ? `${text} ${point.unit}` : text;
}

export function hasUnit(value: ShownValue, point: Point): boolean {
  if (point.unit === undefined || TEXTS.has(point.type) || point.type === 'bool') return false;
  return valueWord(value, point) === undefined;
}
