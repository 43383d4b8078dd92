import { Socket } from 'node:net';
import { BusbarError } from '@busbar/errors';
import { connect, type MqttClient } from 'mqtt';

const CLOSE_MS = 1_000;
/** CONNACK return codes that no repetition cures: 2 identifier, 4 user or password, 5 not authorized (MQTT 3.1.1 §3.2.2.3). */
const DENIED = new Set([2, 4, 5]);

export interface LinkOptions {
  readonly url: string;
  readonly clientId: string;
  readonly username: string;
  readonly password: string;
  readonly keepaliveMs: number;
  readonly timeoutMs: number;
}

export interface LinkEvents {
  message(topic: string, payload: Uint8Array, retained: boolean): void;
  lost(error: BusbarError): void;
}

function failure(error: unknown, target: string): BusbarError {
  const code = (error as { code?: unknown }).code;
  if (typeof code === 'number' && DENIED.has(code)) {
    return new BusbarError('CONNECTION_DENIED', { target }, { cause: error });
  }
  if (code === 'ECONNREFUSED') return new BusbarError('CONNECTION_REFUSED', { target }, { cause: error });
  const reason = error instanceof Error ? error.message : String(error);
  return new BusbarError('CONNECTION_LOST', { target, reason }, { cause: error });
}

/** One connection to EnOS. It is never opened again: after a loss a new one is made. */
export class EnosLink {
  readonly #client: MqttClient;
  readonly #target: string;
  readonly #events: LinkEvents;
  #ended: BusbarError | null = null;
  #closing: Promise<void> | null = null;

  private constructor(client: MqttClient, target: string, events: LinkEvents) {
    this.#client = client;
    this.#target = target;
    this.#events = events;
    // Nagle with delayed acknowledgement costs 40 ms for each request (RFC 9293 §3.7.4).
    if (client.stream instanceof Socket) client.stream.setNoDelay(true);
    client.on('error', (error) => this.#end(failure(error, target)));
    client.on('close', () => this.#end(this.#lostError('EnOS closed it')));
    client.on('message', (topic, payload, packet) => {
      if (!this.#ended) events.message(topic, payload, packet.retain);
    });
  }

  /** Throws CONNECTION_REFUSED, CONNECTION_DENIED, CONNECTION_TIMEOUT or CONNECTION_LOST. */
  static open(options: LinkOptions, events: LinkEvents, signal: AbortSignal): Promise<EnosLink> {
    const { url: target, timeoutMs } = options;
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(new BusbarError('CONNECTION_LOST', { target, reason: 'aborted' }));
      const client = connect(target, {
        clientId: options.clientId,
        username: options.username,
        password: options.password,
        clean: true,
        keepalive: Math.ceil(options.keepaliveMs / 1000),
        reconnectPeriod: 0,
        connectTimeout: timeoutMs,
        queueQoSZero: false,
        resubscribe: false,
      });
      const settle = (outcome: () => void) => {
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
        client.removeAllListeners();
        // The library may still speak; an 'error' without a listener would end the process.
        client.on('error', () => {});
        outcome();
      };
      const fail = (error: BusbarError) =>
        settle(() => {
          client.end(true);
          reject(error);
        });
      const onAbort = () => fail(new BusbarError('CONNECTION_LOST', { target, reason: 'aborted' }));
      const timer = setTimeout(() => fail(new BusbarError('CONNECTION_TIMEOUT', { target, timeoutMs })), timeoutMs);
      signal.addEventListener('abort', onAbort, { once: true });
      client.once('connect', () => settle(() => resolve(new EnosLink(client, target, events))));
      client.once('error', (error) => fail(failure(error, target)));
      client.once('close', () => fail(failure(new Error('closed before EnOS answered'), target)));
    });
  }

  /** Resolves with SUBACK. */
  subscribe(topics: readonly string[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#client.subscribe([...topics], { qos: 1 }, (error) => {
        if (error) reject(this.#ended ?? failure(error, this.#target));
        else resolve();
      });
    });
  }

  /** QoS 1. `failed` is called at most once, when the message certainly was not acknowledged. */
  publish(topic: string, payload: string | Buffer, failed: (error: BusbarError) => void): void {
    if (this.#ended) {
      failed(this.#ended);
      return;
    }
    this.#client.publish(topic, payload as Buffer, { qos: 1 }, (error) => {
      if (error) failed(this.#ended ?? this.#lostError(error.message));
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const isAlive = this.#ended === null;
    this.#ended ??= this.#lostError('closed');
    if (isAlive) await this.#disconnect();
    this.#client.stream.destroy();
  }

  /** A peer that neither acknowledges nor closes its half must not hold up ours. */
  #disconnect(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#client.end(true);
        resolve();
      }, CLOSE_MS);
      this.#client.end(false, {}, () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  #lostError(reason: string): BusbarError {
    return new BusbarError('CONNECTION_LOST', { target: this.#target, reason });
  }

  #end(error: BusbarError): void {
    if (this.#ended) return;
    this.#ended = error;
    this.#client.end(true);
    this.#events.lost(error);
  }
}
