import { FONT, MONO, type Palette } from './tokens.js';

const svg = (body: string) =>
  `url("data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 12 12'%3E${body}%3C/svg%3E")`;

/** Shapes of the visual language, drawn in the color of the text beside them. */
const SHAPES: Readonly<Record<string, string>> = {
  good: svg("%3Ccircle cx='6' cy='6' r='4.25' fill='none' stroke='%23000' stroke-width='1.75'/%3E"),
  done: svg(
    "%3Ccircle cx='6' cy='6' r='4.25' fill='none' stroke='%23000' stroke-width='1.75'/%3E%3Ccircle cx='6' cy='6' r='1.75'/%3E",
  ),
  uncertain: svg("%3Cpath d='M6 .8 11.6 11H.4z'/%3E"),
  unknown: svg(
    "%3Cpath fill-rule='evenodd' d='M6 0 12 11.4H0zM5.3 9v1.3h1.4V9zM4.2 6h1.1c0-1 1.4-.9 1.4 0 0 .7-1.3.8-1.3 2.3h1.2c0-1 1.3-1.2 1.3-2.4C7.9 4 4.2 4 4.2 6z'/%3E",
  ),
  bad: svg("%3Cpath d='M1.5 1.5h9v9h-9z'/%3E"),
  idle: svg("%3Cpath d='M1.5 5h9v2h-9z'/%3E"),
  todo: svg("%3Ccircle cx='6' cy='6' r='2'/%3E"),
  pending: svg(
    "%3Ccircle cx='6' cy='6' r='4.25' fill='none' stroke='%23000' stroke-width='1.75' stroke-dasharray='3.3 2.04'/%3E",
  ),
};

/** The styles of this library's components; colors as custom properties, so that a page may use them too. */
export function styleSheet(palette: Palette): string {
  const colors = Object.entries(palette).map(([name, color]) => `--bb-${name}:${color};`);
  const shapes = Object.entries(SHAPES).map(([name, url]) => `.bb-shape.${name}{mask-image:${url}}`);
  return `:root{${colors.join('')}--bb-mono:${MONO};--bb-font:${FONT}}\n${RULES}\n${shapes.join('\n')}\n${PLOT}`;
}

const RULES = `
.bb-shape{display:inline-block;flex:none;width:10px;height:10px;background:currentColor;mask:center/contain no-repeat}
.bb-badge{display:inline-flex;align-items:center;gap:6px;white-space:nowrap}
.state-good{color:var(--bb-good)}.state-uncertain{color:var(--bb-uncertain)}.state-bad{color:var(--bb-bad)}.state-idle{color:var(--bb-idle)}
.mono{font-family:var(--bb-mono);font-size:12px}
.right{text-align:right}
.bb-value{font-variant-numeric:tabular-nums;white-space:nowrap;color:var(--bb-text)}
.bb-value .unit,.bb-value small{color:var(--bb-secondary);font-size:12px;font-weight:400}
.bb-value.state-stale .bb-cell-text{text-decoration:underline dotted 1.5px;text-underline-offset:3px}
.bb-value.state-bad .bb-cell-text{color:var(--bb-bad)}
.bb-grid{position:relative;overflow:auto;height:100%;outline:none;background:var(--bb-raised);contain:strict;container-type:inline-size;font-variant-numeric:tabular-nums}
.bb-grid:focus-visible{outline:2px solid var(--bb-primary);outline-offset:-2px}
.bb-grid .bb-row{display:grid;grid-template-columns:var(--bb-tracks);height:var(--bb-row);padding:0 8px}
.bb-head{position:sticky;top:0;z-index:2;background:var(--bb-surface);border-bottom:1px solid var(--bb-line)}
.bb-head .bb-row{height:27px;color:var(--bb-secondary);font-size:12px}
.bb-body{position:relative;overflow:hidden;contain:strict}
.bb-body .bb-row{position:absolute;left:0;right:0;top:0;border-bottom:1px solid var(--bb-line);cursor:default;contain:layout style}
.bb-body .bb-row:hover{background:var(--bb-hover)}
.bb-body .bb-row[aria-selected=true]{background:var(--bb-selected)}
.bb-grid:focus-visible .bb-row.active{box-shadow:inset 3px 0 0 var(--bb-primary)}
.bb-grid:focus-visible .bb-cell.active{outline:2px solid var(--bb-primary);outline-offset:-2px;border-radius:2px}
.bb-body .bb-row.unknown .bb-cell:first-child::before{content:"";width:60%;height:8px;border-radius:4px;background:var(--bb-line)}
.bb-cell{display:flex;align-items:center;gap:6px;min-width:0;padding:0 8px;overflow:hidden;white-space:nowrap}
.bb-cell.right{justify-content:flex-end}
.bb-cell-text{overflow:hidden;text-overflow:ellipsis}
.bb-cell small{flex-shrink:100000;color:var(--bb-secondary);font-size:12px;overflow:hidden;text-overflow:ellipsis}
.bb-cell.value .bb-cell-text{font-weight:500}
.bb-cell.state-bad>.bb-cell-text,.bb-cell.state-bad>.bb-shape{color:var(--bb-bad)}
.bb-cell.state-uncertain>.bb-shape,.bb-cell.state-uncertain>.bb-cell-text{color:var(--bb-uncertain)}
.bb-cell.stale .bb-cell-text{text-decoration:underline dotted 1.5px;text-underline-offset:3px}
.bb-cell.stale>.bb-shape{color:var(--bb-uncertain)}
.bb-cell.whole{overflow:visible}.bb-cell.whole .bb-cell-text{overflow:visible;flex:none;font-size:12px}
.bb-cell.quiet .bb-cell-text{color:var(--bb-secondary)}
.bb-cell.ids small{font-family:var(--bb-mono)}
@container (max-width:960px){.bb-cell.wide small{display:none}}
@container (max-width:760px){.bb-cell.ids small{display:none}}
@container (max-width:480px){.bb-grid .bb-cell{padding:0 5px}.bb-grid .bb-row{padding:0 4px}}
.bb-cell[data-action]{cursor:pointer}
.bb-cell[data-action] .bb-cell-text{color:var(--bb-primary);text-decoration:underline;text-underline-offset:2px}
.bb-notice{display:flex;gap:12px;align-items:baseline;padding:12px 16px;border:1px solid var(--bb-line);border-radius:4px;background:var(--bb-raised)}
.bb-notice p{margin:0 0 4px}.bb-notice p:last-child{margin:0}
.bb-notice .hint,.bb-chain .hint{color:var(--bb-secondary)}
.bb-notice.error{border-color:var(--bb-bad)}.bb-notice.error>.bb-shape{color:var(--bb-bad)}
.bb-notice.offline{border-color:var(--bb-uncertain)}.bb-notice.offline>.bb-shape{color:var(--bb-uncertain)}
.bb-notice details{margin-top:4px;color:var(--bb-secondary);font-size:12px}
.bb-notice summary{cursor:pointer}
.bb-notice code{font-family:var(--bb-mono);word-break:break-all}
.bb-notice .actions{display:flex;gap:8px;margin-top:8px}
.bb-loading{padding:16px;display:grid;gap:12px}
.bb-loading div{height:10px;border-radius:4px;background:var(--bb-line)}
.bb-trend .plot{width:100%}
.bb-trend .plot:focus-visible{outline:2px solid var(--bb-primary);outline-offset:2px}
.bb-trend output{display:block;min-height:18px;color:var(--bb-secondary);font-size:12px;white-space:pre-wrap;font-variant-numeric:tabular-nums}
.bb-trend-table{max-height:200px;overflow:auto;border:1px solid var(--bb-line);border-radius:4px}
.bb-trend-table table{width:100%;border-collapse:collapse;font-variant-numeric:tabular-nums}
.bb-trend-table th{position:sticky;top:0;background:var(--bb-surface);text-align:left;font-weight:400;color:var(--bb-secondary);font-size:12px}
.bb-trend-table th,.bb-trend-table td{padding:3px 8px;border-bottom:1px solid var(--bb-line)}
.bb-chain{list-style:none;margin:0;padding:0}
.bb-chain li{position:relative;display:flex;gap:12px;padding:0 0 12px}
.bb-chain li:not(:last-child)::before{content:"";position:absolute;left:5.5px;top:18px;bottom:-2px;width:1px;background:var(--bb-border)}
.bb-shape.unknown{width:13px;height:13px}
.bb-chain .bb-shape{width:12px;height:12px;margin-top:4px}
.bb-chain .line{display:flex;gap:12px;align-items:baseline}
.bb-chain b{font-weight:500}
.bb-chain time{font-family:var(--bb-mono);font-size:12px;color:var(--bb-secondary)}
.bb-chain small{color:var(--bb-secondary);font-size:12px}
.bb-chain p{margin:4px 0 0}
.bb-chain .look-done .bb-shape{color:var(--bb-good)}
.bb-chain .look-current .bb-shape{color:var(--bb-primary)}
.bb-chain .look-todo,.bb-chain .look-skipped{color:var(--bb-secondary)}
.bb-chain .look-todo b,.bb-chain .look-skipped b{font-weight:400}
.bb-chain .look-refused .bb-shape,.bb-chain .look-failed .bb-shape,.bb-chain .look-refused b,.bb-chain .look-failed b{color:var(--bb-bad)}
.bb-chain .look-unknown .bb-shape,.bb-chain .look-unknown b{color:var(--bb-uncertain)}
.bb-chain .look-expired .bb-shape{color:var(--bb-idle)}
.bb-facts{display:flex;flex-wrap:wrap;gap:4px 16px;margin:8px 0 0;font-size:12px}
.bb-facts div{display:flex;gap:6px}
.bb-facts dt{color:var(--bb-secondary)}
.bb-facts dd{margin:0;font-family:var(--bb-mono)}
@media (prefers-reduced-motion:no-preference){.bb-chain .look-current .bb-shape{animation:bb-turn 3s linear infinite}}
@keyframes bb-turn{to{transform:rotate(360deg)}}
`;

/** What a uPlot without legend and selection needs. */
const PLOT = `
.uplot,.uplot *{box-sizing:border-box}
.uplot{line-height:1.5}
.u-wrap{position:relative;user-select:none}
.u-over,.u-under{position:absolute}
.u-under{overflow:hidden}
.uplot canvas{display:block;position:relative;width:100%;height:100%}
.u-axis{position:absolute}
.u-select,.u-hz .u-cursor-y{display:none}
.u-cursor-x,.u-cursor-y{position:absolute;left:0;top:0;pointer-events:none;will-change:transform}
.u-cursor-x{height:100%;border-right:1px dashed var(--bb-border)}
.u-cursor-pt{position:absolute;top:0;left:0;border-radius:50%;border:0 solid;pointer-events:none;will-change:transform;background-clip:padding-box!important}
.u-axis.u-off,.u-cursor-x.u-off,.u-cursor-y.u-off,.u-cursor-pt.u-off{display:none}
`;
