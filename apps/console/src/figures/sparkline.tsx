import { formatDuration, useDisplay } from '@busbar/ui';

const WIDTH = 88;
const HEIGHT = 20;
/** Room for the stroke. */
const EDGE = 1.5;

interface SparklineProps {
  /** One value per step, the newest last; null: nothing known, a gap. */
  readonly values: readonly (number | null)[];
  readonly stepMs: number;
}

/** A line without axes, from 0 to its greatest value. */
export function Sparkline({ values, stepMs }: SparklineProps) {
  const { t } = useDisplay();
  const path = sparklinePath(values);
  if (path === '') return null;
  const period = formatDuration(values.length * stepMs, t);
  return (
    <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} width={WIDTH} height={HEIGHT} role="img">
      <title>{t('figures.trend', { period })}</title>
      <path d={path} fill="none" stroke="currentColor" strokeWidth="1.25" strokeLinejoin="round" />
    </svg>
  );
}

/** Empty when nothing is known. A value alone between gaps is a short line. */
export function sparklinePath(values: readonly (number | null)[]): string {
  const most = Math.max(0, ...values.filter((value) => value !== null));
  const width = WIDTH - 2 * EDGE;
  const step = values.length > 1 ? width / (values.length - 1) : width;
  let path = '';
  let isDrawing = false;
  values.forEach((value, index) => {
    if (value === null) {
      isDrawing = false;
      return;
    }
    const x = EDGE + index * step;
    const y = HEIGHT - EDGE - (most === 0 ? 0 : (Math.max(0, value) / most) * (HEIGHT - 2 * EDGE));
    path += isDrawing ? `L${x.toFixed(1)} ${y.toFixed(1)}` : `M${x.toFixed(1)} ${y.toFixed(1)}h0.1`;
    isDrawing = true;
  });
  return path;
}
