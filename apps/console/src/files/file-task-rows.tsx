import type { FileTaskView } from '@busbar/api-schema';
import { formatNumber, useDisplay } from '@busbar/ui';
import { Button } from 'antd';
import { Link } from 'react-router-dom';
import { Why } from '../connections/why.js';
import { useNow } from '../live/live-context.js';
import type { FileAsk } from './ask-files.js';
import { formatBytes, scheduleWords, timeWords } from './file-words.js';

interface RowsProps {
  readonly tasks: readonly FileTaskView[];
  readonly openId: string | undefined;
  readonly isOffline: boolean;
  onAsk(ask: FileAsk): void;
}

export function FileTaskRows({ tasks, openId, isOffline, onAsk }: RowsProps) {
  const { t } = useDisplay();
  return (
    <table className="list connections files">
      <thead>
        <tr>
          <th scope="col">{t('column.task')}</th>
          <th scope="col">{t('column.state')}</th>
          <th scope="col">{t('column.lastRun')}</th>
          <th scope="col">{t('column.nextRun')}</th>
          <th scope="col" className="right">
            {t('column.uploaded')}
          </th>
          <th scope="col" className="right">
            {t('column.waiting')}
          </th>
          <th scope="col" className="right">
            {t('column.kept')}
          </th>
          <th scope="col">{t('column.why')}</th>
        </tr>
      </thead>
      <tbody>
        {tasks.map((task) => (
          <TaskRow key={task.task} task={task} isOpen={task.task === openId} isOffline={isOffline} onAsk={onAsk} />
        ))}
      </tbody>
    </table>
  );
}

interface RowProps {
  readonly task: FileTaskView;
  readonly isOpen: boolean;
  readonly isOffline: boolean;
  onAsk(ask: FileAsk): void;
}

function TaskRow({ task: one, isOpen, isOffline, onAsk }: RowProps) {
  const display = useDisplay();
  const { t, zone, language } = display;
  const now = useNow();
  const { health } = one;
  const time = (at: number | null | undefined) => (at === null || at === undefined ? '' : timeWords(at, now, zone));
  const count = (value: number | undefined) =>
    value === undefined ? '' : formatNumber(value, { locale: language, decimals: 0 });
  const size = (value: number | undefined) => (value === undefined ? '' : formatBytes(value, language));
  const nextAt = health === null || health.state === 'running' ? null : health.nextRunAt;
  return (
    <tr className={isOpen ? 'open' : ''}>
      <th scope="row">
        <Link to={isOpen ? '/files' : `/files/${encodeURIComponent(one.task)}`} aria-expanded={isOpen}>
          {one.title}
        </Link>{' '}
        {one.title !== one.task && <code>{one.task}</code>}
        <small className="row-note">{`${one.protocol}, ${one.connectionTitle || one.connection}`}</small>
        <small className="row-note">{`${one.path}: ${one.match.join(' ')}`}</small>
      </th>
      <td data-label={t('column.state')}>
        <TaskState health={health} />
        <div className="row-actions">
          <Button size="small" disabled={isOffline} onClick={() => onAsk({ task: one.task, act: 'run' })}>
            {t('files.run')}
          </Button>
        </div>
      </td>
      <td data-label={t('column.lastRun')}>{time(health?.lastRunAt) || t('files.never')}</td>
      <td data-label={t('column.nextRun')}>
        {nextAt !== null && nextAt <= now ? t('files.due') : time(nextAt)}
        <small className="row-note">{scheduleWords(one, display)}</small>
      </td>
      <td data-label={t('column.uploaded')} className="right">
        {count(health?.uploaded)}
      </td>
      <td data-label={t('column.waiting')} className="right">
        {count(health?.waiting)}
        {(health?.waiting ?? 0) > 0 && <small className="row-note">{size(health?.waitingBytes)}</small>}
      </td>
      <td data-label={t('column.kept')} className="right">
        {size(health?.keptBytes)}
        <small className="row-note">{t('files.ofKept', { limit: size(one.keepBytes) })}</small>
      </td>
      <td data-label={t('column.why')}>
        <Why diagnosis={health?.diagnosis ?? null} />
      </td>
    </tr>
  );
}

const TASK_LOOKS = { waiting: 'good', running: 'pending', failed: 'bad' } as const;

function TaskState({ health }: { readonly health: FileTaskView['health'] }) {
  const { t } = useDisplay();
  if (health === null) {
    return (
      <span className="bb-badge">
        <i className="bb-shape idle" />
        {t('files.unowned')}
      </span>
    );
  }
  const look = TASK_LOOKS[health.state];
  return (
    <span className={look === 'pending' ? 'bb-badge' : `bb-badge state-${look}`}>
      <i className={`bb-shape ${look}`} />
      {t(`taskState.${health.state}`)}
    </span>
  );
}
