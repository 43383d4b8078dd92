// @vitest-environment happy-dom
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { LiveColumn } from './live-column.js';
import { RowRecycler } from './row-recycler.js';
import type { RowSource } from './row-source.js';

class Numbers implements RowSource<string, number> {
  total: number | null = 100_000;
  values = new Map<number, number>();
  wanted: [number, number] = [0, 0];
  private listener: (indexes: readonly number[] | null) => void = () => undefined;
  row = (index: number) => `row ${index}`;
  cell = (index: number) => this.values.get(index);
  want = (from: number, count: number) => {
    this.wanted = [from, count];
  };
  onChange = (listener: (indexes: readonly number[] | null) => void) => {
    this.listener = listener;
    return () => undefined;
  };
  tell(indexes: readonly number[] | null) {
    this.listener(indexes);
  }
}

const paint = vi.fn((row: string, cell: number | undefined) => ({ text: `${row}=${cell ?? ''}` }));
const columns: LiveColumn<string, number>[] = [
  { key: 'name', title: 'Name', track: '1fr', paint, copy: (row) => row },
  {
    key: 'age',
    title: 'Age',
    track: '80px',
    ages: true,
    paint: (_row, _cell, now) => ({ text: String(now) }),
    copy: () => '',
  },
];

function table(source: Numbers) {
  const scroller = document.createElement('div');
  const body = document.createElement('div');
  scroller.append(body);
  document.body.append(scroller);
  Object.defineProperty(scroller, 'clientHeight', { value: 28 + 10 * 28 });
  let pending: (() => void) | undefined;
  let now = 1;
  const made = new RowRecycler({
    scroller,
    body,
    source,
    columns,
    headHeight: 28,
    rowHeight: 28,
    id: 't',
    now: () => now,
    soon: (run) => {
      pending = run;
    },
    isSelected: () => false,
  });
  const shown = () =>
    [...body.children]
      .map((row) => [Number(row.getAttribute('aria-rowindex')) - 2, row.children[0]?.textContent] as const)
      .sort(([a], [b]) => a - b);
  const flush = () => {
    pending?.();
    pending = undefined;
  };
  return {
    made,
    body,
    scroller,
    shown,
    flush,
    setNow: (value: number) => {
      now = value;
    },
  };
}

describe('RowRecycler', () => {
  beforeEach(() => {
    document.body.replaceChildren();
    paint.mockClear();
  });

  it('has as many elements as fit, of 100,000 rows, and as high a body as all of them', () => {
    const { body } = table(new Numbers());
    expect(body.children.length).toBeLessThan(40);
    expect(body.style.height).toBe('2800000px');
  });

  it('shows at any place the rows of that place, with the same elements', () => {
    const source = new Numbers();
    const { made, body, scroller, shown } = table(source);
    const before = new Set(body.children);
    for (const row of [3, 40, 99_990, 50_000, 7]) {
      scroller.scrollTop = row * 28;
      made.layout();
      const rows = shown();
      for (let index = row; index < Math.min(100_000, row + 10); index++) {
        expect(rows).toContainEqual([index, `row ${index}=`]);
      }
      expect(new Set(body.children)).toEqual(before);
    }
  });

  it('asks for the rows on the screen', () => {
    const source = new Numbers();
    const { made, scroller } = table(source);
    scroller.scrollTop = 500 * 28;
    made.layout();
    const [from, count] = source.wanted;
    expect(from).toBeLessThanOrEqual(500);
    expect(from + count).toBeGreaterThanOrEqual(510);
    expect(count).toBeLessThan(60);
  });

  it('paints only rows that changed, once a frame', () => {
    const source = new Numbers();
    const { flush, shown } = table(source);
    paint.mockClear();
    source.values.set(3, 7);
    source.tell([3, 80_000]);
    source.tell([3]);
    expect(paint).not.toHaveBeenCalled();
    flush();
    expect(paint).toHaveBeenCalledTimes(1);
    expect(shown()).toContainEqual([3, 'row 3=7']);
  });

  it('paints ages each second without painting the rest', () => {
    const { made, body, setNow } = table(new Numbers());
    paint.mockClear();
    setNow(2);
    made.tick();
    expect(body.children[0]?.children[1]?.textContent).toBe('2');
    expect(paint).not.toHaveBeenCalled();
  });

  it('brings the active row into view and names its cell', () => {
    const { made, scroller, body } = table(new Numbers());
    const id = made.setActive({ index: 1000, column: 1 });
    expect(scroller.scrollTop).toBe(1001 * 28 - 280);
    const cell = body.querySelector('.bb-cell.active');
    expect(cell?.id).toBe(id);
    expect(cell?.closest('[role=row]')?.getAttribute('aria-rowindex')).toBe('1002');
  });

  it('shrinks with the total', () => {
    const source = new Numbers();
    const { flush, shown } = table(source);
    source.total = 2;
    source.tell(null);
    flush();
    expect(shown().map(([index]) => index)).toEqual([0, 1]);
  });
});
