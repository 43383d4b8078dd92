import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { headerParameter, MultipartError, MultipartReader } from './multipart-reader.js';

async function* chunked(octets: Buffer, sizes: readonly number[]): AsyncGenerator<Buffer> {
  let at = 0;
  for (let i = 0; at < octets.length; i++) {
    const size = sizes[i % sizes.length] ?? octets.length;
    yield octets.subarray(at, at + size);
    at += size;
  }
}

async function readAll(octets: Buffer, sizes: readonly number[]) {
  const parts: { name: string | undefined; content: Buffer }[] = [];
  for await (const part of new MultipartReader(chunked(octets, sizes), 'bound').parts()) {
    const chunks: Buffer[] = [];
    for await (const chunk of part.content) chunks.push(chunk);
    const name = headerParameter(part.headers.get('content-disposition') ?? '', 'name');
    parts.push({ name, content: Buffer.concat(chunks) });
  }
  return parts;
}

function written(contents: readonly Uint8Array[]): Buffer {
  const parts = contents.map((content, i) =>
    Buffer.concat([
      Buffer.from(`--bound\r\nContent-Disposition: form-data; name="p${i}"\r\n\r\n`),
      content,
      Buffer.from('\r\n'),
    ]),
  );
  return Buffer.concat([...parts, Buffer.from('--bound--\r\n')]);
}

/** Octets that look like delimiters now and then. */
const content = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 20 }),
      fc.constantFrom('\r\n', '\r\n--', '\r\n--boun', '--bound').map((t) => Buffer.from(t)),
    ),
  )
  .map((pieces) => Buffer.concat(pieces))
  .filter((octets) => !Buffer.concat([Buffer.from('\r\n'), octets]).includes('\r\n--bound'));

describe('multipart read as it comes in', () => {
  it('gives every part octet for octet, however it is cut up', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(content, { maxLength: 4 }),
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }),
        async (contents, sizes) => {
          const parts = await readAll(written(contents), sizes);
          expect(parts.map((part) => part.content.toString('hex'))).toEqual(contents.map((one) => one.toString('hex')));
          expect(parts.map(({ name }) => name)).toEqual(contents.map((_, i) => `p${i}`));
        },
      ),
    );
  });

  it('refuses one that ends too early, wherever that is', async () => {
    const whole = written([Buffer.from('one'), Buffer.from('two')]);
    for (let length = 0; length < whole.length - 4; length++) {
      await expect(readAll(whole.subarray(0, length), [7]), `cut at ${length}`).rejects.toThrow(MultipartError);
    }
  });

  it('takes any octets without hanging', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (octets) => {
        await readAll(Buffer.concat([Buffer.from('--bound\r\n'), octets]), [50]).catch((error: unknown) => {
          expect(error).toBeInstanceOf(MultipartError);
        });
      }),
    );
  });
});
