import type { ControlValue } from '@busbar/events';
import type { TagType } from '@busbar/model';

const INTEGER = /^-?\d{1,20}$/;

/** One form for what is equal: bools are 0 and 1, integers beyond 2^53 decimal texts. */
function keyOf(value: number | string | bigint | boolean): number | string {
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value !== 'bigint') return value;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value.toString();
}

/** A pair's tag value in the form in which the tag's samples come. */
function tagKey(value: ControlValue, type: TagType | undefined): number | string {
  if (type === 'string' || type === 'bytes') return String(value);
  if (typeof value !== 'string' || type === undefined) return keyOf(value);
  if (INTEGER.test(value)) return keyOf(BigInt(value));
  return value.trim() !== '' && Number.isFinite(Number(value)) ? Number(value) : value;
}

/** The `values` of an entry: tag value to point value, and backwards where that is one to one. */
export class ValuePairs {
  readonly #toPoint = new Map<number | string, number | string>();
  readonly #toTags = new Map<number | string, ControlValue[]>();
  readonly #rest: number | string | undefined;

  constructor(
    pairs: readonly (readonly [ControlValue, ControlValue])[],
    rest: ControlValue | undefined,
    type: TagType | undefined,
  ) {
    for (const [tag, point] of pairs) {
      const key = tagKey(tag, type);
      if (this.#toPoint.has(key)) continue;
      const value = keyOf(point);
      this.#toPoint.set(key, value);
      const tags = this.#toTags.get(value);
      if (tags) tags.push(key);
      else this.#toTags.set(value, [key]);
    }
    this.#rest = rest === undefined ? undefined : keyOf(rest);
  }

  /** The point value, `else` if no pair fits; undefined if there is no `else` either. */
  toPoint(tag: number | string | bigint): number | string | undefined {
    return this.#toPoint.get(keyOf(tag)) ?? this.#rest;
  }

  /** Every tag value that stands for this point value; empty if none does. */
  toTags(point: ControlValue): readonly ControlValue[] {
    return this.#toTags.get(keyOf(point)) ?? [];
  }

  /** True for the value of `else`: tag values without a pair mean it too. */
  isRest(point: ControlValue): boolean {
    return this.#rest !== undefined && this.#rest === keyOf(point);
  }

  /** Point values that can be written, for people. */
  get accepted(): readonly (number | string)[] {
    return [...this.#toTags.keys()];
  }
}
