import { type DriverContext, DriverFaultError } from '@busbar/driver-sdk';
import { Link, type LinkEffect, type LinkSettings } from '@busbar/protocol-iec104';
import type { Iec104Connection } from './connection.js';

/** An open socket as far as a line needs it. */
export interface LineSocket {
  write(octets: Uint8Array): void;
  destroy(): void;
}

export interface LineListener {
  deliver(asdu: Uint8Array, line: Line): void;
  started(line: Line): void;
  /** Room for more has come. */
  drained(line: Line): void;
  closed(line: Line, fault: DriverFaultError): void;
}

export function lostFault(target: string, reason: string, how: 'refused' | 'silent' | 'closed'): DriverFaultError {
  return new DriverFaultError({ kind: 'connection-lost', target, reason: `the link to ${target}: ${reason}`, how });
}

export function linkSettings({ t0, t1, t2, t3, k, w }: Iec104Connection): LinkSettings {
  return { t0Ms: t0, t1Ms: t1, t2Ms: t2, t3Ms: t3, k, w };
}

/** One connection to one address of the station: its link layer, its timer, its octets. */
export class Line {
  readonly target: string;
  readonly #socket: LineSocket;
  readonly #context: DriverContext<Iec104Connection>;
  readonly #listener: LineListener;
  readonly #link: Link;
  #timer: NodeJS.Timeout | null = null;
  #timerAt = Number.POSITIVE_INFINITY;
  #isClosed = false;

  constructor(input: {
    readonly target: string;
    readonly socket: LineSocket;
    readonly context: DriverContext<Iec104Connection>;
    readonly listener: LineListener;
  }) {
    this.target = input.target;
    this.#socket = input.socket;
    this.#context = input.context;
    this.#listener = input.listener;
    const now = input.context.clock.monotonicMs();
    this.#link = new Link('controlling', linkSettings(input.context.connection), now);
    this.#run(this.#link.connected(now));
  }

  get sendable(): number {
    return this.#link.sendable;
  }

  get isOpen(): boolean {
    return !this.#isClosed;
  }

  start(): void {
    if (this.#link.state === 'stopped') this.#run(this.#link.start(this.#now()));
  }

  /** Sends before it returns; `sendable` must not be 0. */
  send(asdu: Uint8Array): void {
    this.#run(this.#link.send(asdu, this.#now()));
  }

  received(chunk: Uint8Array): void {
    if (this.#isClosed) return;
    this.#context.frame('received', chunk);
    this.#run(this.#link.received(chunk, this.#now()));
  }

  /** The socket is gone. */
  lost(reason: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#timer) clearTimeout(this.#timer);
    this.#link.closed();
    this.#socket.destroy();
    this.#listener.closed(this, lostFault(this.target, reason, 'closed'));
  }

  #now(): number {
    return this.#context.clock.monotonicMs();
  }

  #run(effects: readonly LinkEffect[]): void {
    for (const effect of effects) {
      if (this.#isClosed) return;
      switch (effect.kind) {
        case 'send':
          this.#context.frame('sent', effect.octets);
          this.#socket.write(effect.octets);
          break;
        case 'deliver':
          this.#listener.deliver(effect.asdu, this);
          break;
        case 'started':
          this.#listener.started(this);
          break;
        case 'acknowledged':
          this.#listener.drained(this);
          break;
        case 'close':
          this.lost(effect.reason);
          break;
        default:
          this.lost('data transfer was stopped');
      }
    }
    if (!this.#isClosed) this.#schedule();
  }

  /** A timer that runs too early looks again; one is never set anew for each frame. */
  #schedule(): void {
    const at = this.#link.nextTimeoutAt;
    if (at >= this.#timerAt) return;
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    this.#timerAt = at;
    if (at === Number.POSITIVE_INFINITY) return;
    this.#timer = setTimeout(
      () => {
        this.#timer = null;
        this.#timerAt = Number.POSITIVE_INFINITY;
        // After a stall: what has come by now is read first, an answer that is there is no time-out.
        setImmediate(() => {
          if (!this.#isClosed) this.#run(this.#link.tick(this.#now()));
        });
      },
      Math.min(Math.max(0, Math.ceil(at - this.#now())), 0x7fff_ffff),
    );
  }
}
