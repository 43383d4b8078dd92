import { BusbarError } from '@busbar/errors';
import type { EnosLink } from './client.js';
import { parseReply, type Reply } from './envelope.js';

interface Waiting {
  readonly topic: string;
  resolve(reply: Reply): void;
  reject(error: BusbarError): void;
}

/** Requests to EnOS and their replies, matched by id and topic. */
export class Requests {
  readonly #waiting = new Map<string, Waiting>();
  readonly #timeoutMs: number;
  readonly #target: string;
  #nextId = 1;
  #ended: BusbarError | null = null;

  constructor(target: string, timeoutMs: number) {
    this.#target = target;
    this.#timeoutMs = timeoutMs;
  }

  /** Throws SINK_NO_REPLY after the time-out, CONNECTION_LOST when the link goes. */
  call(link: EnosLink, topic: string, body: (id: string) => string | Buffer): Promise<Reply> {
    return new Promise((resolve, reject) => {
      if (this.#ended) return reject(this.#ended);
      const id = String(this.#nextId++);
      const timeoutMs = this.#timeoutMs;
      const timer = setTimeout(
        () => this.#waiting.get(id)?.reject(new BusbarError('SINK_NO_REPLY', { target: this.#target, timeoutMs })),
        timeoutMs,
      );
      const settle = () => {
        clearTimeout(timer);
        this.#waiting.delete(id);
      };
      const waiting: Waiting = {
        topic: `${topic}_reply`,
        resolve: (reply) => {
          settle();
          resolve(reply);
        },
        reject: (error) => {
          settle();
          reject(error);
        },
      };
      this.#waiting.set(id, waiting);
      link.publish(topic, body(id), waiting.reject);
    });
  }

  /** A message on a reply topic; what belongs to no open request (late, foreign, malformed) is no reply. */
  take(topic: string, payload: Uint8Array): void {
    const reply = parseReply(payload);
    if (!reply) return;
    const waiting = this.#waiting.get(reply.id);
    if (waiting?.topic === topic) waiting.resolve(reply);
  }

  end(error: BusbarError): void {
    this.#ended ??= error;
    for (const waiting of [...this.#waiting.values()]) waiting.reject(error);
  }
}
