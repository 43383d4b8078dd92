import { closeSync, fsyncSync, openSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { copyFile, mkdir, open, readdir } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { flushFolder } from './durable-node-fs.js';

/** Under way at a time: more gain nothing, and use up file descriptors. */
const COPIES = 8;

/** Flushes every file and folder below. */
export function flushTree(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) flushTree(path);
    else if (entry.isFile()) {
      const file = openSync(path, 'r');
      fsyncSync(file);
      closeSync(file);
    }
  }
  flushFolder(folder);
}

/** Has the folder filled beside its place and moves it there last: it is there whole or not at all. */
export async function takeWhole(folder: string, fill: (fresh: string) => Promise<void>): Promise<void> {
  const fresh = `${folder}.new`;
  rmSync(fresh, { recursive: true, force: true });
  await fill(fresh);
  renameSync(fresh, folder);
  flushFolder(dirname(folder));
}

/** The copy belongs to this user alone, whatever the rights of the original are. */
export async function copyWhole(from: string, folder: string): Promise<void> {
  await takeWhole(folder, (fresh) => copyTree(from, fresh));
}

/** Flushed: the files a few at a time, then the folders. */
async function copyTree(from: string, to: string): Promise<void> {
  await mkdir(to, { mode: 0o700 });
  const folders = [to];
  const files: [source: string, target: string][] = [];
  for (const entry of await readdir(from, { withFileTypes: true, recursive: true })) {
    const source = join(entry.parentPath, entry.name);
    const target = join(to, relative(from, source));
    // A folder is listed before what is in it.
    if (entry.isDirectory()) {
      await mkdir(target, { mode: 0o700 });
      folders.push(target);
    } else files.push([source, target]);
  }
  const copyOn = async () => {
    for (let pair = files.pop(); pair; pair = files.pop()) await copyDurably(...pair);
  };
  await Promise.all(Array.from({ length: COPIES }, copyOn));
  for (const path of folders) flushFolder(path);
}

async function copyDurably(from: string, to: string): Promise<void> {
  await copyFile(from, to);
  const file = await open(to, 'r');
  try {
    await file.chmod(0o600);
    await file.sync();
  } finally {
    await file.close();
  }
}
