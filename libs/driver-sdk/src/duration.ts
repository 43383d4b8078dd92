import { z } from 'zod';

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, min: 60_000, h: 3_600_000 };

/** `500ms`, `1s`, `1.5s`, `2m` as milliseconds; NaN for anything else. */
export function parseDuration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|min|m|h)$/.exec(text.trim());
  return match ? Math.round(Number(match[1]) * (UNITS_MS[match[2] as string] as number)) : Number.NaN;
}

/**
 * A duration in a form or package: text with unit, or milliseconds, so that an already checked value passes again.
 * The result is milliseconds.
 */
export function durationSchema(limits: { readonly minMs: number; readonly maxMs: number }) {
  const { minMs, maxMs } = limits;
  return z.union([z.string(), z.number()]).transform((given, context) => {
    const ms = typeof given === 'number' ? given : parseDuration(given);
    if (ms >= minMs && ms <= maxMs) return ms;
    context.addIssue({
      code: 'custom',
      message: `${given} is no duration from ${minMs}ms to ${maxMs}ms, like 500ms or 1s`,
    });
    return z.NEVER;
  });
}
