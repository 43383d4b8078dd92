import RequestQueue from 'kafkajs/src/network/requestQueue/index.js';
import { afterEach, expect, it, vi } from 'vitest';
import { patchIdleTimer } from './timer-patch.js';

afterEach(() => vi.useRealTimers());

function queue(pending: readonly unknown[], throttledUntil: number): RequestQueue {
  return Object.assign(Object.create(RequestQueue.prototype) as RequestQueue, {
    pending,
    throttledUntil,
    throttleCheckTimeoutId: null,
  });
}

it('arms no timer on a connection with nothing to send, and one where something waits', () => {
  expect(typeof RequestQueue.prototype.scheduleCheckPendingRequests).toBe('function');
  patchIdleTimer();
  patchIdleTimer();
  vi.useFakeTimers();
  queue([], -1).scheduleCheckPendingRequests();
  expect(vi.getTimerCount()).toBe(0);
  queue([{}], -1).scheduleCheckPendingRequests();
  expect(vi.getTimerCount()).toBe(1);
  queue([], Date.now() + 1_000).scheduleCheckPendingRequests();
  expect(vi.getTimerCount()).toBe(2);
});
