import type { Clock } from '@busbar/model';
import type { BusLogger } from '../logger.js';
import type { Bus } from '../port.js';
import { EmbeddedBus } from './embedded-bus.js';
import { LogFolder } from './log-folder.js';
import { RESERVE_BYTES } from './room.js';
import { DEFAULT_SEGMENTATION, type Segmentation } from './segments.js';

const DEFAULT_MAP_SIZE_BYTES = 16 * 1024 ** 3;
const DEFAULT_FLUSH_INTERVAL_MS = 25;

export interface EmbeddedBusSettings {
  /** Holds the log, its lock and its marks; made when missing. On a local volume, never a network file system. */
  readonly folder: string;
  readonly clock: Clock;
  readonly log: BusLogger;
  /** The log holds about this much; beyond it the oldest samples are dropped. Default 16 GiB. */
  readonly mapSizeBytes?: number;
  /** Kept for control and configuration when samples have filled the log. Default 64 MiB. */
  readonly reserveBytes?: number;
  /** Least time between two flushes to the disk, control topics excepted. Default 25 ms. */
  readonly flushIntervalMs?: number;
  readonly segmentation?: Segmentation;
  /** Awaited before each transaction; a rejection is taken for the disk's. For tests: slow and full disks. */
  readonly gate?: () => Promise<void>;
  /** The compiled program that walks a log after an unclean stop; default beside this module. */
  readonly walkWorker?: string;
}

/** Opens or makes the log in a folder. Throws LOG_LOCKED when another process has it, DATA_NOT_WRITABLE. */
export async function openEmbeddedBus(settings: EmbeddedBusSettings): Promise<Bus> {
  const { clock, log } = settings;
  const mapSizeBytes = settings.mapSizeBytes ?? DEFAULT_MAP_SIZE_BYTES;
  const opened = { ...settings, mapSizeBytes, wallMs: () => clock.wallMs() };
  const folder = await LogFolder.open(opened);
  const bus = new EmbeddedBus({
    folder,
    path: settings.folder,
    clock,
    log,
    mapSizeBytes,
    reserveBytes: settings.reserveBytes ?? RESERVE_BYTES,
    flushIntervalMs: settings.flushIntervalMs ?? DEFAULT_FLUSH_INTERVAL_MS,
    segmentation: settings.segmentation ?? DEFAULT_SEGMENTATION,
    ...(settings.gate ? { gate: settings.gate } : {}),
  });
  try {
    await bus.load();
  } catch (error) {
    await folder.close(false);
    throw error;
  }
  return bus;
}
