import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Bus, openEmbeddedBus } from '@busbar/bus';
import { TOPICS, type TopicName } from '@busbar/events';
import { createLogger } from '@busbar/service-kit';
import { expect } from 'vitest';

export const testClock = { monotonicMs: () => performance.now(), wallMs: () => Date.now() };
export const silentLog = createLogger('api', 'silent');

/** A real embedded bus in a folder of its own. */
export async function openTestBus(): Promise<{ readonly bus: Bus; readonly folder: string; dispose(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'busbar-api-'));
  const bus = await openEmbeddedBus({ folder: join(folder, 'log'), clock: testClock, log: silentLog });
  await bus.ensureTopics(Object.keys(TOPICS) as TopicName[]);
  return {
    bus,
    folder,
    dispose: async () => {
      await bus.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Waits for what comes about by itself, also on a busy machine. */
export function eventually<T>(read: () => T): ReturnType<typeof expect.poll<T>> {
  return expect.poll(read, { timeout: 20_000 });
}
