import type { PlannedRequest, ReadOutcome, SampleWriter, Tag, WriteCommand, WriteResult } from '@busbar/driver-sdk';
import type { Clock } from '@busbar/model';
import type { UntypedDriver } from './ports.js';

/** Who hears what became of a read. Results of a channel that was given up are never told. */
export interface ReadListener {
  readDone(outcome: ReadOutcome): void;
  readFailed(error: unknown): void;
}

/** One session of a driver: the lane in which requests run one at a time. Ends with the session. */
export class Channel {
  readonly session: unknown;
  /** Monotonic ms since when a request is under way; NaN when free. */
  busySince = Number.NaN;
  /** Requests that were answered in this session. */
  answerCount = 0;
  /** Time spent waiting for the device so far. */
  busyMs = 0;
  readonly #driver: UntypedDriver;
  readonly #clock: Clock;
  readonly #abort: AbortController;
  readonly #listener: ReadListener;
  readonly #onDone: (outcome: ReadOutcome) => void;
  readonly #onFailed: (error: unknown) => void;
  #isGivenUp = false;

  constructor(input: {
    readonly driver: UntypedDriver;
    readonly session: unknown;
    readonly abort: AbortController;
    readonly clock: Clock;
    readonly listener: ReadListener;
  }) {
    this.#driver = input.driver;
    this.session = input.session;
    this.#abort = input.abort;
    this.#clock = input.clock;
    this.#listener = input.listener;
    // Bound once: no closure per request.
    this.#onDone = (outcome) => {
      this.answerCount++;
      if (this.#free()) this.#listener.readDone(outcome);
    };
    this.#onFailed = (error) => {
      if (this.#free()) this.#listener.readFailed(error);
    };
  }

  get isFree(): boolean {
    return !this.#isGivenUp && Number.isNaN(this.busySince);
  }

  read(request: PlannedRequest, out: SampleWriter): void {
    this.busySince = this.#clock.monotonicMs();
    const poll = this.#driver.poll as NonNullable<UntypedDriver['poll']>;
    let reading: Promise<ReadOutcome>;
    try {
      reading = poll.read(this.session, request, out, this.#abort.signal);
    } catch (error) {
      reading = Promise.reject(error);
    }
    reading.then(this.#onDone, this.#onFailed);
  }

  /** Calls the driver before it returns; the caller has made sure that it is free. */
  async write(command: WriteCommand<unknown, unknown>): Promise<WriteResult> {
    this.busySince = this.#clock.monotonicMs();
    try {
      const write = this.#driver.write as NonNullable<UntypedDriver['write']>;
      return await write.call(this.#driver, this.session, command, this.#abort.signal);
    } finally {
      this.#free();
    }
  }

  /** Beside everything else on the channel; ends with `signal`, or rejects. Never throws. */
  async subscribe(
    input: { readonly device: unknown; readonly quirks: unknown; readonly tags: readonly Tag<unknown>[] },
    out: SampleWriter,
    signal: AbortSignal,
  ): Promise<void> {
    const subscribe = this.#driver.subscribe as NonNullable<UntypedDriver['subscribe']>;
    await subscribe.call(this.#driver, this.session, input, out, signal);
  }

  /** Ends the session and everything under way in it; safe twice. Never rejects. */
  async close(): Promise<void> {
    this.#isGivenUp = true;
    this.#abort.abort();
    try {
      await this.#driver.close(this.session);
    } catch {
      // Nothing can be done about a session that does not even close.
    }
  }

  #free(): boolean {
    if (Number.isNaN(this.busySince)) return false;
    this.busyMs += this.#clock.monotonicMs() - this.busySince;
    this.busySince = Number.NaN;
    return !this.#isGivenUp;
  }
}
