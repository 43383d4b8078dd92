import type { ConnectionView } from '@busbar/api-schema';
import { formatDuration, formatNumber, HealthBadge, useDisplay } from '@busbar/ui';
import { useNow } from '../live/live-context.js';
import { Why } from './why.js';

export function SinkRows({ items }: { readonly items: readonly ConnectionView[] }) {
  const { t, language } = useDisplay();
  const now = useNow();
  const count = (value: number | undefined) =>
    value === undefined ? '' : formatNumber(value, { locale: language, decimals: 0 });
  return (
    <table className="list connections">
      <thead>
        <tr>
          <th scope="col">{t('column.sink')}</th>
          <th scope="col">{t('column.state')}</th>
          <th scope="col">{t('column.since')}</th>
          <th scope="col" className="right">
            {t('column.acknowledged')}
          </th>
          <th scope="col" className="right">
            {t('column.waiting')}
          </th>
          <th scope="col" className="right">
            {t('column.refused')}
          </th>
          <th scope="col">{t('column.lastAcknowledged')}</th>
          <th scope="col">{t('column.why')}</th>
        </tr>
      </thead>
      <tbody>
        {items.map((one) => (
          <tr key={one.connection}>
            <th scope="row">
              <span>{one.title || one.connection}</span> <code>{one.connection}</code>
              <small className="row-note">{one.driver}</small>
            </th>
            <td data-label={t('column.state')}>
              <HealthBadge state={one.state} />
            </td>
            <td data-label={t('column.since')}>{formatDuration(now - one.since, t)}</td>
            <td data-label={t('column.acknowledged')} className="right">
              {count(one.sink?.acknowledged)}
            </td>
            <td data-label={t('column.waiting')} className="right">
              {count(one.sink?.waiting)}
            </td>
            <td data-label={t('column.refused')} className={(one.sink?.refused ?? 0) > 0 ? 'right state-bad' : 'right'}>
              {count(one.sink?.refused)}
            </td>
            <td data-label={t('column.lastAcknowledged')}>
              {one.sink?.lastAcknowledgedAt == null
                ? t('connections.neverAcknowledged')
                : t('age.ago', { age: formatDuration(now - one.sink.lastAcknowledgedAt, t) })}
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
