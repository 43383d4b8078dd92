// biome-ignore-all lint/a11y/useSemanticElements: a recycled grid of positioned rows cannot be a table element.
// biome-ignore-all lint/a11y/useFocusableInteractive: one tab stop, on the grid; cells are its active descendants.
import {
  type ClipboardEvent,
  type KeyboardEvent,
  type MouseEvent,
  type ReactNode,
  useEffect,
  useId,
  useMemo,
  useRef,
  useState,
} from 'react';
import { ROW_HEIGHT } from '../tokens.js';
import type { LiveColumn } from './live-column.js';
import { moveActive } from './move-active.js';
import { RowRecycler } from './row-recycler.js';
import type { RowSource } from './row-source.js';

const HEAD_HEIGHT = 28;

export interface LiveTableProps<Row, Cell> {
  /** What a screen reader calls the table. */
  readonly label: string;
  readonly source: RowSource<Row, Cell>;
  readonly columns: readonly LiveColumn<Row, Cell>[];
  /** 28 or 36 pixels. */
  readonly rowHeight?: number;
  /** Epoch ms by the server's clock. */
  readonly now: () => number;
  readonly onOpen: (row: Row) => void;
  /** By key: `r` request, `t` trend. Also called for cells with an `action` of that name. */
  readonly actions?: Readonly<Record<string, (row: Row) => void>>;
  /** By key, without a row: `p` pause, `/` filter. */
  readonly commands?: Readonly<Record<string, () => void>>;
  readonly keyOf: (row: Row) => string;
  /** The row whose detail is open. */
  readonly openKey?: string | undefined;
  /** A change of it paints all: the link, the language. */
  readonly mood?: string;
  /** In place of rows when there are none. */
  readonly children?: ReactNode;
}

/** A window on very many rows: own row recycler, no React per cell, one tab stop. At most 500,000 rows. */
export function LiveTable<Row, Cell>(props: LiveTableProps<Row, Cell>) {
  const { source, now, onOpen, keyOf, rowHeight = ROW_HEIGHT } = props;
  const id = useId();
  const scroller = useRef<HTMLDivElement>(null);
  const body = useRef<HTMLDivElement>(null);
  const recycler = useRef<RowRecycler<Row, Cell>>(null);
  const selected = useRef(new Set<string>());
  const active = useRef<{ index: number; column: number } | null>(null);
  const [width, setWidth] = useState(10_000);
  const [total, setTotal] = useState(source.total);
  const columns = useMemo(
    () => props.columns.filter((column) => (column.showFrom ?? 0) <= width),
    [props.columns, width],
  );
  const openKey = useRef(props.openKey);
  openKey.current = props.openKey;

  useEffect(() => {
    if (scroller.current === null || body.current === null) return;
    const page = scroller.current;
    const isMarked = (index: number) => {
      const row = source.row(index);
      return row !== undefined && (selected.current.has(keyOf(row)) || keyOf(row) === openKey.current);
    };
    const made = new RowRecycler({
      scroller: page,
      body: body.current,
      headHeight: HEAD_HEIGHT,
      rowHeight,
      id,
      source,
      columns,
      now,
      soon: (run) => requestAnimationFrame(run),
      isSelected: isMarked,
    });
    recycler.current = made;
    const scrolled = () => made.layout();
    page.addEventListener('scroll', scrolled, { passive: true });
    const sizes = new ResizeObserver(() => {
      setWidth(page.clientWidth);
      made.layout();
    });
    sizes.observe(page);
    setTotal(source.total);
    const unlisten = source.onChange((indexes) => indexes === null && setTotal(source.total));
    const second = setInterval(() => made.tick(), 1000);
    return () => {
      clearInterval(second);
      unlisten();
      sizes.disconnect();
      page.removeEventListener('scroll', scrolled);
      made.destroy();
      recycler.current = null;
    };
  }, [source, columns, rowHeight, now, keyOf, id]);

  useEffect(() => recycler.current?.refresh(), [props.mood, props.openKey]);

  const setActive = (next: { index: number; column: number } | null) => {
    active.current = next;
    const cell = recycler.current?.setActive(next);
    if (cell === undefined) scroller.current?.removeAttribute('aria-activedescendant');
    else scroller.current?.setAttribute('aria-activedescendant', cell);
  };
  const activeRow = () => (active.current === null ? undefined : source.row(active.current.index));

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const command = props.commands?.[event.key];
    const action = props.actions?.[event.key];
    const row = activeRow();
    const size = { rows: source.total ?? 0, columns: columns.length, page: recycler.current?.pageRows ?? 1 };
    const next = moveActive(active.current, event.key, size);
    if (next !== undefined) setActive(next);
    else if (command !== undefined) command();
    else if (row === undefined) return;
    else if (event.key === 'Enter') onOpen(row);
    else if (event.key === ' ') {
      if (!selected.current.delete(keyOf(row))) selected.current.add(keyOf(row));
      recycler.current?.markAll();
    } else if (action !== undefined) action(row);
    else return;
    event.preventDefault();
  };

  const onClick = (event: MouseEvent) => {
    const index = recycler.current?.indexOf(event.target);
    const row = index === undefined ? undefined : source.row(index);
    if (index === undefined || row === undefined || !getSelection()?.isCollapsed) return;
    setActive({ index, column: active.current?.column ?? 0 });
    const name = event.target instanceof Element && event.target.closest<HTMLElement>('[data-action]')?.dataset.action;
    const action = name ? props.actions?.[name] : undefined;
    if (action === undefined) onOpen(row);
    else action(row);
  };

  // A row that is on the screen: scrolling to another one would move the rows away under a pointer that is pressed.
  const onFocus = () => {
    const total = source.total ?? 0;
    if (active.current !== null || total === 0) return;
    const top = Math.ceil((scroller.current?.scrollTop ?? 0) / rowHeight);
    setActive({ index: Math.min(top, total - 1), column: 0 });
  };

  const onCopy = (event: ClipboardEvent) => {
    if (getSelection()?.isCollapsed === false) return;
    const rows = copied(source, keyOf, selected.current, active.current?.index);
    if (rows.length === 0) return;
    const lines = rows.map(([row, cell]) => columns.map((column) => column.copy(row, cell)).join('\t'));
    event.clipboardData.setData('text/plain', lines.join('\n'));
    event.preventDefault();
  };

  const tracks = { '--bb-tracks': columns.map((column) => column.track).join(' ') };
  return (
    <div
      className="bb-grid"
      role="grid"
      aria-label={props.label}
      aria-rowcount={total === null ? -1 : total + 1}
      aria-colcount={columns.length}
      aria-multiselectable
      aria-busy={total === null}
      tabIndex={0}
      ref={scroller}
      style={{ ...tracks, '--bb-row': `${rowHeight}px` } as React.CSSProperties}
      onKeyDown={onKeyDown}
      onClick={onClick}
      onCopy={onCopy}
      onFocus={onFocus}
    >
      <div className="bb-head" role="rowgroup">
        <div className="bb-row" role="row" aria-rowindex={1}>
          {columns.map((column, i) => (
            <div
              key={column.key}
              className={column.align === 'right' ? 'bb-cell right' : 'bb-cell'}
              role="columnheader"
              aria-colindex={i + 1}
            >
              {column.title}
            </div>
          ))}
        </div>
      </div>
      <div className="bb-body" role="rowgroup" ref={body} />
      {props.children}
    </div>
  );
}

/** The selected rows that are known, in order; without any, the active one. */
function copied<Row, Cell>(
  source: RowSource<Row, Cell>,
  keyOf: (row: Row) => string,
  selected: ReadonlySet<string>,
  active: number | undefined,
): (readonly [Row, Cell | undefined])[] {
  const found: (readonly [Row, Cell | undefined])[] = [];
  for (let index = 0; index < (source.total ?? 0) && found.length < selected.size; index++) {
    const row = source.row(index);
    if (row !== undefined && selected.has(keyOf(row))) found.push([row, source.cell(index)]);
  }
  if (found.length > 0 || active === undefined) return found;
  const row = source.row(active);
  return row === undefined ? [] : [[row, source.cell(active)]];
}
