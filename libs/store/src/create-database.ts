import { closeSync, fsyncSync, openSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { flushFolder } from './durable-node-fs.js';
import { startPglite } from './pglite-options.js';

/*
 * A process of its own: the first creation peaks at over 800 MB. It works in a folder beside the final one and renames it
 * last, so that a database is there whole or not at all.
 */

function flushTree(folder: string): void {
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

async function create(folder: string): Promise<void> {
  const fresh = `${folder}.new`;
  rmSync(fresh, { recursive: true, force: true });
  const database = await startPglite(fresh);
  await database.close();
  flushTree(fresh);
  renameSync(fresh, folder);
  flushFolder(dirname(folder));
}

try {
  await create(process.argv[2] as string);
  process.exit(0);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
