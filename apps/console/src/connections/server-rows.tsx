import type { ConnectionView } from '@busbar/api-schema';
import { formatDuration, formatNumber, HealthBadge, useDisplay } from '@busbar/ui';
import { useNow } from '../live/live-context.js';
import { Why } from './why.js';

/** Forwarding connections: where they listen, what they offer, and who is connected. */
export function ServerRows({ items }: { readonly items: readonly ConnectionView[] }) {
  const { t, language } = useDisplay();
  const now = useNow();
  const count = (value: number | undefined) =>
    value === undefined ? '' : formatNumber(value, { locale: language, decimals: 0 });
  return (
    <table className="list connections">
      <thead>
        <tr>
          <th scope="col">{t('column.server')}</th>
          <th scope="col">{t('column.state')}</th>
          <th scope="col">{t('column.since')}</th>
          <th scope="col" className="right">
            {t('column.port')}
          </th>
          <th scope="col" className="right">
            {t('column.addresses')}
          </th>
          <th scope="col">{t('column.clients')}</th>
          <th scope="col" className="right">
            {t('column.waiting')}
          </th>
          <th scope="col" className="right">
            {t('column.dropped')}
          </th>
          <th scope="col">{t('column.why')}</th>
        </tr>
      </thead>
      <tbody>
        {items.map((one) => (
          <tr key={one.connection}>
            <th scope="row">
              <span>{one.title || one.connection}</span> <code>{one.connection}</code>
              <small className="row-note">
                {one.readOnly ? `${one.driver}, ${t('connections.readOnly')}` : one.driver}
              </small>
            </th>
            <td data-label={t('column.state')}>
              <HealthBadge state={one.state} />
            </td>
            <td data-label={t('column.since')}>{formatDuration(now - one.since, t)}</td>
            <td data-label={t('column.port')} className="right">
              {one.server?.port ?? ''}
            </td>
            <td data-label={t('column.addresses')} className="right">
              {count(one.server?.points)}
              <small className="row-note">
                <a href={`/api/v1/forwarding/${encodeURIComponent(one.connection)}/points.csv`}>CSV</a>{' '}
                <a href={`/api/v1/forwarding/${encodeURIComponent(one.connection)}/points.xlsx`}>XLSX</a>
              </small>
            </td>
            <td data-label={t('column.clients')}>
              <Clients items={one.server?.clients ?? []} />
            </td>
            <td data-label={t('column.waiting')} className="right">
              {count(one.server?.waiting)}
            </td>
            <td
              data-label={t('column.dropped')}
              className={(one.server?.dropped ?? 0) > 0 ? 'right state-bad' : 'right'}
            >
              {count(one.server?.dropped)}
            </td>
            <td data-label={t('column.why')}>
              <Why diagnosis={one.diagnosis} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Clients({ items }: { readonly items: NonNullable<ConnectionView['server']>['clients'] }) {
  const { t } = useDisplay();
  const now = useNow();
  if (items.length === 0) return <span className="meta">{t('connections.noClients')}</span>;
  return (
    <>
      {items.map(({ name, address, since, state }) => (
        <div key={`${name} ${address} ${since}`}>
          {name} <code>{address}</code>{' '}
          <small className="row-note">{`${state}, ${formatDuration(now - since, t)}`}</small>
        </div>
      ))}
    </>
  );
}
