import type { ConnectionView } from '@busbar/api-schema';
import { Loading, Notice, useDisplay } from '@busbar/ui';
import { useState } from 'react';
import { useParams } from 'react-router-dom';
import { useConnections } from '../live/live-context.js';
import { AccessRows } from './access-rows.js';
import { ServerRows } from './server-rows.js';
import { SinkRows } from './sink-rows.js';

/** Health in words, without opening anything; the devices of a connection on request. */
export function ConnectionsPage() {
  const { t } = useDisplay();
  const { id } = useParams();
  const { items, held, error } = useConnections();
  const [open, setOpen] = useState<ReadonlySet<string>>(() => new Set(id === undefined ? [] : [id]));
  const toggle = (connection: string) =>
    setOpen((before) => {
      const next = new Set(before);
      if (!next.delete(connection)) next.add(connection);
      return next;
    });
  const access = items?.filter((one) => one.kind === 'access') ?? [];
  const sinks = items?.filter((one) => one.kind === 'sink') ?? [];
  const servers = items?.filter((one) => one.kind === 'forwarding') ?? [];
  return (
    <div className="list-area padded">
      <h1 className="sr-only">{t('nav.connections')}</h1>
      {error !== null && <Notice kind="error" message={error.sentence} hint={error.fix} details={error.code} />}
      {error === null && items === null && <Loading lines={8} />}
      {items !== null && access.length + sinks.length + servers.length === 0 && (
        <Notice kind="empty" message={t('connections.none')} hint={t('connections.noneHint')} />
      )}
      {access.length > 0 && (
        <Group title={t('connections.access')} summary={summary(access)} isHeld={held}>
          <AccessRows items={access} open={open} onToggle={toggle} />
        </Group>
      )}
      {sinks.length > 0 && (
        <Group title={t('connections.sinks')} summary={summary(sinks)} isHeld={held}>
          <SinkRows items={sinks} />
        </Group>
      )}
      {servers.length > 0 && (
        <Group title={t('connections.servers')} summary={listening(servers)} isHeld={held}>
          <ServerRows items={servers} />
        </Group>
      )}
    </div>
  );

  function listening(of: readonly ConnectionView[]): string {
    const ports = of.filter(({ server }) => (server?.port ?? null) !== null).length;
    return t('connections.listening', { active: ports, total: of.length });
  }

  function summary(of: readonly ConnectionView[]): string {
    const active = of.filter((one) => one.state === 'active').length;
    return t('connections.summary', { active, total: of.length });
  }
}

interface GroupProps {
  readonly title: string;
  readonly summary: string;
  readonly isHeld: boolean;
  readonly children: React.ReactNode;
}

function Group({ title, summary, isHeld, children }: GroupProps) {
  return (
    <section className={isHeld ? 'group held' : 'group'} aria-label={title}>
      <header>
        <h2>{title}</h2>
        <span className="meta">{summary}</span>
      </header>
      <div className="group-body">{children}</div>
    </section>
  );
}
