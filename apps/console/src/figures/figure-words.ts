import type { FigureCell } from '@busbar/api-schema';
import { type Display, formatDuration, formatNumber, MISSING } from '@busbar/ui';
import { formatBytes } from '../files/file-words.js';

/** From here on a time is said as an age. */
const SHORT_S = 10;

/** A figure in its unit, for people; what is not known is said to be missing, never 0. */
export function figureWords({ value, unit }: Pick<FigureCell, 'value' | 'unit'>, { t, language }: Display): string {
  if (value === null) return MISSING;
  const locale = language;
  switch (unit) {
    case 'isUp':
      return t(value === 0 ? 'figures.down' : 'figures.up');
    case 'share':
      return t('figures.share', { n: formatNumber(value * 100, { locale, decimals: value < 0.1 ? 1 : 0 }) });
    case 'bytes':
      return formatBytes(value, language);
    case 'seconds':
      if (value >= SHORT_S) return formatDuration(value * 1000, t);
      if (value === 0) return t('figures.seconds', { n: '0' });
      return value >= 1
        ? t('figures.seconds', { n: formatNumber(value, { locale, decimals: 1 }) })
        : t('figures.milliseconds', { n: formatNumber(value * 1000, { locale, decimals: value < 0.01 ? 2 : 0 }) });
    case 'perSecond':
      return t('figures.perSecond', { n: formatNumber(value, { locale, decimals: value < 10 ? 2 : 0 }) });
    case 'cores':
      return t('figures.cores', { n: formatNumber(value, { locale, decimals: 2 }) });
    default:
      return formatNumber(value, { locale, decimals: Number.isInteger(value) ? 0 : 1 });
  }
}
