import { BusbarError } from '@busbar/errors';
import { base64url, CompactSign, calculateJwkThumbprint, compactVerify, exportJWK, importJWK, importPKCS8 } from 'jose';
import { z } from 'zod';
import { type License, licenseSchema } from './license.js';
import type { TrustList } from './trust-list.js';

/** RFC 9864 §2.2: the curve is part of the name. Nothing else is ever accepted, whatever a header says. */
const ALGORITHM = 'Ed25519';
/** No other signed text of anybody is a license (RFC 8725 §3.11). */
const TYPE = 'busbar-license';
/** Characters; a license has about 600. */
const MAX_LENGTH = 16_384;

/** Strict: no key, address of a key or critical extension may come along with the token. */
const headerSchema = z.strictObject({ alg: z.string(), typ: z.string(), kid: z.string().min(1).max(100) });

export interface VerifiedLicense {
  readonly license: License;
  /** Thumbprint of the key that signed it. */
  readonly key: string;
  readonly token: string;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

function malformed(reason: string, cause?: unknown): BusbarError {
  return new BusbarError('LICENSE_MALFORMED', { reason }, { cause });
}

/** One text for one content: unused bits of the last character must be zero (RFC 4648 §3.5). */
function decodePart(part: string, name: string): Uint8Array {
  if (!/^[A-Za-z0-9_-]+$/.test(part)) throw malformed(`its ${name} is not base64url`);
  let octets: Uint8Array;
  try {
    octets = base64url.decode(part);
  } catch (cause) {
    throw malformed(`its ${name} is not base64url`, cause);
  }
  if (base64url.encode(octets) !== part) throw malformed(`its ${name} is not base64url`);
  return octets;
}

function decodeObject(part: string, name: string): unknown {
  try {
    return JSON.parse(decoder.decode(decodePart(part, name)));
  } catch (cause) {
    if (cause instanceof BusbarError) throw cause;
    throw malformed(`its ${name} is not JSON`, cause);
  }
}

function parts(token: string): [string, string, string] {
  if (token.length > MAX_LENGTH) throw malformed(`it has more than ${MAX_LENGTH} characters`);
  const found = token.split('.');
  if (found.length !== 3) throw malformed('it does not have three parts');
  return found as [string, string, string];
}

function readHeader(part: string): { kid: string } {
  const result = headerSchema.safeParse(decodeObject(part, 'header'));
  if (!result.success) throw malformed(`its header: ${result.error.issues[0]?.message}`, result.error);
  const { alg, typ, kid } = result.data;
  if (alg !== ALGORITHM) throw malformed(`it is signed by ${alg.slice(0, 20)}, only ${ALGORITHM} is accepted`);
  if (typ !== TYPE) throw malformed('it is of another type');
  return { kid };
}

function readPayload(part: string): License {
  const result = licenseSchema.safeParse(decodeObject(part, 'content'));
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw malformed(`${issue?.path.join('.') || 'its content'}: ${issue?.message}`, result.error);
}

/** A license file's text without the white space around it. */
export function tokenOf(text: string): string {
  return text.trim();
}

/** What the token says, believed by nobody: for people who look at a file without having the key. */
export function unverifiedLicense(token: string): { readonly license: License; readonly key: string } {
  const [header, payload, signature] = parts(token);
  const { kid } = readHeader(header);
  decodePart(signature, 'signature');
  return { license: readPayload(payload), key: kid };
}

/**
 * Signature and form; site and time are judged by `judgeLicense`. Throws LICENSE_MALFORMED, LICENSE_KEY_UNKNOWN or
 * LICENSE_ALTERED.
 */
export async function verifyLicense(token: string, trusted: TrustList): Promise<VerifiedLicense> {
  const [header, payload, signature] = parts(token);
  const { kid } = readHeader(header);
  decodePart(payload, 'content');
  decodePart(signature, 'signature');
  const key = trusted.get(kid);
  if (!key) throw new BusbarError('LICENSE_KEY_UNKNOWN', { key: kid });
  try {
    await compactVerify(token, await importJWK({ ...key, alg: ALGORITHM }), { algorithms: [ALGORITHM] });
  } catch (cause) {
    throw new BusbarError('LICENSE_ALTERED', {}, { cause });
  }
  return { license: readPayload(payload), key: kid, token };
}

/** Signs a license with a PKCS #8 key in PEM; LICENSE_MALFORMED for a license, LICENSE_KEYS for a key that cannot be used. */
export async function issueLicense(license: License, privateKey: string): Promise<string> {
  const result = licenseSchema.safeParse(license);
  if (!result.success) {
    const issue = result.error.issues[0];
    throw malformed(`${issue?.path.join('.')}: ${issue?.message}`, result.error);
  }
  let key: Awaited<ReturnType<typeof importPKCS8>>;
  try {
    key = await importPKCS8(privateKey, ALGORITHM, { extractable: true });
  } catch (cause) {
    throw new BusbarError('LICENSE_KEYS', { reason: 'the private key is no Ed25519 key in PKCS #8' }, { cause });
  }
  const { kty, crv, x } = await exportJWK(key);
  const kid = await calculateJwkThumbprint({ kty, crv, x } as { kty: string });
  return new CompactSign(encoder.encode(JSON.stringify(result.data)))
    .setProtectedHeader({ alg: ALGORITHM, typ: TYPE, kid })
    .sign(key);
}
