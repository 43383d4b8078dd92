import {
  type ApciFault,
  type Apdu,
  ApduFramer,
  encodeApdu,
  type IFrame,
  SEQUENCE_MODULUS,
  type UFunction,
} from './apci.js';
import { refuse, requireInteger } from './refuse.js';
import { SendWindow } from './send-window.js';

/** Times and windows of IEC 60870-5-104 §9.6; the times in ms. */
export interface LinkSettings {
  /** Time to connect; a controlling station's alone. */
  readonly t0Ms: number;
  /** Within this time a sent frame or test must be acknowledged. */
  readonly t1Ms: number;
  /** After this time received frames are acknowledged without a frame of our own; less than t1. */
  readonly t2Ms: number;
  /** After this time of silence the peer is tested. */
  readonly t3Ms: number;
  /** Most frames that we send without an acknowledgement, 1 to 32767. */
  readonly k: number;
  /** Received frames after which we acknowledge at once, 1 to 32767; at most two thirds of the peer's k. */
  readonly w: number;
}

export const DEFAULT_LINK_SETTINGS: LinkSettings = {
  t0Ms: 30_000,
  t1Ms: 15_000,
  t2Ms: 10_000,
  t3Ms: 20_000,
  k: 12,
  w: 8,
};

/** The controlled station serves (TCP listener), the controlling station asks (TCP client). */
export type LinkRole = 'controlled' | 'controlling';

/** `starting`, `stopping`: a STARTDT or STOPDT is not confirmed yet. */
export type LinkState = 'connecting' | 'stopped' | 'starting' | 'started' | 'stopping' | 'closed';

export type LinkCloseReason =
  | `frame-${ApciFault}`
  | 'send-number'
  | 'receive-number'
  | 'data-while-stopped'
  | 'unexpected-function'
  | 't0-connect'
  | 't1-acknowledgement'
  | 't1-test'
  | 't1-start'
  | 't1-stop';

/** To be carried out in order. */
export type LinkEffect =
  /** Octets for the socket. */
  | { readonly kind: 'send'; readonly octets: Uint8Array }
  /** An ASDU of the peer, perhaps a view into the octets received: decode or copy it before they are given up. */
  | { readonly kind: 'deliver'; readonly asdu: Uint8Array }
  /** The first `upTo` ASDUs sent over this link have arrived: what is kept for them may go. */
  | { readonly kind: 'acknowledged'; readonly upTo: number }
  | { readonly kind: 'started' }
  | { readonly kind: 'stopped' }
  /** Close the socket; nothing follows. ASDUs without an acknowledgement count as not sent. */
  | { readonly kind: 'close'; readonly reason: LinkCloseReason };

const NEVER = Number.POSITIVE_INFINITY;

/**
 * One connection's link layer (IEC 60870-5-104 §5), without socket and timer: each call names the time of a monotonic
 * clock in ms and gives back what is to be done. Call `tick` at `nextTimeoutAt`, later is safe. `received` before
 * `tick` when both are due: an answer that has come is no timeout.
 */
export class Link {
  private readonly framer = new ApduFramer();
  private readonly window: SendWindow;
  private current: LinkState;
  private effects: LinkEffect[] = [];
  /** V(R): the number expected next. */
  private expected = 0;
  private unacknowledged = 0;
  private t2At = NEVER;
  private t3At = NEVER;
  private testDueAt = NEVER;
  /** When the confirmation of STARTDT or STOPDT, or for `connecting` the connection, is overdue. */
  private changeDueAt = NEVER;

  /** Throws FRAME_INVALID for settings that no link can have. */
  constructor(
    readonly role: LinkRole,
    private readonly settings: LinkSettings,
    nowMs: number,
  ) {
    requireSettings(settings);
    this.window = new SendWindow(settings.k, settings.t1Ms);
    this.current = role === 'controlling' ? 'connecting' : 'stopped';
    if (role === 'controlling') this.changeDueAt = nowMs + settings.t0Ms;
    else this.t3At = nowMs + settings.t3Ms;
  }

  get state(): LinkState {
    return this.current;
  }

  /** ASDUs that may be sent now: 0 while not started and while k are unacknowledged. */
  get sendable(): number {
    return this.current === 'started' ? this.window.free : 0;
  }

  /** ASDUs sent since the connection was made; `acknowledged` counts the same. */
  get sentTotal(): number {
    return this.window.sentTotal;
  }

  get acknowledgedTotal(): number {
    return this.window.acknowledgedTotal;
  }

  /** When `tick` is due at the latest; Infinity when never. */
  get nextTimeoutAt(): number {
    if (this.current === 'closed') return NEVER;
    return Math.min(this.t2At, this.t3At, this.testDueAt, this.changeDueAt, this.window.overdueAt);
  }

  /** The TCP connection of a controlling station is made. */
  connected(nowMs: number): readonly LinkEffect[] {
    if (this.current !== 'connecting') return [];
    this.current = 'stopped';
    this.changeDueAt = NEVER;
    this.t3At = nowMs + this.settings.t3Ms;
    return [];
  }

  /** Asks for data transfer. Throws FRAME_INVALID but for a stopped controlling station. */
  start(nowMs: number): readonly LinkEffect[] {
    if (this.role !== 'controlling' || this.current !== 'stopped')
      refuse(`STARTDT of a ${this.role} station, ${this.current}`);
    this.current = 'starting';
    this.changeDueAt = nowMs + this.settings.t1Ms;
    this.sendFunction('startdt-act');
    return this.taken();
  }

  /** Ends data transfer in good order. Throws FRAME_INVALID but for a started controlling station. */
  stop(nowMs: number): readonly LinkEffect[] {
    if (this.role !== 'controlling' || this.current !== 'started')
      refuse(`STOPDT of a ${this.role} station, ${this.current}`);
    this.current = 'stopping';
    this.changeDueAt = nowMs + this.settings.t1Ms;
    this.acknowledge();
    this.sendFunction('stopdt-act');
    return this.taken();
  }

  /**
   * A controlled station falls silent without a word, because another connection of the redundancy group was started
   * (§10). Data that the peer sends afterwards closes the link, so no command is lost unseen. No effect unless started.
   */
  suspend(): readonly LinkEffect[] {
    if (this.role !== 'controlled' || this.current !== 'started') return [];
    this.acknowledge();
    this.current = 'stopped';
    this.effects.push({ kind: 'stopped' });
    return this.taken();
  }

  /** Sends an ASDU of 1 to 249 octets, a copy. Throws FRAME_INVALID while `sendable` is 0. */
  send(asdu: Uint8Array, nowMs: number): readonly LinkEffect[] {
    if (this.sendable === 0)
      refuse(`an ASDU while the link is ${this.current} with ${this.window.outstanding} unacknowledged`);
    const octets = encodeApdu({ format: 'I', sent: this.window.nextNumber, received: this.expected, asdu });
    this.window.sent(nowMs);
    this.clearAcknowledgement();
    return [{ kind: 'send', octets }];
  }

  /** Octets of the peer, however they were segmented. Throws FRAME_INVALID before `connected`. */
  received(chunk: Uint8Array, nowMs: number): readonly LinkEffect[] {
    if (this.current === 'connecting') refuse('octets before the connection is made');
    if (this.current === 'closed') return [];
    const fault = this.framer.push(chunk, (frame) => {
      if (this.current !== 'closed') this.handle(frame, nowMs);
    });
    if (fault !== null) this.close(`frame-${fault}`);
    return this.taken();
  }

  /** Lets time pass: timeouts that are due take effect. */
  tick(nowMs: number): readonly LinkEffect[] {
    if (this.current === 'closed') return [];
    if (nowMs >= this.changeDueAt) this.close(this.overdueChange());
    else if (nowMs >= this.testDueAt) this.close('t1-test');
    else if (nowMs >= this.window.overdueAt) this.close('t1-acknowledgement');
    else {
      if (nowMs >= this.t2At) this.acknowledge();
      if (nowMs >= this.t3At) {
        this.t3At = NEVER;
        this.testDueAt = nowMs + this.settings.t1Ms;
        this.sendFunction('testfr-act');
      }
    }
    return this.taken();
  }

  /** The socket is gone; nothing is done any more. */
  closed(): void {
    this.current = 'closed';
  }

  private overdueChange(): LinkCloseReason {
    if (this.current === 'connecting') return 't0-connect';
    return this.current === 'starting' ? 't1-start' : 't1-stop';
  }

  private handle(frame: Apdu, nowMs: number): void {
    // While a test is on its way its own t1 runs; other frames do not answer it.
    if (this.testDueAt === NEVER) this.t3At = nowMs + this.settings.t3Ms;
    if (frame.format === 'I') this.handleData(frame, nowMs);
    else if (frame.format === 'S') this.handleReceiveNumber(frame.received);
    else this.handleFunction(frame.function, nowMs);
  }

  private handleData(frame: IFrame, nowMs: number): void {
    // After its STOPDT a controlling station gets what was on its way, and sends nothing itself (§5.3).
    const isOpen = this.current === 'started' || (this.current === 'stopping' && this.role === 'controlling');
    if (!isOpen || frame.sent !== this.expected) {
      this.close(isOpen ? 'send-number' : 'data-while-stopped');
      return;
    }
    if (!this.handleReceiveNumber(frame.received)) return;
    this.expected = (this.expected + 1) % SEQUENCE_MODULUS;
    this.unacknowledged += 1;
    this.effects.push({ kind: 'deliver', asdu: frame.asdu });
    // t2 counts from the first of them, else a slow stream would outlast the peer's t1.
    if (this.unacknowledged === 1) this.t2At = nowMs + this.settings.t2Ms;
    if (this.unacknowledged >= this.settings.w || this.current === 'stopping') this.acknowledge();
  }

  /** False if it closed the link. */
  private handleReceiveNumber(number: number): boolean {
    const before = this.window.acknowledgedTotal;
    if (!this.window.acknowledge(number)) {
      this.close('receive-number');
      return false;
    }
    const upTo = this.window.acknowledgedTotal;
    if (upTo > before) this.effects.push({ kind: 'acknowledged', upTo });
    if (this.current === 'stopping' && this.role === 'controlled') this.confirmStop();
    return true;
  }

  private handleFunction(name: UFunction, nowMs: number): void {
    if (name === 'testfr-act') {
      this.sendFunction('testfr-con');
    } else if (name === 'testfr-con') {
      this.testDueAt = NEVER;
      this.t3At = nowMs + this.settings.t3Ms;
    } else {
      const isExpected = this.role === 'controlled' ? this.handleRequest(name) : this.handleConfirmation(name);
      if (!isExpected) this.close('unexpected-function');
    }
  }

  private handleRequest(name: UFunction): boolean {
    if (name === 'startdt-act' && this.current !== 'stopping') {
      this.sendFunction('startdt-con');
      if (this.current === 'stopped') this.enter('started');
      return true;
    }
    if (name !== 'stopdt-act') return false;
    if (this.current === 'started') {
      this.acknowledge();
      this.current = 'stopping';
      this.confirmStop();
    } else if (this.current === 'stopped') this.sendFunction('stopdt-con');
    return true;
  }

  /** STOPDT is confirmed only when the peer has acknowledged all we sent; t1 ends the wait. */
  private confirmStop(): void {
    if (this.window.outstanding > 0) return;
    this.sendFunction('stopdt-con');
    this.enter('stopped');
  }

  private handleConfirmation(name: UFunction): boolean {
    if (name === 'startdt-con') {
      if (this.current === 'starting') this.enter('started');
      return this.current === 'started';
    }
    if (name !== 'stopdt-con') return false;
    if (this.current === 'stopping') this.enter('stopped');
    return this.current === 'stopped';
  }

  private enter(state: 'started' | 'stopped'): void {
    this.current = state;
    this.changeDueAt = NEVER;
    this.effects.push({ kind: state });
  }

  private acknowledge(): void {
    if (this.unacknowledged === 0) return;
    this.effects.push({ kind: 'send', octets: encodeApdu({ format: 'S', received: this.expected }) });
    this.clearAcknowledgement();
  }

  private clearAcknowledgement(): void {
    this.unacknowledged = 0;
    this.t2At = NEVER;
  }

  private sendFunction(name: UFunction): void {
    this.effects.push({ kind: 'send', octets: encodeApdu({ format: 'U', function: name }) });
  }

  private close(reason: LinkCloseReason): void {
    if (this.current === 'closed') return;
    this.current = 'closed';
    this.effects.push({ kind: 'close', reason });
  }

  private taken(): readonly LinkEffect[] {
    const { effects } = this;
    this.effects = [];
    return effects;
  }
}

function requireSettings({ t0Ms, t1Ms, t2Ms, t3Ms, k, w }: LinkSettings): void {
  for (const [name, ms] of Object.entries({ t0: t0Ms, t1: t1Ms, t2: t2Ms, t3: t3Ms })) {
    if (!Number.isFinite(ms) || ms <= 0) refuse(`${name} of ${ms} ms`);
  }
  if (t2Ms >= t1Ms) refuse(`t2 of ${t2Ms} ms, which is not less than t1 of ${t1Ms} ms`);
  requireInteger('k', k, { min: 1, max: SEQUENCE_MODULUS - 1 });
  requireInteger('w', w, { min: 1, max: SEQUENCE_MODULUS - 1 });
}
