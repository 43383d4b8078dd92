import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Changes one place of a package's file; throws when the file does not have it. */
export function editPackage(folder: string, file: string, from: string | RegExp, to: string): void {
  const path = join(folder, file);
  const text = readFileSync(path, 'utf8');
  const changed = text.replace(from, to);
  if (changed === text) throw new Error(`${file} does not have ${from}`);
  writeFileSync(path, changed);
}
