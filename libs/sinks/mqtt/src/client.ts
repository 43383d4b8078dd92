import { Socket } from 'node:net';
import { BusbarError } from '@busbar/errors';
import { connect, type IClientOptions, type MqttClient } from 'mqtt';

/** Unacknowledged messages and octets of one session: what a slow broker may cost in memory. */
const MAX_IN_FLIGHT = 1_000;
const MAX_IN_FLIGHT_BYTES = 8 * 1024 * 1024;
const CLOSE_MS = 1_000;

export interface LinkOptions {
  readonly url: string;
  readonly clientId: string;
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly keepaliveMs: number;
  readonly timeoutMs: number;
  readonly qos: 0 | 1 | 2;
  lost(error: BusbarError): void;
}

interface Waiter {
  readonly bytes: number;
  resolve(): void;
  reject(error: BusbarError): void;
}

/** CONNACK return codes that no repetition cures: 2 identifier, 4 user or password, 5 not authorized (MQTT 3.1.1 §3.2.2.3). */
const DENIED = new Set([2, 4, 5]);

function connectFailure(error: unknown, options: LinkOptions): BusbarError {
  const code = (error as { code?: unknown }).code;
  if (typeof code === 'number' && DENIED.has(code)) {
    return new BusbarError('CONNECTION_DENIED', { target: options.url }, { cause: error });
  }
  if (code === 'ECONNREFUSED') return new BusbarError('CONNECTION_REFUSED', { target: options.url }, { cause: error });
  const reason = error instanceof Error ? error.message : String(error);
  return new BusbarError('CONNECTION_LOST', { target: options.url, reason }, { cause: error });
}

/** One connection to a broker. It is never opened again: after a loss everything waiting fails and a new one is made. */
export class MqttLink {
  readonly #client: MqttClient;
  readonly #options: LinkOptions;
  readonly #waiting: Waiter[] = [];
  readonly #pending = new Set<Waiter>();
  #inFlight = 0;
  #inFlightBytes = 0;
  #ended: BusbarError | null = null;
  #watch: NodeJS.Timeout | null = null;
  #isMoving = false;
  #closing: Promise<void> | null = null;

  private constructor(client: MqttClient, options: LinkOptions) {
    this.#client = client;
    this.#options = options;
    // Nagle with delayed acknowledgement costs 40 ms for each group of messages (RFC 9293 §3.7.4).
    if (client.stream instanceof Socket) client.stream.setNoDelay(true);
    client.on('error', (error) => this.#end(connectFailure(error, options)));
    client.on('close', () => this.#end(this.#lostError('the broker closed it')));
  }

  /** Throws CONNECTION_REFUSED, CONNECTION_DENIED, CONNECTION_TIMEOUT or CONNECTION_LOST. */
  static open(options: LinkOptions, signal: AbortSignal): Promise<MqttLink> {
    const settings: IClientOptions = {
      clientId: options.clientId,
      clean: true,
      keepalive: Math.ceil(options.keepaliveMs / 1000),
      reconnectPeriod: 0,
      connectTimeout: options.timeoutMs,
      queueQoSZero: false,
      resubscribe: false,
      ...(options.user !== undefined && { username: options.user }),
      ...(options.password !== undefined && { password: options.password }),
    };
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(new BusbarError('CONNECTION_LOST', { target: options.url, reason: 'aborted' }));
      const client = connect(options.url, settings);
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
      const onAbort = () => fail(new BusbarError('CONNECTION_LOST', { target: options.url, reason: 'aborted' }));
      const timer = setTimeout(
        () => fail(new BusbarError('CONNECTION_TIMEOUT', { target: options.url, timeoutMs: options.timeoutMs })),
        options.timeoutMs,
      );
      signal.addEventListener('abort', onAbort, { once: true });
      client.once('connect', () => settle(() => resolve(new MqttLink(client, options))));
      client.once('error', (error) => fail(connectFailure(error, options)));
      client.once('close', () => fail(connectFailure(new Error('closed before the broker answered'), options)));
    });
  }

  /** Waits for room; then the message is handed over at once. */
  async room(bytes: number): Promise<void> {
    if (this.#ended) throw this.#ended;
    if (this.#waiting.length === 0 && this.#fits(bytes)) return;
    await new Promise<void>((resolve, reject) => this.#waiting.push({ bytes, resolve, reject }));
  }

  /**
   * Call in the same turn in which `room` resolved. Resolves with PUBACK or PUBCOMP, at QoS 0 when written; `settled`
   * is told of it without a promise per message.
   */
  publish(topic: string, payload: Buffer, settled: (error: BusbarError | null) => void): void {
    if (this.#ended) {
      settled(this.#ended);
      return;
    }
    const bytes = payload.length;
    this.#inFlight++;
    this.#inFlightBytes += bytes;
    const waiter: Waiter = { bytes, resolve: () => settled(null), reject: settled };
    this.#pending.add(waiter);
    if (this.#watch === null) this.#watchAcknowledgements();
    this.#client.publish(topic, payload, { qos: this.#options.qos }, (error) => {
      if (!this.#pending.delete(waiter)) return;
      this.#inFlight--;
      this.#inFlightBytes -= bytes;
      this.#isMoving = true;
      if (error) return settled(this.#lostError(error.message));
      settled(null);
      this.#admit();
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const isAlive = this.#ended === null;
    const isIdle = this.#inFlight === 0;
    this.#fail(this.#lostError('closed'));
    if (isAlive) await this.#disconnect(isIdle);
    this.#client.stream.destroy();
  }

  /** A broker that does not close its half must not hold up ours. */
  #disconnect(isIdle: boolean): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, CLOSE_MS);
      this.#client.end(!isIdle, {}, () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  /** A broker that acknowledges nothing for a whole time-out is left: its late answers must not meet a repeat. */
  #watchAcknowledgements(): void {
    const { timeoutMs, url } = this.#options;
    this.#isMoving = false;
    this.#watch = setTimeout(() => {
      this.#watch = null;
      if (this.#inFlight === 0) return;
      if (this.#isMoving) this.#watchAcknowledgements();
      else this.#end(new BusbarError('SINK_NO_REPLY', { target: url, timeoutMs }));
    }, timeoutMs);
  }

  #fits(bytes: number): boolean {
    if (this.#inFlight === 0) return true;
    return this.#inFlight < MAX_IN_FLIGHT && this.#inFlightBytes + bytes <= MAX_IN_FLIGHT_BYTES;
  }

  #admit(): void {
    const next = this.#waiting[0];
    if (!next || !this.#fits(next.bytes)) return;
    this.#waiting.shift();
    next.resolve();
  }

  #lostError(reason: string): BusbarError {
    return new BusbarError('CONNECTION_LOST', { target: this.#options.url, reason });
  }

  #end(error: BusbarError): void {
    if (this.#ended) return;
    this.#fail(error);
    this.#client.end(true);
    this.#options.lost(error);
  }

  #fail(error: BusbarError): void {
    if (this.#ended) return;
    this.#ended = error;
    if (this.#watch) clearTimeout(this.#watch);
    const failed = [...this.#waiting.splice(0), ...this.#pending];
    this.#pending.clear();
    for (const waiter of failed) waiter.reject(error);
  }
}
