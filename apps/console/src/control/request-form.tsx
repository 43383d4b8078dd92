import type { HoldView, PointRow } from '@busbar/api-schema';
import { exactWithUnit, formatDuration, formatExact, Notice, useDisplay, ValueCell } from '@busbar/ui';
import { useQuery } from '@tanstack/react-query';
import { Button, Input, Select } from 'antd';
import { type FormEvent, useId, useState } from 'react';
import { holdsQuery } from '../api/queries.js';
import { useFeedChanges, useNow, useOffline, usePointsFeed } from '../live/live-context.js';
import { allowedRange, checkValue } from './check-value.js';

/** What a person wants, checked. */
export interface Wish {
  /** As typed, to come back to. */
  readonly text: string;
  readonly value: number | string | boolean;
  readonly expiresMs: number;
}

export interface RequestFormProps {
  readonly row: PointRow;
  readonly draft: Wish | null;
  readonly offline: boolean;
  readonly onDone: (wish: Wish) => void;
  readonly onCancel: () => void;
}

const DEFAULT_EXPIRY_MS = 30_000;
const LONGEST_EXPIRY_MS = 300_000;

export function RequestForm({ row, draft, offline, onDone, onCancel }: RequestFormProps) {
  const { t, language } = useDisplay();
  const id = useId();
  const longest = Math.floor((row.control?.maxExpiryMs ?? LONGEST_EXPIRY_MS) / 1000);
  const [text, setText] = useState(draft?.text ?? '');
  const [expiry, setExpiry] = useState(String((draft?.expiresMs ?? row.control?.expiryMs ?? DEFAULT_EXPIRY_MS) / 1000));
  const [tried, setTried] = useState(false);
  const checked = checkValue(text, row);
  const seconds = Number(expiry);
  const isExpiryFine = /^\d+(\.\d+)?$/.test(expiry) && seconds > 0 && seconds <= longest;
  const wrong = !checked.ok && (tried || text !== '') ? t(checked.key, words(checked.params)) : '';
  const range = allowedRange(row);

  function words(params: Readonly<Record<string, string | number>>): Record<string, string> {
    const word = (value: string | number) => (typeof value === 'number' ? formatExact(value, language) : value);
    return Object.fromEntries(Object.entries(params).map(([name, value]) => [name, word(value)]));
  }
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (checked.ok && isExpiryFine && !offline)
      onDone({ text, value: checked.value, expiresMs: Math.round(seconds * 1000) });
  };

  return (
    <form onSubmit={submit} className="request-form" noValidate>
      <Now row={row} />
      <label htmlFor={`${id}-value`}>{t('request.value')}</label>
      <div>
        <ValueInput id={`${id}-value`} row={row} text={text} onText={setText} isWrong={wrong !== ''} />
        <p
          id={`${id}-value-hint`}
          className={wrong === '' ? 'field-hint' : 'field-error'}
          role={wrong === '' ? undefined : 'alert'}
        >
          {wrong !== ''
            ? wrong
            : range === undefined
              ? t('request.noRange')
              : t('request.range', {
                  least: formatExact(range[0], language),
                  most: formatExact(range[1], language),
                  unit: row.point.unit ?? '',
                })}
        </p>
      </div>
      <label htmlFor={`${id}-expiry`}>{t('request.expiry')}</label>
      <div>
        <Input
          id={`${id}-expiry`}
          className="short-input"
          value={expiry}
          suffix="s"
          inputMode="decimal"
          aria-invalid={!isExpiryFine}
          aria-describedby={`${id}-expiry-hint`}
          {...(isExpiryFine ? {} : { status: 'error' as const })}
          onChange={(event) => setExpiry(event.target.value)}
        />
        <p id={`${id}-expiry-hint`} className={isExpiryFine ? 'field-hint' : 'field-error'}>
          {t(isExpiryFine ? 'request.expiryHint' : 'request.expiryWrong', { s: longest })}
        </p>
      </div>
      <span className="form-label">{t('request.holder')}</span>
      <Holder path={row.path} row={row} />
      <footer>
        {offline && <Notice kind="offline" message={t('detail.offline')} />}
        <p className="meta">{t('request.noUndo')}</p>
        <div className="dialog-actions">
          <Button onClick={onCancel}>{t('action.cancel')}</Button>
          <Button type="primary" htmlType="submit" disabled={offline}>
            {t('request.check')}
          </Button>
        </div>
      </footer>
    </form>
  );
}

interface ValueInputProps {
  readonly id: string;
  readonly row: PointRow;
  readonly text: string;
  readonly onText: (text: string) => void;
  readonly isWrong: boolean;
}

function ValueInput({ id, row, text, onText, isWrong }: ValueInputProps) {
  const { t } = useDisplay();
  const { point } = row;
  const shared = { id, 'aria-describedby': `${id}-hint`, 'aria-invalid': isWrong };
  const status = isWrong ? { status: 'error' as const } : {};
  const words = Object.entries(
    point.values ?? (point.type === 'bool' ? { 0: t('value.false'), 1: t('value.true') } : {}),
  );
  if (words.length > 0 && (point.type === 'enum' || point.type === 'bool')) {
    const options = words.map(([value, word]) => ({ value, label: word === value ? word : `${word} (${value})` }));
    return (
      <Select
        {...shared}
        {...status}
        autoFocus
        value={text === '' ? undefined : text}
        options={options}
        onChange={onText}
        placeholder={t('request.choose')}
      />
    );
  }
  return (
    <Input
      {...shared}
      {...status}
      autoFocus
      className="short-input"
      value={text}
      inputMode={point.type === 'string' ? 'text' : 'decimal'}
      autoComplete="off"
      suffix={point.unit}
      onChange={(event) => onText(event.target.value)}
    />
  );
}

/** What the point shows at this moment. */
function Now({ row }: { readonly row: PointRow }) {
  const { t } = useDisplay();
  const feed = usePointsFeed({ paths: [row.path] }, { count: 1 });
  useFeedChanges(feed);
  const now = useNow();
  const offline = useOffline();
  return (
    <>
      <span className="form-label">{t('request.now')}</span>
      <span>
        <ValueCell cell={feed.byPath(row.path)?.cell} point={row.point} now={now} offline={offline} />
      </span>
    </>
  );
}

function Holder({ path, row }: { readonly path: string; readonly row: PointRow }) {
  const display = useDisplay();
  const { t } = display;
  const now = useNow();
  const holds = useQuery(holdsQuery(path));
  if (holds.data === undefined)
    return <span className="meta">{t(holds.isError ? 'request.holderUnknown' : 'request.holderAsking')}</span>;
  const current = holds.data.filter((hold) => hold.until > now);
  if (current.length === 0) return <span>{t('request.holderNone')}</span>;
  const word = (hold: HoldView) =>
    t('request.heldBy', {
      source: hold.source,
      priority: hold.priority,
      rest: formatDuration(hold.until - now, t),
      value: hold.value === null ? '' : exactWithUnit(hold.value, row.point, display),
    });
  return (
    <ul className="plain-list">
      {current.map((hold) => (
        <li key={`${hold.source}-${hold.kind}`}>{word(hold)}</li>
      ))}
    </ul>
  );
}
