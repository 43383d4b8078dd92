import { DriverFaultError, type SampleWriter, type Tag } from '@busbar/driver-sdk';
import { bad } from '@busbar/model';
import { ASDU_TYPE, type Asdu, type TimeZone, timeZone, toTimeTag } from '@busbar/protocol-iec104';
import type { Iec104Address } from './address.js';
import type { Iec104Device } from './connection.js';
import { type RoundKind, roundOf } from './plan.js';
import type { Iec104Session, Outcome, StationListener } from './session.js';
import { TagBook } from './values.js';

const ABSENT = bad('refused-address');
const NEVER = bad('never-read');
/** In the order in which they are done when several are due. */
const WORKS = ['clock', 'interrogation', 'counters', 'test'] as const;
type Work = (typeof WORKS)[number];

/** What one station sends by itself, beside the rounds that make it whole: at the start, after its own, and cyclic. */
export class Subscription implements StationListener {
  readonly ca: number;
  readonly #session: Iec104Session;
  readonly #device: Iec104Device;
  readonly #zone: TimeZone;
  readonly #book: TagBook;
  readonly #out: SampleWriter;
  readonly #seen = new Set<number>();
  /** `out`, for what the station says. */
  readonly #noting: SampleWriter;
  readonly #dueAt = new Map<Work, number>();
  #isWhole = false;
  #isOver = false;
  #tests = 0;
  #fault: DriverFaultError | null = null;
  #wake: () => void = () => {};

  constructor(
    session: Iec104Session,
    input: { readonly device: Iec104Device; readonly tags: readonly Tag<Iec104Address>[] },
    out: SampleWriter,
  ) {
    this.ca = input.device.ca;
    this.#session = session;
    this.#device = input.device;
    this.#zone = timeZone(input.device.timezone);
    this.#book = new TagBook(input.tags, this.#zone);
    this.#out = out;
    this.#noting = {
      put: (tag, value, quality, timeMs) => {
        this.#seen.add(tag);
        out.put(tag, value, quality, timeMs);
      },
      putText: () => {},
      putInt64: () => {},
      putArray: () => {},
    };
  }

  values(asdu: Asdu): void {
    this.#book.take(asdu, this.#session.context.clock.wallMs(), this.#noting);
  }

  initialized(): void {
    // Stations say this right after the start, too, when the first interrogation is already on its way.
    if (this.#isWhole) this.restarted();
  }

  restarted(): void {
    const now = this.#now();
    for (const work of WORKS) if (this.#isWanted(work)) this.#dueAt.set(work, now);
    this.#wake();
  }

  ended(fault: DriverFaultError): void {
    this.#fault = fault;
    this.#wake();
  }

  /** Until `signal` aborts; rejects with DriverFaultError. */
  async run(signal: AbortSignal): Promise<void> {
    const stop = (): void => {
      this.#isOver = true;
      this.#wake();
    };
    if (signal.aborted) return;
    signal.addEventListener('abort', stop, { once: true });
    try {
      this.#session.subscribe(this);
      // What no round asks for is spoken of by events alone.
      for (const tag of this.#book.tags) {
        if (roundOf(tag) === null) this.#out.put(tag.index, Number.NaN, NEVER, Number.NaN);
      }
      this.restarted();
      await this.#work();
    } finally {
      signal.removeEventListener('abort', stop);
      this.#session.unlisten(this);
    }
  }

  async #work(): Promise<void> {
    for (;;) {
      if (this.#isOver) return;
      if (this.#fault) throw this.#fault;
      const now = this.#now();
      const work = WORKS.find((one) => (this.#dueAt.get(one) ?? Number.POSITIVE_INFINITY) <= now);
      if (work === undefined) await this.#sleep(Math.min(...this.#dueAt.values()) - now);
      else {
        const periodMs = this.#period(work);
        this.#dueAt.set(work, periodMs > 0 ? now + periodMs : Number.POSITIVE_INFINITY);
        await this.#perform(work);
      }
    }
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = ms <= 0x7fff_ffff ? setTimeout(resolve, Math.max(1, Math.ceil(ms))) : undefined;
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #now(): number {
    return this.#session.context.clock.monotonicMs();
  }

  #isWanted(work: Work): boolean {
    const { clockSync, test } = this.#device;
    switch (work) {
      case 'clock':
        return clockSync > 0 && !this.#session.context.readOnly;
      case 'test':
        return test > 0;
      case 'counters':
        return this.#book.hasTotals;
      default:
        return true;
    }
  }

  #period(work: Work): number {
    const { clockSync, interrogation, counters, test } = this.#device;
    return { clock: clockSync, interrogation, counters, test }[work];
  }

  async #perform(work: Work): Promise<void> {
    const outcome = await this.#ask(work);
    if (this.#isOver || outcome.kind === 'lost') return;
    const isRound = work === 'interrogation' || work === 'counters';
    // A station that does not let its clock be set is none that does not answer.
    if (outcome.kind === 'silent' && work !== 'clock') {
      const timeoutMs = this.#session.context.connection.timeout;
      throw new DriverFaultError({ kind: 'no-answer', timeoutMs, sessionEnded: false, reason: `no answer to ${work}` });
    }
    if (outcome.kind !== 'done') {
      const reason = outcome.kind === 'refused' ? outcome.reason : 'no answer';
      this.#session.context.log.warn({ station: this.ca, work, reason }, 'a station refused a request');
    }
    if (isRound) this.#finished(work);
  }

  /** What a station has told neither in its answer nor by itself, it does not have. */
  #finished(kind: RoundKind): void {
    if (kind === 'interrogation') this.#isWhole = true;
    for (const tag of this.#book.tags) {
      if (roundOf(tag) === kind && !this.#seen.has(tag.index)) this.#out.put(tag.index, Number.NaN, ABSENT, Number.NaN);
    }
  }

  #ask(work: Work): Promise<Outcome> {
    const commonAddress = this.ca;
    if (work === 'interrogation' || work === 'counters') {
      const isComplete = (): boolean =>
        this.#book.tags.every((tag) => roundOf(tag) !== work || this.#seen.has(tag.index));
      return this.#session.round({ ca: commonAddress, kind: work }, isComplete);
    }
    const time = toTimeTag(this.#session.context.clock.wallMs(), this.#zone);
    if (work === 'clock') {
      const objects = [{ address: 0, value: 0, time }];
      return this.#session.confirm({ type: ASDU_TYPE.C_CS_NA_1, commonAddress, objects });
    }
    this.#tests = (this.#tests + 1) & 0xffff;
    const objects = [{ address: 0, value: this.#tests, time }];
    return this.#session.confirm({ type: ASDU_TYPE.C_TS_TA_1, commonAddress, objects });
  }
}
