import type { FigureTable } from '@busbar/api-schema';
import { Loading, Notice, useDisplay } from '@busbar/ui';
import { useQuery } from '@tanstack/react-query';
import { FaultNotice } from '../api/fault-notice.js';
import { figuresQuery } from '../api/queries.js';
import { useOffline } from '../live/live-context.js';
import { FigureRows } from './figure-rows.js';
import './figures.css';

/** The last 15 minutes of every process: what the Grafana dashboards show, for sites without a Grafana. */
export function FiguresPage() {
  const { t } = useDisplay();
  const isOffline = useOffline();
  const { data, error, isPending, refetch } = useQuery(figuresQuery);
  return (
    <div className="list-area padded">
      <h1 className="sr-only">{t('nav.figures')}</h1>
      {isPending && <Loading lines={6} />}
      {data === undefined && error !== null && <FaultNotice error={error} onRetry={() => void refetch()} />}
      {data?.groups.map(({ id, tables }) => (
        <section key={id} className={isOffline ? 'group held' : 'group'} aria-label={t(`figures.group.${id}`)}>
          <header>
            <h2>{t(`figures.group.${id}`)}</h2>
          </header>
          <div className="group-body">
            {isEmpty(tables) && <Notice kind="empty" message={t('figures.none')} />}
            {tables
              .filter(({ rows }) => rows.length > 0)
              .map((table) => (
                <FigureRows key={table.id} table={table} stepMs={data.stepMs} />
              ))}
          </div>
        </section>
      ))}
    </div>
  );
}

const isEmpty = (tables: readonly FigureTable[]) => tables.every(({ rows }) => rows.length === 0);
