import { beforeEach, describe, expect, it } from 'vitest';
import { LEASE_MS, Lease } from './lease.js';

class FakeClock {
  monotonic = 1_000_000;
  wall = 1_700_000_000_000;
  readonly monotonicMs = () => this.monotonic;
  readonly wallMs = () => this.wall;

  pass(ms: number): void {
    this.monotonic += ms;
    this.wall += ms;
  }
}

describe('a lease', () => {
  let clock: FakeClock;
  let lease: Lease;

  beforeEach(() => {
    clock = new FakeClock();
    lease = new Lease(clock);
  });

  it('does not exist before the first answer', () => {
    expect(lease.isValid('read')).toBe(false);
    expect(lease.isValid('write')).toBe(false);
  });

  it('runs 4 s from when the answered request was sent, not from its answer', () => {
    clock.pass(1_500);
    lease.answered(1_500);
    clock.pass(LEASE_MS - 1_501);
    expect(lease.isValid('write')).toBe(true);
    expect(lease.isValid('read')).toBe(true);
    clock.pass(1);
    expect(lease.isValid('write')).toBe(false);
    expect(lease.isValid('read')).toBe(false);
  });

  it('is not fresh for a process that was frozen between request and answer', () => {
    lease.answered(5);
    clock.pass(14_000);
    lease.answered(13_900);
    expect(lease.isValid('write')).toBe(false);
    expect(lease.isValid('read')).toBe(false);
  });

  it('is not stretched by a wall clock that was set back while the answer was under way', () => {
    lease.answered(0);
    clock.pass(2_000);
    clock.wall -= 2_000;
    lease.look();
    clock.pass(1_000);
    lease.answered(1_000);
    clock.pass(999);
    expect(lease.isValid('write')).toBe(true);
    clock.pass(1);
    expect(lease.isValid('write')).toBe(false);
    lease.answered(2);
    expect(lease.isValid('write')).toBe(true);
  });

  it('for reads goes on while every broker refuses, for writes it does not', () => {
    lease.answered(0);
    for (let i = 0; i < 60; i++) {
      clock.pass(1_000);
      lease.refused(clock.monotonic);
      expect(lease.isValid('read')).toBe(true);
    }
    expect(lease.isValid('write')).toBe(false);
    clock.pass(LEASE_MS);
    expect(lease.isValid('read')).toBe(false);
  });

  it('is not brought back by a refusal after it ran out: another may have got the key meanwhile', () => {
    lease.answered(0);
    clock.pass(LEASE_MS);
    lease.refused(clock.monotonic);
    expect(lease.isValid('read')).toBe(false);
    clock.pass(1_000);
    lease.refused(clock.monotonic);
    expect(lease.isValid('read')).toBe(false);
  });

  it('ends at once with the membership, whatever was answered before', () => {
    lease.answered(0);
    lease.end();
    expect(lease.isValid('read')).toBe(false);
    lease.refused(clock.monotonic);
    expect(lease.isValid('read')).toBe(false);
  });

  it('does not go back to an older answer', () => {
    lease.answered(0);
    lease.answered(3_000);
    clock.pass(LEASE_MS - 1);
    expect(lease.isValid('write')).toBe(true);
  });
});
