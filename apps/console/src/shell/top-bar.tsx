import { formatClockSeconds, formatDay, formatOffset, formatTime, useDisplay } from '@busbar/ui';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Button, Tooltip } from 'antd';
import { callApi } from '../api/call-api.js';
import { sessionQuery, siteQuery } from '../api/queries.js';
import { useLink, useNow } from '../live/live-context.js';
import { Wordmark } from './icons.js';
import { LanguageSwitch } from './language-switch.js';

const ANYTHING = { safeParse: (data: unknown) => ({ success: true as const, data }) };

export function TopBar() {
  const { t } = useDisplay();
  const { data: site } = useQuery(siteQuery);
  const { data: session } = useQuery(sessionQuery);
  const queries = useQueryClient();
  const signOut = async () => {
    await callApi(ANYTHING, '/session', { method: 'DELETE' }).catch(() => undefined);
    queries.setQueryData(['session'], null);
  };
  return (
    <header className="top">
      <a className="skip" href="#page">
        {t('shell.skip')}
      </a>
      <Wordmark />
      <span className="top-site" title={site?.id}>
        {site?.title ?? ''}
      </span>
      <Generation />
      <span className="top-space" />
      <LinkBadge />
      <SiteClock />
      <LanguageSwitch />
      <Button size="small" type="text" onClick={signOut} title={session?.who}>
        {t('shell.signOut')}
      </Button>
    </header>
  );
}

function Generation() {
  const { t, zone } = useDisplay();
  const { data: site } = useQuery(siteQuery);
  if (site === undefined) return null;
  if (site.generation === null) return <span className="chip">{t('shell.noGeneration')}</span>;
  const { number, digest, publishedAt, by } = site.generation;
  const published = t('shell.published', {
    time: formatTime(publishedAt, site.clock, zone),
    by,
    digest: digest.slice(0, 8),
  });
  return (
    <Tooltip title={published}>
      <span className="chip" title={published}>
        {t('shell.generation', { number })}
      </span>
    </Tooltip>
  );
}

function LinkBadge() {
  const { t } = useDisplay();
  const { phase } = useLink();
  const look = phase === 'up' ? 'good' : phase === 'connecting' ? 'idle' : 'uncertain';
  return (
    <span className={`bb-badge state-${look} top-link`} role="status">
      <i className={`bb-shape ${look}`} />
      <span>{t(phase === 'up' ? 'link.up' : phase === 'connecting' ? 'link.connecting' : 'link.down')}</span>
    </span>
  );
}

function SiteClock() {
  const { t, zone } = useDisplay();
  const now = useNow();
  return (
    <span className="top-clock" title={t('shell.clockTip', { day: formatDay(now, zone), zone })}>
      <time>{formatClockSeconds(now, zone)}</time>
      <small>{formatOffset(now, zone)}</small>
    </span>
  );
}
