import { createHash, randomBytes } from 'node:crypto';
import { BusbarError } from '@busbar/errors';
import type { FileContext, FileReceipt, OutgoingFile } from '@busbar/sink-sdk';
import type { EnosConfig } from '../config.js';
import { deviceName, deviceOf, type EnosDevice } from '../device.js';
import { parseReply, type Reply } from '../envelope.js';
import { call, type HttpAnswer } from './client.js';
import { multipartEnd, multipartHead } from './multipart.js';

/** Largest enos-file of a multipart request (limits of the device connection); what is larger goes by upload address. */
export const MAX_MULTIPART_BYTES = 100 * 1024 * 1024;
const LIFETIME_MS = 300_000;
const OK = 200;

/** Signs the login over HTTP: names sorted, each followed by its value, the secret last. */
export function signLogin(
  { productKey, deviceKey }: Pick<EnosDevice, 'productKey' | 'deviceKey'>,
  secret: string,
): string {
  const text = `deviceKey${deviceKey}lifetime${LIFETIME_MS}productKey${productKey}signMethodsha256${secret}`;
  return createHash('sha256').update(text).digest('hex');
}

/** The name by which message and content find each other: the same for the same file, 8 octets in base64url. */
export function localName({ asset, point, sha256, timeMs, name }: OutgoingFile): string {
  const digest = createHash('sha256')
    .update(JSON.stringify([asset.asset, point.id, sha256, timeMs, name]))
    .digest();
  return `${digest.subarray(0, 8).toString('base64url')}${extensionOf(name)}`;
}

function extensionOf(name: string): string {
  const dot = name.lastIndexOf('.');
  const extension = dot > 0 ? name.slice(dot) : '';
  return /^\.[\p{L}\p{N}_-]{1,16}$/u.test(extension) ? extension : '';
}

export function fileMessage(file: OutgoingFile, local: string, id: string): Buffer {
  const { point, name, size, md5, timeMs } = file;
  const uri = `local://${local}`;
  const entry = {
    featureId: point.id,
    fileName: local,
    originalFilename: name,
    fileLength: String(size),
    fileExt: extensionOf(name),
    md5,
  };
  const measurepoints = { [point.id]: point.quality ? { value: uri, quality: 0 } : uri };
  return Buffer.from(
    JSON.stringify({
      id,
      version: '1.1',
      method: 'thing.measurepoint.post',
      params: { time: timeMs, measurepoints },
      files: { [local]: entry },
    }),
  );
}

async function* once(octets: Uint8Array): AsyncGenerator<Uint8Array> {
  yield octets;
}

/** One way to EnOS for one file: logs in as the device itself, since a gateway's session carries no files. */
class FileSender {
  readonly #base: string;
  readonly #context: FileContext<EnosConfig>;
  readonly #file: OutgoingFile;
  readonly #device: EnosDevice;
  readonly #signal: AbortSignal;

  constructor(base: string, context: FileContext<EnosConfig>, file: OutgoingFile, signal: AbortSignal) {
    this.#base = base.replace(/\/+$/, '');
    this.#context = context;
    this.#file = file;
    this.#signal = signal;
    this.#device = deviceOf(file.asset, { site: context.site, sink: context.sink });
  }

  async send(): Promise<FileReceipt> {
    const session = await this.#login();
    const local = localName(this.#file);
    const message = fileMessage(this.#file, local, String(this.#context.clock.wallMs()));
    return this.#file.size > MAX_MULTIPART_BYTES
      ? this.#byAddress(session, local, message)
      : this.#byMultipart(session, local, message);
  }

  async #login(): Promise<string> {
    const { productKey, deviceKey, deviceSecret } = this.#device;
    const sign = signLogin(this.#device, await this.#context.secret(deviceSecret));
    const body = Buffer.from(JSON.stringify({ signMethod: 'sha256', lifetime: LIFETIME_MS, sign }));
    const path = `/auth/${encodeURIComponent(productKey)}/${encodeURIComponent(deviceKey)}`;
    const answer = await this.#call(path, { 'content-type': 'application/json' }, body.length, () => once(body));
    const reply = this.#reply(answer);
    const session = (reply.data as { sessionId?: unknown } | null | undefined)?.sessionId;
    if (reply.code === OK && typeof session === 'string' && session !== '') return session;
    if (reply.code >= 500 && reply.code < 600) throw this.#busy(reply);
    const cause = new Error(`code ${reply.code} ${reply.message}`);
    throw new BusbarError('CONNECTION_DENIED', { target: `${this.#base} (${deviceName(this.#device)})` }, { cause });
  }

  async #byMultipart(session: string, local: string, message: Buffer): Promise<FileReceipt> {
    const boundary = `busbar-${randomBytes(12).toString('hex')}`;
    const head = multipartHead({ boundary, message, fileName: local, md5: this.#file.md5 });
    const end = multipartEnd(boundary);
    const content = (): AsyncIterable<Uint8Array> => this.#content();
    async function* body(): AsyncGenerator<Uint8Array> {
      yield head;
      yield* content();
      yield end;
    }
    const length = head.length + this.#file.size + end.length;
    const type = { 'content-type': `multipart/form-data; boundary=${boundary}` };
    const reply = this.#reply(await this.#call(this.#postPath(session), type, length, body));
    this.#judge(reply);
    return { uri: uriIn(reply.data) };
  }

  /** The message alone first; EnOS answers where the content is to be put. */
  async #byAddress(session: string, local: string, message: Buffer): Promise<FileReceipt> {
    const boundary = `busbar-${randomBytes(12).toString('hex')}`;
    const body = Buffer.concat([multipartHead({ boundary, message }), multipartEnd(boundary)]);
    const type = { 'content-type': `multipart/form-data; boundary=${boundary}` };
    const path = `${this.#postPath(session)}&useLark=true`;
    const reply = this.#reply(await this.#call(path, type, body.length, () => once(body)));
    this.#judge(reply);
    const place = placesIn(reply.data).find(({ filename }) => filename === local);
    if (!place || !URL.canParse(place.uploadUrl)) throw this.#refused('it names no address for the content');
    const url = new URL(place.uploadUrl);
    const answer = await call(
      {
        method: 'PUT',
        url,
        headers: { 'content-type': 'application/octet-stream', ...place.headers },
        length: this.#file.size,
        body: () => this.#content(),
        timeoutMs: this.#context.config.timeout,
      },
      this.#signal,
    );
    if (answer.status >= 500)
      throw new BusbarError('SINK_BUSY', { target: url.origin, reason: `HTTP ${answer.status}` });
    if (answer.status < 200 || answer.status > 299) throw this.#refused(`HTTP ${answer.status} for the content`);
    return { uri: place.fileUri };
  }

  #postPath(session: string): string {
    const { productKey, deviceKey } = this.#device;
    const device = `${encodeURIComponent(productKey)}/${encodeURIComponent(deviceKey)}`;
    return `/multipart/sys/${device}/thing/measurepoint/post?sessionId=${encodeURIComponent(session)}`;
  }

  async *#content(): AsyncGenerator<Uint8Array> {
    let bytes = 0;
    for await (const chunk of this.#file.read()) {
      yield chunk;
      bytes += chunk.length;
      this.#context.progress(bytes);
    }
  }

  #call(
    path: string,
    headers: Readonly<Record<string, string>>,
    length: number,
    body: () => AsyncIterable<Uint8Array>,
  ): Promise<HttpAnswer> {
    const { timeout: timeoutMs } = this.#context.config;
    return call(
      { method: 'POST', url: new URL(`${this.#base}${path}`), headers, length, body, timeoutMs },
      this.#signal,
    );
  }

  #reply({ status, body }: HttpAnswer): Reply {
    const reply = envelopeOf(body);
    if (reply) return reply;
    if (status >= 500) throw new BusbarError('SINK_BUSY', { target: this.#base, reason: `HTTP ${status}` });
    throw this.#refused(`HTTP ${status} without an envelope of EnOS`);
  }

  #judge(reply: Reply): void {
    if (reply.code === OK) return;
    if (reply.code >= 500 && reply.code < 600) throw this.#busy(reply);
    throw this.#refused(`code ${reply.code}${reply.message ? `, ${reply.message}` : ''}`);
  }

  #busy({ code, message }: Reply): BusbarError {
    return new BusbarError('SINK_BUSY', { target: this.#base, reason: `code ${code}${message ? `, ${message}` : ''}` });
  }

  #refused(reason: string): BusbarError {
    return new BusbarError('FILE_REFUSED', { target: this.#base, file: this.#file.name, reason });
  }
}

/** The envelope decides, whatever the status says; that of a login has no id. */
function envelopeOf(body: string): Reply | undefined {
  return parseReply(Buffer.from(body)) ?? parseReply(Buffer.from(body.replace('{', '{"id":"",')));
}

interface Place {
  readonly filename: string;
  readonly fileUri: string | null;
  readonly uploadUrl: string;
  readonly headers: Readonly<Record<string, string>>;
}

function objectsIn(data: unknown): Readonly<Record<string, unknown>>[] {
  const lists = typeof data === 'object' && data !== null ? [data, ...Object.values(data)] : [];
  return lists
    .flatMap((list): unknown[] => (Array.isArray(list) ? list : [list]))
    .filter((one): one is Record<string, unknown> => typeof one === 'object' && one !== null && !Array.isArray(one));
}

function placesIn(data: unknown): Place[] {
  return objectsIn(data).flatMap(({ filename, fileUri, uploadUrl, headers }): Place[] => {
    if (typeof filename !== 'string' || typeof uploadUrl !== 'string') return [];
    const pairs = Object.entries(typeof headers === 'object' && headers !== null ? headers : {});
    const texts = pairs.map(([name, value]): [string, string] => [name, String(value)]);
    return [
      {
        filename,
        uploadUrl,
        fileUri: typeof fileUri === 'string' ? fileUri : null,
        headers: Object.fromEntries(texts),
      },
    ];
  });
}

function uriIn(data: unknown): string | null {
  const found = objectsIn(data).find(({ fileUri }) => typeof fileUri === 'string');
  return (found?.fileUri as string | undefined) ?? null;
}

/** Sends a file as the value of a file point: HTTP, for EnOS takes no files over MQTT. */
export async function sendFile(
  context: FileContext<EnosConfig>,
  file: OutgoingFile,
  signal: AbortSignal,
): Promise<FileReceipt> {
  const { http } = context.config;
  if (http === undefined) {
    throw new BusbarError('CONNECTION_CONFIG', { field: '`http`', reason: 'without it no files can be sent to EnOS' });
  }
  return new FileSender(http, context, file, signal).send();
}
