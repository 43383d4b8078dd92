import type { Diagnosis } from '@busbar/errors';
import type { EntitlementLimits, LicenseState } from '@busbar/events';
import { EVALUATION_LIMITS, limitsOf, timesOf } from './license.js';
import type { VerifiedLicense } from './license-token.js';

/** What lies in the license file: nothing, a license of a trusted issuer, or something that is refused. */
export type PresentedLicense = VerifiedLicense | { readonly refusal: Diagnosis } | null;

export interface LicenseCase {
  readonly presented: PresentedLicense;
  /** The one that was in force last. */
  readonly kept: VerifiedLicense | null;
  readonly site: string;
  /** Of a {@link LicenseClock}. */
  readonly nowMs: number;
}

export interface LicenseJudgement {
  readonly state: LicenseState;
  readonly inForce: VerifiedLicense | null;
  readonly limits: EntitlementLimits;
  /** Gravest first. */
  readonly diagnoses: readonly Diagnosis[];
}

const iso = (epochMs: number) => new Date(epochMs).toISOString();

/** Why a license does not fit site and time; null if it does, its grace period included. */
export function licenseRefusal({ license }: VerifiedLicense, site: string, nowMs: number): Diagnosis | null {
  const { notBefore, notAfter, graceUntil } = timesOf(license);
  if (license.site !== site) {
    return { code: 'LICENSE_FOREIGN', params: { license: license.id, licensed: license.site, site } };
  }
  if (nowMs < notBefore) {
    return { code: 'LICENSE_FUTURE', params: { license: license.id, notBefore: iso(notBefore) } };
  }
  if (nowMs > graceUntil) {
    const params = { license: license.id, notAfter: iso(notAfter), graceUntil: iso(graceUntil) };
    return { code: 'LICENSE_EXPIRED', params };
  }
  return null;
}

/**
 * Which license is in force. The file counts if it is accepted. Else the one that was accepted before goes on by its own
 * dates: a file that is damaged, early or gone takes nothing away. Without either it is an evaluation.
 */
export function judgeLicense({ presented, kept, site, nowMs }: LicenseCase): LicenseJudgement {
  const isKept = presented !== null && 'token' in presented && presented.token === kept?.token;
  const refusal = presented === null || isKept ? null : refusalOf(presented, site, nowMs);
  if (presented !== null && 'token' in presented && !isKept && refusal === null) return inForce(presented, nowMs, []);
  const keptRefusal = kept && licenseRefusal(kept, site, nowMs);
  const rest = refusal ? [refusal] : [];
  if (kept && (keptRefusal === null || keptRefusal.code === 'LICENSE_EXPIRED')) return inForce(kept, nowMs, rest);
  const refusals = keptRefusal ? [...rest, keptRefusal] : rest;
  const { connections, tags, forwarding } = EVALUATION_LIMITS;
  const evaluation: Diagnosis = { code: 'LICENSE_EVALUATION', params: { connections, tags, forwarding } };
  return {
    state: refusals.length > 0 ? 'refused' : 'evaluation',
    inForce: null,
    limits: EVALUATION_LIMITS,
    diagnoses: [...refusals, evaluation],
  };
}

function refusalOf(presented: NonNullable<PresentedLicense>, site: string, nowMs: number): Diagnosis | null {
  return 'refusal' in presented ? presented.refusal : licenseRefusal(presented, site, nowMs);
}

function inForce(verified: VerifiedLicense, nowMs: number, rest: readonly Diagnosis[]): LicenseJudgement {
  const { license } = verified;
  const times = timesOf(license);
  const state = stateAt(times, nowMs);
  const params = { license: license.id, notAfter: iso(times.notAfter), graceUntil: iso(times.graceUntil) };
  const own: Diagnosis[] = [];
  if (state === 'grace') own.push({ code: 'LICENSE_GRACE', params });
  if (state === 'expired') own.push({ code: 'LICENSE_EXPIRED', params });
  return { state, inForce: verified, limits: limitsOf(license), diagnoses: [...own, ...rest] };
}

/** State of a license in force. Its last millisecond, and that of the grace period, still belong to it. */
export function stateAt(
  { notAfter, graceUntil }: { readonly notAfter: number; readonly graceUntil: number },
  nowMs: number,
): 'valid' | 'grace' | 'expired' {
  if (nowMs > graceUntil) return 'expired';
  return nowMs > notAfter ? 'grace' : 'valid';
}
