import type { SampleBatch } from '@busbar/batch';
import type { InRecord } from '@busbar/bus';
import type { UploadTarget } from './upload-targets.js';

/** What is sent of one record. */
export interface Selection {
  readonly record: InRecord;
  readonly target: UploadTarget;
  readonly batch: SampleBatch;
  readonly selected: Int32Array;
}

/**
 * The deliveries of one partition on their way to the target. They are sent in their order: when one fails, those behind
 * it fail too, or they would overtake it. What was selected is remembered until it is acknowledged, since a policy names
 * a value once; what will not be handed over again is released, so that its points are sent with their next values.
 */
export class UploadLane {
  /** Null: nothing of this record is sent. */
  readonly #selections = new Map<InRecord, Selection | null>();
  #running = 0;
  #turn: Promise<void> = Promise.resolve();
  #failure: { readonly error: unknown } | null = null;

  /** @param signal aborted when the bus hands over nothing of this partition again. */
  constructor(signal: AbortSignal) {
    signal.addEventListener('abort', () => this.release([...this.#selections.keys()]), { once: true });
  }

  /** Records whose selection is remembered. */
  get size(): number {
    return this.#selections.size;
  }

  /** Runs `prepare` once every delivery before was given to `send`, and `send` in the turn in which it is prepared. */
  async run<Prepared>(prepare: () => Promise<Prepared>, send: (prepared: Prepared) => Promise<void>): Promise<void> {
    // The bus hands failed deliveries over again, oldest first, when none is under way any more.
    if (this.#running === 0) this.#failure = null;
    this.#running += 1;
    const before = this.#turn;
    let pass: () => void = () => undefined;
    this.#turn = new Promise((resolve) => {
      pass = resolve;
    });
    try {
      await before;
      this.#assertNoFailure();
      const prepared = await prepare();
      this.#assertNoFailure();
      const sending = send(prepared);
      pass();
      await sending;
    } catch (error) {
      this.#failure ??= { error };
      throw error;
    } finally {
      pass();
      this.#running -= 1;
    }
  }

  /** Undefined: nothing was decided about this record yet. */
  selectionOf(record: InRecord): Selection | null | undefined {
    return this.#selections.get(record);
  }

  remember(record: InRecord, selection: Selection | null): void {
    this.#selections.set(record, selection);
  }

  /** These records are done with. */
  forget(records: readonly InRecord[]): void {
    for (const record of records) this.#selections.delete(record);
  }

  /** These records are not sent as they were selected: the next value of each of their points is. */
  release(records: readonly InRecord[]): void {
    for (const record of records) {
      const selection = this.#selections.get(record);
      if (selection) selection.target.policy.release(selection.batch, selection.selected);
      this.#selections.delete(record);
    }
  }

  #assertNoFailure(): void {
    if (this.#failure) throw this.#failure.error;
  }
}
