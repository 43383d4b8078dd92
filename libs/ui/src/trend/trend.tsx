// biome-ignore-all lint/a11y/noNoninteractiveTabindex: the arrow keys move the cursor of the chart.
import { type KeyboardEvent, useEffect, useMemo, useRef, useState } from 'react';
import type uPlot from 'uplot';
import { useDisplay } from '../display.js';
import { formatTime } from '../format/format-time.js';
import { type Point, valueWithUnit } from '../format/format-value.js';
import { qualityWords } from '../format/quality-words.js';
import { LIGHT } from '../tokens.js';
import { trendChart } from './trend-chart.js';
import { qualityRuns, type TrendSamples, withGaps } from './trend-samples.js';
import { TrendTable } from './trend-table.js';

export interface TrendProps {
  readonly samples: TrendSamples;
  readonly point: Point;
  /** Epoch ms: the range of the time axis. */
  readonly from: number;
  readonly to: number;
  /** Until when the last quality is known to hold; without it until `to`. */
  readonly knownTo?: number;
  /** Pixels. */
  readonly height?: number;
  /** True: the values as a table instead of a picture. */
  readonly asTable?: boolean;
}

/** A line that leaves gaps as gaps, with a strip of quality below; the arrow keys move the cursor. */
export function Trend({ samples, point, from, to, knownTo = to, height = 180, asTable = false }: TrendProps) {
  const display = useDisplay();
  const { t, zone } = display;
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot>(null);
  const state = useRef({ from, to, runs: qualityRuns(samples, knownTo) });
  const [at, setAt] = useState<number | null>(null);
  const line = useMemo(() => withGaps(samples), [samples]);
  const lineRef = useRef(line);
  lineRef.current = line;
  state.current = { from, to, runs: qualityRuns(samples, knownTo) };
  const stepped = point.type !== 'float' && point.type !== 'double';

  useEffect(() => {
    const target = place.current;
    if (target === null || asTable) return;
    const made = trendChart(target, {
      palette: LIGHT,
      zone,
      height,
      stepped,
      state: () => state.current,
      onCursor: (index) => setAt(index === null ? null : (lineRef.current.times[index] ?? null)),
    });
    chart.current = made ?? null;
    if (made === undefined) return;
    const sizes = new ResizeObserver(() => made.setSize({ width: target.clientWidth, height }));
    sizes.observe(target);
    return () => {
      sizes.disconnect();
      chart.current = null;
      made.destroy();
    };
  }, [zone, height, stepped, asTable]);

  useEffect(() => chart.current?.setData([line.times, line.values]), [line, from, to, knownTo, zone, stepped, asTable]);

  const onKeyDown = (event: KeyboardEvent) => {
    const step = event.key === 'ArrowLeft' ? -1 : event.key === 'ArrowRight' ? 1 : 0;
    const plot = chart.current;
    if (step === 0 || plot === null || line.times.length === 0) return;
    event.preventDefault();
    const now = at === null ? line.times.length : line.times.indexOf(at);
    const index = Math.max(0, Math.min(line.times.length - 1, now + step));
    setAt(line.times[index] ?? null);
    const time = line.times[index];
    if (time !== undefined) plot.setCursor({ left: plot.valToPos(time, 'x'), top: 10 }, false);
  };

  const shown = at === null ? samples.times.length - 1 : samples.times.indexOf(at);
  const time = samples.times[shown];
  const quality = samples.quality[shown];
  if (asTable) return <TrendTable samples={samples} point={point} now={to} />;
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for forms; this groups a chart and its reading.
    <div className="bb-trend" role="group" aria-label={t('trend.label')}>
      <div
        ref={place}
        className="plot"
        style={{ height }}
        tabIndex={0}
        role="img"
        aria-label={t('trend.keys')}
        onKeyDown={onKeyDown}
      />
      <output>
        {time === undefined || quality === undefined
          ? t('trend.none')
          : t('trend.reading', {
              time: formatTime(time, to, zone),
              value: valueWithUnit(samples.values[shown] ?? null, point, display),
              quality: qualityWords(quality, t),
            })}
      </output>
    </div>
  );
}
