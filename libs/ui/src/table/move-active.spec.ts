import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { moveActive } from './move-active.js';

const size = { rows: 100, columns: 4, page: 20 };

describe('moveActive', () => {
  it.each([
    ['ArrowDown', 51, 1],
    ['ArrowUp', 49, 1],
    ['ArrowLeft', 50, 0],
    ['ArrowRight', 50, 2],
    ['PageDown', 70, 1],
    ['PageUp', 30, 1],
    ['Home', 0, 1],
    ['End', 99, 1],
  ])('%s goes to row %i, column %i', (key, index, column) => {
    expect(moveActive({ index: 50, column: 1 }, key, size)).toEqual({ index, column });
  });

  it('stays inside whatever is pressed', () => {
    const key = fc.constantFrom('ArrowDown', 'ArrowUp', 'ArrowLeft', 'ArrowRight', 'PageDown', 'PageUp', 'Home', 'End');
    fc.assert(
      fc.property(fc.array(key), fc.integer({ min: 1, max: 30 }), (keys, rows) => {
        let at = { index: 0, column: 0 };
        for (const one of keys) at = moveActive(at, one, { ...size, rows }) ?? at;
        expect(at.index >= 0 && at.index < rows && at.column >= 0 && at.column < 4).toBe(true);
      }),
    );
  });

  it('leaves other keys and empty tables alone', () => {
    expect(moveActive(null, 'x', size)).toBeUndefined();
    expect(moveActive(null, 'ArrowDown', { ...size, rows: 0 })).toBeUndefined();
  });
});
