import { FAILURE_CODES, RULES } from '@busbar/api-schema';
import { describe, expect, it } from 'vitest';
import type { Display } from '../display.js';
import { createTexts } from '../texts/create-texts.js';
import { chainSteps } from './chain-steps.js';
import { endWords } from './end-words.js';

const looks = (request: Parameters<typeof chainSteps>[0]) => chainSteps(request).map((step) => step.look);
const display: Display = { language: 'en', zone: 'UTC', t: createTexts({ en: {}, zh: {} }).of('en') };
const requested = { stage: 'requested', at: 1 } as const;
const granted = { stage: 'granted', at: 2 } as const;
const started = { stage: 'started', at: 3 } as const;
const acknowledged = { stage: 'acknowledged', at: 4 } as const;
const ended = { stage: 'ended', at: 5 } as const;

describe('chainSteps', () => {
  it('waits at exactly one step until there is an end', () => {
    expect(looks({ stages: [], end: null })).toEqual(['current', 'todo', 'todo', 'todo', 'todo']);
    expect(looks({ stages: [requested, granted], end: null })).toEqual(['done', 'done', 'current', 'todo', 'todo']);
    expect(looks({ stages: [requested, granted, started, acknowledged], end: null })).toEqual([
      'done',
      'done',
      'done',
      'done',
      'current',
    ]);
  });

  it('shows what a refusal left out as skipped', () => {
    const end = { kind: 'refused', rule: 'HELD', also: [], facts: [] } as const;
    expect(looks({ stages: [requested, ended], end: { ...end, also: [], facts: [] } })).toEqual([
      'done',
      'skipped',
      'skipped',
      'skipped',
      'refused',
    ]);
  });

  it('never draws unknown as failed', () => {
    expect(
      looks({ stages: [requested, granted, started, ended], end: { kind: 'unknown', reason: 'NO_ANSWER' } }),
    ).toEqual(['done', 'done', 'done', 'skipped', 'unknown']);
  });

  it('has the time of every step that was reached', () => {
    const end = { kind: 'executed', verified: true, written: true, clamped: false } as const;
    expect(
      chainSteps({ stages: [requested, granted, started, acknowledged, ended], end }).map((step) => step.at),
    ).toEqual([1, 2, 3, 4, 5]);
  });
});

describe('endWords', () => {
  it('says rule, holder and facts of a refusal', () => {
    const until = { bootId: 'b', monotonicMs: 1, wallMs: 2 };
    const holder = { point: 'a/b', kind: 'value', source: 'cloud:enos', priority: 9, value: 50, until } as const;
    const words = endWords(
      { kind: 'refused', rule: 'HELD', also: [], holder, facts: [{ name: 'rest', value: '41 s' }] },
      display,
    );
    expect(words.short).toBe('refused HELD');
    expect(words.facts).toEqual([
      { name: 'holder', value: 'cloud:enos' },
      { name: 'priority', value: '9' },
      { name: 'held value', value: '50' },
      { name: 'rest', value: '41 s' },
    ]);
  });

  it('has words for every end there can be', () => {
    const ends = [
      ...RULES.map((rule) => ({ kind: 'refused' as const, rule, also: [], facts: [] })),
      ...FAILURE_CODES.flatMap((reason) =>
        (['none', 'written'] as const).map((effect) => ({ kind: 'failed' as const, effect, reason })),
      ),
      ...(['DECISION', 'PERMIT', 'DEADLINE', 'CLOCK_JUMP', 'EPOCH', 'TERM'] as const).map((reason) => ({
        kind: 'expired' as const,
        reason,
      })),
      ...(['LINK_LOST', 'NO_ANSWER', 'EXECUTOR_LOST'] as const).map((reason) => ({ kind: 'unknown' as const, reason })),
    ];
    for (const end of ends) {
      const { short, sentence, fix } = endWords(end, display);
      expect(`${short} ${sentence} ${fix}`).not.toMatch(/\b(end|rule|failure|expiry|unknown|fact)\.[\w.]+/);
    }
  });

  it('tells an unknown end apart from a failed one and asks to look at the device', () => {
    const words = endWords({ kind: 'unknown', reason: 'LINK_LOST' }, display);
    expect(words.short).toBe('unknown');
    expect(words.fix).toMatch(/Look at the device/);
  });
});
