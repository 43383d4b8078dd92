import { openStore } from './open-store.js';
import { samplePublication } from './sample-configuration.js';

/* A victim for the kill test: publishes generation after generation and tells each acknowledged number to its parent. */

const log = { info: () => undefined, warn: () => undefined };
const clock = { monotonicMs: () => performance.now(), wallMs: () => Date.now() };
const store = await openStore({ folder: process.argv[2] as string, clock, log });
let newest = (await store.newest())?.number ?? null;
for (;;) {
  newest = (await store.publish(samplePublication(newest, (newest ?? 0) + 1))).generation.number;
  process.send?.(newest);
}
