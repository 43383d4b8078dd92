import Papa from 'papaparse';
import { LIMITS } from './limits.js';
import { filePlace, type Place, type Position, type SourceText } from './place.js';
import type { Report } from './report.js';

/** One CSV file: first line the column names, `#` lines are comments, an empty cell is the default. */
export class CsvTable {
  readonly source: SourceText;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  #starts: number[][] | undefined;

  constructor(source: SourceText, columns: readonly string[], rows: readonly (readonly string[])[]) {
    this.source = source;
    this.columns = columns;
    this.rows = rows;
  }

  /** @param row from 0; -1 is the line of the column names. */
  place(row: number, column: number): Place {
    return {
      file: this.source.file,
      key: `${this.source.file}:${row}:${column}`,
      position: () => this.#position(row, column),
    };
  }

  #position(row: number, column: number): Position {
    this.#starts ??= cellStarts(this.source.text);
    const cells = this.#starts[row + 1] ?? [];
    return this.source.positionOf(cells[column] ?? cells[0] ?? 0);
  }
}

/** Offset of every cell of every line that is neither empty nor a comment (RFC 4180, as the parser reads it). */
export function cellStarts(text: string): number[][] {
  const rows: number[][] = [];
  let at = 0;
  while (at < text.length) {
    if (text[at] === '\n') {
      at += 1;
      continue;
    }
    if (text[at] === '#') {
      const end = text.indexOf('\n', at);
      at = end === -1 ? text.length : end + 1;
      continue;
    }
    const cells: number[] = [];
    for (;;) {
      cells.push(at);
      at = cellEnd(text, at);
      if (text[at] !== ',') break;
      at += 1;
    }
    rows.push(cells);
    at += 1;
  }
  return rows;
}

function cellEnd(text: string, start: number): number {
  let at = start;
  if (text[at] === '"') {
    at += 1;
    while (at < text.length) {
      if (text[at] === '"' && text[at + 1] === '"') at += 2;
      else if (text[at] === '"') break;
      else at += 1;
    }
    at += 1;
  }
  while (at < text.length && text[at] !== ',' && text[at] !== '\n') at += 1;
  return Math.min(at, text.length);
}

export function readCsv(source: SourceText, byteLength: number, report: Report): CsvTable | undefined {
  const whole = filePlace(source.file);
  if (byteLength > LIMITS.csvBytes) {
    report.add('PACKAGE_LIMIT', whole, {
      thing: source.file,
      actual: `${byteLength} octets`,
      limit: `${LIMITS.csvBytes}`,
    });
    return undefined;
  }
  const parsed = Papa.parse<string[]>(source.text, {
    delimiter: ',',
    newline: '\n',
    comments: '#',
    skipEmptyLines: true,
  });
  const [header, ...rows] = parsed.data;
  if (!header) {
    report.add('CSV_COLUMN', whole, { column: 'id', problem: 'is missing', columns: 'a first line with column names' });
    return undefined;
  }
  const columns = header.map((name) => name.trim());
  const table = new CsvTable(source, columns, rows);
  const isQuoted = parsed.errors.length === 0;
  for (const error of parsed.errors.slice(0, 1)) {
    report.add('CSV_QUOTE', table.place((error.row ?? 0) - 1, 0), { reason: error.message });
  }
  if (!isQuoted) return undefined;
  checkHeader(table, report);
  if (rows.length > LIMITS.rows) {
    report.add('PACKAGE_LIMIT', whole, { thing: source.file, actual: `${rows.length} rows`, limit: `${LIMITS.rows}` });
    return undefined;
  }
  rows.forEach((row, index) => {
    if (row.length !== columns.length) {
      report.add('CSV_ROW', table.place(index, 0), { cells: row.length, columns: columns.length });
    }
    row.forEach((cell, column) => {
      if (cell.length <= LIMITS.cellBytes) return;
      const params = { thing: 'a cell', actual: `${cell.length} characters`, limit: `${LIMITS.cellBytes}` };
      report.add('PACKAGE_LIMIT', table.place(index, column), params);
    });
  });
  return table;
}

function checkHeader(table: CsvTable, report: Report): void {
  const seen = new Set<string>();
  table.columns.forEach((name, column) => {
    if (name === '')
      report.add('CSV_COLUMN', table.place(-1, column), { column: '""', problem: 'is no name', columns: 'a name' });
    else if (seen.has(name)) {
      const params = { column: name, problem: 'stands twice', columns: 'each name once' };
      report.add('CSV_COLUMN', table.place(-1, column), params);
    }
    seen.add(name);
  });
}
