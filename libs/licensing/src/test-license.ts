import { type KeyPair, makeKeyPair } from './key-pair.js';
import type { License } from './license.js';
import { issueLicense, type VerifiedLicense, verifyLicense } from './license-token.js';
import { parseTrustList, type TrustList } from './trust-list.js';

export const DAY_MS = 86_400_000;

export const sample: License = {
  format: 1,
  id: 'L-1',
  site: 'demo-pv',
  holder: 'Sunny Fields 有限公司',
  issuedAt: '2026-01-01T00:00:00Z',
  notBefore: '2026-01-01T00:00:00Z',
  notAfter: '2026-12-31T00:00:00Z',
  graceDays: 30,
  protocols: ['modbus', 'iec104'],
  connections: 3,
  tags: 100,
  forwarding: 1,
};
export const BEGIN = Date.parse(sample.notBefore);
export const END = Date.parse(sample.notAfter);
export const GRACE_END = END + 30 * DAY_MS;

/** An issuer, and the list of keys of a site that trusts it. */
export class TestIssuer {
  private constructor(
    readonly pair: KeyPair,
    readonly trust: TrustList,
  ) {}

  static async make(): Promise<TestIssuer> {
    const pair = await makeKeyPair();
    return new TestIssuer(pair, await parseTrustList(pair.trustList));
  }

  token(change: Partial<License> = {}): Promise<string> {
    return issueLicense({ ...sample, ...change }, this.pair.privateKey);
  }

  async verified(change: Partial<License> = {}): Promise<VerifiedLicense> {
    return verifyLicense(await this.token(change), this.trust);
  }
}
