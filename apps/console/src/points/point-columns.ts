import type { PointRow } from '@busbar/api-schema';
import { qualityLevel } from '@busbar/model';
import {
  type CellContent,
  type Display,
  describeCell,
  formatAge,
  formatClock,
  formatDay,
  formatIso,
  hasUnit,
  type LiveCell,
  type LiveColumn,
  qualityWords,
  rawValue,
} from '@busbar/ui';

type Column = LiveColumn<PointRow, LiveCell>;

const SHAPES = { none: undefined, good: undefined, stale: 'uncertain', uncertain: 'uncertain', bad: 'bad' } as const;
const LOOKS = {
  none: undefined,
  good: undefined,
  stale: 'stale',
  uncertain: 'state-uncertain',
  bad: 'state-bad',
} as const;
const LONG = 14;
const NOTHING: CellContent = { text: '' };

/** The columns of the live table. `isOffline` is asked at each painting. */
export function pointColumns(display: Display, isOffline: () => boolean): readonly Column[] {
  const { t } = display;
  return [
    {
      key: 'asset',
      title: t('column.asset'),
      track: 'minmax(72px, 1fr)',
      className: 'ids wide',
      paint: (row) => named(row.assetTitle, row.asset),
      copy: (row) => row.asset,
    },
    {
      key: 'point',
      title: t('column.point'),
      track: 'minmax(88px, 2fr)',
      className: 'ids',
      paint: (row) => named(row.point.title, row.point.id),
      copy: (row) => row.point.id,
    },
    valueColumn(display, isOffline),
    {
      key: 'unit',
      title: t('column.unit'),
      track: '52px',
      className: 'quiet',
      paint: (row, cell) => ({ text: hasUnit(cell?.value ?? null, row.point) ? (row.point.unit ?? '') : '' }),
      copy: (row) => row.point.unit ?? '',
    },
    {
      key: 'quality',
      title: t('column.quality'),
      track: '168px',
      showFrom: 680,
      paint: (_row, cell) => {
        if (cell === undefined || cell.quality === 0) return NOTHING;
        return { text: qualityWords(cell.quality, t), look: `state-${qualityLevel(cell.quality)}` };
      },
      copy: (_row, cell) => (cell === undefined ? '' : qualityWords(cell.quality, t)),
    },
    {
      key: 'time',
      title: t('column.sourceTime'),
      track: '152px',
      className: 'mono',
      showFrom: 920,
      paint: (_row, cell, now) => timeContent(cell, now, display.zone),
      copy: (_row, cell) => (cell?.sourceTime == null ? '' : formatIso(cell.sourceTime, display.zone)),
    },
    {
      key: 'age',
      title: t('column.age'),
      track: '112px',
      className: 'quiet',
      showFrom: 560,
      ages: true,
      paint: (_row, cell, now) => ({ text: cell?.sourceTime == null ? '' : formatAge(cell.sourceTime, now, t) }),
      copy: () => '',
    },
    {
      key: 'control',
      title: t('column.control'),
      track: '72px',
      showFrom: 900,
      paint: (row) =>
        row.control === null ? NOTHING : { text: t('points.set'), action: 'r', tip: t('points.setTip') },
      copy: () => '',
    },
  ];
}

function valueColumn(display: Display, isOffline: () => boolean): Column {
  return {
    key: 'value',
    title: display.t('column.value'),
    track: 'minmax(96px, 1.2fr)',
    align: 'right',
    className: 'value',
    ages: true,
    paint: (row, cell, now) => {
      const text = describeCell(cell, row.point, { display, now, offline: isOffline() });
      const shape = cell?.quality === 0 ? undefined : SHAPES[text.state];
      const look = [LOOKS[text.state] ?? '', isLongNumber(text.value, row) ? 'whole' : ''].join(' ').trim();
      return {
        text: text.value,
        tip: text.tip === '' && text.value.length > LONG ? text.value : text.tip,
        label: text.label,
        ...(shape === undefined ? {} : { shape }),
        ...(look === '' ? {} : { look }),
      };
    },
    copy: (_row, cell) => (cell === undefined || qualityLevel(cell.quality) === 'bad' ? '' : rawValue(cell.value)),
  };
}

/** A number is never cut: half of one is another one. */
function isLongNumber(text: string, row: PointRow): boolean {
  return text.length > LONG && (row.point.type === 'long' || row.point.type === 'int' || row.point.type === 'double');
}

function named(title: string, id: string): CellContent {
  return title === '' ? { text: id, tip: id } : { text: title, aside: id, tip: `${title}  ${id}` };
}

function timeContent(cell: LiveCell | undefined, now: number, zone: string): CellContent {
  if (cell?.sourceTime == null) return NOTHING;
  const at = cell.sourceTime;
  const day = formatDay(at, zone);
  const clock = formatClock(at, zone);
  return { text: day === formatDay(now, zone) ? clock : `${day.slice(5)} ${clock}`, tip: formatIso(at, zone) };
}
