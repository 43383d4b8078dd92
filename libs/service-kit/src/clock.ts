import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Clock } from '@busbar/model';

/** CLOCK_MONOTONIC, which all processes of one boot share (control deadlines rest on that), and the wall clock. */
export function systemClock(): Clock {
  return {
    monotonicMs: () => {
      const [seconds, nanoseconds] = process.hrtime();
      return seconds * 1000 + nanoseconds / 1e6;
    },
    wallMs: () => Date.now(),
  };
}

/** Names the boot of this machine: monotonic times of two processes compare only where it is equal. */
export function readBootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return randomUUID();
  }
}
