import { type DriverContext, DriverFaultError } from '@busbar/driver-sdk';
import {
  ASDU_TYPE,
  type Asdu,
  type AsduInput,
  type AsduSettings,
  CAUSE,
  decodeAsdu,
  encodeAsdu,
  INTERROGATION,
  isAsduFault,
} from '@busbar/protocol-iec104';
import type { Iec104Connection } from './connection.js';
import { type Answer, Exchange } from './exchange.js';
import type { Line, LineListener } from './line.js';
import type { RoundKind } from './plan.js';

/** One address of the station. */
export interface Path {
  readonly host: string;
  readonly port: number;
}

/** Who hears what a station sends. */
export interface StationListener {
  readonly ca: number;
  /** Process values; the octets are gone when it returns. */
  values(asdu: Asdu): void;
  /** The station has begun anew: its values may be others. */
  initialized(): void;
  /** Another link was started: what was under way is lost. */
  restarted(): void;
  ended(fault: DriverFaultError): void;
}

export type Outcome =
  | { readonly kind: 'done' }
  | { readonly kind: 'refused'; readonly reason: string }
  /** No answer in time. */
  | { readonly kind: 'silent' }
  /** The link went; another may have taken over. */
  | { readonly kind: 'lost' };

/** What a station sends right after its start waits so long, and so many messages, for who wants to hear it. */
const EARLY_MS = 1_000;
const EARLY_MESSAGES = 1_000;
const DONE: Outcome = { kind: 'done' };
/** All groups, read without freezing (IEC 60870-5-101 §7.2.6.23). */
const ALL_COUNTERS = 5;
const ROUNDS = {
  interrogation: { type: ASDU_TYPE.C_IC_NA_1, value: INTERROGATION.station },
  counters: { type: ASDU_TYPE.C_CI_NA_1, value: ALL_COUNTERS },
} as const;

function isRound({ type }: { readonly type: number }): boolean {
  return type === ASDU_TYPE.C_IC_NA_1 || type === ASDU_TYPE.C_CI_NA_1;
}

/** What goes over the started one of the lines: requests with their answers, and what stations send by themselves. */
export class Iec104Session implements LineListener {
  readonly paths: readonly Path[];
  /** Data transfer is started for the first time. */
  readonly ready: Promise<void>;
  readonly settings: AsduSettings;
  readonly context: DriverContext<Iec104Connection>;
  /** Messages that were left out, by reason, and how often the other line took over. */
  readonly counts = { switchOvers: 0, unknownTypes: 0, malformed: 0, tests: 0, strays: 0 };
  onEnd: () => void = () => {};
  readonly #lines = new Map<Path, Line>();
  readonly #connecting: Set<Path>;
  readonly #retry: (path: Path) => void;
  readonly #exchanges = new Set<Exchange>();
  readonly #listeners = new Set<StationListener>();
  readonly #turns = new Map<number, Promise<unknown>>();
  /** Interrogations whose termination is still to come, though nobody waits for it. */
  readonly #owed = new Map<string, number>();
  readonly #told = new Set<string>();
  #early: Asdu[] = [];
  #startedMs = Number.NaN;
  #outbox: Uint8Array[] = [];
  #active: Line | null = null;
  #starting: Line | null = null;
  #ended: DriverFaultError | null = null;
  #isReady = false;
  #settleReady: { resolve(): void; reject(fault: unknown): void } | null = null;

  constructor(context: DriverContext<Iec104Connection>, paths: readonly Path[], retry: (path: Path) => void) {
    const { causeOctets, caOctets, ioaOctets, reservedBits } = context.connection;
    this.context = context;
    this.paths = paths;
    this.#connecting = new Set(paths);
    this.#retry = retry;
    this.settings = { causeOctets, commonAddressOctets: caOctets, objectAddressOctets: ioaOctets, reservedBits };
    this.ready = new Promise((resolve, reject) => {
      this.#settleReady = { resolve, reject };
    });
    this.ready.catch(() => {});
  }

  get target(): string {
    return this.paths.map(({ host, port }) => `${host}:${port}`).join(' or ');
  }

  get ended(): DriverFaultError | null {
    return this.#ended;
  }

  // What the sockets say

  opened(path: Path, line: Line): void {
    this.#connecting.delete(path);
    if (this.#ended) {
      line.lost('it was closed');
      return;
    }
    this.#lines.set(path, line);
    this.#startOne();
  }

  failed(path: Path, fault: DriverFaultError): void {
    this.#connecting.delete(path);
    if (this.#ended) return;
    if (fault.fault.kind === 'invalid-config') this.end(fault);
    else if (this.#lines.size > 0) this.#retry(path);
    else if (this.#connecting.size === 0) this.end(fault);
  }

  #startOne(): void {
    if (this.#active || this.#starting) return;
    this.#starting = [...this.#lines.values()].find((line) => line.isOpen) ?? null;
    this.#starting?.start();
  }

  // What the lines say

  started(line: Line): void {
    this.#starting = null;
    this.#active = line;
    if (!this.#isReady) {
      this.#startedMs = this.context.clock.monotonicMs();
      this.#isReady = true;
      this.#settleReady?.resolve();
      return;
    }
    this.counts.switchOvers++;
    const { switchOvers } = this.counts;
    this.context.log.warn({ target: line.target, switchOvers }, 'the other address of the station took over');
    for (const listener of [...this.#listeners]) listener.restarted();
  }

  drained(line: Line): void {
    while (line === this.#active && line.sendable > 0 && this.#outbox.length > 0) {
      line.send(this.#outbox.shift() as Uint8Array);
    }
  }

  closed(line: Line, fault: DriverFaultError): void {
    for (const [path, one] of this.#lines) {
      if (one !== line) continue;
      this.#lines.delete(path);
      if (!this.#ended && this.#lines.size > 0) {
        this.#connecting.add(path);
        this.#retry(path);
      }
    }
    if (line === this.#starting) this.#starting = null;
    if (line === this.#active) {
      this.#active = null;
      this.#loseExchanges();
    }
    if (this.#ended) return;
    this.#startOne();
    if (this.#lines.size === 0 && (this.#isReady || this.#connecting.size === 0)) this.end(fault);
  }

  deliver(octets: Uint8Array): void {
    const asdu = decodeAsdu(octets, this.settings);
    if (isAsduFault(asdu)) {
      if (asdu.fault === 'unknown-type') this.counts.unknownTypes++;
      else this.counts.malformed++;
      this.#tellOnce(asdu.reason, 'a message of the station was left out');
      return;
    }
    if (asdu.isTest && asdu.layout.direction === 'monitor') {
      // T: whatever it says must not act on the process (IEC 60870-5-101 §7.2.3).
      this.counts.tests++;
      return;
    }
    if (asdu.layout.direction === 'monitor') this.#monitored(asdu);
    else this.#answered(asdu);
  }

  #monitored(asdu: Asdu): void {
    const isInitialized = asdu.type === ASDU_TYPE.M_EI_NA_1;
    let isHeard = false;
    for (const listener of [...this.#listeners]) {
      if (listener.ca !== asdu.commonAddress) continue;
      isHeard = true;
      if (isInitialized) listener.initialized();
      else if (!asdu.isNegative) listener.values(asdu);
    }
    if (!isHeard && !isInitialized && !asdu.isNegative) this.#keepEarly(asdu);
    if (asdu.cause < CAUSE.interrogatedByStation) return;
    for (const exchange of this.#exchanges) {
      if (exchange.commonAddress === asdu.commonAddress && exchange.isRound) exchange.touch();
    }
  }

  #isEarly(): boolean {
    return this.context.clock.monotonicMs() - this.#startedMs <= EARLY_MS;
  }

  /** The octets are gone when this turn ends. */
  #keepEarly({ octets }: Asdu): void {
    if (!this.#isEarly() || this.#early.length >= EARLY_MESSAGES) return;
    const kept = decodeAsdu(octets.slice(), this.settings);
    if (!isAsduFault(kept)) this.#early.push(kept);
  }

  #answered(asdu: Asdu): void {
    for (const exchange of this.#exchanges) if (exchange.take(asdu)) return;
    this.counts.strays++;
    if (!isRound(asdu) || asdu.cause !== CAUSE.activationTermination) return;
    const key = `${asdu.commonAddress}/${asdu.type}`;
    this.#owed.set(key, Math.max(0, (this.#owed.get(key) ?? 0) - 1));
  }

  #tellOnce(reason: string, message: string): void {
    if (this.#told.has(reason) || this.#told.size > 100) return;
    this.#told.add(reason);
    this.context.log.warn({ target: this.target, reason }, message);
  }

  #loseExchanges(): void {
    this.#outbox = [];
    this.#owed.clear();
    for (const exchange of [...this.#exchanges]) exchange.lose();
  }

  /** Ends everything under way; safe twice. */
  end(fault: DriverFaultError): void {
    if (this.#ended) return;
    this.#ended = fault;
    this.#settleReady?.reject(fault);
    this.#loseExchanges();
    for (const line of [...this.#lines.values()]) line.lost('it was closed');
    for (const listener of [...this.#listeners]) listener.ended(fault);
    this.#listeners.clear();
    this.onEnd();
  }

  // What the driver asks

  listen(listener: StationListener): void {
    if (this.#ended) listener.ended(this.#ended);
    else this.#listeners.add(listener);
  }

  /** The same, beginning with what came before anybody could listen. */
  subscribe(listener: StationListener): void {
    this.listen(listener);
    const early = this.#early;
    this.#early = this.#isEarly() ? early.filter((asdu) => asdu.commonAddress !== listener.ca) : [];
    for (const asdu of early) if (asdu.commonAddress === listener.ca) listener.values(asdu);
  }

  unlisten(listener: StationListener): void {
    this.#listeners.delete(listener);
  }

  /**
   * Sends in this turn of the event loop and gives the exchange; null: nothing was sent, because no line is started or
   * k frames wait for their acknowledgement.
   */
  ask(octets: Uint8Array): Exchange | null {
    const line = this.#active;
    if (line === null || line.sendable === 0) return null;
    const exchange = this.#open(octets);
    line.send(octets);
    return exchange;
  }

  release(exchange: Exchange): void {
    this.#exchanges.delete(exchange);
  }

  #open(octets: Uint8Array): Exchange {
    const sent = decodeAsdu(octets, this.settings);
    if (isAsduFault(sent)) throw new Error(sent.reason);
    const exchange = new Exchange(sent, this.context.connection.timeout, isRound(sent));
    this.#exchanges.add(exchange);
    return exchange;
  }

  /** Sent as soon as there is room; one such request of a station at a time. */
  #inTurn(ca: number, run: () => Promise<Outcome>): Promise<Outcome> {
    const before = this.#turns.get(ca) ?? Promise.resolve();
    const turn = before.then(() => (this.#active === null ? { kind: 'lost' as const } : run()));
    this.#turns.set(
      ca,
      turn.catch(() => {}),
    );
    return turn;
  }

  #post(input: Pick<AsduInput, 'type' | 'commonAddress' | 'objects'>): Exchange {
    const { originator } = this.context.connection;
    let octets: Uint8Array;
    try {
      octets = encodeAsdu({ ...input, cause: CAUSE.activation, originator }, this.settings);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new DriverFaultError({ kind: 'invalid-config', field: 'devices.ca', reason });
    }
    const exchange = this.#open(octets);
    this.#outbox.push(octets);
    if (this.#active) this.drained(this.#active);
    return exchange;
  }

  /** A request that is confirmed and no more: clock synchronization, test command. */
  confirm(input: Pick<AsduInput, 'type' | 'commonAddress' | 'objects'>): Promise<Outcome> {
    return this.#inTurn(input.commonAddress, async () => {
      const exchange = this.#post(input);
      try {
        return toOutcome(await exchange.next());
      } finally {
        this.release(exchange);
      }
    });
  }

  /**
   * An interrogation, ended by its termination. One that comes for an earlier request, which was given up, is no end:
   * tags of this one would seem to be missing.
   * @param isComplete everything that is wanted has come.
   */
  round(order: { readonly ca: number; readonly kind: RoundKind }, isComplete: () => boolean): Promise<Outcome> {
    const { type, value } = ROUNDS[order.kind];
    const key = `${order.ca}/${type}`;
    return this.#inTurn(order.ca, async () => {
      const exchange = this.#post({ type, commonAddress: order.ca, objects: [{ address: 0, value }] });
      this.#owed.set(key, (this.#owed.get(key) ?? 0) + 1);
      try {
        return await this.#follow(exchange, key, isComplete);
      } finally {
        this.release(exchange);
      }
    });
  }

  async #follow(exchange: Exchange, key: string, isComplete: () => boolean): Promise<Outcome> {
    let isConfirmed = false;
    let isTerminated = false;
    for (;;) {
      const answer = await exchange.next();
      switch (answer.kind) {
        case 'confirmed':
          isConfirmed = true;
          break;
        case 'terminated': {
          isTerminated = true;
          const owed = Math.max(0, (this.#owed.get(key) ?? 0) - 1);
          this.#owed.set(key, owed);
          if (owed === 0 || isComplete()) return DONE;
          break;
        }
        case 'refused':
          this.#owed.set(key, Math.max(0, (this.#owed.get(key) ?? 0) - 1));
          return answer;
        case 'timeout':
          if (!isTerminated && !(isConfirmed && isComplete())) return { kind: 'silent' };
          this.#owed.set(key, 0);
          return DONE;
        default:
          return answer;
      }
    }
  }
}

function toOutcome(answer: Answer): Outcome {
  switch (answer.kind) {
    case 'confirmed':
    case 'terminated':
      return DONE;
    case 'timeout':
      return { kind: 'silent' };
    default:
      return answer;
  }
}
