import { BusbarError } from '@busbar/errors';
import { type Rejection, type SinkMessage, timeGroups } from '@busbar/sink-sdk';
import { deviceName, type EnosDevice } from './device.js';
import type { Reply } from './envelope.js';
import type { Logins } from './logins.js';
import { halves, type Item, isOversize, Packer, type Purpose, requestBody, sendable } from './payload.js';
import { type RefusedPoints, Rejections } from './refusals.js';

/** Requests under way at once: at most 2 MB wait for EnOS. */
const MAX_IN_FLIGHT = 4;
const CODE_OK = 200;
/** Topic unknown, or device not logged in (EnOS return codes). */
const CODE_NOT_LOGGED_IN = 1009;

/** Too many requests, and failures inside EnOS: nothing is wrong with the values, so they are kept. */
function isPassing(code: number): boolean {
  return code === 429 || (code >= 500 && code < 600);
}

export interface SenderOptions {
  readonly target: string;
  readonly itemsPerRequest: number;
  readonly logins: Logins;
  readonly refused: RefusedPoints;
  device(message: SinkMessage): EnosDevice;
  post(purpose: Purpose, body: (id: string) => Buffer): Promise<Reply>;
  skipped(values: number): void;
}

/** One `send` under way. */
interface Call {
  readonly rejections: Rejections;
  readonly signal: AbortSignal;
  /** Failures of the sender when the call came: after another one it must not overtake what will be repeated. */
  readonly failuresBefore: number;
  readonly open: Promise<void>[];
}

/** Values to EnOS: batch requests, each asset in order, refused values found and left out, the rest delivered. */
export class Sender {
  readonly #options: SenderOptions;
  /** The last request of each device: the next one waits for it. */
  readonly #tails = new Map<string, Promise<void>>();
  readonly #free: (() => void)[] = [];
  #inFlight = 0;
  #failures = 0;
  #lastFailure: unknown;
  #turn: Promise<void> = Promise.resolve();

  constructor(options: SenderOptions) {
    this.#options = options;
  }

  async send(messages: readonly SinkMessage[], signal: AbortSignal): Promise<readonly Rejection[]> {
    const rejections = new Rejections(this.#options.target);
    const call: Call = { rejections, signal, failuresBefore: this.#failures, open: [] };
    const turn = this.#turn.then(() => this.#issue(messages, call));
    this.#turn = turn.catch(() => {});
    const work = turn.then(() => Promise.all(call.open));
    const abort = abortOf(signal, this.#options.target);
    try {
      await Promise.race([work, abort.happened]);
    } catch (error) {
      // A repeat must not meet requests of this call, except when nobody repeats.
      if (!signal.aborted) await Promise.allSettled([turn, ...call.open]);
      throw error;
    } finally {
      abort.forget();
    }
    return rejections.list();
  }

  async #issue(messages: readonly SinkMessage[], call: Call): Promise<void> {
    const packer = new Packer(this.#options.itemsPerRequest);
    for (const [index, message] of messages.entries()) {
      for (const item of this.#items(index, message, call.rejections)) {
        const full = packer.add(item);
        if (full) await this.#start(full, call);
      }
    }
    const rest = packer.take();
    if (rest.length > 0) await this.#start(rest, call);
  }

  *#items(index: number, message: SinkMessage, rejections: Rejections): Generator<Item> {
    const device = this.#options.device(message);
    const { logins, refused } = this.#options;
    if (!logins.has(device)) {
      const reason = `sub-device ${deviceName(device)}: ${logins.reason(device)}`;
      rejections.add(index, message.selected.length, reason);
      return;
    }
    const { groups, unknown } = timeGroups(message);
    if (unknown > 0) rejections.add(index, unknown, 'they are points of no known model');
    for (const group of groups) {
      let indexes = sendable(message, group);
      if (indexes.length < group.indexes.length) this.#options.skipped(group.indexes.length - indexes.length);
      if (refused.hasAny(message.asset.asset)) indexes = this.#withoutRefused(index, message, { indexes, rejections });
      if (indexes.length > 0)
        yield* fitting({ message: index, source: message, device, timeMs: group.timeMs, indexes });
    }
  }

  #withoutRefused(
    index: number,
    message: SinkMessage,
    given: { indexes: ArrayLike<number>; rejections: Rejections },
  ): number[] {
    return Array.from(given.indexes).filter((at) => {
      const reason = this.#options.refused.reason(message.asset.asset, message.batch.handles[at] as number);
      if (reason !== undefined) given.rejections.add(index, 1, reason);
      return reason === undefined;
    });
  }

  /** Waits for a free place, then lets the request go its way. */
  async #start(items: readonly Item[], call: Call): Promise<void> {
    while (this.#inFlight >= MAX_IN_FLIGHT) await new Promise<void>((resolve) => this.#free.push(resolve));
    this.#check(call);
    this.#inFlight++;
    const names = new Set(items.map((item) => deviceName(item.device)));
    const before = [...names].map((name) => this.#tails.get(name));
    const done = this.#run(items, before, call);
    call.open.push(done);
    const settled = done.then(
      () => {},
      (error: unknown) => {
        this.#failures++;
        this.#lastFailure = error;
      },
    );
    for (const name of names) this.#tails.set(name, settled);
    settled.then(() => {
      this.#inFlight--;
      for (const name of names) if (this.#tails.get(name) === settled) this.#tails.delete(name);
      this.#free.shift()?.();
    });
  }

  async #run(items: readonly Item[], before: readonly (Promise<void> | undefined)[], call: Call): Promise<void> {
    await Promise.all(before);
    this.#check(call);
    await this.#post(items, call);
  }

  /** What failed will be repeated by the caller; nothing of this call may overtake it. */
  #check(call: Call): void {
    if (call.signal.aborted) throw stopped(this.#options.target);
    if (this.#failures !== call.failuresBefore) throw this.#lastFailure;
  }

  async #post(items: readonly Item[], call: Call): Promise<void> {
    const purpose: Purpose = items[0]?.source.late ? 'resume' : 'post';
    const reply = await this.#options.post(purpose, (id) => requestBody(id, purpose, items));
    if (reply.code === CODE_OK) return;
    const reason = `code ${reply.code}${reply.message ? `, ${reply.message}` : ''}`;
    if (isPassing(reply.code)) throw new BusbarError('SINK_BUSY', { target: this.#options.target, reason });
    await this.#divide(items, { code: reply.code, reason }, call);
  }

  /** EnOS refuses a request as a whole: halving finds what it does not want, and the rest gets through. */
  async #divide(items: readonly Item[], refusal: { code: number; reason: string }, call: Call): Promise<void> {
    const [item] = items;
    if (!item) return;
    if (items.length > 1) {
      const middle = items.length >> 1;
      await this.#post(items.slice(0, middle), call);
      await this.#post(items.slice(middle), call);
    } else if (refusal.code === CODE_NOT_LOGGED_IN) await this.#logInAgain(item, refusal.reason, call);
    else if (item.indexes.length > 1) {
      const [first, second] = halves(item);
      await this.#post([first], call);
      await this.#post([second], call);
    } else {
      const { asset } = item.source.asset;
      const handle = item.source.batch.handles[item.indexes[0] as number] as number;
      const reason = `${asset}/${item.source.points[handle]?.id}: ${refusal.reason}`;
      this.#options.refused.note(asset, handle, reason);
      call.rejections.add(item.message, 1, reason);
    }
  }

  async #logInAgain(item: Item, reason: string, call: Call): Promise<void> {
    const { logins } = this.#options;
    if (await logins.again(item.device)) {
      const purpose: Purpose = item.source.late ? 'resume' : 'post';
      const reply = await this.#options.post(purpose, (id) => requestBody(id, purpose, [item]));
      if (reply.code === CODE_OK) return;
      if (reply.code !== CODE_NOT_LOGGED_IN) {
        const again = `code ${reply.code}${reply.message ? `, ${reply.message}` : ''}`;
        if (isPassing(reply.code)) throw new BusbarError('SINK_BUSY', { target: this.#options.target, reason: again });
        return this.#divide([item], { code: reply.code, reason: again }, call);
      }
    }
    call.rejections.add(item.message, item.indexes.length, `sub-device ${deviceName(item.device)}: ${reason}`);
  }
}

function* fitting(item: Item): Generator<Item> {
  if (!isOversize(item) || item.indexes.length < 2) {
    yield item;
    return;
  }
  const [first, second] = halves(item);
  yield* fitting(first);
  yield* fitting(second);
}

function stopped(target: string): BusbarError {
  return new BusbarError('CONNECTION_LOST', { target, reason: 'sending was stopped' });
}

function abortOf(signal: AbortSignal, target: string): { happened: Promise<never>; forget(): void } {
  let forget = () => {};
  const happened = new Promise<never>((_resolve, reject) => {
    const onAbort = () => reject(stopped(target));
    signal.addEventListener('abort', onAbort, { once: true });
    forget = () => signal.removeEventListener('abort', onAbort);
    if (signal.aborted) onAbort();
  });
  happened.catch(() => {});
  return { happened, forget };
}
