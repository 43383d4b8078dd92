import { Notice, useDisplay } from '@busbar/ui';
import { Link } from 'react-router-dom';

export function NotThere() {
  const { t } = useDisplay();
  return (
    <div className="page-pad">
      <Notice kind="info" message={t('shell.notThere')} actions={<Link to="/points">{t('shell.toPoints')}</Link>} />
    </div>
  );
}
