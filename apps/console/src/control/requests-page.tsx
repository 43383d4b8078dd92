import type { PointRow, RequestView } from '@busbar/api-schema';
import {
  CHAIN_SHAPES,
  endLook,
  endWords,
  exactWithUnit,
  formatTime,
  Loading,
  Notice,
  RequestChain,
  rawValue,
  useDisplay,
} from '@busbar/ui';
import { useQuery } from '@tanstack/react-query';
import { Button } from 'antd';
import { Link, useNavigate, useParams } from 'react-router-dom';
import { FaultNotice } from '../api/fault-notice.js';
import { useFeedChanges, useNow, usePointsFeed, useRequests } from '../live/live-context.js';
import { CloseIcon } from '../shell/icons.js';
import { findRequest } from './ask-control.js';

/** The newest requests of every source, as they go their way; beside them the chain of one. */
export function RequestsPage() {
  const { t } = useDisplay();
  const { id } = useParams();
  const { items, held, error } = useRequests();
  const words = usePointWords(items ?? []);
  const open = id === undefined ? undefined : items?.find((one) => one.id === id);
  return (
    <div className="split">
      <section className="split-main" aria-labelledby="requests-title">
        <div className="toolbar">
          <h1 id="requests-title">{t('nav.requests')}</h1>
          <span className="toolbar-space" />
          <span className="toolbar-count">{items === null ? '' : t('requests.count', { count: items.length })}</span>
        </div>
        <div className="list-area">
          {error !== null && <Notice kind="error" message={error.sentence} hint={error.fix} details={error.code} />}
          {error === null && items === null && <Loading lines={8} />}
          {items?.length === 0 && (
            <Notice
              kind="empty"
              message={t('requests.none')}
              hint={t('requests.noneHint')}
              actions={<Link to="/points">{t('shell.toPoints')}</Link>}
            />
          )}
          {items !== null && items.length > 0 && <RequestList items={items} words={words} openId={id} isHeld={held} />}
        </div>
      </section>
      {id !== undefined && items !== null && <RequestPanel key={id} id={id} live={open} words={words} />}
    </div>
  );
}

type Words = (path: string, value: number | string | boolean | null) => string;

/** Values with the unit and the words of their point, as far as that is known. */
function usePointWords(items: readonly RequestView[]): Words {
  const display = useDisplay();
  const paths = [...new Set(items.flatMap((one) => one.items.map((item) => item.point)))].slice(0, 500).sort();
  const feed = usePointsFeed({ paths }, { count: Math.max(1, paths.length), hz: 0.2 });
  useFeedChanges(feed);
  return (path, value) => {
    const row: PointRow | undefined = feed.byPath(path)?.row;
    return row === undefined ? rawValue(value) : exactWithUnit(value, row.point, display);
  };
}

interface ListProps {
  readonly items: readonly RequestView[];
  readonly words: Words;
  readonly openId: string | undefined;
  readonly isHeld: boolean;
}

function RequestList({ items, words, openId, isHeld }: ListProps) {
  const { t, zone } = useDisplay();
  const now = useNow(10_000);
  const navigate = useNavigate();
  return (
    <table className={isHeld ? 'list held' : 'list'}>
      <thead>
        <tr>
          <th scope="col">{t('column.requested')}</th>
          <th scope="col">{t('column.point')}</th>
          <th scope="col" className="right">
            {t('column.value')}
          </th>
          <th scope="col">{t('column.source')}</th>
          <th scope="col">{t('column.state')}</th>
        </tr>
      </thead>
      <tbody>
        {items.map((one) => (
          <tr
            key={one.request}
            className={one.id === openId ? 'open' : ''}
            onClick={() =>
              getSelection()?.isCollapsed !== false && navigate(`/control/requests/${encodeURIComponent(one.id)}`)
            }
          >
            <td className="mono">
              <Link
                to={`/control/requests/${encodeURIComponent(one.id)}`}
                aria-current={one.id === openId ? 'true' : undefined}
              >
                {formatTime(one.stages[0]?.at ?? 0, now, zone)}
              </Link>
            </td>
            <td className="mono">{one.items.map((item) => item.point).join(', ')}</td>
            <td className="right">{one.items.map((item) => words(item.point, item.value)).join(', ')}</td>
            <td>{one.source}</td>
            <td>
              <StateBadge request={one} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const LOOK_STATES = { done: 'good', refused: 'bad', failed: 'bad', expired: 'idle', unknown: 'uncertain' } as const;

function StateBadge({ request }: { readonly request: RequestView }) {
  const display = useDisplay();
  if (request.end === null) {
    const stage = request.stages.at(-1)?.stage ?? 'requested';
    return (
      <span className="bb-badge">
        <i className="bb-shape pending" />
        {display.t(`chain.${stage}`)}
      </span>
    );
  }
  const look = endLook(request.end);
  const state = LOOK_STATES[look as keyof typeof LOOK_STATES];
  return (
    <span className={`bb-badge state-${state}`}>
      <i className={`bb-shape ${CHAIN_SHAPES[look]}`} />
      {endWords(request.end, display).short}
    </span>
  );
}

interface PanelProps {
  readonly id: string;
  readonly live: RequestView | undefined;
  readonly words: Words;
}

function RequestPanel({ id, live, words }: PanelProps) {
  const { t, zone } = useDisplay();
  const now = useNow(10_000);
  const navigate = useNavigate();
  const older = useQuery({ queryKey: ['request', id], queryFn: () => findRequest(id), enabled: live === undefined });
  const request = live ?? older.data ?? undefined;
  const path = request?.items[0]?.point ?? '';
  return (
    <aside className="detail" aria-label={t('requests.panel')}>
      <header className="detail-head">
        <div>
          <h2>{request?.items.map((item) => words(item.point, item.value)).join(', ') ?? t('requests.panel')}</h2>
          <code>{request?.items.map((item) => item.point).join(', ') ?? id}</code>
        </div>
        <Button
          type="text"
          icon={<CloseIcon />}
          aria-label={t('action.close')}
          onClick={() => navigate('/control/requests')}
        />
      </header>
      {request === undefined ? (
        <div className="detail-part">
          {older.isError ? (
            <FaultNotice error={older.error} onRetry={() => older.refetch()} />
          ) : older.isPending ? (
            <Loading />
          ) : (
            <Notice kind="info" message={t('requests.notThere', { id })} />
          )}
        </div>
      ) : (
        <>
          <section className="detail-part">
            <RequestChain request={request} wordValue={(value) => words(path, value)} />
          </section>
          <section className="detail-part">
            <dl className="facts">
              <Fact name={t('column.source')} value={`${request.source} (${request.who})`} />
              <Fact name={t('fact.expires')} value={formatTime(request.expiresAt, now, zone)} />
              {request.connection !== null && <Fact name={t('column.connection')} value={request.connection} />}
              <Fact name={t('fact.id')} value={request.id} />
              <Fact name={t('fact.request')} value={request.request} />
            </dl>
          </section>
        </>
      )}
    </aside>
  );
}

function Fact({ name, value }: { readonly name: string; readonly value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd className="mono">{value}</dd>
    </div>
  );
}
