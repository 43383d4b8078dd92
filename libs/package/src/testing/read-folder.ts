import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import type { PackageFile } from '../result.js';

/** All files of a folder as a package. */
export function readFolder(folder: string): PackageFile[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => ({ path: relative(folder, path).split(sep).join('/'), content: readFileSync(path) }));
}

export function textFiles(files: Readonly<Record<string, string>>): PackageFile[] {
  return Object.entries(files).map(([path, text]) => ({ path, content: new TextEncoder().encode(text) }));
}
