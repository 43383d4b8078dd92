/** What one cell of a live table shows. Absent parts are empty. */
export interface CellContent {
  readonly text: string;
  /** Smaller and quieter, behind the text: an id, an age. */
  readonly aside?: string;
  /** A shape of the style sheet before the text: `bad`, `uncertain`. */
  readonly shape?: string;
  /** Classes of this cell, `state-bad`, with a blank between. */
  readonly look?: string;
  readonly tip?: string;
  /** What a screen reader says instead of the text. */
  readonly label?: string;
  /** Makes the text a target for the pointer: `onAction` is called with it. */
  readonly action?: string;
}

export interface LiveColumn<Row, Cell> {
  readonly key: string;
  readonly title: string;
  /** A track of CSS grid: `120px`, `minmax(160px, 2fr)`. */
  readonly track: string;
  readonly align?: 'right';
  /** Classes of all its cells: `mono`, `ids`. */
  readonly className?: string;
  /** Left out while the table is narrower, pixels. */
  readonly showFrom?: number;
  /** Painted anew each second, since its text depends on the time. */
  readonly ages?: boolean;
  paint(row: Row, cell: Cell | undefined, now: number): CellContent;
  /** For copying: raw, ungrouped. */
  copy(row: Row, cell: Cell | undefined): string;
}
