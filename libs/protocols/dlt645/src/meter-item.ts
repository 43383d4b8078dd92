import type { Edition } from './control-codes.js';
import { items1997 } from './items-1997.js';
import { items2007 } from './items-2007.js';
import { normalizeIdentifier } from './requests.js';
import { parseFormat, type ReadValue, readValue, type ValueFormat } from './value-format.js';

/** What stands behind a data identifier. */
export interface MeterItem {
  /** Lower case words, such as "forward active energy, tariff 2". */
  readonly quantity: string;
  /** Empty where the value has none. */
  readonly unit: string;
  /** Formats one after the other; a block repeats all of them. */
  readonly formats: readonly ValueFormat[];
  /** Most repetitions; 1 for a single item. */
  readonly most: number;
}

/** An item of the usual ones; null where the edition's table lacks it: then the user states the format. */
export function meterItem(edition: Edition, identifier: string): MeterItem | null {
  const digits = normalizeIdentifier(edition, identifier);
  if (digits === null) return null;
  const row = edition === '2007' ? items2007(digits) : items1997(digits);
  if (row === null) return null;
  const { quantity, unit = '', format, most = 1 } = row;
  const own = itemOf(format, most);
  return own === null ? null : { ...own, quantity, unit };
}

/** Repetitions of a stated block; more is a mistake. */
const MOST_BLOCK = 1000;

/**
 * An item of a stated format: type strings of `parseFormat`, joined by `+` where values of several kinds stand together
 * (`XX.XXXX+YYMMDDhhmm`), `*` behind them for a block of as many as the meter sends. Null if it is none.
 */
export function statedItem(text: string): MeterItem | null {
  const isBlock = text.endsWith('*');
  const own = itemOf(isBlock ? text.slice(0, -1) : text, isBlock ? MOST_BLOCK : 1);
  return own === null ? null : { ...own, quantity: '', unit: '' };
}

function itemOf(text: string, most: number): Pick<MeterItem, 'formats' | 'most'> | null {
  const formats = text.split('+').map(parseFormat);
  const known = formats.filter((format) => format !== null);
  return known.length === formats.length ? { formats: known, most } : null;
}

/** Octets of one repetition. */
export function itemOctets({ formats }: MeterItem): number {
  return formats.reduce((sum, { octets }) => sum + octets, 0);
}

/** Values in order, or `length` if the octets are no whole number of repetitions: then no value is to be trusted. */
export function readItem(item: MeterItem, data: Uint8Array): readonly ReadValue[] | 'length' {
  const step = itemOctets(item);
  const times = data.length / step;
  if (!Number.isInteger(times) || times < 1 || times > item.most) return 'length';
  const values: ReadValue[] = [];
  let at = 0;
  for (let turn = 0; turn < times; turn++) {
    for (const format of item.formats) {
      values.push(readValue(format, data, at));
      at += format.octets;
    }
  }
  return values;
}
