import { createHash, randomUUID } from 'node:crypto';
import { createWriteStream, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Device } from './device-list.js';

export interface StoredFile {
  readonly id: string;
  readonly size: number;
  readonly md5: string;
  readonly sha256: string;
  /** On this machine. */
  readonly path: string;
}

export interface FiledValue extends StoredFile {
  readonly uri: string;
  readonly point: string;
  readonly originalFilename: string;
  /** Source time of the value. */
  readonly time: number;
  /** How often it came: more than once means that it was sent again. */
  received: number;
}

/** The contents of files on disk, and which value of which device each one is. */
export class FileStore {
  readonly #folder: string;
  readonly #files = new Map<string, FiledValue[]>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Writes a content as it comes; removes what is not whole. */
  async write(content: AsyncIterable<Uint8Array>): Promise<StoredFile> {
    mkdirSync(this.#folder, { recursive: true });
    const id = randomUUID();
    const path = join(this.#folder, id);
    const hashes = { md5: createHash('md5'), sha256: createHash('sha256') };
    let size = 0;
    const tap = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        hashes.md5.update(chunk);
        hashes.sha256.update(chunk);
        size += chunk.length;
        done(null, chunk);
      },
    });
    try {
      await pipeline(content, tap, createWriteStream(path));
    } catch (error) {
      rmSync(path, { force: true });
      throw error;
    }
    return { id, size, path, md5: hashes.md5.digest('hex'), sha256: hashes.sha256.digest('hex') };
  }

  discard(file: StoredFile): void {
    rmSync(file.path, { force: true });
  }

  /** A value that comes again (same point, time and content) is counted, not kept twice. */
  take(device: Device, value: Omit<FiledValue, 'received'>): FiledValue {
    const list = this.#files.get(device.deviceKey) ?? [];
    this.#files.set(device.deviceKey, list);
    const known = list.find(
      (one) => one.point === value.point && one.time === value.time && one.sha256 === value.sha256,
    );
    if (known) {
      known.received++;
      if (known.path !== value.path) this.discard(value);
      return known;
    }
    const filed = { ...value, received: 1 };
    list.push(filed);
    return filed;
  }

  of(deviceKey: string): readonly FiledValue[] {
    return this.#files.get(deviceKey) ?? [];
  }

  find(uri: string): FiledValue | undefined {
    for (const list of this.#files.values()) {
      const found = list.find((one) => one.uri === uri);
      if (found) return found;
    }
    return undefined;
  }

  remove(uri: string): boolean {
    for (const list of this.#files.values()) {
      const at = list.findIndex((one) => one.uri === uri);
      if (at < 0) continue;
      for (const removed of list.splice(at, 1)) this.discard(removed);
      return true;
    }
    return false;
  }
}
