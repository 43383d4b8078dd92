import { formatExact, type PointsFeed, useDisplay } from '@busbar/ui';
import { useQuery } from '@tanstack/react-query';
import { Button, Checkbox, Input, type InputRef, Select } from 'antd';
import { type RefObject, useEffect, useState } from 'react';
import { assetsQuery } from '../api/queries.js';
import { useFeedChanges } from '../live/live-context.js';
import type { PointsState } from './points-state.js';

export interface PointsToolbarProps {
  readonly state: PointsState;
  readonly onChange: (state: PointsState) => void;
  readonly feed: PointsFeed;
  readonly filter: RefObject<HTMLInputElement | null>;
  readonly paused: boolean;
  readonly onPause: (on: boolean) => void;
}

const TYPING_MS = 200;

export function PointsToolbar({ state, onChange, feed, filter, paused, onPause }: PointsToolbarProps) {
  const { t } = useDisplay();
  const assets = useQuery(assetsQuery);
  const [text, setText] = useState(state.text);

  useEffect(() => {
    if (text === state.text) return;
    const timer = setTimeout(() => onChange({ ...state, text }), TYPING_MS);
    return () => clearTimeout(timer);
  }, [text]);
  useEffect(() => setText(state.text), [state.text]);

  const options = (assets.data?.assets ?? []).map((one) => ({
    value: one.asset,
    label: `${one.title || one.asset}  ${one.asset}`,
  }));
  return (
    <div className="toolbar">
      <Input
        className="toolbar-filter"
        ref={(made: InputRef | null) => {
          filter.current = made?.input ?? null;
        }}
        value={text}
        maxLength={200}
        allowClear
        placeholder={t('points.filter')}
        aria-label={t('points.filter')}
        suffix={<kbd>/</kbd>}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => event.key === 'Escape' && setText('')}
      />
      <Select
        className="toolbar-asset"
        value={state.asset === '' ? undefined : state.asset}
        allowClear
        showSearch={{ optionFilterProp: 'label' }}
        placeholder={t('points.asset')}
        aria-label={t('points.asset')}
        popupMatchSelectWidth={280}
        options={options}
        onChange={(asset?: string) => onChange({ ...state, asset: asset ?? '' })}
      />
      <Checkbox checked={state.abnormal} onChange={(event) => onChange({ ...state, abnormal: event.target.checked })}>
        {t('points.abnormal')}
      </Checkbox>
      <span className="toolbar-space" />
      <Count feed={feed} paused={paused} />
      <Button onClick={() => onPause(!paused)} aria-pressed={paused}>
        {t(paused ? 'points.resume' : 'points.pause')}
      </Button>
    </div>
  );
}

function Count({ feed, paused }: { readonly feed: PointsFeed; readonly paused: boolean }) {
  const { t, language } = useDisplay();
  const counted = (count: number) => ({ count, n: formatExact(count, language) });
  useFeedChanges(feed);
  return (
    <span className={paused ? 'toolbar-count paused' : 'toolbar-count'} role="status">
      {paused
        ? t('points.missed', counted(feed.missed))
        : feed.total === null
          ? ''
          : t('points.count', counted(feed.total))}
    </span>
  );
}
