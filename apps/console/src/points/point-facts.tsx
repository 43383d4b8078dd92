import type { PointRow } from '@busbar/api-schema';
import { formatDuration, formatExact, formatTime, useDisplay } from '@busbar/ui';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { pointQuery } from '../api/queries.js';
import { useNow } from '../live/live-context.js';

/** What the point is, by the thing model and its policy. */
export function PointFacts({ row }: { readonly row: PointRow }) {
  const { t, language, zone } = useDisplay();
  const { point, control } = row;
  const now = useNow(5000);
  const { data } = useQuery(pointQuery(row.asset, point.id));
  const number = (value: number) => formatExact(value, language);
  const span = (range: readonly [number, number]) => `${number(range[0])} … ${number(range[1])} ${point.unit ?? ''}`;
  const facts: [string, ReactNode][] = [
    [t('fact.model'), <code key="model">{row.model}</code>],
    [t('fact.type'), `${point.type}, ${t(`kind.${point.kind}`)}`],
    [t('fact.access'), t(`access.${point.access}`)],
  ];
  if (point.range !== undefined) facts.push([t('fact.modelRange'), span(point.range)]);
  if (point.step !== undefined) facts.push([t('fact.step'), `${number(point.step)} ${point.unit ?? ''}`]);
  if (control?.range) facts.push([t('fact.policyRange'), span(control.range)]);
  if (control !== null) facts.push([t('fact.policy'), <code key="policy">{control.policy}</code>]);
  if (control?.holdMs !== undefined) facts.push([t('fact.hold'), formatDuration(control.holdMs, t)]);
  if (data?.collectedTime != null) {
    facts.push([
      t('fact.collected'),
      <time key="collected" className="mono">
        {formatTime(data.collectedTime, now, zone)}
      </time>,
    ]);
  }
  if (point.values !== undefined) {
    const words = Object.entries(point.values).map(([value, word]) => `${value} ${word}`);
    facts.push([t('fact.values'), words.join(' · ')]);
  }
  return (
    <section className="detail-part">
      <h3>{t('detail.facts')}</h3>
      <dl className="facts">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
