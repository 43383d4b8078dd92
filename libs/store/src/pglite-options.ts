import { PGlite } from '@electric-sql/pglite';
import { DurableNodeFs } from './durable-node-fs.js';

/**
 * The defaults without `-F` (which turns flushing off). `fsync` is the one method that the file system really has: its
 * fdatasync is a stub.
 */
const START = [
  ...PGlite.defaultStartParams.filter((parameter) => parameter !== '-F'),
  ...['wal_sync_method=fsync', 'shared_buffers=16MB', 'max_wal_size=32MB', 'min_wal_size=32MB'].flatMap((setting) => [
    '-c',
    setting,
  ]),
];

/** @param flushed called after each flush to the disk. */
export function startPglite(folder: string, flushed?: () => void): Promise<PGlite> {
  return PGlite.create({ fs: new DurableNodeFs(folder, flushed), startParams: START });
}
