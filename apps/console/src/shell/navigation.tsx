import type { ConnectionView } from '@busbar/api-schema';
import { useDisplay } from '@busbar/ui';
import type { ReactNode } from 'react';
import { NavLink } from 'react-router-dom';
import { useConnections, useFeedChanges, usePointsFeed } from '../live/live-context.js';
import { ConnectionsIcon, FiguresIcon, FilesIcon, PointsIcon, RequestsIcon } from './icons.js';

/** The pages there are; counts only for what is not well. */
export function Navigation() {
  const { t } = useDisplay();
  const abnormal = usePointsFeed({ abnormal: true }, { count: 1, hz: 1 });
  useFeedChanges(abnormal);
  const connections = useConnections();
  const isTroubled = ({ state }: ConnectionView) => state === 'degraded' || state === 'stopped';
  const [files, others] = [true, false].map((isFile) =>
    (connections.items ?? []).filter((one) => (one.kind === 'file') === isFile),
  ) as [ConnectionView[], ConnectionView[]];
  const failedTasks = files.flatMap((one) => one.files ?? []).filter(({ state }) => state === 'failed').length;
  return (
    <nav className="nav" aria-label={t('nav.label')}>
      <Item to="/points" icon={<PointsIcon />} text={t('nav.points')} count={abnormal.total ?? 0} />
      <Item
        to="/connections"
        icon={<ConnectionsIcon />}
        text={t('nav.connections')}
        count={others.filter(isTroubled).length}
      />
      <Item to="/control/requests" icon={<RequestsIcon />} text={t('nav.requests')} count={0} />
      <Item to="/files" icon={<FilesIcon />} text={t('nav.files')} count={failedTasks} />
      <Item to="/system/figures" icon={<FiguresIcon />} text={t('nav.figures')} count={0} />
    </nav>
  );
}

interface ItemProps {
  readonly to: string;
  readonly icon: ReactNode;
  readonly text: string;
  readonly count: number;
}

function Item({ to, icon, text, count }: ItemProps) {
  const { t } = useDisplay();
  return (
    <NavLink to={to} className="nav-item">
      {icon}
      <span>{text}</span>
      {count > 0 && (
        <b className="nav-count" title={t('nav.abnormal', { n: count })}>
          <span aria-hidden="true">{count > 999 ? '999+' : count}</span>
          <span className="sr-only">{t('nav.abnormal', { n: count })}</span>
        </b>
      )}
    </NavLink>
  );
}
