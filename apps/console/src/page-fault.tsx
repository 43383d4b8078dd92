import { Notice, useDisplay } from '@busbar/ui';
import { Button } from 'antd';
import { useRouteError } from 'react-router-dom';
import { faultDetails } from './api/fault-words.js';

/** A page that failed: said in its place, the rest of the console goes on. */
export function PageFault() {
  const { t } = useDisplay();
  const error = useRouteError();
  return (
    <div className="page-pad">
      <Notice
        kind="error"
        message={t('fault.page.sentence')}
        hint={t('fault.page.fix')}
        details={faultDetails(error)}
        actions={<Button onClick={() => location.reload()}>{t('action.reload')}</Button>}
      />
    </div>
  );
}
