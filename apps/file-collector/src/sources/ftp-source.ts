import { PassThrough } from 'node:stream';
import { BusbarError } from '@busbar/errors';
import type { FtpSourceConfig } from '@busbar/events';
import { Client, type FileInfo, FTPError } from 'basic-ftp';
import { type FileSource, freeNames, joinPath, type RemoteFile, type WantedNames } from './file-source.js';

type Secret = (reference: string) => Promise<string>;

/** Replies of RFC 959 §4.2. */
const NOT_LOGGED_IN = 530;
const NO_FILE = 550;
const WAITING_BYTES = 256 * 1024;
/** Reply 550 stands for both: there is none, and you may not. */
const NOT_THERE = /no such|not found|doesn't exist|does not exist/i;

function isNoFile(error: unknown): error is FTPError {
  return error instanceof FTPError && error.code === NO_FILE;
}

export class FtpSource implements FileSource {
  readonly target: string;
  readonly #client: Client;
  readonly #timeoutMs: number;
  #knowsTimes = true;

  private constructor(client: Client, target: string, timeoutMs: number) {
    this.#client = client;
    this.target = target;
    this.#timeoutMs = timeoutMs;
  }

  /** Throws CONNECTION_*, SECRET_UNREADABLE. */
  static async open(config: FtpSourceConfig, secret: Secret, signal: AbortSignal): Promise<FtpSource> {
    const { host, port, user, security, serverName, timeoutMs } = config;
    const target = `${security === 'none' ? 'ftp' : 'ftps'}://${host}:${port}`;
    const password = config.password === undefined ? '' : await secret(config.password);
    const certificate = config.certificate === undefined ? undefined : await secret(config.certificate);
    const client = new Client(timeoutMs, { allowSeparateTransferHost: false });
    client.ftp.encoding = 'utf8';
    const source = new FtpSource(client, target, timeoutMs);
    const onAbort = (): void => client.close();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      await client.access({
        host,
        port,
        user,
        password,
        secure: security === 'none' ? false : security === 'implicit' ? 'implicit' : true,
        secureOptions: {
          servername: serverName ?? host,
          ...(certificate === undefined ? {} : { ca: certificate }),
        },
      });
      source.#knowsTimes = (await client.features()).has('MDTM');
      return source;
    } catch (error) {
      client.close();
      throw source.#failure(error);
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  get isOpen(): boolean {
    return !this.#client.closed;
  }

  async list(folder: string, { fits }: WantedNames, signal: AbortSignal): Promise<readonly RemoteFile[] | null> {
    const entries = await this.#entries(folder);
    if (!entries) return null;
    const plain = new Set(entries.filter(({ isFile }) => isFile).map(({ name }) => name));
    try {
      const files: RemoteFile[] = [];
      for (const { name, size, isFile, isSymbolicLink, link, modifiedAt } of entries) {
        // FTP cannot say where a link ends: only one to a file beside it surely leads nowhere else.
        const isLink = isSymbolicLink && link !== undefined && plain.has(link);
        if (!(isFile || isLink) || !fits(name)) continue;
        signal.throwIfAborted();
        const listed = {
          path: joinPath(folder, name),
          name,
          size,
          modifiedMs: modifiedAt?.getTime() ?? null,
          tag: null,
        };
        // LIST gives times without a year or seconds (RFC 959 leaves its form open); MLSD gives them exactly.
        const found = isSymbolicLink
          ? await this.stat(listed)
          : { ...listed, modifiedMs: await this.#modifiedMs(listed) };
        if (found) files.push(found);
      }
      return files;
    } catch (error) {
      throw this.#failure(error);
    }
  }

  async folders(folder: string): Promise<readonly string[] | null> {
    const entries = await this.#entries(folder);
    if (!entries) return null;
    const isFolder = ({ name, isDirectory }: FileInfo) =>
      isDirectory && name !== '.' && name !== '..' && !name.includes('/');
    return entries.filter(isFolder).map(({ name }) => name);
  }

  async stat(file: RemoteFile): Promise<RemoteFile | null> {
    try {
      const size = await this.#client.size(file.path);
      return {
        ...file,
        size,
        modifiedMs: await this.#modifiedMs({ ...file, modifiedMs: this.#knowsTimes ? null : file.modifiedMs }),
      };
    } catch (error) {
      if (isNoFile(error)) return null;
      throw this.#failure(error);
    }
  }

  async *read(file: RemoteFile, offset: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const pipe = new PassThrough({ highWaterMark: WAITING_BYTES });
    const onAbort = (): void => this.#client.close();
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    // RFC 3659 §5: REST gives the octet that a binary transfer begins with.
    const done = this.#client.downloadTo(pipe, file.path, offset).then(
      () => null,
      (error: unknown) => {
        pipe.destroy(error as Error);
        return error;
      },
    );
    let isRead = false;
    try {
      for await (const chunk of pipe as AsyncIterable<Buffer>) yield chunk;
      isRead = true;
      const error = await done;
      if (error) throw error;
    } catch (error) {
      throw this.#fileFailure(error, file);
    } finally {
      signal.removeEventListener('abort', onAbort);
      // The server still sends: there is no way to end that but the connection's end.
      if (!isRead) this.#client.close();
    }
  }

  async remove({ path }: RemoteFile): Promise<void> {
    await this.#client.remove(path);
  }

  async move(file: RemoteFile, folder: string): Promise<void> {
    for (const free of freeNames(file.name)) {
      const target = joinPath(folder, free);
      if (await this.stat({ ...file, path: target, name: free })) continue;
      await this.#client.rename(file.path, target);
      return;
    }
    throw new Error(`${folder} has too many files of that name`);
  }

  async close(): Promise<void> {
    this.#client.close();
  }

  /** null: there is no such folder. */
  async #entries(folder: string): Promise<readonly FileInfo[] | null> {
    try {
      // LIST of a folder that is not there is an empty list at many servers.
      await this.#client.cd(folder);
    } catch (error) {
      if (!isNoFile(error)) throw this.#failure(error);
      if (NOT_THERE.test(error.message) || /failed to change/i.test(error.message)) return null;
      throw new BusbarError('FILE_FOLDER', { target: this.target, folder, reason: error.message }, { cause: error });
    }
    try {
      return await this.#client.list();
    } catch (error) {
      throw this.#failure(error);
    }
  }

  async #modifiedMs({ path, modifiedMs }: RemoteFile): Promise<number | null> {
    if (modifiedMs !== null || !this.#knowsTimes) return modifiedMs;
    try {
      return (await this.#client.lastMod(path)).getTime();
    } catch (error) {
      if (error instanceof FTPError) return null;
      throw error;
    }
  }

  #fileFailure(error: unknown, { path }: RemoteFile): BusbarError {
    if (!isNoFile(error)) return this.#failure(error);
    const about = { target: this.target, file: path };
    return new BusbarError(NOT_THERE.test(error.message) ? 'FILE_GONE' : 'FILE_DENIED', about, { cause: error });
  }

  #failure(error: unknown): BusbarError {
    if (error instanceof BusbarError) return error;
    const { target } = this;
    if (error instanceof FTPError && error.code === NOT_LOGGED_IN) {
      return new BusbarError('CONNECTION_DENIED', { target }, { cause: error });
    }
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ECONNREFUSED') return new BusbarError('CONNECTION_REFUSED', { target }, { cause: error });
    if (/^Timeout/.test(message)) {
      return new BusbarError('CONNECTION_TIMEOUT', { target, timeoutMs: this.#timeoutMs }, { cause: error });
    }
    return new BusbarError('CONNECTION_LOST', { target, reason: message }, { cause: error });
  }
}
