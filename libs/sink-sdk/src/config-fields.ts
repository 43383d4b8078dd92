import { z } from 'zod';

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const DURATION = /^(\d{1,9})(ms|s|m|h|d)$/;

function toMs(text: string): number {
  const match = DURATION.exec(text);
  return match ? Number(match[1]) * (UNITS[match[2] as string] as number) : Number.NaN;
}

/** A duration as people write it (`30s`); milliseconds in the result, which the schema accepts again unchanged. */
export function durationField(limits: { readonly minMs: number; readonly maxMs: number }) {
  const expected = `a duration from ${limits.minMs} ms to ${limits.maxMs} ms, for example 30s`;
  return z.union([z.number(), z.string()]).transform((given, context) => {
    const ms = typeof given === 'number' ? given : toMs(given);
    if (Number.isInteger(ms) && ms >= limits.minMs && ms <= limits.maxMs) return ms;
    context.addIssue({ code: 'custom', message: `expected ${expected}` });
    return z.NEVER;
  });
}

/** A reference to a secret; the value never stands in a package. */
export function secretField() {
  return z.string().regex(/^secret:[A-Za-z0-9_.$-]+(\/[A-Za-z0-9_.$-]+)*$/, 'expected secret:<path>');
}

/** `mqtt://host[:port]`. User and password have fields of their own, so that they cannot end up in a log. */
export function mqttUrlField() {
  return z.string().superRefine((text, context) => {
    const problem = mqttUrlProblem(text);
    if (problem) context.addIssue({ code: 'custom', message: problem });
  });
}

function mqttUrlProblem(text: string): string | undefined {
  if (!URL.canParse(text)) return 'expected mqtt://host:port';
  const url = new URL(text);
  if (url.protocol === 'mqtts:') return 'TLS (mqtts) is not built yet; expected mqtt://host:port';
  if (url.protocol !== 'mqtt:' || url.hostname === '') return 'expected mqtt://host:port';
  if (url.username !== '' || url.password !== '') return 'user and password do not belong into the url';
  if ((url.pathname !== '' && url.pathname !== '/') || url.search !== '' || url.hash !== '') {
    return 'expected mqtt://host:port and nothing behind it';
  }
  return undefined;
}
