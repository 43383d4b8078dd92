// As a namespace: a browser's bundle that takes schemas from this library leaves it out, a named import would break it.
import * as crypto from 'node:crypto';

/** RFC 8785 §3.2.2.2: a lone surrogate has no canonical form; JSON.stringify escapes it. */
function canonicalText(text: string): string {
  const json = JSON.stringify(text);
  if (json.includes('\\ud') && /\p{Surrogate}/u.test(text)) {
    throw new TypeError('RFC 8785 §3.2.2.2: a lone surrogate has no canonical form');
  }
  return json;
}

/** Canonical JSON (RFC 8785): keys sorted by UTF-16 code units, no white space, undefined fields left out. */
export function canonicalJson(value: unknown): string {
  if (typeof value === 'string') return canonicalText(value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new TypeError(`RFC 8785 §3.2.2.3: ${value} is no JSON number`);
    return JSON.stringify(value);
  }
  if (typeof value === 'boolean') return value ? 'true' : 'false';
  if (value === null) return 'null';
  if (typeof value !== 'object') throw new TypeError(`RFC 8785: a ${typeof value} is no JSON value`);
  let json = '';
  if (Array.isArray(value)) {
    for (const item of value as unknown[]) json += `${json === '' ? '' : ','}${canonicalJson(item ?? null)}`;
    return `[${json}]`;
  }
  const fields = value as Readonly<Record<string, unknown>>;
  for (const key of Object.keys(fields).sort()) {
    const field = fields[key];
    if (field !== undefined) json += `${json === '' ? '' : ','}${canonicalText(key)}:${canonicalJson(field)}`;
  }
  return `{${json}}`;
}

export function sha256(text: string): string {
  return crypto.createHash('sha256').update(text, 'utf8').digest('hex');
}

/** SHA-256 in lower-case hex over the canonical JSON. */
export function digestOf(value: unknown): string {
  return sha256(canonicalJson(value));
}
