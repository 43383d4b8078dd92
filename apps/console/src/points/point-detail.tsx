import type { PointRow } from '@busbar/api-schema';
import { GOOD, qualityLevel } from '@busbar/model';
import {
  describeCell,
  formatAge,
  formatTime,
  type LiveCell,
  Loading,
  Notice,
  QualityBadge,
  useDisplay,
  ValueCell,
} from '@busbar/ui';
import { Button } from 'antd';
import { useEffect, useRef } from 'react';
import { useFeedChanges, useNow, useOffline, usePointsFeed } from '../live/live-context.js';
import { CloseIcon } from '../shell/icons.js';
import { PointFacts } from './point-facts.js';
import { PointTrend } from './point-trend.js';

export interface PointDetailProps {
  readonly asset: string;
  readonly point: string;
  readonly onRequest: (row: PointRow) => void;
  readonly onClose: () => void;
}

/** One point: value, quality, both clocks, trend, what it is, and the way to a control request. */
export function PointDetail({ asset, point, onRequest, onClose }: PointDetailProps) {
  const { t } = useDisplay();
  const path = `${asset}/${point}`;
  const feed = usePointsFeed({ paths: [path] }, { count: 1 });
  useFeedChanges(feed);
  const panel = useRef<HTMLElement>(null);
  const found = feed.byPath(path);

  useEffect(() => {
    const before = document.activeElement;
    panel.current?.focus({ preventScroll: true });
    return () => {
      if (before instanceof HTMLElement) before.focus({ preventScroll: true });
    };
  }, []);

  return (
    <aside
      className="detail"
      ref={panel}
      tabIndex={-1}
      aria-label={t('detail.label', { path })}
      onKeyDown={(event) => event.key === 'Escape' && onClose()}
    >
      <header className="detail-head">
        <div>
          <small>{found?.row.assetTitle ?? asset}</small>
          <h2>{found?.row.point.title || point}</h2>
          <code>{path}</code>
        </div>
        <Button type="text" icon={<CloseIcon />} aria-label={t('action.close')} onClick={onClose} />
      </header>
      {found === undefined ? (
        <Missing total={feed.total} path={path} />
      ) : (
        <>
          <Reading row={found.row} cell={found.cell} />
          <PointTrend row={found.row} feed={feed} />
          <SetPoint row={found.row} onRequest={onRequest} />
          <PointFacts row={found.row} />
        </>
      )}
    </aside>
  );
}

function Missing({ total, path }: { readonly total: number | null; readonly path: string }) {
  const { t } = useDisplay();
  if (total === null) return <Loading lines={5} />;
  return (
    <div className="detail-part">
      <Notice kind="info" message={t('detail.gone', { path })} hint={t('detail.goneHint')} />
    </div>
  );
}

function Reading({ row, cell }: { readonly row: PointRow; readonly cell: LiveCell | undefined }) {
  const display = useDisplay();
  const { t, zone } = display;
  const offline = useOffline();
  const now = useNow();
  const text = describeCell(cell, row.point, { display, now, offline });
  return (
    <section className="detail-part reading">
      <div className="reading-value">
        <ValueCell cell={cell} point={row.point} now={now} offline={offline} />
        {cell !== undefined && text.state === 'stale' && cell.quality === GOOD ? (
          <span className="bb-badge state-uncertain">
            <i className="bb-shape uncertain" />
            {t('cell.notCurrent')}
          </span>
        ) : (
          cell !== undefined && <QualityBadge quality={cell.quality} always />
        )}
      </div>
      {cell !== undefined && cell.sourceTime !== null && (
        <p className="meta">
          {t('detail.sourceTime')} <time className="mono">{formatTime(cell.sourceTime, now, zone)}</time> (
          {formatAge(cell.sourceTime, now, t)})
        </p>
      )}
      {cell !== undefined && qualityLevel(cell.quality) === 'bad' && <p className="meta">{text.tip}</p>}
    </section>
  );
}

function SetPoint({ row, onRequest }: { readonly row: PointRow; readonly onRequest: (row: PointRow) => void }) {
  const { t } = useDisplay();
  const offline = useOffline();
  const why = row.control === null ? t('detail.notControllable') : offline ? t('detail.offline') : '';
  return (
    <section className="detail-part">
      <Button type="primary" disabled={why !== ''} onClick={() => onRequest(row)}>
        {t('detail.send')}
      </Button>
      {why !== '' && <p className="meta">{why}</p>}
    </section>
  );
}
