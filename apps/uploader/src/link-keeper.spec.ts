import type { Diagnosis } from '@busbar/errors';
import type { Logger } from '@busbar/service-kit';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LinkKeeper, type SinkLink } from './link-keeper.js';
import { clock, isSettled, lostLink, pass } from './testing/sink-bench.js';

let log: string[];
let told: string[];
let failing: boolean;
let stopping: AbortController;
let lost: (diagnosis: Diagnosis) => void;
let closing: () => Promise<void>;
let keeper: LinkKeeper;
let session = 0;

beforeEach(() => {
  vi.useFakeTimers();
  log = [];
  told = [];
  failing = false;
  stopping = new AbortController();
  closing = async () => undefined;
  session = 0;
  const logger = {
    debug: () => undefined,
    info: (_fields: object, message: string) => void told.push(message),
    warn: (_fields: object, message: string) => void told.push(message),
  };
  keeper = new LinkKeeper({
    sink: 'cloud',
    clock,
    log: logger as unknown as Logger,
    stopping: stopping.signal,
    connect: async (whenLost) => {
      log.push('connect');
      if (failing) throw lostLink();
      lost = whenLost;
      session += 1;
      return session;
    },
    close: async (which) => {
      log.push(`close ${which}`);
      await closing();
    },
    opened: () => void log.push('opened'),
    failed: () => void log.push('failed'),
  });
});
afterEach(() => void vi.useRealTimers());

function attempts(): number {
  return log.filter((entry) => entry === 'connect').length;
}

describe('a keeper', () => {
  it('connects once, however many ask', async () => {
    const links = await Promise.all([keeper.open(), keeper.open()]);
    expect(links[0]).toBe(links[1]);
    expect(log).toEqual(['connect', 'opened']);
    expect(keeper.isOpen).toBe(true);
  });

  it('tries again with growing pauses, up to 30 s, and warns once', async () => {
    failing = true;
    const link = keeper.open();
    await pass();
    const pauses: number[] = [];
    for (let last = Date.now(), count = attempts(); pauses.length < 10; ) {
      await pass(50);
      if (attempts() === count) continue;
      count = attempts();
      pauses.push(Date.now() - last);
      last = Date.now();
    }
    for (const [i, ms] of pauses.entries()) {
      const most = Math.min(30_000, 500 * 2 ** i);
      expect(ms).toBeGreaterThanOrEqual(most / 2);
      expect(ms).toBeLessThanOrEqual(most + 50);
    }
    expect(told).toEqual(['sink cannot be reached']);
    failing = false;
    await pass(30_000);
    expect(await isSettled(link)).toBe(true);
    expect(told).toEqual(['sink cannot be reached', 'sink connected again']);
  });

  it('gives a lost link up once, whoever says so, and closes it before the next', async () => {
    const link = await keeper.open();
    let closed: () => void = () => undefined;
    closing = () =>
      new Promise((resolve) => {
        closed = resolve;
      });
    keeper.lost(link, lostLink());
    keeper.lost(link, lostLink());
    lost(lostLink().diagnosis);
    await pass(4_000);
    expect(log).toEqual(['connect', 'opened', 'failed', 'close 1']);
    expect(keeper.isOpen).toBe(false);
    closed();
    await pass(1_000);
    expect(log.slice(4)).toEqual(['connect', 'opened']);
    keeper.lost(link, lostLink());
    expect(keeper.isOpen).toBe(true);
  });

  it('goes on when a session does not close', async () => {
    const link = await keeper.open();
    closing = () => new Promise(() => undefined);
    keeper.lost(link, lostLink());
    await pass(6_000);
    expect(attempts()).toBe(2);
  });

  it('does not call a session open that was lost in the turn of its opening', async () => {
    const opening = keeper.open();
    await Promise.resolve();
    lost(lostLink().diagnosis);
    await pass(1_000);
    expect(log).toEqual(['connect', 'close 1', 'failed', 'connect', 'opened']);
    await opening;
  });

  it('slows down when sessions are lost as soon as they are open', async () => {
    keeper.open().catch(() => undefined);
    for (let s = 0; s < 600; s++) {
      await pass(100);
      if (keeper.isOpen) lost(lostLink().diagnosis);
    }
    expect(attempts()).toBeLessThan(12);
  });

  it('comes back soon after a session that held', async () => {
    keeper.open().catch(() => undefined);
    for (let i = 0; i < 5; i++) {
      await pass(31_000);
      lost(lostLink().diagnosis);
      await pass(501);
      expect(keeper.isOpen).toBe(true);
    }
  });

  it('gives an attempt up when it is renewed: no two are under way', async () => {
    failing = true;
    const before = keeper.open();
    await pass(60_000);
    keeper.renew();
    await expect(before).rejects.toThrow();
    failing = false;
    const count = attempts();
    await pass(60_000);
    expect(keeper.isOpen).toBe(true);
    expect(attempts()).toBe(count + 1);
  });

  it('ends an attempt at the stop, keeps an open session until it is told, and leaves no timer', async () => {
    const open = await keeper.open();
    stopping.abort();
    expect(await keeper.open()).toBe(open);
    keeper.lost(open, lostLink());
    await keeper.stop();
    expect(log).toEqual(['connect', 'opened', 'close 1']);
    await expect(keeper.open()).rejects.toThrow();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('rejects those who wait when it is stopped while it cannot connect', async () => {
    failing = true;
    const waiting: Promise<SinkLink> = keeper.open();
    waiting.catch(() => undefined);
    await pass(10_000);
    stopping.abort();
    await expect(waiting).rejects.toThrow();
    await keeper.stop();
    expect(vi.getTimerCount()).toBe(0);
  });
});
