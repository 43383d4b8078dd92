import type { PointRow } from '@busbar/api-schema';
import { qualityLevel } from '@busbar/model';
import {
  appendSample,
  joinSamples,
  NO_SAMPLES,
  type PointsFeed,
  Trend,
  type TrendSamples,
  useDisplay,
} from '@busbar/ui';
import { useQuery } from '@tanstack/react-query';
import { Checkbox, Segmented } from 'antd';
import { useEffect, useMemo, useState } from 'react';
import { useSearchParams } from 'react-router-dom';
import { FaultNotice } from '../api/fault-notice.js';
import { trendQuery } from '../api/queries.js';
import { useMachine, useNow, useOffline } from '../live/live-context.js';
import { RANGES, readRange } from './points-state.js';

/** One hour at 5 Hz. */
const MOST_LIVE = 18_000;

/** The stored past and, joined to it, what has come since the panel was opened. */
export function PointTrend({ row, feed }: { readonly row: PointRow; readonly feed: PointsFeed }) {
  const { t } = useDisplay();
  const machine = useMachine();
  const [search, setSearch] = useSearchParams();
  const range = readRange(search);
  const [asTable, setAsTable] = useState(false);
  const now = useNow();
  const offline = useOffline();
  const stored = useQuery(trendQuery(row.asset, row.point.id, { ms: range.ms, now: () => machine.serverNow() }));
  const live = useLiveSamples(feed, row.path);
  const samples = useMemo(
    () => joinSamples(stored.data ?? NO_SAMPLES, live, now - range.ms),
    [stored.data, live, now, range.ms],
  );
  const toRange = (key: string) =>
    setSearch(
      (before) => {
        const next = new URLSearchParams(before);
        next.set('range', key);
        return next;
      },
      { replace: true },
    );
  return (
    <section className="detail-part">
      <div className="trend-head">
        <Segmented
          size="small"
          aria-label={t('trend.range')}
          value={range.key}
          options={RANGES.map((one) => ({ value: one.key, label: t(`range.${one.key}`) }))}
          onChange={toRange}
        />
        <Checkbox checked={asTable} onChange={(event) => setAsTable(event.target.checked)}>
          {t('trend.asTable')}
        </Checkbox>
      </div>
      {stored.isError && <FaultNotice error={stored.error} onRetry={() => stored.refetch()} />}
      <Trend
        samples={samples}
        point={row.point}
        from={now - range.ms}
        to={now}
        knownTo={offline ? (samples.times.at(-1) ?? now) : now}
        asTable={asTable}
      />
    </section>
  );
}

function useLiveSamples(feed: PointsFeed, path: string): TrendSamples {
  const [samples, setSamples] = useState(NO_SAMPLES);
  useEffect(() => {
    const take = () => {
      const cell = feed.byPath(path)?.cell;
      if (cell === undefined || cell.held || cell.sourceTime === null) return;
      const isGone = qualityLevel(cell.quality) === 'bad' || typeof cell.value !== 'number';
      const sample = { time: cell.sourceTime, value: isGone ? null : Number(cell.value), quality: cell.quality };
      setSamples((before) => appendSample(before, sample, MOST_LIVE));
    };
    take();
    return feed.onChange(take);
  }, [feed, path]);
  return samples;
}
