import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { PackageFile } from '@busbar/package';

/** What belongs to a package; people keep other things beside it. */
const BELONGS = /\.(ya?ml|csv|lock)$/;
const FILES = 5_000;
const BYTES = 256 * 1024 * 1024;

/** The files of a package folder, sorted; none when there is no such folder. Links and hidden files are left out. */
export async function readPackageFolder(folder: string): Promise<PackageFile[]> {
  const paths: string[] = [];
  await collect(folder, '', paths);
  const files: PackageFile[] = [];
  let bytes = 0;
  for (const path of paths.sort().slice(0, FILES + 1)) {
    bytes += (await stat(join(folder, path))).size;
    // Beyond this the validation refuses the package anyway; it need not be in memory for that.
    if (bytes > 2 * BYTES) break;
    files.push({ path, content: await readFile(join(folder, path)) });
  }
  return files;
}

async function collect(folder: string, below: string, paths: string[]): Promise<void> {
  const entries = await readdir(join(folder, below), { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' && below === '') return [];
    throw error;
  });
  for (const entry of entries) {
    if (entry.name.startsWith('.') || entry.name === 'node_modules') continue;
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory()) await collect(folder, path, paths);
    else if (entry.isFile() && BELONGS.test(entry.name)) paths.push(path);
  }
}
