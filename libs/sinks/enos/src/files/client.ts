import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { BusbarError } from '@busbar/errors';

/** An answer of EnOS is an envelope; what is longer is none. */
const MAX_ANSWER_BYTES = 1024 * 1024;

export interface HttpCall {
  readonly method: 'POST' | 'PUT';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** Octets of the body. */
  readonly length: number;
  body(): AsyncIterable<Uint8Array>;
  /** Longest silence, ms. */
  readonly timeoutMs: number;
}

export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
}

function failure(error: unknown, target: string, timeoutMs: number): BusbarError {
  if (error instanceof BusbarError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ECONNREFUSED') return new BusbarError('CONNECTION_REFUSED', { target }, { cause: error });
  if (code === 'ETIMEDOUT') return new BusbarError('CONNECTION_TIMEOUT', { target, timeoutMs }, { cause: error });
  return new BusbarError('CONNECTION_LOST', { target, reason: message }, { cause: error });
}

async function answerOf(response: IncomingMessage, target: string): Promise<HttpAnswer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_ANSWER_BYTES) {
      throw new BusbarError('CONNECTION_LOST', {
        target,
        reason: `it answers with more than ${MAX_ANSWER_BYTES} octets`,
      });
    }
    chunks.push(chunk);
  }
  return { status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() };
}

/** One request, its body streamed. Throws CONNECTION_*, and what the body throws. An answer before the end of the body ends the body. Redirections are not followed. */
export async function call(given: HttpCall, signal: AbortSignal): Promise<HttpAnswer> {
  const { url, method, headers, length, timeoutMs } = given;
  const target = url.origin;
  const done = new AbortController();
  const onAbort = (): void => done.abort(new BusbarError('CONNECTION_LOST', { target, reason: 'given up' }));
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  let request: ClientRequest | undefined;
  let bodyFailure: unknown;
  async function* body(): AsyncGenerator<Uint8Array> {
    try {
      yield* given.body();
    } catch (error) {
      bodyFailure = error;
      throw error;
    }
  }
  try {
    const make = url.protocol === 'https:' ? httpsRequest : httpRequest;
    const all = { ...headers, 'content-length': String(length) };
    const open = make(url, { method, headers: all, agent: false, signal: done.signal });
    request = open;
    open.setTimeout(timeoutMs, () => open.destroy(new BusbarError('CONNECTION_TIMEOUT', { target, timeoutMs })));
    const answered = new Promise<IncomingMessage>((resolve, reject) => {
      open.once('response', resolve);
      open.once('error', reject);
    });
    const sent = pipeline(Readable.from(body(), { objectMode: false }), open, { signal: done.signal });
    // Whoever refuses a long body answers first and cuts: the answer counts. A failure here ends the request with it.
    sent.catch(() => undefined);
    return await answerOf(await answered, target);
  } catch (error) {
    // What we could not read is no fault of the link.
    if (bodyFailure !== undefined && !done.signal.aborted) throw bodyFailure;
    throw failure(done.signal.aborted ? (done.signal.reason ?? error) : error, target, timeoutMs);
  } finally {
    signal.removeEventListener('abort', onAbort);
    request?.destroy();
  }
}
