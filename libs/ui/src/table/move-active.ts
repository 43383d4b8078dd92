export interface ActiveCell {
  readonly index: number;
  readonly column: number;
}

export interface GridSize {
  readonly rows: number;
  readonly columns: number;
  /** Rows on one page. */
  readonly page: number;
}

/** Where a key takes the active cell; undefined if the key does not move, or there is nowhere to go. */
export function moveActive(from: ActiveCell | null, key: string, size: GridSize): ActiveCell | undefined {
  const at = from ?? { index: 0, column: 0 };
  const to = target(at, key, size);
  if (to === undefined || size.rows === 0 || size.columns === 0) return undefined;
  const within = (value: number, count: number) => Math.max(0, Math.min(count - 1, value));
  return { index: within(to.index, size.rows), column: within(to.column, size.columns) };
}

function target(at: ActiveCell, key: string, size: GridSize): ActiveCell | undefined {
  switch (key) {
    case 'ArrowDown':
      return { ...at, index: at.index + 1 };
    case 'ArrowUp':
      return { ...at, index: at.index - 1 };
    case 'ArrowRight':
      return { ...at, column: at.column + 1 };
    case 'ArrowLeft':
      return { ...at, column: at.column - 1 };
    case 'PageDown':
      return { ...at, index: at.index + size.page };
    case 'PageUp':
      return { ...at, index: at.index - size.page };
    case 'Home':
      return { ...at, index: 0 };
    case 'End':
      return { ...at, index: size.rows - 1 };
    default:
      return undefined;
  }
}
