/** Values that are kept in counting mode; beyond it the oldest go. */
const MAX_VALUES = 5_000_000;
const CHUNK = 4_096;

export interface LoggedValue {
  /** Number of the value among those of its device, from 1. */
  readonly n: number;
  readonly id: string;
  readonly value: unknown;
  readonly time: number;
  /** As it was sent with the value: 0 good, 1 uncertain, 2 bad; absent: none was. */
  readonly quality?: number | undefined;
}

/** In the column of qualities: none was sent. */
const NONE = -1;

interface Chunk {
  readonly first: number;
  count: number;
  readonly ids: Uint32Array;
  readonly values: Float64Array;
  readonly times: Float64Array;
  readonly qualities: Int8Array;
  /** What is no number, by place. */
  readonly others: Map<number, unknown>;
}

interface DeviceLog {
  next: number;
  readonly chunks: Chunk[];
}

/** Every value received, repeats included, as columns: millions of them fit. */
export class ValueLog {
  readonly #devices = new Map<string, DeviceLog>();
  readonly #numbers = new Map<string, number>();
  readonly #ids: string[] = [];
  /** Owners of the chunks, oldest first. */
  readonly #order: DeviceLog[] = [];
  readonly #maxChunks: number;

  constructor(maxValues = MAX_VALUES) {
    this.#maxChunks = Math.max(1, Math.floor(maxValues / CHUNK));
  }

  add(deviceKey: string, { id, value, time, quality }: Omit<LoggedValue, 'n'>): void {
    let log = this.#devices.get(deviceKey);
    if (!log) {
      log = { next: 1, chunks: [] };
      this.#devices.set(deviceKey, log);
    }
    let chunk = log.chunks.at(-1);
    if (!chunk || chunk.count === CHUNK) chunk = this.#grow(log);
    const at = chunk.count++;
    chunk.ids[at] = this.#numberOf(id);
    chunk.times[at] = time;
    chunk.qualities[at] = quality ?? NONE;
    if (typeof value === 'number') chunk.values[at] = value;
    else chunk.others.set(at, value);
    log.next++;
  }

  /** At most `limit` values numbered above `after`; `first`: the oldest that is still there. */
  page(deviceKey: string, after: number, limit: number): { values: LoggedValue[]; next: number; first: number } {
    const log = this.#devices.get(deviceKey);
    const values: LoggedValue[] = [];
    for (const chunk of log?.chunks ?? []) {
      const from = Math.max(0, after + 1 - chunk.first);
      for (let at = from; at < chunk.count && values.length < limit; at++) {
        const value = chunk.others.has(at) ? chunk.others.get(at) : chunk.values[at];
        const id = this.#ids[chunk.ids[at] as number] as string;
        const quality = chunk.qualities[at] as number;
        const own = quality === NONE ? {} : { quality };
        values.push({ n: chunk.first + at, id, value, time: chunk.times[at] as number, ...own });
      }
    }
    return { values, next: values.at(-1)?.n ?? after, first: log?.chunks[0]?.first ?? 1 };
  }

  #grow(log: DeviceLog): Chunk {
    if (this.#order.length >= this.#maxChunks) this.#order.shift()?.chunks.shift();
    const chunk = {
      first: log.next,
      count: 0,
      ids: new Uint32Array(CHUNK),
      values: new Float64Array(CHUNK),
      times: new Float64Array(CHUNK),
      qualities: new Int8Array(CHUNK),
      others: new Map(),
    };
    log.chunks.push(chunk);
    this.#order.push(log);
    return chunk;
  }

  #numberOf(id: string): number {
    let number = this.#numbers.get(id);
    if (number === undefined) {
      number = this.#ids.length;
      this.#ids.push(id);
      this.#numbers.set(id, number);
    }
    return number;
  }
}
