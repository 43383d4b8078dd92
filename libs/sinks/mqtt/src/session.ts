import { BusbarError } from '@busbar/errors';
import { fillPlaceholders, type Rejection, type SinkContext, type SinkMessage, timeGroups } from '@busbar/sink-sdk';
import { MqttLink } from './client.js';
import type { MqttConfig } from './config.js';
import { messagePayload } from './payload.js';

/** Waits for the acknowledgements of one `send` together: one promise and one timer for all of its messages. */
class Acknowledgements {
  #open = 0;
  #error: BusbarError | null = null;
  #sealed = false;
  #settle: () => void = () => {};
  readonly #all = new Promise<void>((resolve) => {
    this.#settle = resolve;
  });

  readonly settled = (error: BusbarError | null): void => {
    this.#open--;
    this.#error ??= error;
    this.#look();
  };

  expect(): void {
    this.#open++;
  }

  get error(): BusbarError | null {
    return this.#error;
  }

  async all(): Promise<void> {
    this.#sealed = true;
    this.#look();
    await this.#all;
    if (this.#error) throw this.#error;
  }

  #look(): void {
    if (this.#sealed && (this.#open === 0 || this.#error)) this.#settle();
  }
}

export class MqttSession {
  readonly #link: MqttLink;
  readonly #context: SinkContext<MqttConfig>;
  readonly #topics: ReadonlyMap<string, string>;
  /** Messages leave in the order of the calls, acknowledgements are awaited side by side. */
  #turn: Promise<void> = Promise.resolve();

  private constructor(link: MqttLink, context: SinkContext<MqttConfig>, topics: ReadonlyMap<string, string>) {
    this.#link = link;
    this.#context = context;
    this.#topics = topics;
  }

  static async open(context: SinkContext<MqttConfig>, signal: AbortSignal): Promise<MqttSession> {
    const { config, site, sink } = context;
    const topics = new Map(context.assets.map((asset) => [asset.asset, topicFor(context, asset.asset, asset.model)]));
    const password = config.password === undefined ? undefined : await context.secret(config.password);
    const link = await MqttLink.open(
      {
        url: config.url,
        clientId: fillPlaceholders(config.clientId, { site, sink }),
        user: config.user,
        password,
        keepaliveMs: config.keepalive,
        timeoutMs: config.timeout,
        qos: config.qos,
        lost: (error) => context.lost(error.diagnosis),
      },
      signal,
    );
    return new MqttSession(link, context, topics);
  }

  async send(messages: readonly SinkMessage[], signal: AbortSignal): Promise<readonly Rejection[]> {
    const rejections: Rejection[] = [];
    const acknowledgements = new Acknowledgements();
    const turn = this.#turn.then(() => this.#publishAll(messages, { acknowledgements, rejections, signal }));
    // The next call goes on whatever became of this one; a lost link fails it by itself.
    this.#turn = turn.catch(() => {});
    const abort = this.#abortOf(signal);
    try {
      await Promise.race([turn.then(() => acknowledgements.all()), abort.happened]);
    } finally {
      abort.forget();
    }
    return rejections;
  }

  close(): Promise<void> {
    return this.#link.close();
  }

  async #publishAll(
    messages: readonly SinkMessage[],
    call: { acknowledgements: Acknowledgements; rejections: Rejection[]; signal: AbortSignal },
  ): Promise<void> {
    for (const [index, message] of messages.entries()) {
      const { groups, unknown } = timeGroups(message);
      if (unknown > 0) call.rejections.push(this.#unknownPoints(index, unknown));
      const topic = this.#topicOf(message);
      for (const group of groups) {
        const payload = messagePayload(message, group);
        await this.#link.room(payload.length);
        if (call.signal.aborted) throw this.#aborted();
        if (call.acknowledgements.error) throw call.acknowledgements.error;
        call.acknowledgements.expect();
        this.#link.publish(topic, payload, call.acknowledgements.settled);
      }
    }
  }

  #abortOf(signal: AbortSignal): { happened: Promise<never>; forget(): void } {
    let forget = () => {};
    const happened = new Promise<never>((_resolve, reject) => {
      const onAbort = () => reject(this.#aborted());
      signal.addEventListener('abort', onAbort, { once: true });
      forget = () => signal.removeEventListener('abort', onAbort);
      if (signal.aborted) onAbort();
    });
    happened.catch(() => {});
    return { happened, forget };
  }

  #topicOf(message: SinkMessage): string {
    const { asset, model } = message.asset;
    return this.#topics.get(asset) ?? topicFor(this.#context, asset, model);
  }

  #unknownPoints(message: number, count: number): Rejection {
    const params = { target: this.#context.config.url, count, reason: 'they are points of no known model' };
    return { message, count, diagnosis: { code: 'SINK_REFUSED', params } };
  }

  #aborted(): BusbarError {
    return new BusbarError('CONNECTION_LOST', { target: this.#context.config.url, reason: 'sending was stopped' });
  }
}

function topicFor(context: SinkContext<MqttConfig>, asset: string, model: string): string {
  const topic = fillPlaceholders(context.config.topic, { site: context.site, sink: context.sink, asset, model });
  if (Buffer.byteLength(topic) <= 65_535 && !/[+#\0]/.test(topic)) return topic;
  throw new BusbarError('CONNECTION_CONFIG', { field: 'topic', reason: `asset ${asset} makes no topic of it` });
}
