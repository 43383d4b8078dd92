import type { SideValue } from '@busbar/batch';

/**
 * Is the step from `last` to `value` one that counts? Without a deadband any difference is, bit for bit; with one, a
 * step of at least its size. No value (NaN) equals no value, and differs from every value.
 */
export function isNumberChanged(value: number, last: number, deadband: number): boolean {
  if (value === last) return false;
  if (Number.isNaN(value) || Number.isNaN(last)) return Number.isNaN(value) !== Number.isNaN(last);
  // 0.3 - 0.2 is a step of 0.1, whatever binary fractions say.
  return Math.abs(value - last) * (1 + 1e-9) >= deadband;
}

/** Deep equality of texts, 64-bit integers, arrays and structs. */
export function isSameSide(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  const [x, y] = [a as Record<string, unknown>, b as Record<string, unknown>];
  return keys.every((key) => Object.hasOwn(y, key) && isSameSide(x[key], y[key]));
}

/** Side values by slot; the map is made only for assets that have any. */
export class SideSlots {
  #values: Map<number, SideValue> | null = null;

  get(slot: number): SideValue | undefined {
    return this.#values?.get(slot);
  }

  set(slot: number, value: SideValue | undefined): void {
    if (value !== undefined) {
      this.#values ??= new Map();
      this.#values.set(slot, value);
    } else this.#values?.delete(slot);
  }
}
