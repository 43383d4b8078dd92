import type { License } from '@busbar/licensing';
import { type DiagnosisLike, diagnosisText } from './diagnosis-text.js';

/** A license as a person reads it, one line each. */
export function licenseWords(license: License): string[] {
  const count = (value: number | 'unlimited', one: string) =>
    value === 'unlimited' ? `unlimited ${one}s` : `${value} ${one}${value === 1 ? '' : 's'}`;
  const protocols = license.protocols === 'all' ? 'all' : license.protocols.join(', ');
  const forwarding = license.forwarding === 0 ? 'no forwarding' : count(license.forwarding, 'forwarding connection');
  return [
    `license    ${license.id}`,
    `holder     ${license.holder}`,
    `site       ${license.site}`,
    `issued     ${license.issuedAt}`,
    `valid      ${license.notBefore} to ${license.notAfter}, then ${count(license.graceDays, 'day')} of grace`,
    `protocols  ${protocols}`,
    `grants     ${count(license.connections, 'connection')}, ${count(license.tags, 'tag')}, ${forwarding}`,
    ...(license.resetsClock ? ['clock      resets the highest time that the site has seen, once'] : []),
  ];
}

export function refusalWords(diagnosis: DiagnosisLike): string {
  return `refused    ${diagnosisText(diagnosis)}`;
}
