import { Loading, Notice, useDisplay } from '@busbar/ui';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useParams } from 'react-router-dom';
import { FaultNotice } from '../api/fault-notice.js';
import { fileTasksQuery } from '../api/queries.js';
import { useOffline } from '../live/live-context.js';
import { askFiles } from './ask-files.js';
import { FileTaskRows } from './file-task-rows.js';
import { TaskFiles } from './task-files.js';
import './files.css';

/** Every file task with how it is and when it runs; below, the files of the one that is open. */
export function FilesPage() {
  const { t } = useDisplay();
  const { task: openId } = useParams();
  const isOffline = useOffline();
  const { data, error, isPending, refetch } = useQuery(fileTasksQuery);
  const queries = useQueryClient();
  const ask = useMutation({
    mutationFn: askFiles,
    onSettled: () => queries.invalidateQueries({ queryKey: ['files'] }),
  });
  const tasks = data?.tasks;
  const open = tasks?.find(({ task }) => task === openId);
  const failed = tasks?.filter(({ health }) => health?.state === 'failed').length ?? 0;
  return (
    <div className="list-area padded">
      <h1 className="sr-only">{t('nav.files')}</h1>
      {ask.isError && <FaultNotice error={ask.error} />}
      {isPending && <Loading lines={6} />}
      {tasks === undefined && error !== null && <FaultNotice error={error} onRetry={() => void refetch()} />}
      {tasks?.length === 0 && <Notice kind="empty" message={t('files.none')} hint={t('files.noneHint')} />}
      {tasks !== undefined && tasks.length > 0 && (
        <section className={isOffline ? 'group held' : 'group'} aria-label={t('files.tasks')}>
          <header>
            <h2>{t('files.tasks')}</h2>
            <span className="meta">{t('files.summary', { well: tasks.length - failed, total: tasks.length })}</span>
          </header>
          <div className="group-body">
            <FileTaskRows tasks={tasks} openId={openId} isOffline={isOffline} onAsk={ask.mutate} />
          </div>
        </section>
      )}
      {open !== undefined && <TaskFiles key={open.task} task={open} isOffline={isOffline} onAsk={ask.mutate} />}
      {tasks !== undefined && openId !== undefined && open === undefined && (
        <Notice kind="info" message={t('files.notThere', { id: openId })} />
      )}
    </div>
  );
}
