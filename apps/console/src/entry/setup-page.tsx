import { sessionViewSchema } from '@busbar/api-schema';
import { Loading, Notice, useDisplay } from '@busbar/ui';
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { Link, useNavigate } from 'react-router-dom';
import { callApi } from '../api/call-api.js';
import { FaultNotice } from '../api/fault-notice.js';
import { EntryFrame } from './entry-frame.js';
import { hasSetupCode, spendSetupCode, takeSetupCode } from './setup-code.js';

/** Exchanges the one-time code of the start for a session; a used-up one leads to the admin key. */
export function SetupPage() {
  const { t } = useDisplay();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const [state, setState] = useState<{ readonly error: unknown } | 'busy' | 'none'>(() =>
    hasSetupCode() ? 'busy' : 'none',
  );

  useEffect(() => {
    let ended = false;
    const exchange = async () => {
      const code = spendSetupCode();
      if (code === null) return;
      setState('busy');
      try {
        const session = await callApi(sessionViewSchema, '/session', { method: 'POST', body: { code } });
        queries.setQueryData(['session'], session);
        navigate('/points', { replace: true });
      } catch (error) {
        if (!ended) setState({ error });
      }
    };
    // A newer link pasted into this tab changes the fragment only, and loads nothing.
    const pasted = () => {
      takeSetupCode(window);
      exchange();
    };
    exchange();
    addEventListener('hashchange', pasted);
    return () => {
      ended = true;
      removeEventListener('hashchange', pasted);
    };
  }, [queries, navigate]);

  return (
    <EntryFrame title={t('setup.title')}>
      {state === 'busy' && <Loading lines={2} />}
      {state === 'none' && <Notice kind="info" message={t('setup.none')} hint={t('setup.noneHint')} />}
      {typeof state === 'object' && <FaultNotice error={state.error} />}
      {state !== 'busy' && (
        <p>
          <Link to="/login">{t('setup.toLogin')}</Link>
        </p>
      )}
    </EntryFrame>
  );
}
