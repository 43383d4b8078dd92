import type { LastGood, LiveFrame, PointRow, ServerMessage } from '@busbar/api-schema';
import { qualityLevel } from '@busbar/model';
import type { RowSource } from '../table/row-source.js';
import type { LiveObserver } from './live-machine.js';

/** The newest of one point as the page knows it. */
export interface LiveCell {
  /** null: no value. Texts and 64-bit integers as text. */
  readonly value: number | string | null;
  readonly quality: number;
  readonly sourceTime: number | null;
  readonly lastGood: LastGood | null;
  /** True: kept over from before the link was lost; nothing newer has come yet. */
  readonly held: boolean;
}

export interface FeedError {
  readonly code: string;
  readonly sentence: string;
  readonly fix: string;
}

const KNOWN_ROWS = 5000;

/**
 * The client's side of a `points` subscription: rows by index, values of the window. Values live by path, so a window
 * that moves keeps what is still in it; outside the window there are none, since nobody would renew them.
 */
export class PointsFeed implements LiveObserver, RowSource<PointRow, LiveCell> {
  private known = new Map<number, PointRow>();
  private window: PointRow[] = [];
  private from = 0;
  private cells = new Map<string, LiveCell>();
  private pending = new Map<string, LiveCell>();
  private readonly listeners = new Set<(indexes: readonly number[] | null) => void>();
  private paused = false;
  /** null until the server has answered. */
  total: number | null = null;
  error: FeedError | null = null;
  /** Value changes held back since the pause. */
  missed = 0;

  /** Rows `from`..`from + count` are wanted now; set by who owns the subscription. */
  want: (from: number, count: number) => void = () => undefined;

  row(index: number): PointRow | undefined {
    return this.known.get(index);
  }

  cell(index: number): LiveCell | undefined {
    const row = this.known.get(index);
    return row === undefined ? undefined : this.cells.get(row.path);
  }

  byPath(path: string): { readonly row: PointRow; readonly cell: LiveCell | undefined } | undefined {
    const row = this.window.find((one) => one.path === path);
    return row === undefined ? undefined : { row, cell: this.cells.get(path) };
  }

  /** Called with the indexes whose value changed, null when rows did. */
  onChange(listener: (indexes: readonly number[] | null) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  pause(on: boolean): void {
    if (this.paused === on) return;
    this.paused = on;
    this.missed = 0;
    if (!on) {
      for (const [path, cell] of this.pending) this.cells.set(path, cell);
      this.pending.clear();
    }
    this.tell(null);
  }

  message(message: ServerMessage): void {
    if (message.t === 'opened') {
      this.error = null;
      this.known = new Map();
      this.total = message.total;
      this.setWindow(message.from, message.rows);
    } else if (message.t === 'rows') {
      if (message.total !== undefined && message.total !== this.total) {
        this.total = message.total;
        this.known = new Map();
      }
      this.setWindow(message.from, message.rows);
    } else if (message.t === 'lastGood') {
      for (const { row, value, sourceTime } of message.items) {
        const path = this.window[row]?.path;
        const cell = path === undefined ? undefined : this.newest(path);
        const kept = cell ?? { value: null, quality: 0x80, sourceTime: null, held: false };
        if (path !== undefined) this.store(path, { ...kept, lastGood: { value, sourceTime } });
      }
    } else if (message.t === 'error') {
      this.error = { code: message.code, sentence: message.sentence, fix: message.fix };
      this.tell(null);
    }
  }

  frame(frame: LiveFrame): void {
    const changed: number[] = [];
    frame.rows.forEach((relative, i) => {
      const row = this.window[relative];
      if (row === undefined) return;
      const cell = toCell(frame, i, this.newest(row.path));
      if (this.paused && this.cells.has(row.path)) {
        this.pending.set(row.path, cell);
        this.missed++;
      } else this.cells.set(row.path, cell);
      changed.push(this.from + relative);
    });
    this.tell(changed);
  }

  lost(): void {
    for (const [path, cell] of this.cells) this.cells.set(path, { ...cell, held: true });
    this.tell(null);
  }

  private newest(path: string): LiveCell | undefined {
    return this.pending.get(path) ?? this.cells.get(path);
  }

  private store(path: string, cell: LiveCell): void {
    if (this.paused && this.cells.has(path)) this.pending.set(path, cell);
    else this.cells.set(path, cell);
  }

  private setWindow(from: number, rows: readonly PointRow[]): void {
    this.from = from;
    this.window = [...rows];
    if (this.known.size > KNOWN_ROWS) this.known = new Map();
    rows.forEach((row, i) => {
      this.known.set(from + i, row);
    });
    const paths = new Set(rows.map((row) => row.path));
    for (const path of this.cells.keys()) if (!paths.has(path)) this.cells.delete(path);
    for (const path of this.pending.keys()) if (!paths.has(path)) this.pending.delete(path);
    this.tell(null);
  }

  private tell(indexes: readonly number[] | null): void {
    for (const listener of this.listeners) listener(indexes);
  }
}

function toCell(frame: LiveFrame, i: number, before: LiveCell | undefined): LiveCell {
  const number = frame.values[i] as number;
  const value = frame.texts.get(i) ?? (Number.isNaN(number) ? null : number);
  const quality = frame.quality[i] as number;
  const sourceTime = frame.times[i] as number | null;
  const lastGood = qualityLevel(quality) === 'good' ? null : goodBefore(before);
  return { value, quality, sourceTime, lastGood, held: false };
}

function goodBefore(before: LiveCell | undefined): LastGood | null {
  if (before === undefined || before.lastGood !== null) return before?.lastGood ?? null;
  if (qualityLevel(before.quality) !== 'good' || before.value === null || before.sourceTime === null) return null;
  return { value: before.value, sourceTime: before.sourceTime };
}
