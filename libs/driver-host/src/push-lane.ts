import type { SampleWriter } from '@busbar/driver-sdk';
import type { PollGroup } from './poll-group.js';
import type { Scheduler } from './scheduler.js';

/** Values of so long go into one batch; its stamp is that of the first. */
const GATHER_MS = 20;

/** Where a subscription puts values, and until when. */
export interface PushTarget {
  readonly out: SampleWriter;
  readonly signal: AbortSignal;
}

/** What a lane asks of its device. */
export interface LaneOwner {
  /** May values be taken now? */
  isReady(): boolean;
  /** Null: there is no session to subscribe in. */
  subscribe(into: PushTarget): Promise<void> | null;
  publish(): void;
  /** Something came. */
  answered(): void;
  failed(error: unknown): void;
}

/** One group `event` of a device: its subscription, and the batches of what comes. A tag comes once in a batch. */
export class PushLane {
  readonly #group: PollGroup;
  readonly #owner: LaneOwner;
  readonly #scheduler: Scheduler;
  #abort: AbortController | null = null;
  #cancelFlush: (() => void) | null = null;

  constructor(group: PollGroup, owner: LaneOwner, scheduler: Scheduler) {
    this.#group = group;
    this.#owner = owner;
    this.#scheduler = scheduler;
  }

  /** Subscribes unless it has; without a session nothing happens. */
  start(): void {
    if (this.#abort || !this.#owner.isReady() || this.#group.pushed.length === 0) return;
    const abort = new AbortController();
    const ended = this.#owner.subscribe({ out: this.#writer(abort), signal: abort.signal });
    if (ended === null) return;
    this.#abort = abort;
    ended.then(
      () => this.#ended(abort, new Error('the subscription ended by itself')),
      (error) => this.#ended(abort, error),
    );
  }

  #ended(abort: AbortController, error: unknown): void {
    if (this.#abort !== abort) return;
    this.stop();
    this.#owner.failed(error);
  }

  /** Nothing is taken from the subscription any more; what came before is published. */
  stop(): void {
    const abort = this.#abort;
    this.#abort = null;
    this.#flush();
    abort?.abort();
  }

  #flush(): void {
    const cancel = this.#cancelFlush;
    this.#cancelFlush = null;
    if (cancel === null) return;
    cancel();
    this.#owner.publish();
  }

  /** Bound to its subscription: what an earlier one still puts is lost. */
  #writer(abort: AbortController): SampleWriter {
    const into = (tag: number, put: (writer: PollGroup['writer']) => void): void => {
      if (!this.#open(abort, tag)) return;
      const { writer } = this.#group;
      writer.begin(0);
      put(writer);
      writer.stop();
    };
    return {
      // The common one: no closure per value.
      put: (tag, value, quality, timeMs) => {
        if (!this.#open(abort, tag)) return;
        const { writer } = this.#group;
        writer.begin(0);
        writer.put(tag, value, quality, timeMs);
        writer.stop();
      },
      putText: (tag, value, quality, timeMs) => into(tag, (writer) => writer.putText(tag, value, quality, timeMs)),
      putInt64: (tag, value, quality, timeMs) => into(tag, (writer) => writer.putInt64(tag, value, quality, timeMs)),
      putArray: (tag, value, quality, timeMs) => into(tag, (writer) => writer.putArray(tag, value, quality, timeMs)),
    };
  }

  #open(abort: AbortController, tag: number): boolean {
    if (this.#abort !== abort) return false;
    if (!this.#owner.isReady()) {
      // Not ours to publish now: subscribed anew when it is, which begins with the present values.
      this.stop();
      return false;
    }
    if (this.#group.writer.hasPut(tag)) this.#flush();
    if (this.#cancelFlush === null) {
      this.#cancelFlush = this.#scheduler.after(GATHER_MS, () => this.#flush());
      this.#owner.answered();
    }
    return true;
  }
}
