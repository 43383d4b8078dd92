import { isSameFile, type RemoteFile } from './sources/file-source.js';

interface Seen {
  readonly file: RemoteFile;
  readonly sinceMs: number;
}

/** Which files are at rest: size and time unchanged for so long, by our monotonic clock, for that of a device may be wrong. */
export class Settling {
  #seen = new Map<string, Seen>();

  /**
   * Takes a whole listing. Gives the files at rest, and in how many ms the next of the others will be if it does not
   * change; what is not listed any more is forgotten.
   */
  look(
    files: readonly RemoteFile[],
    settledMs: number,
    nowMs: number,
  ): { readonly settled: ReadonlySet<string>; readonly nextMs: number | null } {
    const seen = new Map<string, Seen>();
    const settled = new Set<string>();
    let nextMs: number | null = null;
    for (const file of files) {
      const before = this.#seen.get(file.path);
      const now = before && isSameFile(before.file, file) ? before : { file, sinceMs: nowMs };
      seen.set(file.path, now);
      const leftMs = now.sinceMs + settledMs - nowMs;
      if (leftMs <= 0) settled.add(file.path);
      else nextMs = Math.min(nextMs ?? leftMs, leftMs);
    }
    this.#seen = seen;
    return { settled, nextMs };
  }

  /** It moved: its rest begins anew. */
  forget(path: string): void {
    this.#seen.delete(path);
  }
}
