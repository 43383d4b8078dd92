import type { Admin } from 'kafkajs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { TopicGate } from './topic-gate.js';

const TABLE = 'connections.configured.v1';
const CONTROL = 'control.requested.v1';

describe('waiting for topics', () => {
  let names: string[];
  let asked: number;
  let lines: string[];
  let gate: TopicGate;
  const never = new AbortController().signal;

  beforeEach(() => {
    vi.useFakeTimers();
    names = [];
    asked = 0;
    lines = [];
    const say = (_fields: object, message: string) => void lines.push(message);
    const listTopics = async () => {
      asked++;
      if (asked === 2) throw new Error('away');
      return names;
    };
    gate = new TopicGate({
      admin: async () => ({ listTopics }) as unknown as Admin,
      nameOf: (topic) => `site.${topic}`,
      clock: { monotonicMs: () => Date.now(), wallMs: () => Date.now() },
      log: { info: say, warn: say, error: say },
    });
  });

  afterEach(() => {
    gate.close();
    vi.useRealTimers();
  });

  it('ends when the broker has the topic, after a failed question too', async () => {
    const passed = gate.wait(TABLE, never);
    await vi.advanceTimersByTimeAsync(500);
    names.push(`site.${TABLE}`);
    await vi.advanceTimersByTimeAsync(1_000);
    await passed;
    const before = asked;
    await gate.wait(TABLE, never);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(asked).toBe(before);
    expect(lines).toEqual([]);
  });

  it('ends at once when this process made the topic', async () => {
    const both = Promise.all([gate.wait(TABLE, never), gate.wait(TABLE, never)]);
    const other = gate.wait(CONTROL, never);
    gate.open([TABLE, CONTROL]);
    await both;
    await other;
  });

  it('is said once when it lasts, and once when it is over', async () => {
    const passed = gate.wait(TABLE, never);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(asked).toBeLessThan(70);
    names.push(`site.${TABLE}`);
    await vi.advanceTimersByTimeAsync(2_000);
    await passed;
    expect(lines).toEqual(['topics are not there yet, waiting for them', 'topics are there']);
  });

  it('is given up with its signal, and nobody asks any more', async () => {
    const stopping = new AbortController();
    const given = gate.wait(TABLE, stopping.signal).catch(() => 'given up');
    await vi.advanceTimersByTimeAsync(300);
    stopping.abort();
    expect(await given).toBe('given up');
    await vi.advanceTimersByTimeAsync(2_000);
    const before = asked;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(asked).toBe(before);
    await expect(gate.wait(TABLE, stopping.signal)).rejects.toThrow();
  });
});
