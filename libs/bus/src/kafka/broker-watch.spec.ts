import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { HealthBoard } from '../health-board.js';
import type { ProbeResult } from './broker-probe.js';
import { BrokerWatch } from './broker-watch.js';

const CLOCK = { monotonicMs: () => performance.now(), wallMs: () => Date.now() };

describe('whether the brokers let this client in', () => {
  let watch: BrokerWatch;
  let health: HealthBoard;
  let answer: ProbeResult;
  let reachable: boolean[];
  const warned: object[] = [];

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance', 'Date'] });
    warned.length = 0;
    reachable = [];
    answer = 'open';
    const log = { info: () => undefined, warn: (fields: object) => warned.push(fields), error: () => undefined };
    health = new HealthBoard(CLOCK, log);
    const probe = async () => answer;
    watch = new BrokerWatch({ brokers: ['a:1', 'b:1'], clock: CLOCK, health, waitingSinceMs: () => null, probe, log });
    watch.add({ tick: (isReachable) => reachable.push(isReachable), refused: () => undefined });
  });

  afterEach(() => {
    watch.stop();
    vi.useRealTimers();
  });

  const state = () => health.state(0);

  it('is down with the reason when all that were asked turn it away, whatever else they answer', async () => {
    await vi.advanceTimersByTimeAsync(3_000);
    expect(state().state).toBe('up');
    watch.turnedAway('a:1', 'invalid credentials');
    watch.answered();
    expect(state()).toMatchObject({
      state: 'down',
      diagnosis: { code: 'BUS_REFUSED', params: { brokers: 'a:1, b:1', reason: 'invalid credentials' } },
    });
    await vi.advanceTimersByTimeAsync(3_000);
    expect(state().state).toBe('down');
    expect(reachable.at(-1)).toBe(false);
  });

  it('is up while one of them lets it in, and again when they do', async () => {
    await vi.advanceTimersByTimeAsync(1_000);
    watch.letIn('a:1');
    watch.turnedAway('b:1', 'certificate has expired');
    watch.answered();
    expect(state().state).toBe('up');
    watch.turnedAway('a:1', 'certificate has expired');
    expect(state().state).toBe('down');
    watch.letIn('b:1');
    watch.answered();
    expect(state()).toMatchObject({ state: 'up', diagnosis: null });
  });

  it('is told once per broker and reason', () => {
    for (let i = 0; i < 5; i++) watch.turnedAway('a:1', 'invalid credentials');
    expect(warned).toEqual([{ broker: 'a:1', reason: 'invalid credentials' }]);
    watch.turnedAway('a:1', 'certificate has expired');
    expect(warned).toHaveLength(2);
  });

  it('is another matter than brokers that are away', async () => {
    watch.turnedAway('a:1', 'invalid credentials');
    answer = 'refused';
    await vi.advanceTimersByTimeAsync(3_000);
    expect(state().diagnosis?.code).toBe('BUS_UNREACHABLE');
  });
});
