import type { FileSource } from './sources/file-source.js';

/** The source of one session: opened when it is needed, and again after a loss. */
export class SourceLink {
  readonly #open: (signal: AbortSignal) => Promise<FileSource>;
  /** Aborts when nothing more is wanted. */
  readonly signal: AbortSignal;
  #source: FileSource | null = null;
  #forget: () => void = () => undefined;

  constructor(open: (signal: AbortSignal) => Promise<FileSource>, signal: AbortSignal) {
    this.#open = open;
    this.signal = signal;
  }

  async source(): Promise<FileSource> {
    if (this.#source && !this.#source.isOpen) await this.close();
    if (this.#source) return this.#source;
    const source = await this.#open(this.signal);
    // Whatever waits for a device that is silent ends with the link.
    const onAbort = (): void => void source.close();
    if (this.signal.aborted) await source.close();
    else this.signal.addEventListener('abort', onAbort, { once: true });
    this.#forget = () => this.signal.removeEventListener('abort', onAbort);
    this.#source = source;
    return source;
  }

  /** Of no more use, or not needed any more; the next call of `source` opens another. */
  async close(): Promise<void> {
    const source = this.#source;
    this.#source = null;
    // The signal outlives every session.
    this.#forget();
    await source?.close();
  }
}
