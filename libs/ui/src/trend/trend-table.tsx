import { useDisplay } from '../display.js';
import { formatTime } from '../format/format-time.js';
import { type Point, valueWithUnit } from '../format/format-value.js';
import { QualityBadge } from '../quality-badge.js';
import type { TrendSamples } from './trend-samples.js';

const MOST = 200;

/** The newest samples as text, newest first. */
export function TrendTable(props: { readonly samples: TrendSamples; readonly point: Point; readonly now: number }) {
  const { samples, point, now } = props;
  const display = useDisplay();
  const indexes = samples.times.map((_, i) => samples.times.length - 1 - i).slice(0, MOST);
  return (
    <div className="bb-trend-table">
      <table>
        <thead>
          <tr>
            <th scope="col">{display.t('column.sourceTime')}</th>
            <th scope="col">{display.t('column.value')}</th>
            <th scope="col">{display.t('column.quality')}</th>
          </tr>
        </thead>
        <tbody>
          {indexes.map((i) => (
            <tr key={samples.times[i]}>
              <td className="mono">{formatTime(samples.times[i] ?? 0, now, display.zone)}</td>
              <td className="right">{valueWithUnit(samples.values[i] ?? null, point, display)}</td>
              <td>
                <QualityBadge quality={samples.quality[i] ?? 0} always />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
