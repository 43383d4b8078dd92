import type { FigureCell, FigureTable } from '@busbar/api-schema';
import { useDisplay } from '@busbar/ui';
import { figureWords } from './figure-words.js';
import { Sparkline } from './sparkline.js';

/** Tables whose rows are figures with a name of ours; elsewhere a row is a thing with its own name. */
const NAMED = new Set(['overview', 'latency']);

export function FigureRows({ table, stepMs }: { readonly table: FigureTable; readonly stepMs: number }) {
  const { t } = useDisplay();
  return (
    <table className="list figures">
      <thead>
        <tr>
          <th scope="col">{t(`figures.table.${table.id}`)}</th>
          {table.columns.map((column) => (
            <th key={column} scope="col">
              {t(`figures.column.${column}`)}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {table.rows.map(({ id, note, cells }) => (
          <tr key={id}>
            <th scope="row">
              {NAMED.has(table.id) ? t(`figures.row.${id}`) : id}
              {note !== null && note !== id && <small className="row-note">{note}</small>}
            </th>
            {cells.map((cell, index) => {
              const column = table.columns[index] ?? '';
              return (
                <td key={column} data-label={t(`figures.column.${column}`)}>
                  <Figure cell={cell} stepMs={stepMs} />
                </td>
              );
            })}
          </tr>
        ))}
        {table.left > 0 && (
          <tr>
            <td colSpan={table.columns.length + 1}>{t('figures.left', { n: table.left })}</td>
          </tr>
        )}
      </tbody>
    </table>
  );
}

const LOOKS = { normal: '', warning: 'state-uncertain', critical: 'state-bad' } as const;

function Figure({ cell, stepMs }: { readonly cell: FigureCell; readonly stepMs: number }) {
  const display = useDisplay();
  const words = figureWords(cell, display);
  return (
    <span className={`figure ${LOOKS[cell.state]}`}>
      <span className="figure-value">
        {words}
        {cell.state !== 'normal' && <span className="sr-only">{display.t(`figures.state.${cell.state}`)}</span>}
      </span>
      {cell.trend !== null && <Sparkline values={cell.trend} stepMs={stepMs} />}
    </span>
  );
}
