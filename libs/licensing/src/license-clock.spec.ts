import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LicenseClock } from './license-clock.js';

const NOW = Date.parse('2026-06-01T00:00:00Z');
const HOUR = 3_600_000;

class FakeClock {
  wall = NOW;
  monotonic = 5;
  readonly wallMs = () => this.wall;
  readonly monotonicMs = () => this.monotonic;
  pass(ms: number): void {
    this.wall += ms;
    this.monotonic += ms;
  }
}

describe('the time of a license', () => {
  it('is that of a wall clock that is right', () => {
    const clock = new FakeClock();
    const time = new LicenseClock(clock, 0);
    expect(time.nowMs()).toBe(NOW);
    clock.pass(HOUR);
    expect([time.nowMs(), time.behindMs()]).toEqual([NOW + HOUR, 0]);
  });

  it('goes on when the wall clock is set back', () => {
    const clock = new FakeClock();
    const time = new LicenseClock(clock, 0);
    time.nowMs();
    clock.wall -= 400 * 24 * HOUR;
    clock.pass(HOUR);
    expect(time.nowMs()).toBe(NOW + HOUR);
    expect(time.behindMs()).toBe(400 * 24 * HOUR);
  });

  it('goes on from what is known when the wall clock was set back before the start', () => {
    const clock = new FakeClock();
    const time = new LicenseClock(clock, NOW + 24 * HOUR);
    clock.pass(HOUR);
    expect(time.nowMs()).toBe(NOW + 25 * HOUR);
  });

  it('never goes back, nor slower than the monotonic clock, whatever the wall clock does', () => {
    const steps = fc.array(
      fc.tuple(fc.integer({ min: -1e12, max: 1e12 }), fc.double({ min: 0, max: 1e6, noNaN: true })),
    );
    fc.assert(
      fc.property(steps, (list) => {
        const clock = new FakeClock();
        const time = new LicenseClock(clock, 0);
        const first = time.nowMs();
        let last = first;
        for (const [jump, passed] of list) {
          clock.wall = NOW + jump;
          clock.monotonic += passed;
          const now = time.nowMs();
          expect(now).toBeGreaterThanOrEqual(last);
          expect(now).toBeGreaterThanOrEqual(NOW + jump);
          last = now;
        }
        expect(last - first).toBeGreaterThanOrEqual(Math.floor(clock.monotonic - 5) - 1);
      }),
    );
  });

  it('counts many short spans in full', () => {
    const clock = new FakeClock();
    const time = new LicenseClock(clock, NOW + HOUR);
    for (let n = 0; n < 10_000; n++) {
      clock.monotonic += 0.25;
      time.nowMs();
    }
    expect(time.nowMs()).toBe(NOW + HOUR + 2_500);
  });

  it('goes back to what the issuer signed when it was wrong, or to a later wall clock', () => {
    const clock = new FakeClock();
    const time = new LicenseClock(clock, NOW + 1000 * HOUR);
    time.reset(NOW - HOUR);
    expect(time.nowMs()).toBe(NOW);
    time.reset(NOW + HOUR);
    expect(time.nowMs()).toBe(NOW + HOUR);
  });
});
