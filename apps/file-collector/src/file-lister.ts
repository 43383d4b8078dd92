import { BusbarError, type Diagnosis, isBusbarError } from '@busbar/errors';
import type { FileTaskConfig } from '@busbar/events';
import { expandDates, FilePattern, fixedFolder, hasDateFields } from '@busbar/model';
import { FolderWalk } from './folder-walk.js';
import { completeSets } from './sets.js';
import type { FileSource, RemoteFile, WantedNames } from './sources/file-source.js';

const DAY_MS = 86_400_000;

/** What a source has for a task. */
export interface Listing {
  /** Those of incomplete sets as well; the oldest first, each path once. */
  readonly all: readonly RemoteFile[];
  readonly groups: readonly (readonly RemoteFile[])[];
  /** The first folder that could not be looked into while others could. */
  readonly diagnosis: Diagnosis | null;
}

/** What a task looks for at a given time: dates reach back as configured, and a day ahead, for clocks differ. */
export class FileLister {
  readonly #task: FileTaskConfig;
  readonly #paths: readonly string[];
  /** One list for each pattern of the task: its dates filled in. */
  readonly #patterns: readonly (readonly FilePattern[])[];
  #diagnosis: Diagnosis | null = null;

  constructor(task: FileTaskConfig, nowMs: number, timezone: string) {
    const reach = { fromMs: nowMs - task.backMs, toMs: nowMs + DAY_MS, timezone };
    this.#task = task;
    this.#paths = expandDates(task.path, reach);
    this.#patterns = task.match.map((text) => expandDates(text, reach).map((one) => new FilePattern(one)));
  }

  /** Throws CONNECTION_*, and FILE_FOLDER for a folder that the task names without a pattern. */
  async list(source: FileSource, signal: AbortSignal): Promise<Listing> {
    const found = new Map<string, RemoteFile>();
    const { after, depth = 0 } = this.#task;
    const without = after.act === 'move' ? after.folder.replace(/\/+$/, '') : null;
    const walk = new FolderWalk(source, { depth, without, failed: (error) => this.#failed(error) }, signal);
    for (const path of this.#paths) {
      const root = fixedFolder(path);
      const wanted = this.#wanted(root);
      const folders = await walk.foldersOf(path);
      // One that is not there below a pattern is no mistake.
      if (!folders) this.#missing(source, root);
      for (const folder of folders ?? []) {
        signal.throwIfAborted();
        const files = await this.#files(folder === root, () => source.list(folder, wanted, signal));
        if (!files && folder === root) this.#missing(source, root);
        for (const file of files ?? []) found.set(file.path, file);
      }
    }
    const all = [...found.values()];
    all.sort((a, b) => (a.modifiedMs ?? 0) - (b.modifiedMs ?? 0) || (a.path < b.path ? -1 : 1));
    const each = this.#patterns.map((list) => ({ matches: (name: string) => list.some((one) => one.matches(name)) }));
    const groups = this.#task.sets === 'same-name' ? completeSets(all, each) : all.map((file) => [file]);
    return { all, groups, diagnosis: this.#diagnosis };
  }

  async #files<T>(isRoot: boolean, list: () => Promise<T>): Promise<T | null> {
    try {
      return await list();
    } catch (error) {
      if (isRoot || !isBusbarError(error) || error.code !== 'FILE_FOLDER') throw error;
      this.#failed(error);
      return null;
    }
  }

  #failed(error: BusbarError): void {
    this.#diagnosis ??= error.diagnosis;
  }

  /** A folder of another day may not be there yet, or not any more. */
  #missing(source: FileSource, folder: string): void {
    if (hasDateFields(this.#task.path)) return;
    throw new BusbarError('FILE_FOLDER', { target: source.target, folder, reason: 'there is none' });
  }

  #wanted(root: string): WantedNames {
    const patterns = this.#patterns.flat();
    const exact = patterns.map((one) => one.exact);
    return {
      root,
      fits: (name) => patterns.some((one) => one.matches(name)),
      exact: exact.some((name) => name === undefined) ? null : [...new Set(exact as string[])],
    };
  }
}
