import type { ConnectionView } from '@busbar/api-schema';
import { formatDuration, HealthBadge, useDisplay } from '@busbar/ui';
import { Fragment } from 'react';
import { useNow } from '../live/live-context.js';
import { ChevronIcon } from '../shell/icons.js';
import { Why, worstDiagnosis } from './why.js';

export interface AccessRowsProps {
  readonly items: readonly ConnectionView[];
  readonly open: ReadonlySet<string>;
  readonly onToggle: (connection: string) => void;
}

export function AccessRows({ items, open, onToggle }: AccessRowsProps) {
  const { t } = useDisplay();
  const now = useNow();
  return (
    <table className="list connections">
      <thead>
        <tr>
          <th scope="col">{t('column.connection')}</th>
          <th scope="col">{t('column.state')}</th>
          <th scope="col">{t('column.since')}</th>
          <th scope="col">{t('column.scanLoad')}</th>
          <th scope="col" className="right">
            {t('column.tagsGood')}
          </th>
          <th scope="col">{t('column.why')}</th>
        </tr>
      </thead>
      <tbody>
        {items.map((one) => (
          <Fragment key={one.connection}>
            <ConnectionRow
              item={one}
              now={now}
              isOpen={open.has(one.connection)}
              onToggle={() => onToggle(one.connection)}
            />
            {open.has(one.connection) &&
              one.devices.map((device) => <DeviceRow key={device.id} device={device} now={now} />)}
          </Fragment>
        ))}
      </tbody>
    </table>
  );
}

interface ConnectionRowProps {
  readonly item: ConnectionView;
  readonly now: number;
  readonly isOpen: boolean;
  readonly onToggle: () => void;
}

function ConnectionRow({ item, now, isOpen, onToggle }: ConnectionRowProps) {
  const { t } = useDisplay();
  const tags = item.devices.reduce((sum, device) => sum + device.tags, 0);
  const good = item.devices.reduce((sum, device) => sum + device.tagsGood, 0);
  return (
    <tr className={isOpen ? 'open' : ''}>
      <th scope="row">
        <button type="button" className="row-toggle" aria-expanded={isOpen} onClick={onToggle}>
          <ChevronIcon open={isOpen} />
          <span>{item.title || item.connection}</span>
          <code>{item.connection}</code>
        </button>
        <small className="row-note">
          {t('connections.kind', { driver: item.driver, count: item.devices.length })}
          {item.readOnly && ` · ${t('connections.readOnly')}`}
        </small>
      </th>
      <td data-label={t('column.state')}>
        <HealthBadge state={item.state} />
      </td>
      <td data-label={t('column.since')}>{formatDuration(now - item.since, t)}</td>
      <td data-label={t('column.scanLoad')}>
        <ScanLoad load={item.scanLoad} isMeasured={now - item.since > MEASURED_MS} />
      </td>
      <td data-label={t('column.tagsGood')} className={good < tags ? 'right state-uncertain' : 'right'}>
        {tags > 0 && `${good}/${tags}`}
      </td>
      <td data-label={t('column.why')}>
        <Why diagnosis={worstDiagnosis(item)} />
      </td>
    </tr>
  );
}

function DeviceRow({ device, now }: { readonly device: ConnectionView['devices'][number]; readonly now: number }) {
  const { t } = useDisplay();
  const answer =
    device.lastAnswerAt === null
      ? t('connections.neverAnswered')
      : t('age.ago', { age: formatDuration(now - device.lastAnswerAt, t) });
  return (
    <tr className="device">
      <th scope="row">
        <code>{device.id}</code>
        {device.state !== 'active' && <small className="row-note">{t('connections.lastAnswer', { answer })}</small>}
      </th>
      <td data-label={t('column.state')}>
        <HealthBadge state={device.state} />
      </td>
      <td data-label={t('column.since')}>{formatDuration(now - device.since, t)}</td>
      <td data-label={t('column.scanLoad')}>
        {device.lateScans > 0 && <span className="meta">{t('connections.late', { count: device.lateScans })}</span>}
      </td>
      <td
        data-label={t('column.tagsGood')}
        className={device.tagsGood < device.tags ? 'right state-uncertain' : 'right'}
      >
        {device.tagsGood}/{device.tags}
      </td>
      <td data-label={t('column.why')}>
        <Why diagnosis={device.diagnosis} />
      </td>
    </tr>
  );
}

/** A polled connection has told its scan load by then. */
const MEASURED_MS = 60_000;

/** The used share of the scan period; over 80 % the next slow answer makes it late. */
function ScanLoad({ load, isMeasured }: { readonly load: number | null; readonly isMeasured: boolean }) {
  const { t } = useDisplay();
  // At first nobody knows.
  if (load === null && !isMeasured) return null;
  if (load === null) return <span className="meta">{t('connections.sentByDevice')}</span>;
  const percent = Math.round(load * 100);
  return (
    <span className="load">
      <meter min={0} max={100} high={80} optimum={0} value={Math.min(100, percent)} aria-label={t('column.scanLoad')} />
      <span>{percent} %</span>
    </span>
  );
}
