import type { DriverContext, DriverFault } from '@busbar/driver-sdk';
import type { AccessConnectionConfig, ConnectionState, DiagnosisRecord } from '@busbar/events';
import { Channel, type ReadListener } from './channel.js';
import { diagnosis, faultDiagnosis, faultOf, reasonOf } from './diagnosis.js';
import { FrameRing } from './frame-ring.js';
import type { DriverHostPorts, UntypedDriver } from './ports.js';
import type { Scheduler } from './scheduler.js';

const FIRST_RECONNECT_MS = 100;
const LONGEST_RECONNECT_MS = 30_000;
/** A driver that neither answers nor fails for so long has a defect. */
const HUNG_MS = 60_000;
const CLOSE_MS = 5_000;
const DEFECTS_UNTIL_LOST = 3;

export interface LinkListener extends ReadListener {
  /** A session is there. `afterLoss`: everything behind it was gone before. */
  linkOpened(afterLoss: boolean): void;
  /** The session is no more; what was under way has ended. */
  linkDropped(): void;
  /** The link is gone, not just its session. */
  linkGone(cause: DiagnosisRecord): void;
  changed(): void;
}

export interface LinkInput {
  readonly config: AccessConnectionConfig;
  readonly driver: UntypedDriver;
  readonly ports: DriverHostPorts;
  readonly scheduler: Scheduler;
  readonly listener: LinkListener;
}

/** The session of a connection: opened, watched, opened again after growing pauses, or halted until reconfigured. */
export class Link {
  readonly frames = new FrameRing();
  channel: Channel | null = null;
  state: ConnectionState = 'starting';
  sinceMs: number;
  diagnosis: DiagnosisRecord | null = null;
  /** Used share of time since the last measurement; null before the first. */
  load: number | null = null;
  /** No session can be had at the moment: said once, taken back once. */
  isLost = true;
  isHalted = false;
  readonly #input: LinkInput;
  #connecting: AbortController | null = null;
  #connectingSince = Number.NaN;
  #cancelReconnect: (() => void) | null = null;
  #attempts = 0;
  #wasWarned = false;
  #defects = 0;
  #isStopped = false;
  #busyMs = 0;
  #loadAt = Number.NaN;

  constructor(input: LinkInput) {
    this.#input = input;
    this.sinceMs = input.ports.clock.wallMs();
  }

  get isConnecting(): boolean {
    return this.#connecting !== null;
  }

  connect(): void {
    if (this.#isStopped || this.isHalted || this.#connecting || this.channel || this.#cancelReconnect) return;
    const { driver, ports, config, scheduler } = this.#input;
    let options: unknown;
    try {
      options = driver.connection.parse(config.with);
    } catch (error) {
      ports.erred?.(config.id, 'invalid-config');
      this.halt({ kind: 'invalid-config', field: 'with', reason: reasonOf(error) });
      return;
    }
    const abort = new AbortController();
    this.#connecting = abort;
    this.#connectingSince = scheduler.now();
    const context: DriverContext<unknown> = {
      connection: options,
      readOnly: config.readOnly,
      clock: ports.clock,
      log: ports.log,
      frame: (direction, bytes) => this.frames.push(direction, bytes, ports.clock.wallMs()),
      secret: (reference) => ports.secret(reference),
    };
    driver.connect(context, abort.signal).then(
      (session) => {
        const channel = new Channel({ driver, session, abort, clock: ports.clock, listener: this.#input.listener });
        if (this.#connecting === abort && !this.#isStopped) this.#opened(channel);
        else void channel.close();
      },
      (error) => {
        if (this.#connecting === abort) this.#connectFailed(error);
      },
    );
  }

  #opened(channel: Channel): void {
    const wasLost = this.isLost;
    this.#connecting = null;
    this.channel = channel;
    this.isLost = false;
    this.#busyMs = 0;
    this.#loadAt = this.#input.scheduler.now();
    this.#input.listener.linkOpened(wasLost);
  }

  #connectFailed(error: unknown): void {
    this.#connecting = null;
    const fault = faultOf(error) ?? { kind: 'connection-lost' as const, reason: reasonOf(error) };
    this.#input.ports.erred?.(this.#input.config.id, fault.kind);
    if (fault.kind === 'access-denied' || fault.kind === 'invalid-config') this.halt(fault);
    else this.lost(faultDiagnosis(fault, this.#input.config.id));
  }

  /** Stops until the configuration changes. */
  halt(fault: DriverFault): void {
    this.isHalted = true;
    this.#drop();
    const cause = faultDiagnosis(fault, this.#input.config.id);
    this.#enter('stopped', cause);
    this.#input.ports.log.warn({ connection: this.#input.config.id, ...cause }, 'connection stopped');
    this.isLost = true;
    this.#input.listener.linkGone(cause);
  }

  /** The link is gone: tried again after a growing pause, with jitter so that many do not return together. */
  lost(cause: DiagnosisRecord): void {
    this.#drop();
    this.#enter('degraded', cause);
    if (!this.#wasWarned) {
      this.#wasWarned = true;
      this.#input.ports.log.warn({ connection: this.#input.config.id, ...cause }, 'connection lost');
    }
    this.isLost = true;
    this.#input.listener.linkGone(cause);
    if (this.#isStopped || this.isHalted) return;
    const pause = Math.min(LONGEST_RECONNECT_MS, FIRST_RECONNECT_MS * 2 ** Math.min(this.#attempts, 12));
    this.#attempts++;
    const random = this.#input.ports.random?.() ?? Math.random();
    this.#cancelReconnect?.();
    this.#cancelReconnect = this.#input.scheduler.after(pause * (0.75 + random / 2), () => {
      this.#cancelReconnect = null;
      this.connect();
    });
  }

  /** The driver threw its session away after no answer: the link itself may be fine, others go on at once. */
  renew(): void {
    this.#drop();
    this.connect();
  }

  #drop(): void {
    const channel = this.channel;
    this.channel = null;
    if (!channel) return;
    void channel.close();
    this.#input.listener.linkDropped();
  }

  /** Something answers: pauses start small again, and people are told once. */
  answered(): void {
    if (this.state === 'active') return;
    this.#attempts = 0;
    if (this.#wasWarned) this.#input.ports.log.info({ connection: this.#input.config.id }, 'connection recovered');
    this.#wasWarned = false;
    this.#enter('active', null);
  }

  /** The driver threw what is no fault: logged once, the link is given up at every third. */
  defect(reason: string): void {
    this.#defects++;
    const { driver, ports, config } = this.#input;
    const told = diagnosis('DRIVER_DEFECT', { driver: driver.id, reason });
    if (this.#defects === 1) ports.log.warn({ connection: config.id, ...told }, 'driver failed');
    if (this.#defects % DEFECTS_UNTIL_LOST === 0) this.lost(told);
  }

  #enter(state: ConnectionState, told: DiagnosisRecord | null): void {
    if (state !== this.state) this.sinceMs = this.#input.ports.clock.wallMs();
    this.state = state;
    this.diagnosis = told;
    this.#input.listener.changed();
  }

  /** Gives up what never ends. */
  tick(now: number): void {
    if (this.#connecting && now - this.#connectingSince > HUNG_MS) {
      this.#connecting.abort();
      this.#connectFailed(new Error('the driver did not end its attempt to connect'));
    }
    if (this.channel && now - this.channel.busySince > HUNG_MS) {
      this.#input.ports.erred?.(this.#input.config.id, 'defect');
      this.lost(diagnosis('DRIVER_DEFECT', { driver: this.#input.driver.id, reason: 'a request never ended' }));
    }
  }

  measureLoad(now: number): void {
    if (this.channel && now > this.#loadAt) {
      this.load = Math.min(1, Math.max(0, this.channel.busyMs - this.#busyMs) / (now - this.#loadAt));
      this.#busyMs = this.channel.busyMs;
    }
    this.#loadAt = now;
  }

  /** Closes the session; 5 s at most. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancelReconnect?.();
    this.#cancelReconnect = null;
    this.#connecting?.abort();
    this.#connecting = null;
    const channel = this.channel;
    this.channel = null;
    if (!channel) return;
    this.#input.listener.linkDropped();
    await atMost(channel.close(), CLOSE_MS, this.#input.scheduler);
  }
}

/** Waits for the promise, but not longer. */
export async function atMost(promise: Promise<unknown>, limitMs: number, scheduler: Scheduler): Promise<void> {
  let cancel = (): void => {};
  const limit = new Promise<void>((resolve) => {
    cancel = scheduler.after(limitMs, resolve);
  });
  await Promise.race([promise, limit]);
  cancel();
}
