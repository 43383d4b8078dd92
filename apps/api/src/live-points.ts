import {
  encodeLiveFrame,
  type LastGood,
  LIVE_LIMITS,
  type PointRow,
  type PointsQuery,
  type ServerMessage,
} from '@busbar/api-schema';
import type { LiveValues } from './live-values.js';

/** The timer that asks for frames is never on the millisecond. */
const TIMER_SLACK_MS = 20;

/** A window of a query over the points, sent as rows once and as values while they change. */
export class LivePoints {
  readonly id: number;
  readonly #query: PointsQuery;
  readonly #values: LiveValues;
  readonly #periodMs: number;
  #rows: Int32Array | null;
  #from = 0;
  #count = 0;
  /** By row of the window: number of the change that the client has. */
  #sent = new Float64Array(0);
  /** Frames on the way, oldest first. */
  readonly #inFlight: number[] = [];
  #lastFrameMs = Number.NEGATIVE_INFINITY;
  #lastQueryMs: number;

  constructor(options: {
    readonly id: number;
    readonly query: PointsQuery;
    readonly values: LiveValues;
    readonly hz: number;
    readonly nowMs: number;
  }) {
    this.id = options.id;
    this.#query = options.query;
    this.#values = options.values;
    this.#periodMs = 1000 / Math.min(options.hz, LIVE_LIMITS.hz);
    this.#lastQueryMs = options.nowMs;
    this.#rows = this.#find();
  }

  get total(): number {
    return this.#rows?.length ?? this.#values.directory.size;
  }

  /** Moves the window; its rows, and all its values with the next frame. */
  show(from: number, count: number): { readonly from: number; readonly rows: PointRow[] } {
    this.#from = Math.min(from, Math.max(0, this.total - 1));
    this.#count = Math.min(count, LIVE_LIMITS.rows, this.total - this.#from);
    this.#sent = new Float64Array(this.#count).fill(-1);
    this.#lastFrameMs = Number.NEGATIVE_INFINITY;
    return { from: this.#from, rows: this.#windowRows() };
  }

  acknowledge(seq: number): void {
    while (this.#inFlight.length > 0 && (this.#inFlight[0] as number) <= seq) this.#inFlight.shift();
  }

  /** New rows if the query asks for abnormal points and others are abnormal now; at most once a second. */
  requery(nowMs: number): ServerMessage | undefined {
    if (!this.#query.abnormal || nowMs - this.#lastQueryMs < 1000) return undefined;
    this.#lastQueryMs = nowMs;
    const before = this.#rows;
    const rows = this.#find();
    if (before && rows && before.length === rows.length && before.every((row, index) => row === rows[index])) {
      return undefined;
    }
    const windowSize = Math.max(this.#count, 1);
    this.#rows = rows;
    const shown = this.show(this.#from, windowSize);
    return { t: 'rows', id: this.id, total: this.total, ...shown };
  }

  /**
   * What changed since the last frame; undefined when nothing did, it is too early, or two frames are unacknowledged:
   * then newer values replace older ones.
   */
  frame(
    nowMs: number,
    hz: number,
    seq: number,
  ): { readonly bytes: Uint8Array; readonly lastGood: ServerMessage | undefined } | undefined {
    if (this.#inFlight.length >= LIVE_LIMITS.unacknowledged) return undefined;
    if (nowMs - this.#lastFrameMs < Math.max(this.#periodMs, 1000 / hz) - TIMER_SLACK_MS) return undefined;
    const columns = this.#changed();
    if (columns.rows.length === 0) return undefined;
    this.#lastFrameMs = nowMs;
    this.#inFlight.push(seq);
    const { lastGood, ...frame } = columns;
    return {
      bytes: encodeLiveFrame({ subscription: this.id, seq, ...frame }),
      lastGood: lastGood.length > 0 ? { t: 'lastGood', id: this.id, items: lastGood } : undefined,
    };
  }

  #changed() {
    const rows: number[] = [];
    const values: number[] = [];
    const times: (number | null)[] = [];
    const quality: number[] = [];
    const texts = new Map<number, string>();
    const lastGood: (LastGood & { row: number })[] = [];
    for (let at = 0; at < this.#count; at++) {
      const row = this.#rowAt(at);
      const stamp = this.#values.stampAt(row);
      if ((this.#sent[at] as number) >= stamp) continue;
      this.#sent[at] = stamp;
      const text = this.#values.textAt(row);
      if (text !== undefined) texts.set(rows.length, text);
      rows.push(at);
      values.push(text === undefined ? this.#values.numberAt(row) : Number.NaN);
      const time = this.#values.sourceMsAt(row);
      times.push(time);
      const octet = this.#values.qualityAt(row);
      quality.push(octet);
      const last = octet >= 0x80 ? this.#values.lastGoodAt(row) : null;
      if (last) lastGood.push({ row: at, ...last });
    }
    return { rows, values, times, quality, texts, lastGood };
  }

  #windowRows(): PointRow[] {
    return Array.from({ length: this.#count }, (_, at) => this.#values.directory.rowAt(this.#rowAt(at)));
  }

  #rowAt(at: number): number {
    const index = this.#from + at;
    return this.#rows ? (this.#rows[index] as number) : index;
  }

  #find(): Int32Array | null {
    const { abnormal, ...query } = this.#query;
    const rows = this.#values.directory.find(query);
    if (!abnormal) return rows;
    if (rows) return rows.filter((row) => this.#values.qualityAt(row) !== 0);
    const found: number[] = [];
    for (let row = 0; row < this.#values.directory.size; row++) if (this.#values.qualityAt(row) !== 0) found.push(row);
    return Int32Array.from(found);
  }
}
