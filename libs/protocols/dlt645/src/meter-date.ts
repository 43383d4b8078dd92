import { fromBcd, toBcd } from './bcd.js';
import { daysOfMonth } from './requests.js';

const PAIRS = ['YY', 'MM', 'DD', 'WW', 'hh', 'mm', 'ss'] as const;
/** Two digits of a date: year, month, day, day of the week, hour, minute, second. */
export type DatePair = (typeof PAIRS)[number];

const LIMITS: Readonly<Record<DatePair, readonly [number, number]>> = {
  YY: [0, 99],
  MM: [1, 12],
  DD: [1, 31],
  WW: [0, 6],
  hh: [0, 23],
  mm: [0, 59],
  ss: [0, 59],
};

type Parts = Partial<Record<DatePair, number>>;

/** The pairs of a mask such as YYMMDDhhmm, highest first; null if it is none or names a pair twice. */
export function datePairs(mask: string): readonly DatePair[] | null {
  const pairs = (mask.match(/../g) ?? []) as DatePair[];
  const isMask =
    mask !== 'WW' && mask.length > 0 && pairs.length * 2 === mask.length && pairs.every((pair) => PAIRS.includes(pair));
  return isMask && new Set(pairs).size === pairs.length ? pairs : null;
}

/**
 * A date as text, `2026-11-25`, `12:30:00` or `2026-11-25T12:30`; what the mask lacks is left out. The day of the week is
 * judged, not told: meters count it differently.
 */
export function readDate(
  pairs: readonly DatePair[],
  octets: Uint8Array,
): { readonly value: string } | { readonly fault: 'empty' | 'digits' } {
  // A month or day of zero is a time that has not been: the meter fills with zeros.
  const hasDay = pairs.includes('MM') || pairs.includes('DD');
  if (hasDay && octets.every((octet) => octet === 0)) return { fault: 'empty' };
  const parts: Parts = {};
  for (const [i, pair] of pairs.entries()) {
    const value = fromBcd(octets[pairs.length - 1 - i] as number);
    if (!isWithin(pair, value)) return { fault: 'digits' };
    parts[pair] = value;
  }
  return isDay(parts) ? { value: dateText(pairs, parts) } : { fault: 'digits' };
}

/** Octets of a date in the text form of {@link readDate}; null if it is none of this mask. */
export function encodeDate(pairs: readonly DatePair[], text: string): Uint8Array | null {
  const numbers = text.match(/\d+/g) ?? [];
  const told = pairs.filter((pair) => pair !== 'WW').sort(byRank);
  if (numbers.length !== told.length) return null;
  const parts: Parts = {};
  for (const [i, pair] of told.entries()) {
    const value = Number(numbers[i]) - (pair === 'YY' ? 2000 : 0);
    if (!isWithin(pair, value)) return null;
    parts[pair] = value;
  }
  if (!isDay(parts) || dateText(pairs, parts) !== text) return null;
  if (pairs.includes('WW')) {
    const { YY, MM, DD } = parts;
    if (YY === undefined || MM === undefined || DD === undefined) return null;
    parts.WW = new Date(Date.UTC(2000 + YY, MM - 1, DD)).getUTCDay();
  }
  return Uint8Array.from([...pairs].reverse(), (pair) => toBcd(parts[pair] ?? 0));
}

function isWithin(pair: DatePair, value: number): boolean {
  const [min, max] = LIMITS[pair];
  return value >= min && value <= max;
}

/** Without a year February may have 29 days. */
function isDay({ YY, MM, DD }: Parts): boolean {
  return MM === undefined || DD === undefined || DD <= daysOfMonth(2000 + (YY ?? 0), MM);
}

function byRank(first: DatePair, second: DatePair): number {
  return PAIRS.indexOf(first) - PAIRS.indexOf(second);
}

function dateText(pairs: readonly DatePair[], parts: Parts): string {
  const told = (names: readonly DatePair[], separator: string) =>
    names
      .filter((pair) => pairs.includes(pair))
      .map((pair) => (pair === 'YY' ? String(2000 + (parts.YY ?? 0)) : String(parts[pair]).padStart(2, '0')))
      .join(separator);
  return [told(['YY', 'MM', 'DD'], '-'), told(['hh', 'mm', 'ss'], ':')].filter((part) => part !== '').join('T');
}
