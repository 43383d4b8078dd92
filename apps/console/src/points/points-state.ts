import type { PointsQuery } from '@busbar/api-schema';

/** What the list is narrowed to; all of it stands in the URL. */
export interface PointsState {
  readonly text: string;
  readonly asset: string;
  readonly abnormal: boolean;
}

export function readPointsState(search: URLSearchParams): PointsState {
  return {
    text: (search.get('q') ?? '').slice(0, 200),
    asset: search.get('asset') ?? '',
    abnormal: search.get('quality') === 'abnormal',
  };
}

/** The same search with this state; what is not narrowed leaves no trace. */
export function writePointsState(search: URLSearchParams, state: PointsState): URLSearchParams {
  const next = new URLSearchParams(search);
  const put = (key: string, value: string) => (value === '' ? next.delete(key) : next.set(key, value));
  put('q', state.text);
  put('asset', state.asset);
  put('quality', state.abnormal ? 'abnormal' : '');
  return next;
}

export function toQuery(state: PointsState): PointsQuery {
  return {
    ...(state.text.trim() === '' ? {} : { text: state.text.trim() }),
    ...(state.asset === '' ? {} : { asset: state.asset }),
    ...(state.abnormal ? { abnormal: true } : {}),
  };
}

export const RANGES = [
  { key: '1m', ms: 60_000 },
  { key: '10m', ms: 600_000 },
  { key: '1h', ms: 3_600_000 },
] as const;

export function readRange(search: URLSearchParams): (typeof RANGES)[number] {
  return RANGES.find((range) => range.key === search.get('range')) ?? RANGES[1];
}
