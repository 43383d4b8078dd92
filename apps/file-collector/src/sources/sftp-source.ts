import { createHash } from 'node:crypto';
import { BusbarError } from '@busbar/errors';
import type { SftpSourceConfig } from '@busbar/events';
import { Client, type FileEntry, type SFTPWrapper, type Stats } from 'ssh2';
import { type FileSource, freeNames, isWithin, joinPath, type RemoteFile, type WantedNames } from './file-source.js';

/** Status codes of SFTP (draft-ietf-secsh-filexfer-02 §7). */
const NO_SUCH_FILE = 2;
const PERMISSION_DENIED = 3;
const READ_BYTES = 32 * 1024;
/** Reads under way at once: a line with 50 ms of delay then carries 20 MB/s. */
const READS_AHEAD = 32;
const S_IFMT = 0o170000;
const S_IFREG = 0o100000;
const S_IFDIR = 0o040000;
const S_IFLNK = 0o120000;

type Secret = (reference: string) => Promise<string>;

function codeOf(error: unknown): unknown {
  return (error as { code?: unknown }).code;
}

export class SftpSource implements FileSource {
  readonly target: string;
  readonly #client: Client;
  readonly #timeoutMs: number;
  #sftp: SFTPWrapper | null = null;
  #lost: BusbarError | null = null;
  readonly #onLost = new Set<(error: BusbarError) => void>();

  private constructor(client: Client, target: string, timeoutMs: number) {
    this.#client = client;
    this.target = target;
    this.#timeoutMs = timeoutMs;
  }

  /** Throws CONNECTION_*, FILE_HOST_KEY, SECRET_UNREADABLE. */
  static async open(config: SftpSourceConfig, secret: Secret, signal: AbortSignal): Promise<SftpSource> {
    const { host, port, user, hostKey, timeoutMs } = config;
    const target = `sftp://${host}:${port}`;
    const read = async (reference: string | undefined) => (reference === undefined ? undefined : secret(reference));
    const password = await read(config.password);
    const privateKey = await read(config.privateKey);
    const passphrase = await read(config.passphrase);
    const client = new Client();
    const source = new SftpSource(client, target, timeoutMs);
    let foreign: BusbarError | null = null;
    const lose = (error: unknown): void => source.#lose(foreign ?? source.#failure(error));
    client.on('error', lose);
    client.on('close', () => lose(new Error('closed by the other side')));
    const onAbort = (): void => lose(new Error('given up'));
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      await source.#call<void>((done) => {
        client.once('ready', () => done(undefined));
        client.connect({
          host,
          port,
          username: user,
          ...(password === undefined ? {} : { password }),
          ...(privateKey === undefined ? {} : { privateKey }),
          ...(passphrase === undefined ? {} : { passphrase }),
          readyTimeout: timeoutMs,
          keepaliveInterval: Math.max(1_000, Math.floor(timeoutMs / 3)),
          keepaliveCountMax: 3,
          hostVerifier: (key: Buffer) => {
            const shown = `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
            if (shown === hostKey) return true;
            foreign = new BusbarError('FILE_HOST_KEY', { target, shown, pinned: hostKey });
            return false;
          },
        });
      });
      source.#sftp = await source.#call<SFTPWrapper>((done) => client.sftp(done));
      return source;
    } catch (error) {
      await source.close();
      throw foreign ?? source.#failure(error);
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  get isOpen(): boolean {
    return this.#lost === null;
  }

  async list(folder: string, { root, fits }: WantedNames): Promise<readonly RemoteFile[] | null> {
    const entries = await this.#entries(folder);
    if (!entries) return null;
    const files: RemoteFile[] = [];
    let realRoot: string | null = null;
    for (const { filename, attrs } of entries) {
      if (!fits(filename)) continue;
      const path = joinPath(folder, filename);
      const kind = attrs.mode & S_IFMT;
      if (kind === S_IFREG) files.push(fileOf(path, filename, attrs));
      else if (kind === S_IFLNK) {
        const found = await this.#stat(path).catch(() => null);
        if (!found || (found.mode & S_IFMT) !== S_IFREG) continue;
        realRoot ??= await this.#realPath(root);
        const real = await this.#realPath(path);
        if (realRoot !== null && real !== null && isWithin(real, realRoot)) files.push(fileOf(path, filename, found));
      }
    }
    return files;
  }

  async folders(folder: string): Promise<readonly string[] | null> {
    const entries = await this.#entries(folder);
    if (!entries) return null;
    const isFolder = ({ filename, attrs }: FileEntry) =>
      (attrs.mode & S_IFMT) === S_IFDIR && filename !== '.' && filename !== '..' && !filename.includes('/');
    return entries.filter(isFolder).map(({ filename }) => filename);
  }

  async stat({ path, name }: RemoteFile): Promise<RemoteFile | null> {
    const found = await this.#stat(path);
    return found && fileOf(path, name, found);
  }

  async *read(file: RemoteFile, offset: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const handle = await this.#call<Buffer>((done) => this.#open.open(file.path, 'r', done)).catch((error: unknown) => {
      throw this.#fileFailure(error, file);
    });
    const ahead: Promise<Buffer | null>[] = [];
    let next = offset;
    try {
      for (;;) {
        // Never far behind the end that is known: those reads would only bring "no more".
        while (ahead.length < READS_AHEAD && (ahead.length === 0 || file.size === null || next < file.size)) {
          const read = this.#readAt(handle, next, READ_BYTES);
          read.catch(() => undefined);
          ahead.push(read);
          next += READ_BYTES;
        }
        signal.throwIfAborted();
        const chunk = await (ahead.shift() as Promise<Buffer | null>);
        if (chunk === null) return;
        yield chunk;
        if (chunk.length < READ_BYTES) {
          // A short answer leaves a gap in front of what was asked for since: it is asked for anew.
          next += chunk.length - READ_BYTES - ahead.length * READ_BYTES;
          await Promise.allSettled(ahead);
          ahead.length = 0;
        }
      }
    } catch (error) {
      throw this.#fileFailure(error, file);
    } finally {
      await Promise.allSettled(ahead);
      if (!this.#lost) await this.#call<void>((done) => this.#open.close(handle, done)).catch(() => undefined);
    }
  }

  async remove({ path }: RemoteFile): Promise<void> {
    await this.#call<void>((done) => this.#open.unlink(path, done)).catch((error: unknown) => {
      if (codeOf(error) !== NO_SUCH_FILE) throw error;
    });
  }

  async move({ path, name }: RemoteFile, folder: string): Promise<void> {
    for (const free of freeNames(name)) {
      const target = joinPath(folder, free);
      if (await this.#stat(target)) continue;
      await this.#call<void>((done) => this.#open.rename(path, target, done));
      return;
    }
    throw new Error(`${folder} has too many files of that name`);
  }

  async close(): Promise<void> {
    this.#lose(new BusbarError('CONNECTION_LOST', { target: this.target, reason: 'closed' }));
    this.#client.end();
    this.#client.destroy();
  }

  get #open(): SFTPWrapper {
    if (this.#lost) throw this.#lost;
    if (!this.#sftp) throw new BusbarError('CONNECTION_LOST', { target: this.target, reason: 'not open yet' });
    return this.#sftp;
  }

  #lose(error: BusbarError): void {
    this.#lost ??= error;
    for (const tell of this.#onLost) tell(this.#lost);
  }

  /** One request: its answer, the loss of the link, or the end of patience. */
  #call<T>(start: (done: (error: Error | null | undefined, result: T) => void) => void): Promise<T>;
  #call<T>(start: (done: (error?: Error | null, result?: T) => void) => void): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#lost) {
        reject(this.#lost);
        return;
      }
      const settle = (act: () => void): void => {
        clearTimeout(timer);
        this.#onLost.delete(fail);
        act();
      };
      const fail = (error: BusbarError): void => settle(() => reject(error));
      const timer = setTimeout(() => {
        const late = new BusbarError('CONNECTION_TIMEOUT', { target: this.target, timeoutMs: this.#timeoutMs });
        this.#lose(late);
        this.#client.destroy();
      }, this.#timeoutMs);
      this.#onLost.add(fail);
      try {
        start((error, result) => settle(() => (error ? reject(error) : resolve(result as T))));
      } catch (error) {
        settle(() => reject(error));
      }
    });
  }

  /** null: there is no such folder. */
  async #entries(folder: string): Promise<readonly FileEntry[] | null> {
    try {
      return await this.#call<FileEntry[]>((done) => this.#open.readdir(folder, done));
    } catch (error) {
      if (codeOf(error) === NO_SUCH_FILE) return null;
      if (codeOf(error) !== PERMISSION_DENIED) throw this.#failure(error);
      const params = { target: this.target, folder, reason: 'permission denied' };
      throw new BusbarError('FILE_FOLDER', params, { cause: error });
    }
  }

  /** Where it leads; null: the server does not say. */
  async #realPath(path: string): Promise<string | null> {
    try {
      return await this.#call<string>((done) => this.#open.realpath(path, done));
    } catch (error) {
      if (this.#lost) throw this.#failure(error);
      return null;
    }
  }

  async #stat(path: string): Promise<Stats | null> {
    try {
      return await this.#call<Stats>((done) => this.#open.stat(path, done));
    } catch (error) {
      if (codeOf(error) === NO_SUCH_FILE) return null;
      throw this.#failure(error);
    }
  }

  /** null: there is no more. */
  async #readAt(handle: Buffer, position: number, length: number): Promise<Buffer | null> {
    const buffer = Buffer.allocUnsafe(length);
    try {
      const bytes = await this.#call<number>((done) =>
        this.#open.read(handle, buffer, 0, length, position, (e, n) => done(e, n)),
      );
      return bytes === 0 ? null : buffer.subarray(0, bytes);
    } catch (error) {
      // SSH_FX_EOF
      if (codeOf(error) === 1) return null;
      throw error;
    }
  }

  #fileFailure(error: unknown, { path }: RemoteFile): BusbarError {
    const about = { target: this.target, file: path };
    if (codeOf(error) === NO_SUCH_FILE) return new BusbarError('FILE_GONE', about, { cause: error });
    if (codeOf(error) === PERMISSION_DENIED) return new BusbarError('FILE_DENIED', about, { cause: error });
    return this.#failure(error);
  }

  #failure(error: unknown): BusbarError {
    if (error instanceof BusbarError) return error;
    const { target } = this;
    const { code, level, message } = error as { code?: unknown; level?: unknown; message?: unknown };
    if (code === 'ECONNREFUSED') return new BusbarError('CONNECTION_REFUSED', { target }, { cause: error });
    if (level === 'client-authentication') return new BusbarError('CONNECTION_DENIED', { target }, { cause: error });
    if (level === 'client-timeout') {
      return new BusbarError('CONNECTION_TIMEOUT', { target, timeoutMs: this.#timeoutMs }, { cause: error });
    }
    return new BusbarError('CONNECTION_LOST', { target, reason: String(message) }, { cause: error });
  }
}

function fileOf(path: string, name: string, { size, mtime }: Pick<Stats, 'size' | 'mtime'>): RemoteFile {
  return { path, name, size, modifiedMs: mtime * 1_000, tag: null };
}
