import { BusbarError, type Diagnosis } from '@busbar/errors';
import type { Clock } from '@busbar/model';
import type { Logger } from '@busbar/service-kit';

const RECONNECT_FIRST_MS = 500;
const RECONNECT_MOST_MS = 30_000;
/** A session that is lost sooner than this counts as one more failure in a row: two with one name throw each other out. */
const PROVED_MS = 30_000;
const CLOSE_MS = 5_000;

export interface LinkKeeperParts {
  readonly sink: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Aborted: nothing is connected any more. */
  readonly stopping: AbortSignal;
  /** Resolves with the session; `lost` may be called at any time after. */
  connect(lost: (diagnosis: Diagnosis) => void, signal: AbortSignal): Promise<unknown>;
  close(session: unknown): Promise<void>;
  opened(): void;
  failed(error: unknown): void;
}

/** One login, from the first attempt to its end. */
export class SinkLink {
  readonly abort = new AbortController();
  session: unknown = undefined;
  openedMs: number | null = null;
  opened: Promise<SinkLink> = Promise.resolve(this);
}

/** One session at a time with the target: made anew, with growing pauses, after the one before is closed. */
export class LinkKeeper {
  readonly #parts: LinkKeeperParts;
  #link: SinkLink | null = null;
  #closing: Promise<void> = Promise.resolve();
  #failures = 0;
  #isTold = false;

  constructor(parts: LinkKeeperParts) {
    this.#parts = parts;
    parts.stopping.addEventListener(
      'abort',
      () => {
        if (this.#link?.openedMs === null) this.#link.abort.abort();
      },
      { once: true },
    );
  }

  get isOpen(): boolean {
    return this.#link !== null && this.#link.openedMs !== null;
  }

  /** The link; connects if there is none. Pending while the target cannot be reached; rejects when the attempt is given up. */
  open(): Promise<SinkLink> {
    this.#link ??= this.#begin();
    return this.#link.opened;
  }

  /** Gives this link up and connects anew; nothing if it is over already. */
  lost(link: SinkLink, error: unknown): void {
    if (link !== this.#link || link.openedMs === null || this.#parts.stopping.aborted) return;
    if (this.#parts.clock.monotonicMs() - link.openedMs >= PROVED_MS) this.#failures = 0;
    this.#failed(error);
    this.renew();
  }

  /** Ends the session, or the attempt, and begins another one. */
  renew(): void {
    this.#end();
    if (!this.#parts.stopping.aborted) this.#link = this.#begin();
  }

  /** Ends the session; resolves when it is closed, after 5 s at most. */
  async stop(): Promise<void> {
    this.#end();
    await this.#closing;
  }

  #begin(): SinkLink {
    const link = new SinkLink();
    if (this.#parts.stopping.aborted) link.abort.abort();
    link.opened = this.#connect(link);
    link.opened.catch(() => undefined);
    return link;
  }

  #end(): void {
    const link = this.#link;
    this.#link = null;
    if (!link) return;
    link.abort.abort();
    this.#closing = this.#closing.then(() => this.#close(link));
  }

  async #connect(link: SinkLink): Promise<SinkLink> {
    const { signal } = link.abort;
    await this.#closing;
    for (;;) {
      if (this.#failures > 0) await this.#pause(signal);
      signal.throwIfAborted();
      try {
        await this.#attempt(link);
        return link;
      } catch (error) {
        signal.throwIfAborted();
        this.#failed(error);
      }
    }
  }

  async #attempt(link: SinkLink): Promise<void> {
    const { clock, log, sink } = this.#parts;
    const early: BusbarError[] = [];
    const lost = ({ code, params }: Diagnosis) => {
      const error = new BusbarError(code, params);
      if (link.openedMs === null) early.push(error);
      else this.lost(link, error);
    };
    const session = await this.#parts.connect(lost, link.abort.signal);
    if (early.length > 0 || link.abort.signal.aborted) {
      await this.#closeSession(session);
      throw early[0] ?? new Error('given up');
    }
    link.session = session;
    link.openedMs = clock.monotonicMs();
    if (this.#isTold) log.info({ sink }, 'sink connected again');
    this.#isTold = false;
    this.#parts.opened();
  }

  #failed(error: unknown): void {
    const { log, sink } = this.#parts;
    if (!this.#isTold) log.warn({ err: error, sink }, 'sink cannot be reached');
    this.#isTold = true;
    this.#failures += 1;
    this.#parts.failed(error);
  }

  async #close(link: SinkLink): Promise<void> {
    try {
      await link.opened;
    } catch {
      // It never came to a session.
      return;
    }
    await this.#closeSession(link.session);
  }

  async #closeSession(session: unknown): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, CLOSE_MS);
    });
    const closing = this.#parts.close(session).catch((error: unknown) => {
      this.#parts.log.debug({ err: error, sink: this.#parts.sink }, 'session did not close in order');
    });
    await Promise.race([closing, patience]);
    clearTimeout(timer);
  }

  /** Growing and jittered, so that many sites do not come back to one cloud in the same second. */
  #pause(signal: AbortSignal): Promise<void> {
    const most = Math.min(RECONNECT_MOST_MS, RECONNECT_FIRST_MS * 2 ** Math.min(10, this.#failures - 1));
    const ms = most * (0.5 + Math.random() / 2);
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', end);
        resolve();
      };
      const timer = setTimeout(end, ms);
      signal.addEventListener('abort', end);
      if (signal.aborted) end();
    });
  }
}
