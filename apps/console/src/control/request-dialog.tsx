import './request.css';
import type { PointRow, RequestView } from '@busbar/api-schema';
import { exactWithUnit, Notice, RequestChain, useDisplay } from '@busbar/ui';
import { useQueryClient } from '@tanstack/react-query';
import { Button, Modal } from 'antd';
import { type ReactNode, useEffect, useState } from 'react';
import { Link } from 'react-router-dom';
import { ApiFault } from '../api/call-api.js';
import { FaultNotice } from '../api/fault-notice.js';
import { useOffline, useRequests } from '../live/live-context.js';
import { askControl, findRequest, newRequestId } from './ask-control.js';
import { RequestForm, type Wish } from './request-form.js';

type Step =
  | { readonly at: 'edit' }
  | { readonly at: 'confirm'; readonly wish: Wish }
  | { readonly at: 'sending'; readonly wish: Wish; readonly id: string }
  | { readonly at: 'unsure'; readonly wish: Wish; readonly id: string; readonly found: 'not-asked' | 'not-there' }
  | { readonly at: 'refused'; readonly wish: Wish; readonly error: unknown }
  | { readonly at: 'sent'; readonly wish: Wish; readonly view: RequestView };

/** Value, limits, holder; confirm; then the chain. Nothing is sent twice: each try of one wish carries one id. */
export function RequestDialog({ row, onClose }: { readonly row: PointRow; readonly onClose: () => void }) {
  const display = useDisplay();
  const { t } = display;
  const queries = useQueryClient();
  const offline = useOffline();
  const [step, setStep] = useState<Step>({ at: 'edit' });
  const [draft, setDraft] = useState<Wish | null>(null);
  const [before] = useState(() => document.activeElement);
  useEffect(
    () => () => {
      if (before instanceof HTMLElement) before.focus({ preventScroll: true });
    },
    [before],
  );
  const wordValue = (value: number | string | boolean) => exactWithUnit(value, row.point, display);

  const send = async (wish: Wish, id: string) => {
    setStep({ at: 'sending', wish, id });
    try {
      const ask = { id, point: row.path, value: wish.value, expiresMs: wish.expiresMs };
      setStep({ at: 'sent', wish, view: await askControl(ask) });
      queries.invalidateQueries({ queryKey: ['holds', row.path] });
    } catch (error) {
      const isUnsure = !(error instanceof ApiFault) || error.status === 0 || error.code === 'ANSWER_UNKNOWN';
      setStep(isUnsure ? { at: 'unsure', wish, id, found: 'not-asked' } : { at: 'refused', wish, error });
    }
  };
  const lookUp = async (wish: Wish, id: string) => {
    try {
      const view = await findRequest(id);
      setStep(view === null ? { at: 'unsure', wish, id, found: 'not-there' } : { at: 'sent', wish, view });
    } catch {
      setStep({ at: 'unsure', wish, id, found: 'not-asked' });
    }
  };

  const back = <Button onClick={() => setStep({ at: 'edit' })}>{t('request.back')}</Button>;
  const close = <Button onClick={onClose}>{t('action.close')}</Button>;
  let body: ReactNode;
  let footer: ReactNode = close;
  switch (step.at) {
    case 'edit':
      body = (
        <RequestForm
          row={row}
          draft={draft}
          offline={offline}
          onCancel={onClose}
          onDone={(wish) => {
            setDraft(wish);
            setStep({ at: 'confirm', wish });
          }}
        />
      );
      footer = null;
      break;
    case 'confirm':
    case 'sending':
      body = <Confirm text={wordValue(step.wish.value)} row={row} seconds={step.wish.expiresMs / 1000} />;
      footer = (
        <>
          {back}
          <Button
            type="primary"
            autoFocus
            disabled={offline}
            loading={step.at === 'sending'}
            onClick={() =>
              step.at === 'confirm' && send(step.wish, newRequestId(crypto.getRandomValues(new Uint8Array(12))))
            }
          >
            {t('request.send')}
          </Button>
        </>
      );
      break;
    case 'unsure':
      body = (
        <Notice
          kind="offline"
          message={t(step.found === 'not-there' ? 'request.notThere' : 'request.unsure')}
          hint={t(step.found === 'not-there' ? 'request.notThereHint' : 'request.unsureHint')}
          details={step.id}
        />
      );
      footer = (
        <>
          {close}
          {step.found === 'not-there' && (
            <Button onClick={() => send(step.wish, step.id)}>{t('request.sendAgain')}</Button>
          )}
          <Button type="primary" onClick={() => lookUp(step.wish, step.id)}>
            {t('request.lookUp')}
          </Button>
        </>
      );
      break;
    case 'refused':
      body = <FaultNotice error={step.error} />;
      footer = (
        <>
          {back}
          {close}
        </>
      );
      break;
    case 'sent':
      body = <Watch first={step.view} value={wordValue(step.wish.value)} wordValue={wordValue} offline={offline} />;
      footer = (
        <>
          <Link to={`/control/requests/${encodeURIComponent(step.view.id)}`}>{t('request.toList')}</Link>
          {close}
        </>
      );
      break;
  }
  return (
    <Modal
      open
      centered
      width={480}
      title={<Title row={row} />}
      onCancel={onClose}
      footer={footer}
      mask={{ closable: false }}
    >
      {body}
    </Modal>
  );
}

function Title({ row }: { readonly row: PointRow }) {
  const { t } = useDisplay();
  return (
    <div className="dialog-title">
      {t('request.title', { point: row.point.title || row.point.id, asset: row.assetTitle || row.asset })}
      <code>{row.path}</code>
    </div>
  );
}

function Confirm({ text, row, seconds }: { readonly text: string; readonly row: PointRow; readonly seconds: number }) {
  const { t } = useDisplay();
  return (
    <div className="confirm">
      <p>{t('request.confirm', { point: row.point.title || row.point.id, asset: row.assetTitle || row.asset })}</p>
      <strong>{text}</strong>
      <p className="meta">{t('request.confirmHint', { s: seconds })}</p>
    </div>
  );
}

interface WatchProps {
  readonly first: RequestView;
  readonly value: string;
  readonly wordValue: (value: number | string | boolean) => string;
  readonly offline: boolean;
}

function Watch({ first, value, wordValue, offline }: WatchProps) {
  const { t } = useDisplay();
  const requests = useRequests();
  const newest = requests.items?.find((one) => one.request === first.request);
  const request = newest !== undefined && newest.stages.length >= first.stages.length ? newest : first;
  return (
    <>
      <p className="watch-value">
        {t('request.asked')} <strong>{value}</strong>
      </p>
      <RequestChain request={request} wordValue={wordValue} />
      {offline && request.end === null && <Notice kind="offline" message={t('request.watchOffline')} />}
    </>
  );
}
