import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { Clock } from '@busbar/model';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { CODE, CODE_MESSAGES } from './codes.js';
import type { Device, DeviceList } from './device-list.js';
import { type Envelope, isMalformed, MAX_PAYLOAD_BYTES, parseEnvelope } from './envelope.js';
import type { Faults } from './faults.js';
import type { FileStore, StoredFile } from './file-store.js';
import { HttpLogins } from './http-logins.js';
import { judgePost, type PostedValue } from './judge-post.js';
import { headerParameter, MultipartError, MultipartReader } from './multipart-reader.js';
import type { ValueStore } from './value-store.js';

const MAX_FILE_BYTES = 100 * 1024 * 1024;
const LOCAL = 'local://';

export interface FileParts {
  readonly devices: DeviceList;
  readonly values: ValueStore;
  readonly faults: Faults;
  readonly files: FileStore;
  readonly clock: Clock;
}

/** Refused with a code of EnOS; the HTTP status stays 200, as clients read the envelope. */
class Refused extends Error {
  readonly code: number;

  constructor(code: number, reason = CODE_MESSAGES[code] ?? '') {
    super(reason);
    this.code = code;
  }
}

/** With what the message says of the contents beside it. */
interface FileEnvelope extends Envelope {
  readonly files: unknown;
}

interface Announced {
  readonly originalFilename: string;
  readonly md5: string | undefined;
  readonly length: number | undefined;
}

/** A value whose content is still to come. */
interface Awaited {
  readonly value: PostedValue;
  readonly announced: Announced;
  readonly uri: string;
}

type Keys = { readonly productKey: string; readonly deviceKey: string };
type Query = { readonly sessionId?: string; readonly fileUri?: string; readonly useLark?: string };

/** The HTTP device protocol as far as files need it: login, multipart post, upload address, download, delete. */
class FileRoutes {
  readonly #parts: FileParts;
  readonly #logins: HttpLogins;
  readonly #awaited = new Map<string, Awaited>();

  constructor(parts: FileParts) {
    this.#parts = parts;
    this.#logins = new HttpLogins(parts.devices, parts.clock);
  }

  addTo(server: FastifyInstance): void {
    server.addContentTypeParser(/^(multipart\/form-data|application\/octet-stream)/, (_request, _body, done) =>
      done(null),
    );
    server.setErrorHandler((error, request, reply) => this.#fail(error as Error, request, reply));
    server.post<{ Params: Keys; Body: unknown }>('/auth/:productKey/:deviceKey', (request) => {
      const { productKey, deviceKey } = request.params;
      this.#parts.devices.refresh();
      const sessionId = this.#logins.open(productKey, deviceKey, request.body);
      if (sessionId === undefined) throw new Refused(CODE.loginRefused);
      return { code: CODE.ok, data: { sessionId } };
    });
    const sys = '/multipart/sys/:productKey/:deviceKey';
    server.post<{ Params: Keys; Querystring: Query }>(`${sys}/thing/measurepoint/post`, (request) =>
      this.#post(request.params, request.query, request),
    );
    server.get<{ Params: Keys; Querystring: Query }>(`${sys}/file/download`, (request, reply) => {
      this.#device(request.params, request.query);
      return this.#download(request.query.fileUri ?? '', request, reply);
    });
    server.post<{ Params: Keys; Querystring: Query }>(`${sys}/file/delete`, (request) => {
      this.#device(request.params, request.query);
      if (!this.#parts.files.remove(request.query.fileUri ?? '')) throw new Refused(CODE.malformed, 'no such file');
      return { code: CODE.ok, data: {} };
    });
    server.put<{ Params: { token: string } }>('/lark/:token', (request, reply) =>
      this.#put(request.params.token, request, reply),
    );
  }

  #device({ productKey, deviceKey }: Keys, { sessionId }: Query): Device {
    const device = this.#logins.use(sessionId, productKey, deviceKey);
    if (!device) throw new Refused(CODE.notLoggedIn);
    return device;
  }

  async #post(keys: Keys, query: Query, request: FastifyRequest): Promise<unknown> {
    const device = this.#device(keys, query);
    const boundary = headerParameter(request.headers['content-type'] ?? '', 'boundary');
    if (boundary === undefined) throw new Refused(CODE.malformed, 'it is no multipart/form-data');
    const stored = new Map<string, StoredFile & { readonly declaredMd5: string | undefined }>();
    let envelope: FileEnvelope | undefined;
    let kept = false;
    try {
      for await (const part of new MultipartReader(request.raw, boundary).parts()) {
        const disposition = part.headers.get('content-disposition') ?? '';
        const name = headerParameter(disposition, 'name');
        if (name === 'enos-message' && !envelope) envelope = await readMessage(part.content);
        else if (name === 'enos-file') {
          const fileName = headerParameter(disposition, 'filename') ?? '';
          const file = await this.#parts.files.write(limited(part.content));
          stored.set(fileName, { ...file, declaredMd5: part.headers.get('content-md5') });
        } else throw new Refused(CODE.malformed, `a part ${name} is not expected`);
      }
      if (!envelope) throw new Refused(CODE.empty);
      const { values, announced } = this.#judge(device, envelope);
      if (query.useLark === 'true') return this.#addresses({ device, envelope, values, announced }, request);
      kept = true;
      return await this.#file({ device, envelope, values, announced }, stored);
    } finally {
      if (!kept) for (const file of stored.values()) this.#parts.files.discard(file);
    }
  }

  #judge(device: Device, envelope: FileEnvelope): Judged {
    if (envelope.method !== undefined && envelope.method !== 'thing.measurepoint.post')
      throw new Refused(CODE.wrongMethod);
    const nowMs = this.#parts.clock.wallMs();
    const rules = { device: () => device, isLoggedIn: () => true, allowOffline: true, skipInvalid: false, nowMs };
    const judged = judgePost(envelope.params, rules);
    if ('code' in judged) throw new Refused(judged.code);
    const fault = this.#parts.faults.meet(new Set([device.deviceKey])).find(({ kind }) => kind === 'refuse');
    if (fault) throw new Refused(fault.code);
    return { values: judged.values, announced: announcedIn(envelope) };
  }

  async #file(
    { device, envelope, values, announced }: Judged & { readonly device: Device; readonly envelope: Envelope },
    stored: ReadonlyMap<string, StoredFile & { readonly declaredMd5: string | undefined }>,
  ): Promise<unknown> {
    const uriInfo: { filename: string; fileUri: string }[] = [];
    const filed = values.map((value): PostedValue => {
      const local = localOf(value);
      if (local === undefined) return value;
      const file = stored.get(local);
      const about = announced.get(local);
      if (!file || !about) throw new Refused(CODE.malformed, `${local} has no content, or is not announced`);
      checkContent(file, { ...about, md5: about.md5 ?? file.declaredMd5 });
      if (file.declaredMd5 !== undefined && file.declaredMd5 !== file.md5) {
        throw new Refused(CODE.malformed, `Content-MD5 of ${local} is not that of its content`);
      }
      const uri = `enos-connect://${file.id}`;
      const { originalFilename } = about;
      const one = this.#parts.files.take(device, {
        ...file,
        uri,
        point: value.point,
        time: value.timeMs,
        originalFilename,
      });
      uriInfo.push({ filename: local, fileUri: one.uri });
      return { ...value, value: one.uri };
    });
    this.#parts.values.take(filed, this.#parts.clock.wallMs());
    return { id: envelope.id, code: CODE.ok, data: { files: uriInfo } };
  }

  #addresses(
    { envelope, values, announced }: Judged & { readonly device: Device; readonly envelope: Envelope },
    request: FastifyRequest,
  ): unknown {
    const data = values.flatMap((value) => {
      const local = localOf(value);
      const about = local === undefined ? undefined : announced.get(local);
      if (local === undefined || !about) throw new Refused(CODE.malformed, 'a value names no file');
      const token = randomBytes(16).toString('hex');
      const fileUri = `enos-lark://${token}`;
      this.#awaited.set(token, { value, announced: about, uri: fileUri });
      const uploadUrl = `http://${request.headers.host ?? 'localhost'}/lark/${token}`;
      return [{ filename: local, fileUri, uploadUrl, headers: { 'x-lark': token } }];
    });
    return { id: envelope.id, code: CODE.ok, data };
  }

  async #put(token: string, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    const awaited = this.#awaited.get(token);
    if (!awaited || request.headers['x-lark'] !== token) return reply.status(403).send({});
    const { value, announced, uri } = awaited;
    const file = await this.#parts.files.write(request.raw);
    try {
      checkContent(file, announced);
    } catch (error) {
      this.#parts.files.discard(file);
      return reply.status(400).send({ message: (error as Error).message });
    }
    this.#awaited.delete(token);
    const { originalFilename } = announced;
    const one = this.#parts.files.take(value.device, {
      ...file,
      uri,
      point: value.point,
      time: value.timeMs,
      originalFilename,
    });
    this.#parts.values.take([{ ...value, value: one.uri }], this.#parts.clock.wallMs());
    return reply.status(200).send({});
  }

  #download(uri: string, request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const file = this.#parts.files.find(uri);
    if (!file) throw new Refused(CODE.malformed, 'no such file');
    const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
    const start = range ? Number(range[1]) : 0;
    const end = range?.[2] ? Math.min(Number(range[2]), file.size - 1) : file.size - 1;
    reply.header('accept-ranges', 'bytes').type('application/octet-stream');
    if (range && start > end) return reply.status(416).header('content-range', `bytes */${file.size}`).send();
    if (range) reply.status(206).header('content-range', `bytes ${start}-${end}/${file.size}`);
    const length = file.size === 0 ? 0 : end - start + 1;
    reply.header('content-length', length);
    return reply.send(length === 0 ? '' : createReadStream(file.path, { start, end }));
  }

  #fail(error: Error, request: FastifyRequest, reply: FastifyReply): void {
    // What is left of a refused body would be taken for the next request.
    if (!request.raw.readableEnded) reply.header('connection', 'close');
    if (error instanceof Refused) void reply.send({ code: error.code, message: error.message });
    else if (error instanceof MultipartError) void reply.send({ code: CODE.malformed, message: error.message });
    else {
      const { statusCode = 500 } = error as { statusCode?: number };
      void reply.status(statusCode).send({ code: statusCode, message: error.message });
    }
  }
}

interface Judged {
  readonly values: readonly PostedValue[];
  readonly announced: ReadonlyMap<string, Announced>;
}

async function readMessage(content: AsyncIterable<Buffer>): Promise<FileEnvelope> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of content) {
    length += chunk.length;
    if (length > MAX_PAYLOAD_BYTES) throw new Refused(CODE.tooLarge);
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks);
  const envelope = parseEnvelope(text);
  if (isMalformed(envelope)) throw new Refused(envelope.code);
  return { ...envelope, files: (JSON.parse(text.toString()) as { files?: unknown }).files };
}

async function* limited(content: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let length = 0;
  for await (const chunk of content) {
    length += chunk.length;
    if (length > MAX_FILE_BYTES) throw new Refused(CODE.tooLarge);
    yield chunk;
  }
}

function localOf({ value }: PostedValue): string | undefined {
  return typeof value === 'string' && value.startsWith(LOCAL) ? value.slice(LOCAL.length) : undefined;
}

function announcedIn({ files: given }: FileEnvelope): ReadonlyMap<string, Announced> {
  const files = Object.entries(typeof given === 'object' && given !== null ? given : {});
  return new Map(
    files.map(([name, about]): [string, Announced] => {
      const { originalFilename, md5, fileLength } = about as Readonly<Record<string, unknown>>;
      return [
        name,
        {
          originalFilename: String(originalFilename ?? name),
          md5: typeof md5 === 'string' ? md5 : undefined,
          length: fileLength === undefined ? undefined : Number(fileLength),
        },
      ];
    }),
  );
}

function checkContent(file: StoredFile, { md5, length }: Announced): void {
  if (length !== undefined && length !== file.size) {
    throw new Refused(CODE.malformed, `${file.size} octets came, ${length} were announced`);
  }
  if (md5 !== undefined && md5 !== file.md5)
    throw new Refused(CODE.malformed, 'the MD5 announced is not that of the content');
}

/** Adds them in a scope of their own: their bodies are streams and their errors envelopes. */
export function addFileRoutes(server: FastifyInstance, parts: FileParts): void {
  void server.register((scope, _options, done) => {
    new FileRoutes(parts).addTo(scope);
    done();
  });
  server.get<{ Params: { deviceKey: string } }>('/api/v1/devices/:deviceKey/files', (request) => ({
    files: parts.files.of(request.params.deviceKey).map(({ path: _path, ...file }) => file),
  }));
}
