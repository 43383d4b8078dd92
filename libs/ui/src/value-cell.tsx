import { Tooltip } from 'antd';
import { useDisplay } from './display.js';
import { describeCell } from './format/describe-cell.js';
import type { Point } from './format/format-value.js';
import type { LiveCell } from './live/points-feed.js';

export interface ValueCellProps {
  readonly cell: LiveCell | undefined;
  readonly point: Point;
  /** Epoch ms by the server's clock. */
  readonly now: number;
  readonly offline: boolean;
  readonly staleAfterMs?: number;
}

/** One value with its unit: `--` when bad, underlined with its age when stale. No live region, no flashing. */
export function ValueCell({ cell, point, now, offline, staleAfterMs }: ValueCellProps) {
  const display = useDisplay();
  const text = describeCell(cell, point, { display, now, offline, staleAfterMs });
  return (
    <Tooltip title={text.tip === '' ? undefined : text.tip}>
      <span className={`bb-value state-${text.state}`} role="img" aria-label={text.label}>
        <span className="bb-cell-text">{text.value === '' ? '…' : text.value}</span>
        {text.unit !== '' && <span className="unit"> {text.unit}</span>}
        {text.age !== '' && <small> {text.age}</small>}
      </span>
    </Tooltip>
  );
}
