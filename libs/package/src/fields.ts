import type { ErrorCode, ErrorParams } from '@busbar/errors';
import type { UploadRule } from '@busbar/events';
import { z } from 'zod';
import type { FindingParams } from './shape.js';

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const LONGEST_MS = 366 * 86_400_000;

/** Milliseconds of `500ms 5s 15m 2h 7d`; undefined if the text is none. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d{1,9}(?:\.\d{1,6})?)(ms|s|m|h|d)$/.exec(text);
  if (!match) return undefined;
  const ms = Math.round(Number(match[1]) * (UNITS_MS[match[2] ?? ''] ?? Number.NaN));
  return ms <= LONGEST_MS ? ms : undefined;
}

type UploadText = Pick<UploadRule, 'type' | 'intervalMs'>;

/** `REALTIME`, `CHANGE`, `TIMER 60s`, `CHANGE_TIMER 60s`, `NOT_UPLOAD`; undefined if the text is none of them. */
export function parseUpload(text: string): UploadText | undefined {
  const [type, interval, ...rest] = text.trim().split(/\s+/);
  if (rest.length > 0) return undefined;
  if (type === 'TIMER' || type === 'CHANGE_TIMER') {
    const intervalMs = parseDuration(interval ?? '');
    return intervalMs === undefined || intervalMs < 1 ? undefined : { type, intervalMs };
  }
  if (interval !== undefined) return undefined;
  return type === 'REALTIME' || type === 'CHANGE' || type === 'NOT_UPLOAD' ? { type, intervalMs: 0 } : undefined;
}

/** A refusal from within a field's own parser. */
export function refused(context: z.core.$RefinementCtx, code: ErrorCode, params: ErrorParams): never {
  const finding: FindingParams = { code, params };
  context.addIssue({ code: 'custom', params: { ...finding } });
  return z.NEVER;
}

function shownValue(value: unknown): string {
  return typeof value === 'object' ? 'a map or list' : String(value).slice(0, 80);
}

/** A text with a form of its own. */
export function formed<T>(parse: (text: string) => T | undefined, allowed: string) {
  return z.unknown().transform((value, context): T => {
    const parsed = typeof value === 'string' ? parse(value) : undefined;
    return parsed === undefined ? refused(context, 'FIELD_VALUE', { value: shownValue(value), allowed }) : parsed;
  });
}

export const text = z.string();
export const scalar = z.unknown().transform((value, context): number | string | boolean => {
  if (typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean') return value;
  return refused(context, 'FIELD_TYPE', { wanted: 'a text, number or bool', actual: 'a map or list', example: '1' });
});
export const options = z.record(z.string(), z.unknown());

/** @param least milliseconds. */
export function duration(least = 1) {
  return formed((value) => {
    const ms = parseDuration(value);
    return ms === undefined || ms < least ? undefined : ms;
  }, 'a duration such as 500ms, 5s, 15m, 2h or 7d');
}

export const upload = formed(parseUpload, 'REALTIME, CHANGE, TIMER 60s, CHANGE_TIMER 60s or NOT_UPLOAD');

/** What the package format has and this version does not: refused by name, never ignored. */
export function notBuilt(thing: string) {
  return z
    .unknown()
    .optional()
    .transform((value, context): undefined =>
      value === undefined ? undefined : refused(context, 'NOT_BUILT', { thing }),
    );
}

const title = z.unknown().transform((value, context): string => {
  if (typeof value === 'string') return value;
  if (typeof value === 'object') return refused(context, 'NOT_BUILT', { thing: 'a title in several languages' });
  return refused(context, 'FIELD_TYPE', {
    wanted: 'a text',
    actual: 'a number or bool',
    example: `"${shownValue(value)}"`,
  });
});

/** What every entity may have. */
export const described = {
  title: title.optional(),
  comment: text.optional(),
  labels: z.record(z.string(), text).optional(),
  was: text.optional(),
};

export const access = z.enum(['r', 'w', 'rw']);

/** Two bounds, the lower one first. */
export const range = z.tuple([z.number(), z.number()]).transform((value, context): [number, number] => {
  if (value[0] > value[1])
    refused(context, 'FIELD_VALUE', { value: `[${value.join(', ')}]`, allowed: 'the lower bound first' });
  return value;
});
