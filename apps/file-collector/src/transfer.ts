import { BusbarError, isBusbarError } from '@busbar/errors';
import { type FileSource, isSameFile, type RemoteFile } from './sources/file-source.js';
import { digestFile, type Spool, type SpooledFile } from './spool.js';
import type { Throttle } from './throttle.js';

/** After so many octets those so far are flushed: what a power cut costs at most. */
const FLUSH_BYTES = 64 * 1024 * 1024;

export interface TransferParts {
  readonly connection: string;
  readonly source: FileSource;
  /** How the file is now, by an open link. */
  stat(file: RemoteFile): Promise<RemoteFile | null>;
  readonly spool: Spool;
  readonly throttle: Throttle;
  progress(bytes: number): void;
  /** Time of the value, asked once the file is whole. */
  timeMs(): number;
  readonly signal: AbortSignal;
}

/**
 * Brings one file into the spool, from where an earlier try ended. It is whole only if the source said the same of it
 * before and after, and delivered exactly so much. Throws FILE_*, CONNECTION_*; what is here so far stays.
 */
export async function transfer(
  parts: TransferParts,
  { id, file: begun }: SpooledFile,
  file: RemoteFile,
): Promise<void> {
  const { spool, source, signal } = parts;
  if (!isSameFile(begun, file)) await spool.restart(id, file);
  const bytes = await collect(parts, id, file);
  const now = await parts.stat(file);
  const about = { target: source.target, file: file.path };
  if (!now) throw new BusbarError('FILE_GONE', about);
  const isLong = file.size !== null && bytes > file.size;
  const isChanged = !isSameFile(now, file);
  // What is too long, or of two states of the file, is of no use; what is too short may go on.
  if (isLong || isChanged) await spool.restart(id, now);
  if (isChanged) throw new BusbarError('FILE_CHANGED', about);
  if (file.size !== null && bytes !== file.size) {
    throw new BusbarError('FILE_SIZE', { ...about, announced: file.size, delivered: isLong ? 'more' : bytes });
  }
  const digest = await written(parts, () => digestFile(spool.partPath(id), signal));
  if (digest.size !== bytes) {
    await spool.restart(id, file);
    throw new BusbarError('FILE_SPOOL_DAMAGED', { file: file.path });
  }
  const timeMs = parts.timeMs();
  await written(parts, () => spool.finish(id, file, { ...digest, collectedAt: timeMs, timeMs }));
}

/** Octets in the part afterwards. Stops as soon as more comes than the source announced. */
async function collect(parts: TransferParts, id: number, file: RemoteFile): Promise<number> {
  const { spool, source, throttle, signal } = parts;
  const part = await written(parts, () => spool.openPart(id));
  let { bytes } = part;
  let flushed = bytes;
  try {
    // All that was announced is here: only the end is missing, and a server need not accept an offset there.
    if (file.size !== null && bytes === file.size && bytes > 0) return bytes;
    for await (const chunk of source.read(file, bytes, signal)) {
      await written(parts, () => part.handle.appendFile(chunk));
      bytes += chunk.length;
      spool.wrote(id, bytes);
      parts.progress(bytes);
      if (file.size !== null && bytes > file.size) return bytes;
      if (bytes - flushed >= FLUSH_BYTES) {
        flushed = bytes;
        await written(parts, () => part.handle.datasync());
        await spool.mark(id, bytes);
      }
      await throttle.pass(chunk.length, signal);
    }
    return bytes;
  } finally {
    await part.handle.sync().catch(() => undefined);
    await part.handle.close();
  }
}

/** Failures of our own disk, told from those of the source. */
async function written<T>({ connection }: TransferParts, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (cause) {
    if (isBusbarError(cause) || (cause as Error).name === 'AbortError') throw cause;
    throw new BusbarError('FILE_SPOOL_WRITE', { connection, reason: (cause as Error).message }, { cause });
  }
}
