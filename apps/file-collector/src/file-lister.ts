import { BusbarError } from '@busbar/errors';
import type { FileTaskConfig } from '@busbar/events';
import { expandDates, FilePattern, hasDateFields } from '@busbar/model';
import { completeSets } from './sets.js';
import type { FileSource, RemoteFile, WantedNames } from './sources/file-source.js';

const DAY_MS = 86_400_000;

/** What a task looks for at a given time: dates reach back as configured, and a day ahead, for clocks differ. */
export class FileLister {
  readonly #task: FileTaskConfig;
  readonly #folders: readonly string[];
  /** One list for each pattern of the task: its dates filled in. */
  readonly #patterns: readonly (readonly FilePattern[])[];

  constructor(task: FileTaskConfig, nowMs: number, timezone: string) {
    const reach = { fromMs: nowMs - task.backMs, toMs: nowMs + DAY_MS, timezone };
    this.#task = task;
    this.#folders = expandDates(task.path, reach);
    this.#patterns = task.match.map((text) => expandDates(text, reach).map((one) => new FilePattern(one)));
  }

  /** Files that fit, those of incomplete sets left out; the oldest first. `all` holds those as well. */
  async list(
    source: FileSource,
    signal: AbortSignal,
  ): Promise<{ readonly all: readonly RemoteFile[]; readonly groups: readonly (readonly RemoteFile[])[] }> {
    const wanted = this.#wanted();
    const all: RemoteFile[] = [];
    for (const folder of this.#folders) {
      signal.throwIfAborted();
      const files = await source.list(folder, wanted, signal);
      if (files) all.push(...files);
      else if (!hasDateFields(this.#task.path)) {
        throw new BusbarError('FILE_FOLDER', { target: source.target, folder, reason: 'there is none' });
      }
    }
    all.sort((a, b) => (a.modifiedMs ?? 0) - (b.modifiedMs ?? 0) || (a.path < b.path ? -1 : 1));
    const each = this.#patterns.map((list) => ({ matches: (name: string) => list.some((one) => one.matches(name)) }));
    return { all, groups: this.#task.sets === 'same-name' ? completeSets(all, each) : all.map((file) => [file]) };
  }

  #wanted(): WantedNames {
    const patterns = this.#patterns.flat();
    const exact = patterns.map((one) => one.exact);
    return {
      fits: (name) => patterns.some((one) => one.matches(name)),
      exact: exact.some((name) => name === undefined) ? null : [...new Set(exact as string[])],
    };
  }
}
