import { open, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

const PIECE_BYTES = 1024 * 1024;

/**
 * A file that holds space on the volume: a log that cannot grow cannot even delete, since LMDB writes new pages first.
 * Given back when the volume is full, it lets control and configuration go on.
 */
export class Ballast {
  readonly #path: string;
  readonly #bytes: number;
  #isThere = false;
  #isBusy = false;

  constructor(folder: string, bytes: number) {
    this.#path = join(folder, 'reserve');
    this.#bytes = bytes;
  }

  get isThere(): boolean {
    return this.#isThere;
  }

  /** Writes it if it is not there; false where it does not fit. */
  async lay(): Promise<boolean> {
    if (this.#isThere || this.#isBusy) return true;
    this.#isBusy = true;
    try {
      const present = await stat(this.#path).then(
        ({ size }) => size,
        () => 0,
      );
      if (present < this.#bytes) await this.#write();
      this.#isThere = true;
      return true;
    } catch {
      await rm(this.#path, { force: true });
      return false;
    } finally {
      this.#isBusy = false;
    }
  }

  /** True if it gave space back. */
  async give(): Promise<boolean> {
    const wasThere =
      this.#isThere ||
      (await stat(this.#path).then(
        () => true,
        () => false,
      ));
    this.#isThere = false;
    await rm(this.#path, { force: true });
    return wasThere;
  }

  async #write(): Promise<void> {
    const file = await open(this.#path, 'w');
    try {
      const piece = Buffer.alloc(PIECE_BYTES, 0xa5);
      for (let written = 0; written < this.#bytes; written += PIECE_BYTES) await file.write(piece);
      await file.sync();
    } finally {
      await file.close();
    }
  }
}
