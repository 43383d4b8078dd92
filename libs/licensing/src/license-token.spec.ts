import { createHmac, generateKeyPairSync, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { base64url, CompactSign, exportSPKI, importJWK, importPKCS8 } from 'jose';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { issueLicense, tokenOf, unverifiedLicense, verifyLicense } from './license-token.js';
import { sample, TestIssuer } from './test-license.js';
import { NO_KEYS } from './trust-list.js';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const MALFORMED = 'LICENSE_MALFORMED';
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const encode = (value: unknown) => base64url.encode(new TextEncoder().encode(JSON.stringify(value)));

let issuer: TestIssuer;
let token: string;
let header: { alg: string; typ: string; kid: string };

beforeAll(async () => {
  issuer = await TestIssuer.make();
  token = await issuer.token();
  header = { alg: 'Ed25519', typ: 'busbar-license', kid: issuer.pair.id };
});

async function codeOf(text: string): Promise<string> {
  try {
    await verifyLicense(text, issuer.trust);
    return 'accepted';
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}

async function signed(payload: string, change: object = {}): Promise<string> {
  const key = await importPKCS8(issuer.pair.privateKey, 'Ed25519');
  return new CompactSign(new TextEncoder().encode(payload)).setProtectedHeader({ ...header, ...change }).sign(key);
}

describe('a license', () => {
  it('says after its verification what the issuer signed, and who that was', async () => {
    expect(await verifyLicense(token, issuer.trust)).toEqual({ license: sample, key: issuer.pair.id, token });
  });

  it('may have white space around it in its file', async () => {
    expect(await codeOf(tokenOf(`\r\n ${token}\r\n`))).toBe('accepted');
  });

  it('is refused when any one character of it is another', async () => {
    for (let at = 0; at < token.length; at++) {
      const old = token.charCodeAt(at);
      for (const other of [old ^ 1, old ^ 2, old ^ 0x20, old === 65 ? 66 : 65]) {
        const changed = token.slice(0, at) + String.fromCharCode(other) + token.slice(at + 1);
        expect([at, await codeOf(changed)]).not.toEqual([at, 'accepted']);
      }
    }
  });

  it('has one text only: no other last character carries the same signature', async () => {
    const codes = await Promise.all([...ALPHABET].map((last) => codeOf(token.slice(0, -1) + last)));
    expect(codes.filter((code) => code === 'accepted')).toHaveLength(1);
  });

  it('is refused when it is cut, doubled or mixed, and nothing else than a refusal happens', async () => {
    const change = fc.tuple(fc.nat(token.length), fc.nat(token.length), fc.string({ maxLength: 20 }));
    await fc.assert(
      fc.asyncProperty(change, async ([from, to, between]) => {
        const changed = token.slice(0, from) + between + token.slice(to);
        fc.pre(changed !== token);
        expect(await codeOf(changed)).toMatch(/^LICENSE_(MALFORMED|ALTERED|KEY_UNKNOWN)$/);
      }),
      { numRuns: 2_000 },
    );
  });

  it('is refused with a code whatever octets stand in its file', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string(), fc.array(fc.base64String(), { maxLength: 4 })), async (given) => {
        expect(await codeOf(Array.isArray(given) ? given.join('.') : given)).toMatch(
          /^LICENSE_(MALFORMED|KEY_UNKNOWN)$/,
        );
      }),
    );
    expect(await codeOf('a.'.repeat(20_000))).toBe(MALFORMED);
  });

  it('keeps its signature, but not its content: rights cannot be added', async () => {
    const [head, , signature] = token.split('.') as [string, string, string];
    expect(await codeOf(`${head}.${encode({ ...sample, connections: 'unlimited' })}.${signature}`)).toBe(
      'LICENSE_ALTERED',
    );
  });

  it('is refused when another key signed it under the trusted name', async () => {
    const other = await TestIssuer.make();
    const [, payload] = token.split('.') as [string, string];
    const key = await importPKCS8(other.pair.privateKey, 'Ed25519');
    const forged = await new CompactSign(base64url.decode(payload)).setProtectedHeader(header).sign(key);
    expect(await codeOf(forged)).toBe('LICENSE_ALTERED');
  });

  it('of an issuer who is not trusted here is refused, naming the key', async () => {
    const other = await TestIssuer.make();
    await expect(verifyLicense(await other.token(), issuer.trust)).rejects.toMatchObject({
      code: 'LICENSE_KEY_UNKNOWN',
      params: { key: other.pair.id },
    });
    await expect(verifyLicense(token, NO_KEYS)).rejects.toMatchObject({ code: 'LICENSE_KEY_UNKNOWN' });
  });
});

describe('the algorithm', () => {
  it.each(['none', 'None', 'NONE', ''])('"%s" with an empty or any signature is refused', async (alg) => {
    const [, payload, signature] = token.split('.') as [string, string, string];
    for (const end of ['', signature, 'AA']) {
      expect(await codeOf(`${encode({ ...header, alg })}.${payload}.${end}`)).toBe(MALFORMED);
    }
  });

  it('HS256 keyed with the public key in any of its forms is refused', async () => {
    const [, payload] = token.split('.') as [string, string];
    const jwk = [...issuer.trust.values()][0] as { x: string };
    const imported = await importJWK({ ...jwk, kty: 'OKP', alg: 'Ed25519' }, undefined, { extractable: true });
    const spki = imported instanceof Uint8Array ? '' : await exportSPKI(imported);
    expect(spki).toContain('PUBLIC KEY');
    const head = encode({ ...header, alg: 'HS256' });
    for (const secret of [jwk.x, Buffer.from(jwk.x, 'base64url'), spki, JSON.stringify(jwk)]) {
      const signature = createHmac('sha256', secret).update(`${head}.${payload}`).digest('base64url');
      expect(await codeOf(`${head}.${payload}.${signature}`)).toBe(MALFORMED);
    }
  });

  it.each(['RS256', 'ES256', 'EdDSA', 'PS256', 'Ed448'])('%s is refused, also under a trusted key id', async (alg) => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const [, payload] = token.split('.') as [string, string];
    const head = encode({ ...header, alg });
    const signed = alg === 'RS256' ? await rs256(privateKey.export({ type: 'pkcs8', format: 'pem' }) as string) : null;
    expect(await codeOf(signed ?? `${head}.${payload}.${randomBytes(64).toString('base64url')}`)).toBe(MALFORMED);
  });

  async function rs256(pem: string): Promise<string> {
    const [, payload] = token.split('.') as [string, string];
    const key = await importPKCS8(pem, 'RS256');
    return new CompactSign(base64url.decode(payload)).setProtectedHeader({ ...header, alg: 'RS256' }).sign(key);
  }

  it.each([
    { jwk: { kty: 'OKP' } },
    { jku: 'http://evil.test/keys' },
    { x5u: 'http://evil.test/cert' },
    { typ: 'JWT' },
    { typ: undefined },
    { kid: undefined },
    { kid: 7 },
  ])('in a header with %o is refused although the signature is right', async (change) => {
    expect(await codeOf(await signed(JSON.stringify(sample), change))).toBe(MALFORMED);
  });

  it('in a header with a critical extension is refused', async () => {
    const [, payload, signature] = token.split('.') as [string, string, string];
    expect(await codeOf(`${encode({ ...header, crit: ['b64'], b64: false })}.${payload}.${signature}`)).toBe(MALFORMED);
  });
});

describe('the content', () => {
  it.each([
    ['no JSON', '{'],
    ['a number', '7'],
    ['null', 'null'],
    ['another format', JSON.stringify({ ...sample, format: 2 })],
    ['an unknown right', JSON.stringify({ ...sample, everything: true })],
    ['no site', JSON.stringify({ ...sample, site: undefined })],
    ['an end before its begin', JSON.stringify({ ...sample, notAfter: sample.notBefore })],
    ['a time that is none', JSON.stringify({ ...sample, notAfter: '2026-13-01T00:00:00Z' })],
    ['a negative number of tags', JSON.stringify({ ...sample, tags: -1 })],
    ['half a connection', JSON.stringify({ ...sample, connections: 0.5 })],
    ['a grace period without end', JSON.stringify({ ...sample, graceDays: 1e9 })],
  ])('that is %s is refused although the signature is right', async (_what, payload) => {
    expect(await codeOf(await signed(payload))).toBe(MALFORMED);
  });

  it('cannot be issued wrong', async () => {
    await expect(issueLicense({ ...sample, site: '' }, issuer.pair.privateKey)).rejects.toMatchObject({
      code: MALFORMED,
    });
    await expect(issueLicense(sample, 'no key')).rejects.toMatchObject({ code: 'LICENSE_KEYS' });
  });

  it('can be looked at by people who do not have the key', async () => {
    expect(unverifiedLicense(token)).toEqual({ license: sample, key: issuer.pair.id });
    expect(() => unverifiedLicense('x.y.z')).toThrow(/no Busbar license/);
  });
});
