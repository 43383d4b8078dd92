/** Values lie in 1000.00 to 65000.00, where a float32 has two exact decimals. */
const FIRST = 100_000;
const HUNDREDTHS = 6_300_000;
const READS_MAX = 4_096;
/** Fewer distinct reads than this cannot tell an old value from a new one. */
const READS_MIN = 61;

export interface CountingShape {
  readonly devices: number;
  /** Per device. */
  readonly tags: number;
}

export interface CountingParts {
  readonly device: number;
  readonly tag: number;
  /** Number of the read of this tag, from 1; encoded modulo `countingReads`. */
  readonly read: number;
}

/** So many reads of a tag have values of their own; then they repeat. */
export function countingReads({ devices, tags }: CountingShape): number {
  return Math.min(READS_MAX, Math.floor(HUNDREDTHS / (devices * tags)));
}

/** Why a site of this shape cannot be counted, or null. */
export function countingProblem(shape: CountingShape): string | null {
  const { devices, tags } = shape;
  if (devices < 1 || devices > 4_096) return 'write 1 to 4096 devices';
  if (tags < 1 || tags > 32_736) return 'write 1 to 32736 tags: their registers and 64 spare ones must fit in 65536';
  const most = Math.floor(HUNDREDTHS / READS_MIN);
  return countingReads(shape) < READS_MIN ? `at most ${most} tags in all have values of their own` : null;
}

/** The value that says which device, tag and read it came from. */
export function countingValue(shape: CountingShape, { device, tag, read }: CountingParts): number {
  const number = ((read % countingReads(shape)) * shape.devices + device) * shape.tags + tag;
  return (FIRST + number) / 100;
}

/**
 * Device, tag and read (modulo `countingReads`) of a value that may have passed through a float32; null if the value
 * comes from no read of such a site.
 */
export function decodeCountingValue(shape: CountingShape, value: number): CountingParts | null {
  const hundredths = value * 100;
  const whole = Math.round(hundredths);
  if (!(whole >= FIRST) || Math.abs(hundredths - whole) > 0.42) return null;
  const number = whole - FIRST;
  const tag = number % shape.tags;
  const rest = Math.floor(number / shape.tags);
  const read = Math.floor(rest / shape.devices);
  return read < countingReads(shape) ? { device: rest % shape.devices, tag, read } : null;
}
