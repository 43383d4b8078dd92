import { describe, expect, it } from 'vitest';
import { makeKeyPair } from './key-pair.js';
import { BUILT_IN_KEYS, parseTrustList, trustListOf } from './trust-list.js';

describe('the list of keys', () => {
  it('is what the maker of a key pair wrote', async () => {
    const pair = await makeKeyPair();
    expect([...(await parseTrustList(pair.trustList)).keys()]).toEqual([pair.id]);
    expect(pair.trustList).not.toMatch(/"d"/);
    expect(pair.privateKey).toContain('PRIVATE KEY');
  });

  it('trusts nobody by itself: no key of a developer is built in', async () => {
    expect(BUILT_IN_KEYS).toEqual([]);
    expect((await trustListOf(BUILT_IN_KEYS)).size).toBe(0);
  });

  it('with a private key is refused without repeating it', async () => {
    const pair = await makeKeyPair();
    const set = JSON.parse(pair.trustList);
    set.keys[0].d = 'c2VjcmV0';
    const error = await parseTrustList(JSON.stringify(set)).catch((reason) => reason);
    expect(error.message).toContain('private key');
    expect(error.message).not.toContain('c2VjcmV0');
  });

  it.each([
    ['no JSON', '{'],
    ['null', 'null'],
    ['empty', '{"keys":[]}'],
    ['a secret key', '{"keys":[{"kty":"oct","k":"AAAA","kid":"a"}]}'],
    ['an RSA key', '{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB","kid":"a"}]}'],
    ['of another curve', `{"keys":[{"kty":"OKP","crv":"X25519","x":"${'A'.repeat(43)}","kid":"a"}]}`],
    [
      'a key with an id that is not its thumbprint',
      `{"keys":[{"kty":"OKP","crv":"Ed25519","x":"${'A'.repeat(43)}","kid":"a"}]}`,
    ],
  ])('that is %s is refused', async (_what, text) => {
    await expect(parseTrustList(text)).rejects.toMatchObject({ code: 'LICENSE_KEYS' });
  });
});
