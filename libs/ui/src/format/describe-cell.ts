import { qualityLevel, qualityReason } from '@busbar/model';
import type { Display } from '../display.js';
import type { LiveCell } from '../live/points-feed.js';
import { formatAge } from './format-age.js';
import { formatTime } from './format-time.js';
import { formatValue, hasUnit, type Point, rawValue, valueWithUnit, valueWord } from './format-value.js';
import { qualityWords } from './quality-words.js';

export interface CellView {
  readonly display: Display;
  /** Epoch ms by the server's clock. */
  readonly now: number;
  /** True: the link is lost, so nothing on the page is known to be current. */
  readonly offline: boolean;
  /** Age in ms from which a value counts as stale whatever its quality says. */
  readonly staleAfterMs?: number | undefined;
}

export interface CellText {
  /** `--` when bad or none. */
  readonly value: string;
  /** Empty where a unit would mislead. */
  readonly unit: string;
  readonly state: 'none' | 'good' | 'stale' | 'uncertain' | 'bad';
  /** Age in words while stale, else empty. */
  readonly age: string;
  /** What a pointer sees: raw of an enum, last good value of a bad one. */
  readonly tip: string;
  /** What a screen reader says: `50.0 kW, uncertain: stale, 12 s ago`. */
  readonly label: string;
}

/** A value never stands alone: all that is said about one, the same in the table and in the detail. */
export function describeCell(cell: LiveCell | undefined, point: Point, view: CellView): CellText {
  const { display } = view;
  const { t } = display;
  if (cell === undefined) {
    return { value: '', unit: '', state: 'none', age: '', tip: '', label: t('cell.waiting') };
  }
  const level = qualityLevel(cell.quality);
  const value = level === 'bad' ? null : cell.value;
  const text = formatValue(value, point, display);
  const stale = level !== 'bad' && isStale(cell, view);
  const age = cell.sourceTime === null ? '' : formatAge(cell.sourceTime, view.now, t);
  const state = level === 'bad' ? 'bad' : stale ? 'stale' : level;
  const said = [
    valueWithUnit(value, point, display),
    ...(level === 'good' ? [] : [qualityWords(cell.quality, t)]),
    ...(stale && qualityReason(cell.quality) !== 'stale' ? [t('cell.notCurrent')] : []),
    ...(age === '' ? [] : [age]),
  ];
  return {
    value: text,
    unit: hasUnit(value, point) ? (point.unit ?? '') : '',
    state,
    age: stale ? age : '',
    tip: tipOf(cell, point, view),
    label: said.join(', '),
  };
}

function isStale(cell: LiveCell, view: CellView): boolean {
  if (cell.held || view.offline || qualityReason(cell.quality) === 'stale') return true;
  if (view.staleAfterMs === undefined || cell.sourceTime === null) return false;
  return view.now - cell.sourceTime > view.staleAfterMs;
}

function tipOf(cell: LiveCell, point: Point, view: CellView): string {
  const { display } = view;
  const { t, zone } = display;
  if (qualityLevel(cell.quality) === 'bad') {
    if (cell.lastGood === null) return t('cell.noLastGood');
    return t('cell.lastGood', {
      value: valueWithUnit(cell.lastGood.value, point, display),
      time: formatTime(cell.lastGood.sourceTime, view.now, zone),
      age: formatAge(cell.lastGood.sourceTime, view.now, t),
    });
  }
  if (valueWord(cell.value, point) !== undefined) return t('cell.raw', { raw: rawValue(cell.value) });
  return '';
}
