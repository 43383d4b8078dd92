/** Line and column, both from 1, as an editor shows them. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Where something stands in an author's file. Lines and columns are worked out for findings only. */
export interface Place {
  readonly file: string;
  /** Equal for equal places of one file. */
  readonly key: string;
  position(): Position;
}

/** The text of one file, without its byte order mark and with `\n` only. */
export class SourceText {
  readonly file: string;
  readonly text: string;
  #lineStarts: number[] | undefined;

  constructor(file: string, text: string) {
    this.file = file;
    this.text = text;
  }

  positionOf(offset: number): Position {
    this.#lineStarts ??= this.#scan();
    const starts = this.#lineStarts;
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - (starts[low] ?? 0) + 1 };
  }

  #scan(): number[] {
    const starts = [0];
    for (let at = this.text.indexOf('\n'); at !== -1; at = this.text.indexOf('\n', at + 1)) starts.push(at + 1);
    return starts;
  }
}

export class TextPlace implements Place {
  readonly source: SourceText;
  readonly offset: number;

  constructor(source: SourceText, offset: number) {
    this.source = source;
    this.offset = offset;
  }

  get file(): string {
    return this.source.file;
  }

  get key(): string {
    return `${this.source.file}:${this.offset}`;
  }

  position(): Position {
    return this.source.positionOf(this.offset);
  }
}

/** The place of a whole file, for what is wrong with the file itself. */
export function filePlace(file: string): Place {
  return { file, key: file, position: () => ({ line: 1, column: 1 }) };
}
