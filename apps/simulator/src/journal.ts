/** Entries that are kept per device and direction: hours at one read a second. */
const CAPACITY = 16_384;
const COLUMNS = 4;
const PAGE = 10_000;

export interface JournalEntry {
  /** From 1, without gaps. */
  readonly n: number;
  /** First tag; the next `count - 1` follow it. */
  readonly tag: number;
  readonly count: number;
  /** Of the first tag. */
  readonly value: number;
  /** Epoch ms. */
  readonly time: number;
}

export interface JournalPage {
  readonly entries: readonly JournalEntry[];
  /** What to ask `after` next. */
  readonly next: number;
  /** The oldest number that is still kept; 1 as long as nothing was forgotten. */
  readonly oldest: number;
}

/** The newest entries in a ring of numbers, so that a long run costs no garbage. */
export class Journal {
  private ring: Float64Array | null = null;
  private written = 0;

  constructor(private readonly capacity = CAPACITY) {}

  add(entry: Omit<JournalEntry, 'n'>): void {
    this.ring ??= new Float64Array(this.capacity * COLUMNS);
    const at = (this.written % this.capacity) * COLUMNS;
    this.ring[at] = entry.tag;
    this.ring[at + 1] = entry.count;
    this.ring[at + 2] = entry.value;
    this.ring[at + 3] = entry.time;
    this.written++;
  }

  /** At most 10,000 entries with a number above `n`, oldest first. */
  after(n: number): JournalPage {
    const oldest = Math.max(1, this.written - this.capacity + 1);
    const from = Math.max(n + 1, oldest);
    const to = Math.min(this.written, from + PAGE - 1);
    const entries: JournalEntry[] = [];
    for (let number = from; number <= to; number++) entries.push(this.entry(number));
    return { entries, next: Math.max(to, Math.min(n, this.written)), oldest };
  }

  private entry(n: number): JournalEntry {
    const ring = this.ring as Float64Array;
    const at = ((n - 1) % this.capacity) * COLUMNS;
    const [tag, count, value, time] = ring.subarray(at, at + COLUMNS) as unknown as [number, number, number, number];
    return { n, tag, count, value, time };
  }
}
