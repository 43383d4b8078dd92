import { type FileHandle, open, readFile, rename, truncate } from 'node:fs/promises';
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';

/**
 * Lines of JSON, each behind its CRC-32 in hex: a line is there when it is whole. What a crash left behind the last whole
 * line is cut off; a damaged line among others is left out and counted.
 */
export class Journal<Entry> {
  readonly #path: string;
  #handle: FileHandle;
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(path: string, handle: FileHandle) {
    this.#path = path;
    this.#handle = handle;
  }

  static async open<Entry>(path: string): Promise<{ journal: Journal<Entry>; entries: Entry[]; damaged: number }> {
    const octets = await readFile(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return Buffer.alloc(0);
      throw error;
    });
    const entries: Entry[] = [];
    let damaged = 0;
    let whole = 0;
    let pending = 0;
    for (let at = 0; at < octets.length; ) {
      const end = octets.indexOf(0x0a, at);
      if (end < 0) break;
      const entry = parseLine<Entry>(octets.subarray(at, end));
      if (entry === undefined) pending++;
      else {
        entries.push(entry);
        // A bad line with good ones behind it was damaged, not torn.
        damaged += pending;
        pending = 0;
        whole = end + 1;
      }
      at = end + 1;
    }
    if (whole < octets.length) await truncate(path, whole);
    const handle = await open(path, 'a', 0o600);
    if (octets.length === 0) await syncFolder(dirname(path));
    return { journal: new Journal<Entry>(path, handle), entries, damaged };
  }

  /** Resolves when the entry is durable. Entries keep their order. */
  append(entry: Entry): Promise<void> {
    return this.#inTurn(async () => {
      await this.#handle.appendFile(line(entry));
      await this.#handle.datasync();
    });
  }

  /** Writes the journal anew with these entries alone. */
  rewrite(entries: readonly Entry[]): Promise<void> {
    return this.#inTurn(async () => {
      const next = `${this.#path}.next`;
      const handle = await open(next, 'w', 0o600);
      try {
        await handle.writeFile(entries.map(line).join(''));
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(next, this.#path);
      await syncFolder(dirname(this.#path));
      await this.#handle.close();
      this.#handle = await open(this.#path, 'a', 0o600);
    });
  }

  close(): Promise<void> {
    return this.#inTurn(() => this.#handle.close());
  }

  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(act);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }
}

function line(entry: unknown): string {
  const json = JSON.stringify(entry);
  return `${crc32(json).toString(16).padStart(8, '0')} ${json}\n`;
}

function parseLine<Entry>(octets: Uint8Array): Entry | undefined {
  const text = Buffer.from(octets).toString('utf8');
  const json = text.slice(9);
  if (!/^[0-9a-f]{8} /.test(text) || crc32(json) !== Number.parseInt(text.slice(0, 8), 16)) return undefined;
  return JSON.parse(json) as Entry;
}

/** A name made or renamed is durable only then. */
export async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
