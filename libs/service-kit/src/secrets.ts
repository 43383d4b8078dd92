import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BusbarError } from '@busbar/errors';

const REFERENCE = /^secret:([A-Za-z0-9_.-]+(?:\/[A-Za-z0-9_.-]+)*)$/;

/** Values behind `secret:a/b`: the file a/b in the folder of BUSBAR_SECRETS. Never logged, never kept. */
export class SecretStore {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Throws SECRET_UNREADABLE, naming the path only. */
  async read(reference: string): Promise<string> {
    const path = REFERENCE.exec(reference)?.[1];
    if (path === undefined || path.split('/').includes('..')) {
      throw new BusbarError('SECRET_UNREADABLE', { path: 'written as secret:<path>' });
    }
    try {
      return (await readFile(join(this.#folder, path), 'utf8')).replace(/\r?\n$/, '');
    } catch (cause) {
      throw new BusbarError('SECRET_UNREADABLE', { path }, { cause });
    }
  }
}
