import { FakeTime } from '@busbar/driver-testkit';
import { describe, expect, it } from 'vitest';
import { Scheduler } from './scheduler.js';

function make() {
  const time = new FakeTime();
  const errors: unknown[] = [];
  return { time, errors, scheduler: new Scheduler(time, time, (error) => errors.push(error)) };
}

describe('scheduler', () => {
  it('keeps a fixed rate without drift', async () => {
    const { time, scheduler } = make();
    const at: number[] = [];
    scheduler.every(100, () => at.push(time.monotonicMs()));
    await time.advance(1_000);
    expect(at.length).toBe(10);
    expect(new Set(at.map((ms) => ms % 100)).size).toBe(1);
  });

  it('skips what it missed and says how many, instead of catching up', async () => {
    const { time, scheduler } = make();
    const missed: number[] = [];
    scheduler.every(100, (n) => missed.push(n));
    await time.advance(150);
    await time.stall(1_000);
    const total = missed.length + missed.reduce((sum, n) => sum + n, 0);
    expect(missed.filter((n) => n > 0).length).toBe(1);
    expect(total).toBeGreaterThanOrEqual(11);
    expect(missed.length).toBeLessThan(5);
  });

  it('needs one timer, however many entries there are', async () => {
    const { time, scheduler } = make();
    let calls = 0;
    for (let i = 0; i < 2_000; i++) scheduler.every(1_000, () => calls++);
    expect(time.pendingCount).toBe(1);
    await time.advance(1_000);
    expect(calls).toBe(2_000);
  });

  it('spreads many entries over the period and gathers few in few wake-ups', async () => {
    const { time, scheduler } = make();
    const perWakeUp = new Map<number, number>();
    const count = (): void => {
      perWakeUp.set(time.monotonicMs(), (perWakeUp.get(time.monotonicMs()) ?? 0) + 1);
    };
    for (let i = 0; i < 50; i++) scheduler.every(1_000, count);
    await time.advance(1_000);
    expect(perWakeUp.size).toBeLessThanOrEqual(4);
    for (let i = 50; i < 2_000; i++) scheduler.every(1_000, count);
    perWakeUp.clear();
    await time.advance(1_000);
    expect(Math.max(...perWakeUp.values())).toBeLessThan(150);
  });

  it('runs once what is wanted once, and nothing that was canceled', async () => {
    const { time, scheduler } = make();
    const ran: string[] = [];
    scheduler.after(50, () => ran.push('once'));
    scheduler.after(50, () => ran.push('never'))();
    const cancel = scheduler.every(20, () => {
      ran.push('twice');
      if (ran.filter((name) => name === 'twice').length === 2) cancel();
    });
    await time.advance(500);
    expect(ran.sort()).toEqual(['once', 'twice', 'twice']);
  });

  it('goes on when a callback throws', async () => {
    const { time, scheduler, errors } = make();
    let calls = 0;
    scheduler.every(100, () => {
      throw new Error('one');
    });
    scheduler.every(100, () => calls++);
    await time.advance(300);
    expect(calls).toBe(3);
    expect(errors.length).toBe(3);
  });

  it('runs nothing after its end', async () => {
    const { time, scheduler } = make();
    let calls = 0;
    scheduler.every(100, () => calls++);
    scheduler.stop();
    await time.advance(500);
    expect(calls).toBe(0);
    expect(time.pendingCount).toBe(0);
  });
});
