import RequestQueue from 'kafkajs/src/network/requestQueue/index.js';

let isPatched = false;

/**
 * kafkajs 2.2.4 re-arms a timer of 1 ms on every connection for ever (tulios/kafkajs #1704, #1751), two thirds of its
 * idle cost. Throws when a later version no longer has the method, so that nobody believes it patched.
 */
export function patchIdleTimer(): void {
  if (isPatched) return;
  const { prototype } = RequestQueue;
  const schedule = prototype.scheduleCheckPendingRequests;
  if (typeof schedule !== 'function') throw new Error('kafkajs has no scheduleCheckPendingRequests any more');
  prototype.scheduleCheckPendingRequests = function (this: RequestQueue): void {
    if (this.pending.length > 0 || this.throttledUntil > Date.now()) schedule.call(this);
  };
  isPatched = true;
}
