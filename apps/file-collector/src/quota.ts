import type { FileTaskConfig } from '@busbar/events';
import type { SpooledFile } from './spool.js';

export type Room =
  | { readonly kind: 'free'; readonly drop: readonly number[] }
  | { readonly kind: 'full'; readonly waitingBytes: number }
  | { readonly kind: 'too-large' };

/** Octets of a file here, whole or not. */
export function keptBytes({ whole, file, partBytes }: SpooledFile): number {
  return whole?.size ?? Math.max(file.size ?? 0, partBytes);
}

/** What has to go so that another file fits: of the delivered ones the oldest first, never one that a cloud waits for. */
export function makeRoom(files: readonly SpooledFile[], bytes: number, keep: FileTaskConfig['keep']): Room {
  if (bytes > keep.bytes) return { kind: 'too-large' };
  let used = files.reduce((sum, file) => sum + keptBytes(file), 0);
  const drop: number[] = [];
  for (const file of deliveredOf(files)) {
    if (used + bytes <= keep.bytes) break;
    drop.push(file.id);
    used -= keptBytes(file);
  }
  return used + bytes <= keep.bytes ? { kind: 'free', drop } : { kind: 'full', waitingBytes: used };
}

/** Delivered files that were kept long enough. */
export function outdated(
  files: readonly SpooledFile[],
  nowMs: number,
  keep: FileTaskConfig['keep'],
): readonly number[] {
  return deliveredOf(files)
    .filter(({ uploadedAt }) => nowMs - (uploadedAt ?? nowMs) > keep.ms)
    .map(({ id }) => id);
}

/** The one delivered first comes first. */
function deliveredOf(files: readonly SpooledFile[]): readonly SpooledFile[] {
  return files
    .filter(({ uploadedAt }) => uploadedAt !== null)
    .sort((a, b) => (a.uploadedAt ?? 0) - (b.uploadedAt ?? 0) || a.id - b.id);
}
