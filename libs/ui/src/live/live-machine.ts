import {
  type ClientMessage,
  decodeLiveFrame,
  LIVE_CLOSE_UNAUTHORIZED,
  LIVE_LIMITS,
  type LiveFrame,
  type PointsQuery,
  type ServerMessage,
  serverMessageSchema,
} from '@busbar/api-schema';
import type { Clock } from '@busbar/model';

/** What the machine may do to the world. `wake` replaces an earlier wake-up; `disconnect` is safe without a socket. */
export interface LivePort {
  connect(): void;
  send(text: string): void;
  disconnect(): void;
  wake(afterMs: number): void;
}

/**
 * `off` before start, `connecting`, `up`, `waiting` until the next try, `asleep` hidden for a minute,
 * `denied` the session has ended.
 */
export type LinkPhase = 'off' | 'connecting' | 'up' | 'waiting' | 'asleep' | 'denied';

export interface LinkState {
  readonly phase: LinkPhase;
  /** Epoch ms by the server's clock of the last sign of life; null while the link is up or never was. */
  readonly downSince: number | null;
  readonly generation: number | null;
}

export interface LiveAsk {
  readonly kind: 'points' | 'connections' | 'requests';
  readonly query?: PointsQuery | undefined;
  readonly from?: number;
  readonly count?: number;
  readonly hz?: number;
}

/** Hears what is for one subscription; `lost` when the link went, then `opened` or a reset when it is back. */
export interface LiveObserver {
  message(message: ServerMessage): void;
  frame?(frame: LiveFrame): void;
  lost?(): void;
}

export interface LiveSubscription {
  /** Asks for other rows; sent at most every 100 ms, the newest wins. */
  window(from: number, count: number): void;
  /** Safe twice. */
  close(): void;
}

interface Open {
  id: number;
  ask: LiveAsk;
  from: number;
  count: number;
  readonly observer: LiveObserver;
  windowDue: boolean;
  nextWindowAt: number;
}

const SILENCE_MS = 3 * LIVE_LIMITS.tickMs;
const CONNECT_MS = 10_000;
const SLEEP_AFTER_MS = 60_000;
const WINDOW_EVERY_MS = 100;
const RETRY_MS = { least: 500, most: 10_000 };
const LARGEST_ID = 65_535;

/** The live socket's behavior without a socket: events in, acts through the port out. No timers, no globals. */
export class LiveMachine {
  private phase: LinkPhase = 'off';
  private hello = false;
  private readonly opens = new Set<Open>();
  private readonly listeners = new Set<() => void>();
  private lastId = 0;
  private attempts = 0;
  private heardAt = 0;
  private heardWall: number | null = null;
  private retryAt = 0;
  private hiddenAt: number | null = null;
  private serverClock: { readonly clock: number; readonly at: number } | null = null;
  private generation: number | null = null;
  private shown: LinkState = { phase: 'off', downSince: null, generation: null };

  constructor(
    private readonly port: LivePort,
    private readonly clock: Clock,
    /** 0..1; spreads the tries of many pages. */
    private readonly random: () => number,
  ) {}

  get state(): LinkState {
    return this.shown;
  }

  /** Epoch ms by the server's clock; ours until it has said its own. */
  serverNow(): number {
    if (this.serverClock === null) return this.clock.wallMs();
    return this.serverClock.clock + (this.clock.monotonicMs() - this.serverClock.at);
  }

  onState(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  subscribe(ask: LiveAsk, observer: LiveObserver): LiveSubscription {
    const start = { from: ask.from ?? 0, count: ask.count ?? 100 };
    const open: Open = { id: 0, ask, ...start, observer, windowDue: false, nextWindowAt: 0 };
    this.opens.add(open);
    if (this.hello) this.open(open);
    return {
      window: (from, count) => this.window(open, from, count),
      close: () => {
        if (this.opens.delete(open) && this.hello) this.send({ t: 'close', id: open.id });
      },
    };
  }

  start(): void {
    if (this.phase === 'off' || this.phase === 'denied') this.connect();
  }

  stop(): void {
    this.lose();
    this.port.disconnect();
    this.become('off');
  }

  socketOpened(): void {
    if (this.phase !== 'connecting') return;
    this.heardAt = this.clock.monotonicMs();
    this.send({ t: 'hello' });
    this.plan();
  }

  socketClosed(code: number): void {
    if (this.phase !== 'connecting' && this.phase !== 'up') return;
    this.lose();
    if (code === LIVE_CLOSE_UNAUTHORIZED) this.become('denied');
    else this.retryLater();
  }

  received(data: string | Uint8Array): void {
    if (this.phase !== 'connecting' && this.phase !== 'up') return;
    this.heardAt = this.clock.monotonicMs();
    if (typeof data === 'string') this.text(data);
    else this.binary(data);
    if (this.hello) this.heardWall = this.serverNow();
  }

  woke(): void {
    const now = this.clock.monotonicMs();
    if (this.phase === 'waiting' && now >= this.retryAt) this.connect();
    else if (this.phase === 'connecting' && now >= this.heardAt + CONNECT_MS) this.abandon();
    else if (this.phase === 'up' && now >= this.heardAt + SILENCE_MS) this.abandon();
    if (this.hiddenAt !== null && now >= this.hiddenAt + SLEEP_AFTER_MS) this.sleep();
    if (this.hello) for (const open of this.opens) this.sendWindow(open);
    this.plan();
  }

  hidden(): void {
    if (this.hiddenAt !== null) return;
    this.hiddenAt = this.clock.monotonicMs();
    if (this.hello) this.send({ t: 'rate', hz: 1 });
    this.plan();
  }

  visible(): void {
    if (this.hiddenAt === null) return;
    this.hiddenAt = null;
    if (this.phase === 'asleep' || this.phase === 'waiting') {
      this.attempts = 0;
      this.connect();
    } else if (this.hello) this.send({ t: 'rate', hz: LIVE_LIMITS.hz });
    this.plan();
  }

  private connect(): void {
    this.heardAt = this.clock.monotonicMs();
    this.become('connecting');
    this.port.connect();
    this.plan();
  }

  private sleep(): void {
    if (this.phase === 'asleep' || this.phase === 'off' || this.phase === 'denied') return;
    this.lose();
    this.port.disconnect();
    this.become('asleep');
  }

  /** The socket may look open, yet nothing comes: give it up. */
  private abandon(): void {
    this.lose();
    this.port.disconnect();
    this.retryLater();
  }

  private retryLater(): void {
    const most = Math.min(RETRY_MS.most, RETRY_MS.least * 2 ** Math.min(this.attempts + 1, 10));
    this.attempts++;
    const delay = RETRY_MS.least + (most - RETRY_MS.least) * this.random();
    this.retryAt = this.clock.monotonicMs() + delay;
    this.become('waiting');
    this.plan();
  }

  private lose(): void {
    if (!this.hello) return;
    this.hello = false;
    for (const open of this.opens) open.observer.lost?.();
  }

  private text(data: string): void {
    const message = parse(data);
    if (message === undefined) return;
    switch (message.t) {
      case 'hello':
        this.greet(message.clock, message.generation);
        break;
      case 'tick':
        this.setClock(message.clock);
        break;
      case 'stale':
        this.reopen(message.generation);
        break;
      default:
        this.byId(message.id)?.observer.message(message);
    }
  }

  private binary(data: Uint8Array): void {
    if (!this.hello) return;
    const frame = decodeLiveFrame(data);
    if (frame === undefined) {
      // A frame that is not understood is not acknowledged, and two of those stop the subscription for good.
      this.abandon();
      return;
    }
    this.byId(frame.subscription)?.observer.frame?.(frame);
    this.send({ t: 'ack', seq: frame.seq });
  }

  private greet(clock: number, generation: number): void {
    this.setClock(clock);
    this.attempts = 0;
    this.hello = true;
    this.generation = generation;
    this.become('up');
    if (this.hiddenAt !== null) this.send({ t: 'rate', hz: 1 });
    for (const open of this.opens) this.open(open);
    this.plan();
  }

  private setClock(clock: number): void {
    this.serverClock = { clock, at: this.clock.monotonicMs() };
  }

  private reopen(generation: number): void {
    this.generation = generation;
    for (const open of this.opens) {
      if (open.id !== 0) this.send({ t: 'close', id: open.id });
      this.open(open);
    }
    this.become(this.phase);
  }

  private open(open: Open): void {
    open.id = this.freeId();
    open.windowDue = false;
    const { kind, query, hz } = open.ask;
    const message: ClientMessage = { t: 'open', id: open.id, kind };
    if (kind === 'points') Object.assign(message, { query: query ?? {}, from: open.from, count: open.count });
    if (hz !== undefined) message.hz = hz;
    this.send(message);
  }

  private freeId(): number {
    do this.lastId = (this.lastId % LARGEST_ID) + 1;
    while (this.byId(this.lastId) !== undefined);
    return this.lastId;
  }

  private byId(id: number | undefined): Open | undefined {
    for (const open of this.opens) if (open.id === id) return open;
    return undefined;
  }

  private window(open: Open, from: number, count: number): void {
    if (!this.opens.has(open) || (open.from === from && open.count === count)) return;
    open.from = from;
    open.count = count;
    if (!this.hello) return;
    open.windowDue = true;
    this.sendWindow(open);
    this.plan();
  }

  private sendWindow(open: Open): void {
    const now = this.clock.monotonicMs();
    if (!open.windowDue || now < open.nextWindowAt) return;
    open.windowDue = false;
    open.nextWindowAt = now + WINDOW_EVERY_MS;
    this.send({ t: 'window', id: open.id, from: open.from, count: open.count });
  }

  private send(message: ClientMessage): void {
    this.port.send(JSON.stringify(message));
  }

  private become(phase: LinkPhase): void {
    this.phase = phase;
    const downSince = phase === 'up' ? null : this.heardWall;
    const { shown, generation } = this;
    if (shown.phase === phase && shown.downSince === downSince && shown.generation === generation) return;
    this.shown = { phase, downSince, generation };
    for (const listener of this.listeners) listener();
  }

  /** One wake-up at the earliest thing that is due. */
  private plan(): void {
    const due: number[] = [];
    if (this.phase === 'waiting') due.push(this.retryAt);
    if (this.phase === 'connecting') due.push(this.heardAt + CONNECT_MS);
    if (this.phase === 'up') due.push(this.heardAt + SILENCE_MS);
    if (this.hiddenAt !== null && this.phase !== 'asleep') due.push(this.hiddenAt + SLEEP_AFTER_MS);
    if (this.hello) for (const open of this.opens) if (open.windowDue) due.push(open.nextWindowAt);
    if (due.length === 0 || this.phase === 'off' || this.phase === 'denied') return;
    this.port.wake(Math.max(0, Math.min(...due) - this.clock.monotonicMs()));
  }
}

function parse(data: string): ServerMessage | undefined {
  try {
    return serverMessageSchema.safeParse(JSON.parse(data)).data;
  } catch {
    return undefined;
  }
}
