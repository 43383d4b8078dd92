import type { FileTaskView, FileView } from '@busbar/api-schema';
import { type Display, formatClockSeconds, formatDay, formatDuration, formatNumber } from '@busbar/ui';

const UNITS = ['B', 'KB', 'MB', 'GB', 'TB'] as const;

/** Octets as the package writes sizes: a K is 1,024. */
export function formatBytes(bytes: number, language: string): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1_024 && unit < UNITS.length - 1) {
    value /= 1_024;
    unit++;
  }
  const decimals = unit === 0 || value >= 100 ? 0 : 1;
  return `${formatNumber(value, { locale: language, decimals })} ${UNITS[unit]}`;
}

/** Share of what is done, 0..1; null: not known. */
export function shareOf({ state, size, bytes }: Pick<FileView, 'state' | 'size' | 'bytes'>): number | null {
  if (state === 'uploaded') return 1;
  if (size === null || (state !== 'collecting' && state !== 'uploading')) return null;
  return size === 0 ? 1 : Math.min(1, bytes / size);
}

/** A time of the site to the second, with its day unless that is today. */
export function timeWords(at: number, now: number, zone: string): string {
  const clock = formatClockSeconds(at, zone);
  const day = formatDay(at, zone);
  return day === formatDay(now, zone) ? clock : `${day} ${clock}`;
}

function clockOf(minute: number): string {
  return `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;
}

/** When a task runs, in words. */
export function scheduleWords(
  { everyMs, cron, window, startOn }: Pick<FileTaskView, 'everyMs' | 'cron' | 'window' | 'startOn'>,
  { t }: Display,
): string {
  const words: string[] = [];
  if (everyMs !== null) words.push(t('files.every', { period: formatDuration(everyMs, t) }));
  if (window !== null) words.push(`${clockOf(window.from)}-${clockOf(window.to)}`);
  if (cron !== undefined) words.push(`cron ${cron}`);
  if (startOn !== undefined) {
    const point = `${startOn.asset}/${startOn.point}`;
    if (startOn.becomes === undefined) words.push(t('files.onChange', { point }));
    else words.push(t('files.onValue', { point, value: startOn.becomes }));
  }
  return words.length === 0 ? t('files.byHand') : words.join(', ');
}
