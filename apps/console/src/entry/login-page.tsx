import { sessionViewSchema } from '@busbar/api-schema';
import { useDisplay } from '@busbar/ui';
import { useQueryClient } from '@tanstack/react-query';
import { Button, Input } from 'antd';
import { type FormEvent, useId, useState } from 'react';
import { useNavigate, useSearchParams } from 'react-router-dom';
import { ApiFault, callApi } from '../api/call-api.js';
import { FaultNotice } from '../api/fault-notice.js';
import { EntryFrame } from './entry-frame.js';
import { localTarget } from './local-target.js';

/** Signs in with the admin key of the start. */
export function LoginPage() {
  const { t } = useDisplay();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const [search] = useSearchParams();
  const id = useId();
  const [key, setKey] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const refused = error instanceof ApiFault && error.status === 401;

  const signIn = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      const session = await callApi(sessionViewSchema, '/session', { method: 'POST', body: { key: key.trim() } });
      queries.setQueryData(['session'], session);
      navigate(localTarget(search.get('next')), { replace: true });
    } catch (fault) {
      setError(fault);
      setBusy(false);
    }
  };

  return (
    <EntryFrame title={t('login.title')}>
      <form onSubmit={signIn}>
        <label htmlFor={id}>{t('login.key')}</label>
        <Input.Password
          id={id}
          value={key}
          autoFocus
          autoComplete="current-password"
          onChange={(event) => setKey(event.target.value)}
          {...(refused ? { status: 'error' as const } : {})}
          aria-invalid={refused}
          aria-describedby={`${id}-hint`}
        />
        <p id={`${id}-hint`} className={refused ? 'field-error' : 'field-hint'} role={refused ? 'alert' : undefined}>
          {t(refused ? 'login.refused' : 'login.hint')}
        </p>
        <Button type="primary" htmlType="submit" block loading={busy} disabled={key.trim() === ''}>
          {t('login.submit')}
        </Button>
        {error !== null && !refused && <FaultNotice error={error} />}
      </form>
    </EntryFrame>
  );
}
