import { describe, expect, it } from 'vitest';
import type { End, Hold, Rule } from './control.js';
import { FAILURE_CODES, RULES } from './control.js';
import { controlAnswer, EXECUTED_ANSWER, endText, NO_BUS_ANSWER, PENDING_ANSWER } from './control-answer.js';

/** The table of what each asker hears, written out by rule: EnOS, HTTP. */
const TABLE: readonly (readonly [string, number, number])[] = [
  ['UNKNOWN_POINT', 2101, 404],
  ['NOT_CONTROLLABLE READ_ONLY NOT_BUILT', 2102, 422],
  ['NOT_ALLOWED', 2103, 403],
  ['TYPE', 2104, 422],
  ['RANGE STEP', 2105, 422],
  ['ID_REUSED TOO_OLD CLOCK RETAINED', 2106, 409],
  ['NOT_CONNECTED', 2107, 503],
  ['MAINTENANCE', 2108, 409],
  ['LOCAL', 2109, 409],
  ['NOT_SELECTED MISMATCH', 2110, 409],
  ['SELECTED HELD NOT_HELD', 2111, 423],
  ['BUSY SUPERSEDED', 2112, 409],
  ['INTERLOCK', 2113, 409],
  ['STALE_FEEDBACK', 2114, 409],
  ['RATE', 2115, 429],
  ['CANCELED', 2116, 409],
  ['RESTARTED', 2117, 503],
];
const BY_RULE = TABLE.flatMap(([rules, enos, http]) =>
  rules.split(' ').map((rule) => [rule as Rule, enos, http] as const),
);

function refused(rule: Rule, more: Partial<Extract<End, { kind: 'refused' }>> = {}): End {
  return { kind: 'refused', rule, also: [], facts: [], ...more };
}

const executed: End = { kind: 'executed', verified: true, written: true, clamped: false };
const holder: Hold = {
  point: 'inv-01/INV.PowerLimit',
  kind: 'value',
  source: 'operator',
  priority: 8,
  value: 80,
  until: { bootId: 'b', monotonicMs: 0, wallMs: 0 },
};

describe('what an asker hears', () => {
  it('has an answer in the table for every rule', () => {
    expect(BY_RULE.map(([rule]) => rule).sort()).toEqual([...RULES].sort());
  });

  it.each(BY_RULE)('refused %s is %i to EnOS and %i over HTTP', (rule, enos, http) => {
    expect(controlAnswer(refused(rule))).toEqual({ enos, http });
  });

  it('is 200 for what was executed alone', () => {
    expect(controlAnswer(executed)).toEqual({ enos: 200, http: 200 });
    expect(controlAnswer({ ...executed, verified: false, written: false })).toEqual(EXECUTED_ANSWER);
    for (const rule of RULES) expect(controlAnswer(refused(rule)).http).toBeGreaterThanOrEqual(400);
  });

  it('tells expired, failed without and with effect, and unknown apart', () => {
    for (const reason of ['DECISION', 'PERMIT', 'DEADLINE', 'CLOCK_JUMP', 'EPOCH', 'TERM'] as const) {
      expect(controlAnswer({ kind: 'expired', reason })).toEqual({ enos: 2118, http: 410 });
    }
    for (const reason of FAILURE_CODES) {
      expect(controlAnswer({ kind: 'failed', effect: 'none', reason })).toEqual({ enos: 2119, http: 502 });
      expect(controlAnswer({ kind: 'failed', effect: 'written', reason })).toEqual({ enos: 2120, http: 502 });
    }
    for (const reason of ['LINK_LOST', 'NO_ANSWER', 'EXECUTOR_LOST'] as const) {
      expect(controlAnswer({ kind: 'unknown', reason })).toEqual({ enos: 2121, http: 504 });
    }
  });

  it('says pending with 202, and a bus that takes nothing with 503', () => {
    expect(PENDING_ANSWER.http).toBe(202);
    expect(NO_BUS_ANSWER).toEqual({ enos: 2117, http: 503 });
  });
});

describe('an end in words', () => {
  it.each<[End, string]>([
    [executed, 'executed, verified'],
    [{ ...executed, verified: false }, 'executed'],
    [{ ...executed, written: false }, 'executed, the value was there already'],
    [refused('NOT_ALLOWED'), 'refused NOT_ALLOWED'],
    [
      refused('RANGE', {
        facts: [
          { name: 'range', value: '10-100' },
          { name: 'value', value: '101' },
        ],
      }),
      'refused RANGE: range 10-100, value 101',
    ],
    [refused('HELD', { holder }), 'refused HELD: held by operator'],
    [{ kind: 'expired', reason: 'PERMIT' }, 'expired PERMIT: nothing was written'],
    [{ kind: 'failed', effect: 'none', reason: 'NOT_SENT' }, 'failed NOT_SENT: nothing was changed'],
    [{ kind: 'failed', effect: 'written', reason: 'FEEDBACK' }, 'failed FEEDBACK: it was written'],
    [{ kind: 'unknown', reason: 'NO_ANSWER' }, 'unknown NO_ANSWER: look at the device before asking again'],
  ])('%j', (end, text) => {
    expect(endText(end)).toBe(text);
  });
});
