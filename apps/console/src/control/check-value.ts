import type { PointRow } from '@busbar/api-schema';

export type CheckedValue =
  | { readonly ok: true; readonly value: number | string | boolean }
  | { readonly ok: false; readonly key: string; readonly params: Readonly<Record<string, string | number>> };

const WHOLE: ReadonlySet<string> = new Set(['int', 'long', 'enum']);
const INT32 = { least: -(2n ** 31n), most: 2n ** 32n - 1n };

/** What the arbiter would surely refuse, said while typing; it decides anyway. The narrower of policy and model holds. */
export function checkValue(input: string, row: PointRow): CheckedValue {
  const { point } = row;
  const text = input.trim();
  if (text === '') return { ok: false, key: 'check.empty', params: {} };
  if (point.type === 'string') return { ok: true, value: input };
  if (point.type === 'bool') return { ok: true, value: text === 'true' || text === '1' };
  if (!/^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text)) return { ok: false, key: 'check.number', params: {} };
  if (WHOLE.has(point.type)) {
    if (!/^[-+]?\d+$/.test(text)) return { ok: false, key: 'check.whole', params: {} };
    const size = BigInt(text.replace(/^\+/, ''));
    const range = outside(Number(text), row);
    if (range !== undefined) return range;
    if (size < INT32.least || size > INT32.most) return { ok: true, value: String(size) };
    return {
      ok: true,
      value: point.type === 'long' && !Number.isSafeInteger(Number(size)) ? String(size) : Number(size),
    };
  }
  const value = Number(text);
  if (!Number.isFinite(value)) return { ok: false, key: 'check.number', params: {} };
  return outside(value, row) ?? { ok: true, value };
}

function outside(value: number, row: PointRow): CheckedValue | undefined {
  const range = allowedRange(row);
  if (range === undefined || (value >= range[0] && value <= range[1])) return undefined;
  return { ok: false, key: 'check.range', params: { least: range[0], most: range[1], unit: row.point.unit ?? '' } };
}

/** Where both the model and the policy agree; undefined if neither says. */
export function allowedRange(row: PointRow): readonly [number, number] | undefined {
  const ranges = [row.point.range, row.control?.range ?? undefined].filter((range) => range !== undefined);
  if (ranges.length === 0) return undefined;
  return [Math.max(...ranges.map((range) => range[0])), Math.min(...ranges.map((range) => range[1]))];
}
