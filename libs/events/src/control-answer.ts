import type { End, Rule } from './control.js';

/** How an end is worded to those who asked (control.md 8). */
export interface ControlAnswer {
  /** EnOS reply code: 200, or a user-defined one of the 21xx. */
  readonly enos: number;
  readonly http: number;
}

const RULE_ANSWERS: Record<Rule, ControlAnswer> = {
  UNKNOWN_POINT: { enos: 2101, http: 404 },
  NOT_CONTROLLABLE: { enos: 2102, http: 422 },
  READ_ONLY: { enos: 2102, http: 422 },
  NOT_ALLOWED: { enos: 2103, http: 403 },
  TYPE: { enos: 2104, http: 422 },
  RANGE: { enos: 2105, http: 422 },
  STEP: { enos: 2105, http: 422 },
  ID_REUSED: { enos: 2106, http: 409 },
  TOO_OLD: { enos: 2106, http: 409 },
  CLOCK: { enos: 2106, http: 409 },
  RETAINED: { enos: 2106, http: 409 },
  NOT_CONNECTED: { enos: 2107, http: 503 },
  MAINTENANCE: { enos: 2108, http: 409 },
  LOCAL: { enos: 2109, http: 409 },
  NOT_SELECTED: { enos: 2110, http: 409 },
  MISMATCH: { enos: 2110, http: 409 },
  SELECTED: { enos: 2111, http: 423 },
  HELD: { enos: 2111, http: 423 },
  NOT_HELD: { enos: 2111, http: 423 },
  BUSY: { enos: 2112, http: 409 },
  SUPERSEDED: { enos: 2112, http: 409 },
  INTERLOCK: { enos: 2113, http: 409 },
  STALE_FEEDBACK: { enos: 2114, http: 409 },
  RATE: { enos: 2115, http: 429 },
  CANCELED: { enos: 2116, http: 409 },
  RESTARTED: { enos: 2117, http: 503 },
  NOT_BUILT: { enos: 2102, http: 422 },
};

export const EXECUTED_ANSWER: ControlAnswer = { enos: 200, http: 200 };
/** Still under way when the asker's limit came. */
export const PENDING_ANSWER: ControlAnswer = { enos: 2121, http: 202 };
/** The bus did not take the request. */
export const NO_BUS_ANSWER: ControlAnswer = { enos: 2117, http: 503 };

export function controlAnswer(end: End): ControlAnswer {
  switch (end.kind) {
    case 'executed':
      return EXECUTED_ANSWER;
    case 'refused':
      return RULE_ANSWERS[end.rule];
    case 'expired':
      return { enos: 2118, http: 410 };
    case 'failed':
      return { enos: end.effect === 'none' ? 2119 : 2120, http: 502 };
    case 'unknown':
      return { enos: 2121, http: 504 };
  }
}

/** The end in words, for people and for the message of a reply. */
export function endText(end: End): string {
  switch (end.kind) {
    case 'executed':
      return end.written ? `executed${end.verified ? ', verified' : ''}` : 'executed, the value was there already';
    case 'refused': {
      const facts = end.facts.map((fact) => `${fact.name} ${fact.value}`).join(', ');
      const holder = end.holder ? `held by ${end.holder.source}` : '';
      const why = [holder, facts].filter((part) => part !== '').join(', ');
      return `refused ${end.rule}${why ? `: ${why}` : ''}`;
    }
    case 'expired':
      return `expired ${end.reason}: nothing was written`;
    case 'failed':
      return end.effect === 'none'
        ? `failed ${end.reason}: nothing was changed`
        : `failed ${end.reason}: it was written`;
    case 'unknown':
      return `unknown ${end.reason}: look at the device before asking again`;
  }
}
