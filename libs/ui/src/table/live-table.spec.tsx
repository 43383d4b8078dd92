// @vitest-environment happy-dom
import { act } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { LiveColumn } from './live-column.js';
import { LiveTable } from './live-table.js';
import type { RowSource } from './row-source.js';

const source: RowSource<string, number> = {
  total: 1000,
  row: (index) => `row ${index}`,
  cell: (index) => index * 2,
  want: () => undefined,
  onChange: () => () => undefined,
};
const columns: LiveColumn<string, number>[] = [
  { key: 'name', title: 'Name', track: '1fr', paint: (row) => ({ text: row }), copy: (row) => row },
  {
    key: 'value',
    title: 'Value',
    track: '1fr',
    paint: (_row, cell) => ({ text: String(cell), action: 'r' }),
    copy: (_row, cell) => String(cell),
  },
  { key: 'wide', title: 'Wide', track: '1fr', showFrom: 20_000, paint: () => ({ text: '' }), copy: () => '' },
];

let place: HTMLElement;
let root: Root;
const opened = vi.fn();
const asked = vi.fn();
const paused = vi.fn();

beforeEach(() => {
  vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true);
  vi.stubGlobal(
    'ResizeObserver',
    class {
      observe() {}
      disconnect() {}
    },
  );
  place = document.createElement('div');
  document.body.append(place);
  root = createRoot(place);
  act(() =>
    root.render(
      <LiveTable
        label="Points"
        source={source}
        columns={columns}
        now={() => 0}
        onOpen={opened}
        keyOf={(row) => row}
        actions={{ r: asked }}
        commands={{ p: paused }}
      />,
    ),
  );
});
afterEach(() => {
  act(() => root.unmount());
  place.remove();
  vi.clearAllMocks();
});

const grid = () => place.querySelector('[role=grid]') as HTMLElement;
const press = (key: string) =>
  act(() => {
    grid().dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));
  });
const copy = () => {
  const event = new Event('copy', { bubbles: true, cancelable: true });
  const put: string[] = [];
  Object.assign(event, { clipboardData: { setData: (_type: string, text: string) => put.push(text) } });
  act(() => {
    grid().dispatchEvent(event);
  });
  return put[0];
};

describe('LiveTable', () => {
  it('is a grid with counts, one tab stop, and only the columns that have room', () => {
    expect(grid().getAttribute('aria-rowcount')).toBe('1001');
    expect(grid().getAttribute('aria-label')).toBe('Points');
    expect([...place.querySelectorAll('[tabindex="0"]')]).toEqual([grid()]);
    expect([...place.querySelectorAll('[role=columnheader]')].map((head) => head.textContent)).toEqual([
      'Name',
      'Value',
    ]);
  });

  it('moves by keys, names the active cell and opens it', () => {
    for (const key of ['ArrowDown', 'ArrowDown', 'ArrowRight']) press(key);
    const cell = document.getElementById(grid().getAttribute('aria-activedescendant') ?? '');
    expect(cell?.textContent).toBe('4');
    press('Enter');
    expect(opened).toHaveBeenCalledWith('row 2');
  });

  it('asks and pauses by key', () => {
    press('End');
    press('r');
    press('p');
    expect(asked).toHaveBeenCalledWith('row 999');
    expect(paused).toHaveBeenCalledTimes(1);
  });

  it('copies the active row, or the selected ones, as tab-separated text', () => {
    press('ArrowDown');
    expect(copy()).toBe('row 1\t2');
    press(' ');
    press('ArrowDown');
    press('ArrowDown');
    press(' ');
    expect(copy()).toBe('row 1\t2\nrow 3\t6');
    expect(place.querySelectorAll('[aria-selected=true]')).toHaveLength(2);
  });

  it('opens the row that is clicked, and acts where the cell has an action', () => {
    const cells = place.querySelectorAll<HTMLElement>('.bb-body [role=gridcell]');
    act(() => cells[0]?.click());
    expect(opened).toHaveBeenCalledWith('row 0');
    act(() => cells[1]?.click());
    expect(asked).toHaveBeenCalledWith('row 0');
    expect(opened).toHaveBeenCalledTimes(1);
  });

  it('does not scroll away under a pointer that gives it the focus', () => {
    Object.defineProperty(grid(), 'clientHeight', { value: 400 });
    act(() => {
      grid().scrollTop = 28 * 500;
      grid().dispatchEvent(new Event('scroll'));
    });
    act(() => grid().focus());
    expect(grid().scrollTop).toBe(28 * 500);
    const cell = document.getElementById(grid().getAttribute('aria-activedescendant') ?? '');
    expect(cell?.textContent).toBe('row 500');
  });
});
