/** Shown where there is no value: never 0. */
export const MISSING = '--';

const formats = new Map<string, Intl.NumberFormat>();

function numberFormat(locale: string, fraction: number, exponent: boolean): Intl.NumberFormat {
  const key = `${locale}/${fraction}/${exponent}`;
  let format = formats.get(key);
  if (format === undefined) {
    format = new Intl.NumberFormat(locale, {
      minimumFractionDigits: fraction,
      maximumFractionDigits: fraction,
      notation: exponent ? 'scientific' : 'standard',
      signDisplay: 'negative',
    });
    formats.set(key, format);
  }
  return format;
}

export interface NumberStyle {
  readonly locale: string;
  /** Digits behind the point; without it at least four significant ones, the whole part never rounded. */
  readonly decimals?: number | undefined;
}

/** Beyond this a float64 does not hold every whole number any more. */
const LARGEST = 1e15;
const SMALLEST = 1e-4;

/** For people: grouped by locale; exponents only below 1e-4 and from 1e15 on. Not a finite number: `--`. */
export function formatNumber(value: number, style: NumberStyle): string {
  if (!Number.isFinite(value)) return MISSING;
  const size = Math.abs(value);
  if (size >= LARGEST || (style.decimals === undefined && size > 0 && size < SMALLEST)) {
    return numberFormat(style.locale, 3, true).format(value);
  }
  return numberFormat(style.locale, style.decimals ?? fractionDigits(size), false).format(value);
}

function fractionDigits(size: number): number {
  if (size === 0) return 0;
  return Math.min(7, Math.max(0, 3 - Math.floor(Math.log10(size))));
}

/** Every digit that a float64 has, grouped, without trailing zeros: for what was asked or configured. */
export function formatExact(value: number, locale: string): string {
  if (!Number.isFinite(value)) return MISSING;
  const size = Math.abs(value);
  if (size >= 1e21 || (size > 0 && size < 1e-6)) return String(value);
  const [whole = '', fraction] = String(value).split('.');
  const grouped = formatWhole(whole === '-0' ? '0' : whole, locale);
  const sign = whole === '-0' && fraction !== undefined ? '-' : '';
  return fraction === undefined ? grouped : `${sign}${grouped}.${fraction}`;
}

/** A whole number of any size, digit by digit; text that is no whole number comes back as it is. */
export function formatWhole(digits: string, locale: string): string {
  if (!/^-?\d{1,40}$/.test(digits)) return digits;
  return numberFormat(locale, 0, false).format(BigInt(digits));
}
