import { chmod, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { BusbarError } from '@busbar/errors';
import { BUILT_IN_KEYS, parseTrustList, type TrustList, trustListOf } from '@busbar/licensing';
import { Option } from 'commander';

/** Throws LICENSE_FILE, naming the file. */
export async function readTextFile(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw fileError(path, cause);
  }
}

/** Makes a file that was not there; an existing one is never written over. */
export async function writeNewFile(path: string, text: string, mode: number): Promise<void> {
  try {
    await mkdir(dirname(resolve(path)), { recursive: true });
    const file = await open(path, 'wx', mode);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw fileError(path, cause);
  }
}

/** Whole or not at all, also when somebody reads meanwhile. */
export async function replaceFile(path: string, text: string): Promise<void> {
  const fresh = `${path}.${process.pid}.new`;
  try {
    await mkdir(dirname(resolve(path)), { recursive: true });
    await writeNewFile(fresh, text, 0o644);
    // What a mask of the caller took away: the licenser may run as another user.
    await chmod(fresh, 0o644);
    await rename(fresh, path);
  } catch (cause) {
    await rm(fresh, { force: true });
    throw cause instanceof BusbarError ? cause : fileError(path, cause);
  }
}

function fileError(path: string, cause: unknown): BusbarError {
  const { code } = cause as NodeJS.ErrnoException;
  const reason = code === 'ENOENT' ? 'there is no such file' : code === 'EEXIST' ? 'it is there already' : code;
  return new BusbarError('LICENSE_FILE', { path, reason: reason ?? String(cause) }, { cause });
}

export function keysOption(): Option {
  return new Option('--keys <file>', 'trusted public keys, a JSON Web Key Set').env('BUSBAR_LICENSE_KEYS');
}

export function dataOption(): Option {
  return new Option('--data <folder>', 'data folder of Busbar').env('BUSBAR_DATA').default('./data');
}

/** What this build and the file trust; null: nothing is named, so that nothing can be verified. */
export async function readTrust(path: string | undefined): Promise<TrustList | null> {
  if (BUILT_IN_KEYS.length > 0) return trustListOf(BUILT_IN_KEYS);
  return path === undefined ? null : parseTrustList(await readTextFile(path));
}
