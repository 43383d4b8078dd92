import type { RequestView } from '@busbar/api-schema';
import type { Display } from '../display.js';

type End = NonNullable<RequestView['end']>;

export interface EndWords {
  /** Two or three words for a list: `executed, verified`. */
  readonly short: string;
  readonly sentence: string;
  /** What to do; empty when there is nothing. */
  readonly fix: string;
  /** What the decision rested on. */
  readonly facts: readonly { readonly name: string; readonly value: string }[];
}

/** How a request ended, worded for people. */
export function endWords(end: End, display: Display): EndWords {
  const { t } = display;
  switch (end.kind) {
    case 'executed': {
      const how = end.written ? (end.verified ? 'verified' : 'unverified') : 'unwritten';
      const sentence = t(end.clamped ? 'end.executed.clamped' : `end.executed.${how}`);
      return { short: t(`end.short.${how}`), sentence, fix: '', facts: [] };
    }
    case 'refused':
      return {
        short: t('end.short.refused', { rule: end.rule }),
        sentence: t(`rule.${end.rule}.sentence`),
        fix: t(`rule.${end.rule}.fix`),
        facts: [...holderFacts(end, display), ...end.facts],
      };
    case 'failed':
      return {
        short: t(`end.short.failed.${end.effect}`),
        sentence: `${t(`end.failed.${end.effect}`)} ${t(`failure.${end.reason}`)}`,
        fix: t(`end.fix.failed.${end.effect}`),
        facts: [{ name: t('fact.code'), value: end.reason }],
      };
    case 'expired':
      return {
        short: t('end.short.expired'),
        sentence: `${t('end.expired')} ${t(`expiry.${end.reason}`)}`,
        fix: t('end.fix.expired'),
        facts: [{ name: t('fact.code'), value: end.reason }],
      };
    case 'unknown':
      return {
        short: t('end.short.unknown'),
        sentence: `${t('end.unknown')} ${t(`unknown.${end.reason}`)}`,
        fix: t('end.fix.unknown'),
        facts: [{ name: t('fact.code'), value: end.reason }],
      };
  }
}

function holderFacts(end: Extract<End, { kind: 'refused' }>, { t }: Display): { name: string; value: string }[] {
  if (end.holder === undefined) return [];
  const { source, priority, value } = end.holder;
  const facts = [
    { name: t('fact.holder'), value: source },
    { name: t('fact.priority'), value: String(priority) },
  ];
  return value === null ? facts : [...facts, { name: t('fact.heldValue'), value: String(value) }];
}
