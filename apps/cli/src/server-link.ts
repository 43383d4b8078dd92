import { readFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { join } from 'node:path';
import { apiErrorSchema } from '@busbar/api-schema';
import { type Command, Option } from 'commander';
import { dataOption } from './license/license-file.js';
import { CommandEnd, EXIT, type Terminal } from './terminal.js';

const TIMEOUT_MS = 30_000;
const MOST_BYTES = 64 * 1024 * 1024;

export interface ServerOptions {
  readonly server: string;
  readonly data: string;
  readonly key?: string;
  readonly ca?: string;
}

/** The options of every command that works on a running Busbar. */
export function withServer(command: Command): Command {
  return command
    .addOption(new Option('--server <url>', 'address of console and API').default('http://127.0.0.1:8080'))
    .addOption(dataOption())
    .addOption(
      new Option('--key <file>', 'file of the admin key (admin.key in the data folder)').env('BUSBAR_ADMIN_KEY_FILE'),
    )
    .addOption(new Option('--ca <file>', 'whom to trust besides the public authorities, PEM, for https'));
}

interface Schema<T> {
  safeParse(value: unknown): { readonly success: true; readonly data: T } | { readonly success: false };
}

export interface ServerCall {
  readonly method?: 'GET' | 'POST';
  readonly body?: unknown;
}

/** Calls of the API of a running Busbar. A failure is said, and ends the command with the exit code for it. */
export class ServerLink {
  readonly #options: ServerOptions;
  readonly #terminal: Terminal;

  constructor(options: ServerOptions, terminal: Terminal) {
    this.#options = options;
    this.#terminal = terminal;
  }

  async call<T>(schema: Schema<T>, path: string, call: ServerCall = {}): Promise<T> {
    const { status, text } = await this.#send(path, call);
    const body = parsed(text);
    if (status >= 200 && status <= 299) {
      const answer = schema.safeParse(body);
      if (answer.success) return answer.data;
    }
    const error = apiErrorSchema.safeParse(body);
    if (!error.success) {
      const what = `HTTP ${status} of ${this.#options.server} is no answer of Busbar; program and server may differ in version.`;
      return this.#end(what, EXIT.unreachable);
    }
    const { code, sentence, fix } = error.data;
    const exit = status === 401 || status === 403 || status >= 500 ? EXIT.unreachable : EXIT.findings;
    return this.#end(`${code}: ${sentence} ${fix}`, exit);
  }

  async #send(path: string, { method = 'GET', body }: ServerCall): Promise<{ status: number; text: string }> {
    const { server, data, key, ca } = this.#options;
    if (!/^https?:\/\/[^/]/.test(server) || !URL.canParse(server))
      return this.#end(`${server} is no address; write http://host:port or https://host:port.`, EXIT.usage);
    const secret = (await this.#file(key ?? join(data, 'admin.key'))).trim();
    const trusted = ca === undefined ? undefined : await this.#file(ca);
    const content = body === undefined ? undefined : JSON.stringify(body);
    const url = new URL(`${server.replace(/\/+$/, '')}/api/v1${path}`);
    try {
      return await new Promise((resolve, reject) => {
        const make = url.protocol === 'https:' ? httpsRequest : httpRequest;
        const headers = {
          authorization: `Bearer ${secret}`,
          ...(content === undefined ? {} : { 'content-type': 'application/json' }),
        };
        const options = { method, headers, agent: false, ...(trusted === undefined ? {} : { ca: trusted }) } as const;
        const request = make(url, options, (response) => {
          let text = '';
          response.setEncoding('utf8');
          response.on('data', (chunk: string) => {
            text += chunk;
            if (text.length > MOST_BYTES) request.destroy(new Error('the answer is too long'));
          });
          response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
          response.on('error', reject);
        });
        request.setTimeout(TIMEOUT_MS, () => request.destroy(new Error(`no answer within ${TIMEOUT_MS / 1_000} s`)));
        request.on('error', reject);
        request.end(content);
      });
    } catch (error) {
      const reason =
        error instanceof Error ? error.message || String((error as NodeJS.ErrnoException).code) : String(error);
      return this.#end(`Busbar at ${server} does not answer: ${reason}. Name it by --server.`, EXIT.unreachable);
    }
  }

  async #file(path: string): Promise<string> {
    try {
      return await readFile(path, 'utf8');
    } catch (error) {
      const reason = (error as NodeJS.ErrnoException).code;
      return this.#end(`${path} cannot be read (${reason}). Name another file by --key or --ca.`, EXIT.unreachable);
    }
  }

  #end(line: string, exit: number): never {
    this.#terminal.err(line);
    throw new CommandEnd(exit);
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
