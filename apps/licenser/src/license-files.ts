import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { BusbarError } from '@busbar/errors';
import { type EntitlementsChanged, entitlementsSchema } from '@busbar/events';

/** Octets; a license or a list of keys has some hundreds. */
const MAX_SIZE = 65_536;
const STATE = 'state.json';

export interface LicensePaths {
  /** Where the licenser keeps its state. */
  readonly folder: string;
  readonly license: string;
  readonly keys?: string | undefined;
}

/** The files of a license: the two that others write are looked at again and again, the state is our own. */
export class LicenseFiles {
  readonly #paths: LicensePaths;

  constructor(paths: LicensePaths) {
    this.#paths = paths;
  }

  /** Text of the license file; null if there is none. Throws LICENSE_FILE. */
  license(): Promise<string | null> {
    return readText(this.#paths.license, MAX_SIZE);
  }

  /** Text of the list of keys; null if no file is named. Throws LICENSE_FILE, also if the file named is not there. */
  async keys(): Promise<string | null> {
    const { keys } = this.#paths;
    if (keys === undefined) return null;
    const text = await readText(keys, MAX_SIZE);
    if (text === null) throw new BusbarError('LICENSE_FILE', { path: keys, reason: 'there is no such file' });
    return text;
  }

  /** null: none, or not readable as one. */
  async state(): Promise<EntitlementsChanged | null> {
    const text = await readText(join(this.#paths.folder, STATE), Number.POSITIVE_INFINITY);
    if (text === null) return null;
    try {
      return entitlementsSchema.parse(JSON.parse(text));
    } catch (cause) {
      const reason = 'it is not the state of a licenser';
      throw new BusbarError('LICENSE_FILE', { path: join(this.#paths.folder, STATE), reason }, { cause });
    }
  }

  /** Whole or not at all, also through a loss of power; within the call, so that a stop has it. */
  save(state: EntitlementsChanged): void {
    const path = join(this.#paths.folder, STATE);
    mkdirSync(this.#paths.folder, { recursive: true });
    const fresh = `${path}.new`;
    const file = openSync(fresh, 'w', 0o600);
    try {
      writeSync(file, `${JSON.stringify(state, null, 2)}\n`);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(fresh, path);
    flushFolder(dirname(path));
  }
}

function flushFolder(folder: string): void {
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

async function readText(path: string, maxSize: number): Promise<string | null> {
  try {
    const file = await open(path, 'r');
    try {
      const { size } = await file.stat();
      if (size > maxSize) throw new BusbarError('LICENSE_FILE', { path, reason: `it has ${size} octets` });
      return await file.readFile('utf8');
    } finally {
      await file.close();
    }
  } catch (cause) {
    if (cause instanceof BusbarError) throw cause;
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return null;
    throw new BusbarError('LICENSE_FILE', { path, reason: code ?? String(cause) }, { cause });
  }
}
