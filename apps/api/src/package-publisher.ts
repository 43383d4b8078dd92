import { BusbarError } from '@busbar/errors';
import { type GenerationEntity, generationEntities } from '@busbar/events';
import {
  formatFinding,
  type LockLine,
  type PackageFile,
  type PackagePlugins,
  type ValidPackage,
  validatePackage,
} from '@busbar/package';
import type { Store, WholeGeneration } from '@busbar/store';
import { readPackageFolder } from './package-folder.js';

/** The package folder of the settings, and what becomes of it. */
export class PackagePublisher {
  readonly #folder: string;
  readonly #plugins: () => Promise<PackagePlugins>;
  readonly #print: (line: string) => void;

  constructor(folder: string, plugins: () => Promise<PackagePlugins>, print: (line: string) => void) {
    this.#folder = folder;
    this.#plugins = plugins;
    this.#print = print;
  }

  /** Generation 1 from the folder. PACKAGE_INVALID after every finding was printed. */
  async publishFirst(store: Store): Promise<WholeGeneration> {
    const files = await readPackageFolder(this.#folder);
    const { valid, lines, errors } = await this.#validate(files, await store.lock());
    for (const line of lines) this.#print(line);
    if (!valid) throw new BusbarError('PACKAGE_INVALID', { folder: this.#folder, count: errors });
    const { configuration, lock } = valid;
    const note = `from ${this.#folder}`;
    const { generation } = await store.publish({ basedOn: null, configuration, files, lock, by: 'start', note });
    return generation;
  }

  /** What of the folder is not as in the running generation; empty if all is, or if there is no folder. */
  async differences(store: Store, generation: WholeGeneration): Promise<string[]> {
    const files = await readPackageFolder(this.#folder);
    if (files.length === 0) return [];
    const { valid, lines, errors } = await this.#validate(files, await store.lock());
    if (!valid) return [`${errors} errors in ${this.#folder}`, ...lines.slice(0, 20)];
    return differencesOf(generationEntities(valid.configuration), generation.entities);
  }

  async #validate(
    files: readonly PackageFile[],
    previousLock: readonly LockLine[],
  ): Promise<{ readonly valid: ValidPackage | undefined; readonly lines: string[]; readonly errors: number }> {
    const { findings, valid } = validatePackage(files, { plugins: await this.#plugins(), previousLock });
    const errors = findings.filter((finding) => finding.severity === 'error').length;
    return { valid, errors, lines: findings.map(formatFinding) };
  }
}

function nameOf({ kind, value }: GenerationEntity): string {
  return `${kind} ${'id' in value ? value.id : ''}`;
}

/** By name, since a point table's identity is its content. */
function differencesOf(inFolder: readonly GenerationEntity[], running: readonly GenerationEntity[]): string[] {
  const digests = (entities: readonly GenerationEntity[]) => {
    const byName = new Map<string, string[]>();
    for (const entity of entities) {
      const name = nameOf(entity);
      byName.set(name, [...(byName.get(name) ?? []), entity.digest].sort());
    }
    return byName;
  };
  const folder = digests(inFolder);
  const live = digests(running);
  const names = [...new Set([...folder.keys(), ...live.keys()])].sort();
  return names.flatMap((name) => {
    if (!live.has(name)) return [`${name}: only in the folder`];
    if (!folder.has(name)) return [`${name}: only in the running generation`];
    return folder.get(name)?.join() === live.get(name)?.join() ? [] : [`${name}: differs`];
  });
}
