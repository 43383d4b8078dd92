import { type End, RULES } from '@busbar/events';
import { describe, expect, it } from 'vitest';
import { iec104Answer, modbusAnswer } from './server-answers.js';

const refused = (rule: (typeof RULES)[number]): End => ({ kind: 'refused', rule, also: [], facts: [] });
const executed: End = { kind: 'executed', verified: true, written: true, clamped: false };
const failed = (effect: 'none' | 'written'): End => ({ kind: 'failed', effect, reason: 'FEEDBACK' });
const expired: End = { kind: 'expired', reason: 'PERMIT' };
const unknown: End = { kind: 'unknown', reason: 'NO_ANSWER' };

describe('an answer over Modbus', () => {
  it('is normal for what was executed and for nothing else', () => {
    expect(modbusAnswer(executed)).toBeNull();
    const others = [expired, unknown, failed('none'), failed('written'), ...RULES.map(refused)];
    for (const end of others) expect(modbusAnswer(end)).toEqual(expect.any(Number));
    expect([{ kind: 'pending' } as const, { kind: 'unanswered' } as const].map((one) => modbusAnswer(one))).toEqual([
      5, 6,
    ]);
  });

  it.each([
    ['RANGE', 3],
    ['STEP', 3],
    ['TYPE', 3],
    ['HELD', 6],
    ['BUSY', 6],
    ['RATE', 6],
    ['RESTARTED', 6],
    ['INTERLOCK', 4],
    ['MAINTENANCE', 4],
    ['NOT_CONNECTED', 11],
    ['NOT_ALLOWED', 2],
    ['UNKNOWN_POINT', 2],
    ['READ_ONLY', 2],
  ] as const)('to the rule %s is exception %d', (rule, exception) => {
    expect(modbusAnswer(refused(rule))).toBe(exception);
  });

  it('to a value out of range is what the site chose', () => {
    expect([modbusAnswer(refused('RANGE'), 4), modbusAnswer(refused('TYPE'), 4)]).toEqual([4, 3]);
  });

  it('never says that it failed where nobody knows', () => {
    expect([modbusAnswer(unknown), modbusAnswer(expired), modbusAnswer(failed('written'))]).toEqual([11, 11, 4]);
  });
});

describe('an answer over IEC 104', () => {
  it('terminates positively what was executed and nothing else', () => {
    expect(iec104Answer(executed).termination).toBe('positive');
    for (const end of [expired, unknown, failed('none'), failed('written'), ...RULES.map(refused)]) {
      expect(iec104Answer(end).termination).not.toBe('positive');
    }
  });

  it('says nothing where nobody knows, so that nobody believes it', () => {
    expect(iec104Answer(unknown)).toEqual({ confirmation: 'none', termination: 'none', returnsInformation: false });
  });

  it('mirrors an address that cannot be commanded, and deactivates what was canceled', () => {
    expect(iec104Answer(refused('UNKNOWN_POINT')).confirmation).toBe('unknown-address');
    expect(iec104Answer(refused('CANCELED')).confirmation).toBe('deactivated');
    expect(iec104Answer(refused('HELD')).confirmation).toBe('negative');
  });

  it('returns information only where the device has changed', () => {
    expect(
      [executed, failed('written'), failed('none'), expired].map((end) => iec104Answer(end).returnsInformation),
    ).toEqual([true, true, false, false]);
  });
});
