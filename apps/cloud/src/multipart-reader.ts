const MAX_HEADER_BYTES = 16 * 1024;

export interface MultipartPart {
  readonly headers: ReadonlyMap<string, string>;
  /** To be read to its end before the next part is asked for; what is left of it is skipped. */
  readonly content: AsyncIterable<Buffer>;
}

/** Malformed multipart, or one that ends too early. */
export class MultipartError extends Error {}

/** The parameter of a header: `boundary`, `name`, `filename`. */
export function headerParameter(header: string, name: string): string | undefined {
  const match = new RegExp(`(?:^|;)\\s*${name}\\s*=\\s*(?:"([^"]*)"|([^;\\s]+))`, 'i').exec(header);
  return match ? (match[1] ?? match[2]) : undefined;
}

/** Reads multipart/form-data as it comes in, without keeping it (RFC 7578, RFC 2046 §5.1). */
export class MultipartReader {
  readonly #source: AsyncIterator<Uint8Array>;
  readonly #delimiter: Buffer;
  /** What was read and not used; begins as if a line had ended, for the first delimiter has none before it. */
  #held: Buffer = Buffer.from('\r\n');
  #ended = false;

  constructor(source: AsyncIterable<Uint8Array>, boundary: string) {
    this.#source = source[Symbol.asyncIterator]();
    this.#delimiter = Buffer.from(`\r\n--${boundary}`);
  }

  /** Throws {@link MultipartError}. */
  async *parts(): AsyncGenerator<MultipartPart> {
    for await (const _preamble of this.#untilDelimiter());
    for (;;) {
      const mark = await this.#take(2);
      if (mark.toString('latin1') === '--') return;
      if (mark.toString('latin1') !== '\r\n') throw new MultipartError('a boundary is followed by something else');
      const headers = await this.#headers();
      const content = this.#untilDelimiter();
      yield { headers, content };
      for await (const _rest of content);
    }
  }

  async #more(): Promise<boolean> {
    if (this.#ended) return false;
    const { value, done } = await this.#source.next();
    if (done) {
      this.#ended = true;
      return false;
    }
    this.#held = this.#held.length === 0 ? Buffer.from(value) : Buffer.concat([this.#held, value]);
    return true;
  }

  async #take(length: number): Promise<Buffer> {
    while (this.#held.length < length) {
      if (!(await this.#more())) throw new MultipartError('it ends too early');
    }
    const taken = this.#held.subarray(0, length);
    this.#held = this.#held.subarray(length);
    return taken;
  }

  async #headers(): Promise<ReadonlyMap<string, string>> {
    let end = this.#headersEnd();
    while (end < 0) {
      if (this.#held.length > MAX_HEADER_BYTES) throw new MultipartError('the headers of a part are too long');
      if (!(await this.#more())) throw new MultipartError('it ends too early');
      end = this.#headersEnd();
    }
    const lines = (await this.#take(end)).toString('utf8').split('\r\n');
    await this.#take(2);
    const fields = lines.filter((line) => line.includes(':'));
    return new Map(
      fields.map((line) => [
        line.slice(0, line.indexOf(':')).trim().toLowerCase(),
        line.slice(line.indexOf(':') + 1).trim(),
      ]),
    );
  }

  /** Octets up to the empty line, its own not counted. */
  #headersEnd(): number {
    if (this.#held.subarray(0, 2).toString('latin1') === '\r\n') return 0;
    const at = this.#held.indexOf('\r\n\r\n');
    return at < 0 ? -1 : at + 2;
  }

  async *#untilDelimiter(): AsyncGenerator<Buffer> {
    for (;;) {
      const at = this.#held.indexOf(this.#delimiter);
      if (at >= 0) {
        const last = this.#held.subarray(0, at);
        this.#held = this.#held.subarray(at + this.#delimiter.length);
        if (last.length > 0) yield last;
        return;
      }
      const safe = this.#held.length - this.#delimiter.length + 1;
      if (safe > 0) {
        const piece = this.#held.subarray(0, safe);
        this.#held = this.#held.subarray(safe);
        yield piece;
      }
      if (!(await this.#more())) throw new MultipartError('it ends too early');
    }
  }
}
