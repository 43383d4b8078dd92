import type { FileTaskView, FileView } from '@busbar/api-schema';
import { Loading, Notice, useDisplay } from '@busbar/ui';
import { useQuery } from '@tanstack/react-query';
import { Button } from 'antd';
import { FaultNotice } from '../api/fault-notice.js';
import { taskFilesQuery } from '../api/queries.js';
import { Why } from '../connections/why.js';
import { useNow } from '../live/live-context.js';
import type { FileAct, FileAsk } from './ask-files.js';
import { formatBytes, shareOf, timeWords } from './file-words.js';

interface FilesProps {
  readonly task: FileTaskView;
  readonly isOffline: boolean;
  onAsk(ask: FileAsk): void;
}

/** How far each file of a task is, the newest first; what failed says why, and may be tried at once. */
export function TaskFiles({ task, isOffline, onAsk }: FilesProps) {
  const { t } = useDisplay();
  const { data, error, isPending, refetch } = useQuery(taskFilesQuery(task.task));
  const files = data?.files;
  const failed = files?.filter(({ state }) => state === 'failed').length ?? 0;
  const title = t('files.of', { task: task.title });
  return (
    <section className={isOffline ? 'group held' : 'group'} aria-label={title}>
      <header>
        <h2>{title}</h2>
        <span className="meta">{files === undefined ? '' : t('files.count', { count: files.length })}</span>
        {failed > 0 && (
          <Button size="small" disabled={isOffline} onClick={() => onAsk({ task: task.task, act: 'retry' })}>
            {t('files.retryAll')}
          </Button>
        )}
      </header>
      <div className="group-body">
        {isPending && <Loading lines={4} />}
        {files === undefined && error !== null && <FaultNotice error={error} onRetry={() => void refetch()} />}
        {files?.length === 0 && <Notice kind="empty" message={t('files.noFiles')} hint={t('files.noFilesHint')} />}
        {files !== undefined && files.length > 0 && (
          <table className="list connections files">
            <thead>
              <tr>
                <th scope="col">{t('column.file')}</th>
                <th scope="col">{t('column.state')}</th>
                <th scope="col">{t('column.progress')}</th>
                <th scope="col" className="right">
                  {t('column.size')}
                </th>
                <th scope="col">{t('column.at')}</th>
                <th scope="col">{t('column.why')}</th>
              </tr>
            </thead>
            <tbody>
              {files.map((file) => (
                <FileRow
                  key={file.file}
                  file={file}
                  isOffline={isOffline}
                  onAct={(act) => onAsk({ task: task.task, act, file: file.file })}
                />
              ))}
            </tbody>
          </table>
        )}
      </div>
    </section>
  );
}

interface RowProps {
  readonly file: FileView;
  readonly isOffline: boolean;
  onAct(act: FileAct): void;
}

function FileRow({ file: one, isOffline, onAct }: RowProps) {
  const { t, zone, language } = useDisplay();
  const now = useNow();
  return (
    <tr>
      <th scope="row">
        <code>{one.file}</code>
        {one.sha256 !== null && <small className="row-note">{`SHA-256 ${one.sha256.slice(0, 16)}…`}</small>}
      </th>
      <td data-label={t('column.state')}>
        <FileState file={one} />
      </td>
      <td data-label={t('column.progress')}>
        <Progress file={one} />
      </td>
      <td data-label={t('column.size')} className="right">
        {one.size === null ? '' : formatBytes(one.size, language)}
      </td>
      <td data-label={t('column.at')}>{timeWords(one.at, now, zone)}</td>
      <td data-label={t('column.why')}>
        <Why diagnosis={one.diagnosis} />
        {one.sinks.length > 0 && (
          <span className="meta">
            {one.sinks.map(({ sink, uri }) => (uri === null ? sink : `${sink}: ${uri}`)).join(', ')}
          </span>
        )}
        {one.state === 'failed' && (
          <div className="row-actions">
            <Button size="small" disabled={isOffline} onClick={() => onAct('retry')}>
              {t('files.retry')}
            </Button>
          </div>
        )}
        {one.state === 'uploaded' && (
          <div className="row-actions">
            <Button size="small" type="text" disabled={isOffline} onClick={() => onAct('deliver')}>
              {t('files.deliver')}
            </Button>
          </div>
        )}
      </td>
    </tr>
  );
}

const FILE_LOOKS = {
  collecting: 'pending',
  collected: 'pending',
  uploading: 'pending',
  uploaded: 'good',
  failed: 'bad',
} as const;

function FileState({ file: { state, sink } }: { readonly file: FileView }) {
  const { t } = useDisplay();
  const look = FILE_LOOKS[state];
  return (
    <span className={look === 'pending' ? 'bb-badge' : `bb-badge state-${look}`}>
      <i className={`bb-shape ${look}`} />
      {t(`fileState.${state}`)}
      {state === 'uploading' && sink !== null ? ` (${sink})` : ''}
    </span>
  );
}

function Progress({ file }: { readonly file: FileView }) {
  const { t, language } = useDisplay();
  const share = shareOf(file);
  const isMoving = file.state === 'collecting' || file.state === 'uploading';
  if (!isMoving) return null;
  if (share === null) return <span>{formatBytes(file.bytes, language)}</span>;
  return (
    <>
      <progress max={1} value={share} aria-label={t('column.progress')} /> {`${Math.floor(share * 100)} %`}
    </>
  );
}
