import { BusbarError, isBusbarError } from '@busbar/errors';
import { FilePattern, fixedFolder, isFolderPattern } from '@busbar/model';
import { type FileSource, isWithin, joinPath } from './sources/file-source.js';

/** A path that matches more is a mistake, or a device that makes folders without end. */
const MOST_FOLDERS = 10_000;

export interface Walk {
  /** Folders that `**` stands for at most. */
  readonly depth: number;
  /** A folder that is not looked into: what was collected lies there. */
  readonly without: string | null;
  /** A folder below the root cannot be listed; the others go on. */
  failed(error: BusbarError): void;
}

/** The folders that a path with patterns stands for, each once, and never through a link: a link is no folder. */
export class FolderWalk {
  readonly #source: FileSource;
  readonly #walk: Walk;
  readonly #signal: AbortSignal;
  readonly #found = new Set<string>();
  /** Names in a folder, of those that were asked for. */
  readonly #known = new Map<string, readonly string[]>();

  constructor(source: FileSource, walk: Walk, signal: AbortSignal) {
    this.#source = source;
    this.#walk = walk;
    this.#signal = signal;
  }

  /** null: its root is not there. Throws CONNECTION_*, FILE_FOLDER. */
  async foldersOf(path: string): Promise<readonly string[] | null> {
    const root = fixedFolder(path);
    if (root === path) return [path];
    const rest = path.split('/').slice(root === '/' ? 1 : root.split('/').length);
    const before = this.#found.size;
    if ((await this.#names(root, true)) === null) return null;
    await this.#enter(root, rest, this.#walk.depth);
    return [...this.#found].slice(before);
  }

  async #enter(folder: string, parts: readonly string[], depth: number): Promise<void> {
    this.#signal.throwIfAborted();
    const { without } = this.#walk;
    if (without !== null && isWithin(folder, without)) return;
    const [part, ...rest] = parts;
    if (part === undefined) {
      this.#found.add(folder);
      return;
    }
    if (!isFolderPattern(part)) return this.#enter(joinPath(folder, part), rest, depth);
    const isAny = part === '**';
    if (isAny) await this.#enter(folder, rest, depth);
    if (isAny && depth === 0) return;
    const pattern = isAny ? null : new FilePattern(part);
    for (const name of (await this.#names(folder, false)) ?? []) {
      if (pattern && !pattern.matches(name)) continue;
      await this.#enter(joinPath(folder, name), isAny ? parts : rest, isAny ? depth - 1 : depth);
    }
  }

  async #names(folder: string, isRoot: boolean): Promise<readonly string[] | null> {
    const known = this.#known.get(folder);
    if (known) return known;
    if (this.#known.size >= MOST_FOLDERS) {
      const reason = `it has more than ${MOST_FOLDERS} folders below it`;
      throw new BusbarError('FILE_FOLDER', { target: this.#source.target, folder, reason });
    }
    try {
      const names = await this.#source.folders(folder, this.#signal);
      this.#known.set(folder, names ?? []);
      return names;
    } catch (error) {
      if (isRoot || !isBusbarError(error) || error.code !== 'FILE_FOLDER') throw error;
      this.#walk.failed(error);
      this.#known.set(folder, []);
      return [];
    }
  }
}
