/** Which read made a value: the simulator's counting mode encodes device, tag and read number in every value. */
export interface CountedValue {
  readonly device: number;
  readonly tag: number;
  /** Number of the read, modulo `cycle`. */
  readonly read: number;
}

export interface CountingShape {
  readonly devices: number;
  readonly tags: number;
}

const BASE = 100_000;

/** Read numbers repeat after this many. */
export function cycleOf({ devices, tags }: CountingShape): number {
  return Math.min(4096, Math.floor(6_300_000 / (devices * tags)));
}

/** Undefined for a number that no read can have made. */
export function decodeCounted(value: number, shape: CountingShape): CountedValue | undefined {
  const n = Math.round(value * 100) - BASE;
  if (n < 0 || Math.abs(value * 100 - BASE - n) > 0.42) return undefined;
  const tag = n % shape.tags;
  const device = Math.floor(n / shape.tags) % shape.devices;
  const read = Math.floor(n / (shape.tags * shape.devices));
  return read < cycleOf(shape) ? { device, tag, read } : undefined;
}

/** Values by device, tag and read number: which there are, and how often each was added. */
export class Tally {
  readonly #shape: CountingShape;
  readonly #seen = new Map<number, number>();
  #twice = 0;

  constructor(shape: CountingShape) {
    this.#shape = shape;
  }

  get size(): number {
    return this.#seen.size;
  }

  /** How many additions were repeats. */
  get repeats(): number {
    return this.#twice;
  }

  add(value: CountedValue): void {
    const key = this.#key(value);
    const before = this.#seen.get(key) ?? 0;
    if (before > 0) this.#twice++;
    this.#seen.set(key, before + 1);
  }

  has(value: CountedValue): boolean {
    return this.#seen.has(this.#key(value));
  }

  /** Those of this tally that the other one lacks. */
  without(other: Tally): CountedValue[] {
    const { devices, tags } = this.#shape;
    const missing: CountedValue[] = [];
    for (const key of this.#seen.keys()) {
      if (other.#seen.has(key)) continue;
      const tag = key % tags;
      const device = Math.floor(key / tags) % devices;
      missing.push({ device, tag, read: Math.floor(key / (tags * devices)) });
    }
    return missing;
  }

  #key({ device, tag, read }: CountedValue): number {
    return (read * this.#shape.devices + device) * this.#shape.tags + tag;
  }
}
