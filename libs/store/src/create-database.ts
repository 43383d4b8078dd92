import { startPglite } from './pglite-options.js';
import { flushTree, takeWhole } from './whole-folder.js';

/*
 * A process of its own: the first creation peaks at over 800 MB. It works in a folder beside the final one and renames it
 * last, so that a database is there whole or not at all.
 */

async function create(folder: string): Promise<void> {
  await takeWhole(folder, async (fresh) => {
    const database = await startPglite(fresh);
    await database.close();
    flushTree(fresh);
  });
}

try {
  await create(process.argv[2] as string);
  process.exit(0);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
