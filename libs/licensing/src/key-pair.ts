import { calculateJwkThumbprint, exportJWK, exportPKCS8, generateKeyPair } from 'jose';

export interface KeyPair {
  /** Thumbprint of the public key (RFC 7638). */
  readonly id: string;
  /** PKCS #8, PEM. Who has it can license every site that trusts the public key. */
  readonly privateKey: string;
  /** JSON Web Key Set with the public key alone: what `parseTrustList` reads. */
  readonly trustList: string;
}

/** A fresh pair of Ed25519 keys for an issuer of licenses. */
export async function makeKeyPair(): Promise<KeyPair> {
  const pair = await generateKeyPair('Ed25519', { extractable: true });
  const jwk = await exportJWK(pair.publicKey);
  const id = await calculateJwkThumbprint(jwk);
  const key = { kty: jwk.kty, crv: jwk.crv, x: jwk.x, kid: id, alg: 'Ed25519', use: 'sig' };
  return {
    id,
    privateKey: await exportPKCS8(pair.privateKey),
    trustList: `${JSON.stringify({ keys: [key] }, null, 2)}\n`,
  };
}
