import { BusbarError } from '@busbar/errors';
import type { FileSource, RemoteFile, WantedNames } from '../sources/file-source.js';

interface FakeFile {
  content: Buffer;
  modifiedMs: number;
}

/** A device in memory that does what a test says. Files by path. */
export class FakeDevice {
  readonly files = new Map<string, FakeFile>();
  /** Folders and files that may not be read. */
  readonly denied = new Set<string>();
  /** Sizes that are announced although they are not true. */
  readonly lies = new Map<string, number>();
  /** `path offset` of every read. */
  readonly reads: string[] = [];
  /** Folders that were looked into, in their order. */
  readonly listed: string[] = [];
  opened = 0;
  isAway = false;
  /** The link is lost once so many octets of a read were given. */
  cutAfter = Number.POSITIVE_INFINITY;
  /** A read is answered with nothing at all, until the link is closed. */
  isSilent = false;
  /** Called with each chunk that was given. */
  given: (path: string) => void = () => undefined;
  #times = 0;

  put(path: string, content: string | Buffer): void {
    this.files.set(path, { content: Buffer.from(content), modifiedMs: 1_000 * ++this.#times });
  }

  async open(): Promise<FileSource> {
    if (this.isAway) throw new BusbarError('CONNECTION_REFUSED', { target: 'fake' });
    this.opened++;
    return new FakeLink(this);
  }
}

class FakeLink implements FileSource {
  readonly target = 'fake';
  readonly #device: FakeDevice;
  isOpen = true;
  #onClose: () => void = () => undefined;

  constructor(device: FakeDevice) {
    this.#device = device;
  }

  async list(folder: string, { fits }: WantedNames): Promise<readonly RemoteFile[] | null> {
    this.#enter(folder);
    const paths = [...this.#device.files.keys()].filter((path) => path.slice(0, path.lastIndexOf('/')) === folder);
    return paths.map((path) => this.#fileOf(path)).filter(({ name }) => fits(name));
  }

  async folders(folder: string): Promise<readonly string[] | null> {
    this.#enter(folder);
    const start = folder === '/' ? folder : `${folder}/`;
    const below = [...this.#device.files.keys()].filter((path) => path.startsWith(start));
    const parts = below.map((path) => path.slice(start.length).split('/'));
    return [...new Set(parts.flatMap(([name = '', ...rest]) => (rest.length > 0 ? [name] : [])))];
  }

  #enter(folder: string): void {
    this.#device.listed.push(folder);
    if (this.#device.denied.has(folder))
      throw new BusbarError('FILE_FOLDER', { target: 'fake', folder, reason: 'permission denied' });
  }

  async stat({ path }: RemoteFile): Promise<RemoteFile | null> {
    this.#check();
    return this.#device.files.has(path) ? this.#fileOf(path) : null;
  }

  async *read({ path }: RemoteFile, offset: number): AsyncGenerator<Uint8Array> {
    this.#check();
    const device = this.#device;
    device.reads.push(`${path} ${offset}`);
    if (device.denied.has(path)) throw new BusbarError('FILE_DENIED', { target: 'fake', file: path });
    if (device.isSilent) {
      await new Promise<void>((resolve) => {
        this.#onClose = resolve;
      });
      this.#check();
    }
    const content = device.files.get(path)?.content ?? Buffer.alloc(0);
    for (let at = offset; at < content.length; at += 4) {
      if (at - offset >= device.cutAfter) {
        device.cutAfter = Number.POSITIVE_INFINITY;
        this.isOpen = false;
        throw new BusbarError('CONNECTION_LOST', { target: 'fake', reason: 'cut' });
      }
      yield content.subarray(at, at + 4);
      device.given(path);
    }
  }

  async remove({ path }: RemoteFile): Promise<void> {
    this.#device.files.delete(path);
  }

  async move(file: RemoteFile, folder: string): Promise<void> {
    const found = this.#device.files.get(file.path);
    this.#device.files.delete(file.path);
    if (found) this.#device.files.set(`${folder}/${file.name}`, found);
  }

  async close(): Promise<void> {
    this.isOpen = false;
    this.#onClose();
  }

  #check(): void {
    if (!this.isOpen) throw new BusbarError('CONNECTION_LOST', { target: 'fake', reason: 'closed' });
  }

  #fileOf(path: string): RemoteFile {
    const { files, lies } = this.#device;
    const { content, modifiedMs } = files.get(path) as FakeFile;
    const size = lies.get(path) ?? content.length;
    return { path, name: path.slice(path.lastIndexOf('/') + 1), size, modifiedMs, tag: null };
  }
}
