import type { ReactNode } from 'react';
import { useEffect, useState } from 'react';
import { useDisplay } from './display.js';

export interface NoticeProps {
  readonly kind: 'empty' | 'error' | 'offline' | 'info';
  readonly message: ReactNode;
  /** What to do: one sentence. */
  readonly hint?: ReactNode;
  /** Folded under the sentence, for the expert: code, cause. */
  readonly details?: string | undefined;
  readonly actions?: ReactNode;
}

const SHAPES = { empty: 'idle', info: 'idle', error: 'bad', offline: 'uncertain' } as const;

/** Said where it belongs, never as a toast. */
export function Notice({ kind, message, hint, details, actions }: NoticeProps) {
  const { t } = useDisplay();
  return (
    <div className={`bb-notice ${kind}`} role={kind === 'error' ? 'alert' : 'status'}>
      {kind !== 'empty' && <i className={`bb-shape ${SHAPES[kind]}`} />}
      <div>
        <p>{message}</p>
        {hint !== undefined && <p className="hint">{hint}</p>}
        {details !== undefined && (
          <details>
            <summary>{t('notice.details')}</summary>
            <code>{details}</code>
          </details>
        )}
        {actions !== undefined && <div className="actions">{actions}</div>}
      </div>
    </div>
  );
}

/** Nothing before 150 ms, then a skeleton of as many lines. */
export function Loading({ lines = 3 }: { readonly lines?: number }) {
  const { t } = useDisplay();
  const late = useLate(150);
  if (!late) return null;
  return (
    <div className="bb-loading" role="status" aria-label={t('notice.loading')}>
      {Array.from({ length: lines }, (_, line) => (
        <div key={`line-${line + 1}`} style={{ width: `${90 - ((line * 23) % 50)}%` }} />
      ))}
    </div>
  );
}

function useLate(afterMs: number): boolean {
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), afterMs);
    return () => clearTimeout(timer);
  }, [afterMs]);
  return late;
}
