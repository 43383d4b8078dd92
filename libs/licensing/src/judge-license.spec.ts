import { beforeAll, describe, expect, it } from 'vitest';
import { judgeLicense, type LicenseCase } from './judge-license.js';
import { EVALUATION_LIMITS } from './license.js';
import type { VerifiedLicense } from './license-token.js';
import { BEGIN, DAY_MS, END, GRACE_END, sample, TestIssuer } from './test-license.js';

let issuer: TestIssuer;
let license: VerifiedLicense;

beforeAll(async () => {
  issuer = await TestIssuer.make();
  license = await issuer.verified();
});

function judged(change: Partial<LicenseCase>) {
  const { state, inForce, limits, diagnoses } = judgeLicense({
    presented: license,
    kept: null,
    site: sample.site,
    nowMs: BEGIN,
    ...change,
  });
  return { state, id: inForce?.license.id ?? null, limits, codes: diagnoses.map(({ code }) => code) };
}

const evaluation = { state: 'evaluation', id: null, limits: EVALUATION_LIMITS, codes: ['LICENSE_EVALUATION'] };
const limits = { protocols: ['modbus', 'iec104'], connections: 3, tags: 100, forwarding: 1 };
const refused = (code: string) => ({ ...evaluation, state: 'refused', codes: [code, 'LICENSE_EVALUATION'] });

describe('without any license', () => {
  it('a site is an evaluation with plain limits, and without end', () => {
    expect(judged({ presented: null })).toEqual(evaluation);
    expect(judged({ presented: null, nowMs: BEGIN + 10_000 * DAY_MS })).toEqual(evaluation);
  });
});

describe('a license', () => {
  it.each([
    ['valid from its first millisecond', BEGIN, 'valid', []],
    ['valid in its last millisecond', END, 'valid', []],
    ['in its grace period after that', END + 1, 'grace', ['LICENSE_GRACE']],
    ['in its grace period to its last millisecond', GRACE_END, 'grace', ['LICENSE_GRACE']],
  ])('is %s', (_what, nowMs, state, codes) => {
    expect(judged({ nowMs })).toEqual({ state, id: 'L-1', limits, codes });
    expect(judged({ nowMs, kept: license })).toEqual({ state, id: 'L-1', limits, codes });
  });

  it('that is new is refused before it begins and after its grace period, with the reason', () => {
    expect(judged({ nowMs: BEGIN - 1 })).toEqual(refused('LICENSE_FUTURE'));
    expect(judged({ nowMs: GRACE_END + 1 })).toEqual(refused('LICENSE_EXPIRED'));
  });

  it('that was in force is expired after its grace period, and stays what counts', () => {
    expect(judged({ nowMs: GRACE_END + 1, kept: license })).toEqual({
      state: 'expired',
      id: 'L-1',
      limits,
      codes: ['LICENSE_EXPIRED'],
    });
  });

  it('of another site is refused', async () => {
    expect(judged({ site: 'other' })).toEqual(refused('LICENSE_FOREIGN'));
    expect(judged({ site: 'other', kept: license, presented: null })).toEqual(refused('LICENSE_FOREIGN'));
    expect(judged({ presented: await issuer.verified({ site: 'demo-pv-2' }) })).toEqual(refused('LICENSE_FOREIGN'));
  });

  it('that is refused takes nothing from the one in force', async () => {
    const altered = { refusal: { code: 'LICENSE_ALTERED', params: {} } as const };
    expect(judged({ presented: altered, kept: license })).toMatchObject({
      state: 'valid',
      id: 'L-1',
      codes: ['LICENSE_ALTERED'],
    });
    expect(judged({ presented: altered })).toEqual(refused('LICENSE_ALTERED'));
    const early = await issuer.verified({ id: 'L-2', notBefore: sample.notAfter, notAfter: '2028-01-01T00:00:00Z' });
    expect(judged({ presented: early, kept: license })).toMatchObject({ id: 'L-1', codes: ['LICENSE_FUTURE'] });
    expect(judged({ presented: early, kept: license, nowMs: END })).toMatchObject({
      state: 'valid',
      id: 'L-2',
      codes: [],
    });
  });

  it('goes on by its own dates when its file is gone: to take the file away is no way back to the evaluation', () => {
    expect(judged({ presented: null, kept: license })).toMatchObject({ state: 'valid', id: 'L-1' });
    expect(judged({ presented: null, kept: license, nowMs: GRACE_END + 1 })).toMatchObject({ state: 'expired' });
  });
});
