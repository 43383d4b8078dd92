import {
  type ClientMessage,
  type ConnectionView,
  clientMessageSchema,
  LIVE_LIMITS,
  type RequestView,
  type ServerMessage,
} from '@busbar/api-schema';
import { BusbarError, errorFix, errorSentence, isBusbarError } from '@busbar/errors';
import type { Clock } from '@busbar/model';
import type { ConnectionChange } from './connection-views.js';
import { LivePoints } from './live-points.js';
import type { LiveValues } from './live-values.js';

/** What a session shows of. */
export interface LiveSource {
  /** Of the newest generation. */
  values(): LiveValues;
  connections(): ConnectionView[];
  requests(): RequestView[];
}

/** Where a session's messages go. */
export interface LiveOutlet {
  text(message: string): void;
  binary(bytes: Uint8Array): void;
  /** False while the client does not read: nothing more is handed over then. */
  canTake(): boolean;
  /** The client broke a limit. */
  close(code: number, reason: string): void;
}

/** Ordered messages that wait for a slow client; beyond this it gets everything anew. */
const WAITING = 1_000;
/** RFC 6455 §7.4.1: policy violation. */
const POLICY_VIOLATION = 1008;
/** Messages that a client may send at once, and per second. */
const BURST = 200;
const PER_SECOND = 100;

interface Ordered {
  readonly kind: 'connections' | 'requests';
  waiting: ServerMessage[];
  /** Too much waited: all of it is sent anew. */
  isLost: boolean;
}

/** One socket of one page: its subscriptions and what they still owe. Knows no socket. */
export class LiveSession {
  readonly #id: string;
  readonly #source: LiveSource;
  readonly #outlet: LiveOutlet;
  readonly #clock: Clock;
  readonly #points = new Map<number, LivePoints>();
  readonly #ordered = new Map<number, Ordered>();
  #seq = 0;
  #hz: number = LIVE_LIMITS.hz;
  #lastTickMs: number;
  #allowance = BURST;
  #allowanceMs: number;

  constructor(options: {
    readonly id: string;
    readonly source: LiveSource;
    readonly outlet: LiveOutlet;
    readonly clock: Clock;
  }) {
    this.#id = options.id;
    this.#source = options.source;
    this.#outlet = options.outlet;
    this.#clock = options.clock;
    this.#lastTickMs = options.clock.monotonicMs();
    this.#allowanceMs = this.#lastTickMs;
  }

  get subscriptions(): number {
    return this.#points.size + this.#ordered.size;
  }

  /** A text message of the client. */
  receive(text: string): void {
    if (!this.#isAllowed()) {
      this.#outlet.close(POLICY_VIOLATION, 'too many messages');
      return;
    }
    let message: ClientMessage;
    try {
      message = clientMessageSchema.parse(JSON.parse(text));
    } catch {
      this.#fail(new BusbarError('REQUEST_INVALID', { reason: 'no message of the live socket' }));
      return;
    }
    try {
      this.#handle(message);
    } catch (error) {
      if (!isBusbarError(error)) throw error;
      this.#fail(error, 'id' in message ? message.id : undefined);
    }
  }

  /** Called a few times a second: sends what changed, as far as the client keeps up. */
  tick(): void {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#lastTickMs >= LIVE_LIMITS.tickMs) {
      this.#lastTickMs = nowMs;
      this.#send({ t: 'tick', clock: this.#clock.wallMs() });
    }
    if (!this.#outlet.canTake()) return;
    for (const [id, ordered] of this.#ordered) this.#flush(id, ordered);
    for (const points of this.#points.values()) {
      if (!this.#outlet.canTake()) return;
      this.#sendPoints(points, nowMs);
    }
  }

  /** Rows mean nothing any more: the client opens again. */
  stale(generation: number): void {
    this.#points.clear();
    this.#send({ t: 'stale', generation });
  }

  connectionsChanged(change: ConnectionChange): void {
    const { items, removed, reset } = change;
    for (const [id, ordered] of this.#ordered) {
      if (ordered.kind !== 'connections') continue;
      this.#enqueue(id, ordered, { t: 'connections', id, reset, items: [...items], removed: [...removed] });
    }
  }

  requestChanged(view: RequestView): void {
    for (const [id, ordered] of this.#ordered) {
      if (ordered.kind === 'requests') this.#enqueue(id, ordered, { t: 'requests', id, reset: false, items: [view] });
    }
  }

  #handle(message: ClientMessage): void {
    switch (message.t) {
      case 'hello': {
        const { generation } = this.#source.values().directory;
        this.#send({ t: 'hello', session: this.#id, clock: this.#clock.wallMs(), generation });
        return;
      }
      case 'open':
        this.#open(message);
        return;
      case 'window': {
        const points = this.#points.get(message.id);
        // After a new generation the client may still scroll what it has not opened anew.
        if (!points) return;
        const shown = points.show(message.from, message.count);
        this.#send({ t: 'rows', id: message.id, ...shown });
        this.#sendPoints(points, this.#clock.monotonicMs());
        return;
      }
      case 'close':
        this.#points.delete(message.id);
        this.#ordered.delete(message.id);
        return;
      case 'ack':
        for (const points of this.#points.values()) points.acknowledge(message.seq);
        return;
      case 'rate':
        this.#hz = message.hz;
    }
  }

  #open(message: Extract<ClientMessage, { t: 'open' }>): void {
    const { id, kind } = message;
    this.#points.delete(id);
    this.#ordered.delete(id);
    if (this.subscriptions >= LIVE_LIMITS.subscriptions) {
      throw new BusbarError('LIVE_LIMIT', { limit: LIVE_LIMITS.subscriptions });
    }
    if (kind !== 'points') {
      const ordered: Ordered = { kind, waiting: [], isLost: true };
      this.#ordered.set(id, ordered);
      this.#flush(id, ordered);
      return;
    }
    const nowMs = this.#clock.monotonicMs();
    const { query = {}, hz = LIVE_LIMITS.hz, from = 0, count = 1 } = message;
    const points = new LivePoints({ id, query, hz, nowMs, values: this.#source.values() });
    this.#points.set(id, points);
    const shown = points.show(from, count);
    this.#send({ t: 'opened', id, total: points.total, ...shown });
    this.#sendPoints(points, nowMs);
  }

  #sendPoints(points: LivePoints, nowMs: number): void {
    const rows = points.requery(nowMs);
    if (rows) this.#send(rows);
    const frame = points.frame(nowMs, this.#hz, this.#seq + 1);
    if (!frame) return;
    this.#seq++;
    if (frame.lastGood) this.#send(frame.lastGood);
    this.#outlet.binary(frame.bytes);
  }

  #enqueue(id: number, ordered: Ordered, message: ServerMessage): void {
    if (!ordered.isLost) ordered.waiting.push(message);
    if (ordered.waiting.length > WAITING) {
      ordered.waiting = [];
      ordered.isLost = true;
    }
    if (this.#outlet.canTake()) this.#flush(id, ordered);
  }

  #flush(id: number, ordered: Ordered): void {
    if (ordered.isLost) {
      ordered.isLost = false;
      ordered.waiting = [];
      this.#send(
        ordered.kind === 'connections'
          ? { t: 'connections', id, reset: true, items: this.#source.connections(), removed: [] }
          : { t: 'requests', id, reset: true, items: this.#source.requests() },
      );
      return;
    }
    const waiting = ordered.waiting;
    ordered.waiting = [];
    for (const message of waiting) this.#send(message);
  }

  #fail(error: BusbarError, id?: number): void {
    const { code, params } = error;
    const words = { code, sentence: errorSentence(code, params), fix: errorFix(code, params) };
    this.#send({ t: 'error', ...(id === undefined ? {} : { id }), ...words });
  }

  #send(message: ServerMessage): void {
    this.#outlet.text(JSON.stringify(message));
  }

  #isAllowed(): boolean {
    const nowMs = this.#clock.monotonicMs();
    this.#allowance = Math.min(BURST, this.#allowance + ((nowMs - this.#allowanceMs) * PER_SECOND) / 1000);
    this.#allowanceMs = nowMs;
    this.#allowance -= 1;
    return this.#allowance >= 0;
  }
}
