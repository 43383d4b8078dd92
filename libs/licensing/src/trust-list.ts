import { BusbarError } from '@busbar/errors';
import { calculateJwkThumbprint } from 'jose';
import { z } from 'zod';

/** Public Ed25519 key (RFC 8037 §2); `kid` is its thumbprint (RFC 7638). */
const publicKeySchema = z.strictObject({
  kty: z.literal('OKP'),
  crv: z.literal('Ed25519'),
  x: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
  kid: z.string(),
  alg: z.literal('Ed25519').optional(),
  use: z.literal('sig').optional(),
});
export type PublicKey = z.infer<typeof publicKeySchema>;

const keySetSchema = z.strictObject({ keys: z.array(publicKeySchema).min(1).max(100) });

/** Public keys by id. */
export type TrustList = ReadonlyMap<string, PublicKey>;

/**
 * Keys of the product's vendor, put here in the tree from which releases are built. Empty: the file of
 * BUSBAR_LICENSE_KEYS says whom a site trusts. With a key here that file has no say, or a site could license itself.
 */
export const BUILT_IN_KEYS: readonly PublicKey[] = [];

export const NO_KEYS: TrustList = new Map();

/** Reads a JSON Web Key Set; LICENSE_KEYS says what is wrong with it, a private key among them above all. */
export async function parseTrustList(text: string): Promise<TrustList> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new BusbarError('LICENSE_KEYS', { reason: 'it is not JSON' }, { cause });
  }
  const keys = (json as { keys?: unknown } | null)?.keys;
  if (Array.isArray(keys) && keys.some((key) => typeof key === 'object' && key !== null && 'd' in key)) {
    throw new BusbarError('LICENSE_KEYS', { reason: 'it holds a private key, which only the issuer may have' });
  }
  const result = keySetSchema.safeParse(json);
  if (!result.success) {
    const issue = result.error.issues[0];
    const reason = `${issue?.path.join('.') || 'the set'}: ${issue?.message}`;
    throw new BusbarError('LICENSE_KEYS', { reason }, { cause: result.error });
  }
  return trustListOf(result.data.keys);
}

export async function trustListOf(keys: readonly PublicKey[]): Promise<TrustList> {
  const list = new Map<string, PublicKey>();
  for (const key of keys) {
    if ((await calculateJwkThumbprint(key)) !== key.kid) {
      throw new BusbarError('LICENSE_KEYS', { reason: `kid ${key.kid} is not the thumbprint of its key` });
    }
    list.set(key.kid, key);
  }
  return list;
}
