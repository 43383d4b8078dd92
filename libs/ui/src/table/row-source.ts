/** Rows by index out of many, of which only some are known; what a table shows. */
export interface RowSource<Row, Cell> {
  /** null: not known yet. */
  readonly total: number | null;
  row(index: number): Row | undefined;
  cell(index: number): Cell | undefined;
  /** These rows are on the screen, or near it. */
  want(from: number, count: number): void;
  /** With the indexes whose cell changed; null: rows or the total did. */
  onChange(listener: (indexes: readonly number[] | null) => void): () => void;
}
