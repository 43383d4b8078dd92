import type { PointRow } from '@busbar/api-schema';
import { LiveTable, Loading, Notice, type PointsFeed, useDisplay } from '@busbar/ui';
import { Button } from 'antd';
import { lazy, Suspense, useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { useNavigate, useParams, useSearchParams } from 'react-router-dom';
import { useFeedChanges, useLink, useMachine, usePointsFeed } from '../live/live-context.js';
import { pointColumns } from './point-columns.js';
import { PointDetail } from './point-detail.js';
import { type PointsState, readPointsState, toQuery, writePointsState } from './points-state.js';
import { PointsToolbar } from './points-toolbar.js';

const RequestDialog = lazy(async () => ({ default: (await import('../control/request-dialog.js')).RequestDialog }));
const keyOf = (row: PointRow) => row.path;

/** Every point of every asset, live; beside it the detail of one. */
export function PointsPage() {
  const display = useDisplay();
  const machine = useMachine();
  const { phase } = useLink();
  const { asset, point } = useParams();
  const [search, setSearch] = useSearchParams();
  const navigate = useNavigate();
  const state = readPointsState(search);
  const query = toQuery(state);
  const feed = usePointsFeed(query);
  const filter = useRef<HTMLInputElement>(null);
  const [asking, setAsking] = useState<PointRow | null>(null);
  const [paused, setPaused] = useState(false);
  const columns = useMemo(() => pointColumns(display, () => machine.state.phase !== 'up'), [display, machine]);
  const now = useCallback(() => machine.serverNow(), [machine]);

  useEffect(() => feed.pause(paused), [feed, paused]);
  const narrow = (next: PointsState) => setSearch((before) => writePointsState(before, next), { replace: true });
  const open = (row: PointRow) =>
    navigate(`/points/${encodeURIComponent(row.asset)}/${encodeURIComponent(row.point.id)}?${search}`, {
      replace: point !== undefined,
    });
  const request = (row: PointRow) => row.control !== null && setAsking(row);

  return (
    <div className="split">
      <section className="split-main" aria-label={display.t('nav.points')}>
        <h1 className="sr-only">{display.t('nav.points')}</h1>
        <PointsToolbar
          state={state}
          onChange={narrow}
          feed={feed}
          filter={filter}
          paused={paused}
          onPause={setPaused}
        />
        <div className="table-area">
          <LiveTable
            key={JSON.stringify(query)}
            label={display.t('points.table')}
            source={feed}
            columns={columns}
            now={now}
            keyOf={keyOf}
            openKey={point === undefined ? undefined : `${asset}/${point}`}
            mood={phase}
            onOpen={open}
            actions={{ r: request, t: open }}
            commands={{ p: () => setPaused((before) => !before), '/': () => filter.current?.focus() }}
          >
            <NoRows feed={feed} state={state} onClear={() => narrow({ text: '', asset: '', abnormal: false })} />
          </LiveTable>
        </div>
      </section>
      {asset !== undefined && point !== undefined && (
        <PointDetail
          key={`${asset}/${point}`}
          asset={asset}
          point={point}
          onRequest={setAsking}
          onClose={() => navigate(`/points?${search}`)}
        />
      )}
      {asking !== null && (
        <Suspense fallback={null}>
          <RequestDialog row={asking} onClose={() => setAsking(null)} />
        </Suspense>
      )}
    </div>
  );
}

interface NoRowsProps {
  readonly feed: PointsFeed;
  readonly state: PointsState;
  readonly onClear: () => void;
}

/** In place of the rows: loading, an error, or why there are none. */
function NoRows({ feed, state, onClear }: NoRowsProps) {
  const { t } = useDisplay();
  useFeedChanges(feed);
  if (feed.error !== null) {
    return (
      <div className="table-notice">
        <Notice kind="error" message={feed.error.sentence} hint={feed.error.fix} details={feed.error.code} />
      </div>
    );
  }
  if (feed.total === null) return <Loading lines={10} />;
  if (feed.total > 0) return null;
  if (state.text !== '' || state.asset !== '') {
    return (
      <div className="table-notice">
        <Notice
          kind="empty"
          message={t('points.noMatch')}
          actions={<Button onClick={onClear}>{t('points.clear')}</Button>}
        />
      </div>
    );
  }
  return (
    <div className="table-notice">
      {state.abnormal ? (
        <Notice
          kind="empty"
          message={t('points.allGood')}
          actions={<Button onClick={onClear}>{t('points.showAll')}</Button>}
        />
      ) : (
        <Notice kind="empty" message={t('points.none')} hint={t('points.noneHint')} />
      )}
    </div>
  );
}
