import type { RemoteFile } from './sources/file-source.js';

/** The name without its last extension: what files of one set have in common. */
export function stemOf(name: string): string {
  const dot = name.lastIndexOf('.');
  return dot > 0 ? name.slice(0, dot) : name;
}

/** Files of complete sets: of one folder and one name, with at least one for each pattern. */
export function completeSets(
  files: readonly RemoteFile[],
  patterns: readonly { matches(name: string): boolean }[],
): readonly (readonly RemoteFile[])[] {
  const sets = new Map<string, RemoteFile[]>();
  for (const file of files) {
    const folder = file.path.slice(0, file.path.length - file.name.length);
    const key = `${folder}\n${stemOf(file.name)}`;
    const set = sets.get(key);
    if (set) set.push(file);
    else sets.set(key, [file]);
  }
  return [...sets.values()].filter((set) => patterns.every((one) => set.some(({ name }) => one.matches(name))));
}
