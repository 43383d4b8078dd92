import { fileURLToPath } from 'node:url';
import type { BusLogger } from '../logger.js';
import type { Bus } from '../port.js';
import { type EmbeddedBusSettings, openEmbeddedBus } from './open-embedded-bus.js';

/** The compiled walker: tests run from the sources, a child process cannot. */
export const WALK_WORKER = fileURLToPath(new URL('../../dist/embedded/walk-log-worker.js', import.meta.url));

export const SILENT: BusLogger = { info: () => undefined, warn: () => undefined, error: () => undefined };

export const REAL_CLOCK = { monotonicMs: () => performance.now(), wallMs: () => Date.now() };

export function openTestBus(settings: Partial<EmbeddedBusSettings> & { readonly folder: string }): Promise<Bus> {
  return openEmbeddedBus({ clock: REAL_CLOCK, log: SILENT, walkWorker: WALK_WORKER, ...settings });
}
