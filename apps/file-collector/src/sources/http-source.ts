import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { BusbarError } from '@busbar/errors';
import type { HttpSourceConfig } from '@busbar/events';
import { type FileSource, joinPath, type RemoteFile, type WantedNames } from './file-source.js';

type Secret = (reference: string) => Promise<string>;

const MAX_INDEX_BYTES = 8 * 1024 * 1024;

interface Ask {
  readonly method: 'GET' | 'HEAD' | 'DELETE';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Files behind a web server: named exactly, or found in the index page of a folder. */
export class HttpSource implements FileSource {
  readonly target: string;
  readonly isOpen = true;
  readonly #base: URL;
  readonly #options: RequestOptions & { readonly ca?: string };
  readonly #timeoutMs: number;

  private constructor(base: URL, options: RequestOptions, timeoutMs: number) {
    this.#base = base;
    this.target = base.origin;
    this.#options = options;
    this.#timeoutMs = timeoutMs;
  }

  /** Connects to nothing yet. Throws SECRET_UNREADABLE. */
  static async open(config: HttpSourceConfig, secret: Secret): Promise<HttpSource> {
    const { url, user, timeoutMs } = config;
    const headers: Record<string, string> = {};
    if (config.token !== undefined) headers.authorization = `Bearer ${await secret(config.token)}`;
    else if (user !== undefined) {
      const password = config.password === undefined ? '' : await secret(config.password);
      headers.authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
    }
    const ca = config.certificate === undefined ? {} : { ca: await secret(config.certificate) };
    return new HttpSource(new URL(url), { headers, ...ca }, timeoutMs);
  }

  async list(folder: string, { fits, exact }: WantedNames, signal: AbortSignal): Promise<readonly RemoteFile[] | null> {
    const names = exact ?? (await this.#index(folder, signal))?.files.filter(fits);
    if (!names) return null;
    const files: RemoteFile[] = [];
    for (const name of names) {
      const named = { path: joinPath(folder, name), name, size: null, modifiedMs: null, tag: null };
      const found = await this.stat(named, signal);
      if (found) files.push(found);
    }
    return files;
  }

  async folders(folder: string, signal: AbortSignal): Promise<readonly string[] | null> {
    return (await this.#index(folder, signal))?.folders ?? null;
  }

  async stat(file: RemoteFile, signal: AbortSignal): Promise<RemoteFile | null> {
    const response = await this.#ask({ method: 'HEAD', path: file.path }, signal);
    response.resume();
    if (response.statusCode === 404 || response.statusCode === 410) return null;
    // A server that does not know HEAD, or does not let us read this one: the read will say so.
    if (response.statusCode !== 200) return file;
    return described(file, response);
  }

  async *read(file: RemoteFile, offset: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const headers: Record<string, string> = { 'accept-encoding': 'identity' };
    if (offset > 0) {
      headers.range = `bytes=${offset}-`;
      // RFC 9110 §13.1.5: only a strong tag, or the date, makes sure that the rest is of the same file.
      const isStrong = file.tag !== null && !file.tag.startsWith('W/');
      if (isStrong) headers['if-range'] = file.tag as string;
      else if (file.modifiedMs !== null) headers['if-range'] = new Date(file.modifiedMs).toUTCString();
    }
    const response = await this.#ask({ method: 'GET', path: file.path, headers }, signal);
    try {
      const skip = this.#judge(file, offset, response);
      yield* skipped(response, skip);
      const announced = response.headers['content-length'];
      if (!response.complete && announced !== undefined) throw new Error('cut before the end');
    } catch (error) {
      throw this.#failure(error);
    } finally {
      response.destroy();
    }
  }

  async remove({ path }: RemoteFile): Promise<void> {
    const response = await this.#ask({ method: 'DELETE', path }, new AbortController().signal);
    response.resume();
    const status = response.statusCode ?? 0;
    if ((status < 200 || status > 299) && status !== 404 && status !== 410) throw new Error(`HTTP ${status}`);
  }

  async move(): Promise<void> {
    throw new Error('HTTP has no way to move a file');
  }

  async close(): Promise<void> {}

  /** Octets in front of those wanted. */
  #judge(file: RemoteFile, offset: number, response: IncomingMessage): number {
    const { statusCode: status = 0, headers } = response;
    const about = { target: this.target, file: file.path };
    if (status === 404 || status === 410) throw new BusbarError('FILE_GONE', about);
    if (status === 403) throw new BusbarError('FILE_DENIED', about);
    if (status === 416) throw new BusbarError('FILE_CHANGED', about);
    if (status !== 200 && status !== 206) {
      throw new BusbarError('CONNECTION_LOST', { target: this.target, reason: `HTTP ${status} for ${file.path}` });
    }
    const now = described(file, response);
    if (file.tag !== null && now.tag !== null && now.tag !== file.tag) throw new BusbarError('FILE_CHANGED', about);
    // The whole of it: what is here already is passed over.
    if (status === 200) return offset;
    const start = /^bytes (\d+)-/.exec(headers['content-range'] ?? '')?.[1];
    if (Number(start) !== offset) {
      throw new BusbarError('CONNECTION_LOST', { target: this.target, reason: 'it answers another range than asked' });
    }
    return 0;
  }

  /** Names in the index page of a folder: JSON as nginx makes it, else links of HTML. */
  async #index(folder: string, signal: AbortSignal): Promise<FolderIndex | null> {
    const path = folder.endsWith('/') ? folder : `${folder}/`;
    const response = await this.#ask(
      { method: 'GET', path, headers: { accept: 'application/json, text/html' } },
      signal,
    );
    if (response.statusCode === 404 || response.statusCode === 410) {
      response.resume();
      return null;
    }
    if (response.statusCode !== 200) {
      response.resume();
      throw new BusbarError('FILE_FOLDER', { target: this.target, folder, reason: `HTTP ${response.statusCode}` });
    }
    const chunks: Buffer[] = [];
    let length = 0;
    try {
      for await (const chunk of response as AsyncIterable<Buffer>) {
        length += chunk.length;
        if (length > MAX_INDEX_BYTES) {
          throw new BusbarError('FILE_FOLDER', { target: this.target, folder, reason: 'its index is too long' });
        }
        chunks.push(chunk);
      }
    } catch (error) {
      throw this.#failure(error);
    }
    return readIndex(Buffer.concat(chunks).toString(), new URL(this.#urlOf(path)));
  }

  #urlOf(path: string): string {
    const prefix = this.#base.pathname.replace(/\/+$/, '');
    return `${this.#base.origin}${prefix}${path.split('/').map(encodeURIComponent).join('/')}`;
  }

  #ask({ method, path, headers }: Ask, signal: AbortSignal): Promise<IncomingMessage> {
    const make = this.#base.protocol === 'https:' ? httpsRequest : httpRequest;
    const all = { ...this.#options, method, signal, headers: { ...this.#options.headers, ...headers } };
    return new Promise<IncomingMessage>((resolve, reject) => {
      const request = make(this.#urlOf(path), { ...all, agent: false }, resolve);
      request.setTimeout(this.#timeoutMs, () => {
        request.destroy(new BusbarError('CONNECTION_TIMEOUT', { target: this.target, timeoutMs: this.#timeoutMs }));
      });
      request.on('error', (error) => reject(this.#failure(error)));
      request.end();
    }).then((response) => {
      if (response.statusCode !== 401) return response;
      response.destroy();
      throw new BusbarError('CONNECTION_DENIED', { target: this.target });
    });
  }

  #failure(error: unknown): BusbarError {
    if (error instanceof BusbarError) return error;
    const { target } = this;
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ECONNREFUSED') return new BusbarError('CONNECTION_REFUSED', { target }, { cause: error });
    return new BusbarError('CONNECTION_LOST', { target, reason: message }, { cause: error });
  }
}

async function* skipped(content: AsyncIterable<Uint8Array>, octets: number): AsyncGenerator<Uint8Array> {
  let left = octets;
  for await (const chunk of content) {
    if (chunk.length > left) yield left === 0 ? chunk : chunk.subarray(left);
    left = Math.max(0, left - chunk.length);
  }
}

function described(file: RemoteFile, { headers, statusCode }: IncomingMessage): RemoteFile {
  const modified = Date.parse(headers['last-modified'] ?? '');
  const length = statusCode === 206 ? /\/(\d+)$/.exec(headers['content-range'] ?? '')?.[1] : headers['content-length'];
  return {
    ...file,
    size: length === undefined || headers['content-encoding'] !== undefined ? null : Number(length),
    modifiedMs: Number.isNaN(modified) ? null : modified,
    tag: headers.etag ?? null,
  };
}

/** Names directly in a folder, each once. */
export interface FolderIndex {
  readonly files: readonly string[];
  readonly folders: readonly string[];
}

/** What the index page of a folder lists; a folder's link ends with a slash. */
export function readIndex(text: string, folder: URL): FolderIndex {
  const files = new Set<string>();
  const folders = new Set<string>();
  const add = (name: string, isFolder: boolean): void => {
    if (name === '' || name === '.' || name === '..' || name.includes('/')) return;
    (isFolder ? folders : files).add(name);
  };
  const found = (): FolderIndex => ({ files: [...files], folders: [...folders] });
  try {
    const entries: unknown = JSON.parse(text);
    if (Array.isArray(entries)) {
      for (const entry of entries as readonly { name?: unknown; type?: unknown }[]) {
        if (typeof entry?.name === 'string') add(entry.name, entry.type === 'directory');
      }
      return found();
    }
  } catch {
    // It is no JSON: an index for people.
  }
  for (const [, quoted, single] of text.matchAll(/<a\b[^>]*?\bhref\s*=\s*(?:"([^"]*)"|'([^']*)')/gi)) {
    const href = (quoted ?? single ?? '').replaceAll('&amp;', '&');
    if (!URL.canParse(href, folder.href)) continue;
    const { origin, pathname, search } = new URL(href, folder.href);
    if (origin !== folder.origin || search !== '' || !pathname.startsWith(folder.pathname)) continue;
    const name = pathname.slice(folder.pathname.length);
    const isFolder = name.endsWith('/');
    add(decoded(isFolder ? name.slice(0, -1) : name) ?? '', isFolder);
  }
  return found();
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
