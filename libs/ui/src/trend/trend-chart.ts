import uPlot from 'uplot';
import { formatNumber } from '../format/format-number.js';
import { formatClockSeconds } from '../format/format-time.js';
import type { Palette } from '../tokens.js';
import type { QualityRun } from './trend-samples.js';

export interface TrendChartOptions {
  readonly palette: Palette;
  readonly zone: string;
  readonly height: number;
  /** True: a value holds until the next one. */
  readonly stepped: boolean;
  readonly state: () => { readonly from: number; readonly to: number; readonly runs: readonly QualityRun[] };
  /** Index into the data; null: the cursor left. */
  readonly onCursor: (index: number | null) => void;
}

const STRIP = 8;
/** Height says the level besides color: a thin line when good. */
const STRIP_HEIGHT = { good: 2, uncertain: 5, bad: STRIP } as const;

/** A uPlot of one series in the element; undefined where there is no canvas. */
export function trendChart(target: HTMLElement, o: TrendChartOptions): uPlot | undefined {
  const probe = target.ownerDocument.createElement('canvas');
  if (typeof probe.getContext !== 'function' || probe.getContext('2d') === null) return undefined;
  const { palette } = o;
  const axis = {
    stroke: palette.secondary,
    grid: { stroke: palette.line, width: 1 },
    ticks: { stroke: palette.line, width: 1, size: 4 },
    font: '11px system-ui, sans-serif',
    gap: 4,
  };
  const options: uPlot.Options = {
    width: Math.max(100, target.clientWidth),
    height: o.height,
    ms: 1,
    legend: { show: false },
    cursor: { y: false, points: { size: 6, fill: palette.primary }, drag: { x: false, y: false } },
    padding: [8, 8, STRIP + 2, 0],
    scales: {
      x: { time: true, range: () => [o.state().from, o.state().to] },
      y: { range: (_plot, least, most) => padded(least, most) },
    },
    axes: [
      { ...axis, size: 22, space: 70, values: (_plot, ticks) => timeTexts(ticks, o.zone) },
      { ...axis, size: 56, values: (_plot, ticks) => tickTexts(ticks) },
    ],
    series: [
      {},
      {
        stroke: palette.primary,
        width: 1.5,
        spanGaps: false,
        points: { show: (plot, _series, from, to) => to - from < plot.width / 12, size: 4 },
        ...(o.stepped && uPlot.paths.stepped ? { paths: uPlot.paths.stepped({ align: 1 }) } : {}),
      },
    ],
    hooks: {
      setCursor: [(plot) => o.onCursor(plot.cursor.idx ?? null)],
      draw: [(plot) => drawStrip(plot, o)],
    },
  };
  return new uPlot(options, [[], []], target);
}

/** Some room above and below; a flat line in the middle of a small range. */
function padded(least: number | null, most: number | null): [number, number] {
  if (least === null || most === null) return [0, 1];
  const pad = most > least ? (most - least) * 0.08 : Math.max(Math.abs(most) * 0.05, 1);
  return [least - pad, most + pad];
}

function timeTexts(ticks: readonly number[], zone: string): string[] {
  const isWholeMinutes = (ticks[1] ?? 0) - (ticks[0] ?? 0) >= 59_000;
  return ticks.map((at) => formatClockSeconds(Math.round(at / 1000) * 1000, zone).slice(0, isWholeMinutes ? 5 : 8));
}

/** As many decimals as tell neighbors apart. */
function tickTexts(ticks: readonly number[]): string[] {
  const step = Math.abs((ticks[1] ?? 1) - (ticks[0] ?? 0));
  let decimals = 0;
  while (decimals < 7 && Math.abs(step * 10 ** decimals - Math.round(step * 10 ** decimals)) > 1e-6) decimals++;
  return ticks.map((value) => formatNumber(value, { locale: 'en', decimals }));
}

function drawStrip(plot: uPlot, o: TrendChartOptions): void {
  const { from, to, runs } = o.state();
  const { ctx, bbox } = plot;
  const ratio = devicePixelRatio;
  const bottom = ctx.canvas.height - ratio;
  ctx.save();
  for (const run of runs) {
    const left = plot.valToPos(Math.max(run.from, from), 'x', true);
    const right = plot.valToPos(Math.min(run.to, to), 'x', true);
    if (right <= left && run.from < from) continue;
    const height = STRIP_HEIGHT[run.level] * ratio;
    ctx.fillStyle = o.palette[run.level];
    ctx.fillRect(Math.max(left, bbox.left), bottom - height, Math.max(1, right - left), height);
  }
  ctx.restore();
}
