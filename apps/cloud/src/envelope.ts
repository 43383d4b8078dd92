import { CODE } from './codes.js';

/** One publish of EnOS (limits of the device connection). */
export const MAX_PAYLOAD_BYTES = 512 * 1024;

export interface Envelope {
  /** Echoed as the same JSON value; undefined: the request has none. */
  readonly id: string | number | undefined;
  readonly method: string | undefined;
  readonly params: unknown;
  readonly allowOfflineSubDevice: boolean;
  readonly skipInvalidMeasurepoints: boolean;
  /** Of a device's answer to a command. */
  readonly code: unknown;
  readonly message: unknown;
  readonly data: unknown;
}

export interface Malformed {
  readonly id: string | undefined;
  readonly code: number;
}

const LONG = /[:[,]\s*-?\d{16,}/;
const TOKENS = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/** JSON with every integer beyond 2^53 as text: a number would lose its last digits. */
export function parseExact(text: string): unknown {
  if (!LONG.test(text)) return JSON.parse(text);
  const exact = text.replace(TOKENS, (token) =>
    /^-?\d{16,}$/.test(token) && !Number.isSafeInteger(Number(token)) ? `"${token}"` : token,
  );
  return JSON.parse(exact);
}

/** Reads an envelope, or says with which code the request is refused. */
export function parseEnvelope(payload: Buffer): Envelope | Malformed {
  if (payload.length >= MAX_PAYLOAD_BYTES) {
    // Not parsed: the id is answered only where it stands in front.
    const id = /^\s*\{\s*"id"\s*:\s*"([^"\\]{1,64})"/.exec(payload.toString('utf8', 0, 128))?.[1];
    return { id, code: CODE.tooLarge };
  }
  if (payload.length === 0) return { id: undefined, code: CODE.empty };
  let parsed: unknown;
  try {
    parsed = parseExact(payload.toString());
  } catch {
    return { id: undefined, code: CODE.notJson };
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    return { id: undefined, code: CODE.notJson };
  const given = parsed as Record<string, unknown>;
  const { id, method, params, code, message, data } = given;
  return {
    id: typeof id === 'string' || typeof id === 'number' ? id : undefined,
    method: typeof method === 'string' ? method : undefined,
    params,
    allowOfflineSubDevice: given.allowOfflineSubDevice === true,
    skipInvalidMeasurepoints: given.skipInvalidMeasurepoints === true,
    code,
    message,
    data,
  };
}

export function isMalformed(envelope: Envelope | Malformed): envelope is Malformed {
  return !('params' in envelope);
}
