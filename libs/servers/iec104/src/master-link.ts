import type { PlanEntry } from '@busbar/address-plan';
import { CAUSE, Link, type LinkEffect, TIME_BIT } from '@busbar/protocol-iec104';
import type { EventSlice, ServerClient, ServerClientConfig } from '@busbar/server-sdk';
import { kindOf, type MasterGroup } from './master-group.js';
import { Requests } from './requests.js';
import type { ServerCore } from './server-core.js';
import type { Round } from './station-map.js';
import { imageWire, qualityBits, typeOf, wireOf } from './wire-point.js';

/** Answers that wait because the master does not acknowledge; one that asks on regardless is cut off. */
const MOST_ANSWERS = 256;
const SLICE = 256;
/** A change within this time of a command is its return information (cause 11). */
const RETURN_MS = 10_000;

/** What a link needs of its socket. */
export interface LinkSocket {
  readonly writableNeedDrain: boolean;
  write(octets: Uint8Array): boolean;
  destroy(): void;
}

/** What one ASDU carried that must not be lost with the link. */
interface Carried {
  readonly events: number;
  readonly latest: readonly number[];
}

const NOTHING: Carried = { events: 0, latest: [] };
const NO_EVENTS: EventSlice = {
  count: 0,
  slot: new Uint32Array(0),
  value: new Float64Array(0),
  timeMs: new Float64Array(0),
  quality: new Uint8Array(0),
  isCollected: new Uint8Array(0),
};

/** One connection of a master. Sends answers first, then data of interrogations and events in turn. */
export class MasterLink {
  readonly id: string;
  client: ServerClientConfig;
  readonly address: string;
  readonly sinceMs: number;
  readonly group: MasterGroup;
  readonly #core: ServerCore;
  readonly #socket: LinkSocket;
  readonly #link: Link;
  readonly #requests: Requests;
  readonly #answers: Uint8Array[] = [];
  /** ASDUs of interrogations, in the order of the requests. */
  readonly #data: Iterator<Uint8Array>[] = [];
  /** What goes out when nothing else does, each kind once; cyclic before background. */
  readonly #rounds = new Map<Round, Iterator<Uint8Array>>();
  /** By ASDU sent and not acknowledged, oldest first. */
  #carried: Carried[] = [];
  #acknowledged = 0;
  #events: EventSlice = NO_EVENTS;
  #eventAt = 0;
  /** Events of addresses that are gone: confirmed with the next ASDU. */
  #skipped = 0;
  #isEventTurn = false;
  /** Slots whose next change answers a command of this link, and until when (monotonic ms). */
  readonly #returns = new Map<number, number>();
  #timer: unknown = null;
  #isPumping = false;
  #received = 0;
  #sent = 0;

  constructor(
    core: ServerCore,
    socket: LinkSocket,
    who: { readonly id: string; readonly address: string; readonly client: ServerClientConfig },
  ) {
    this.#core = core;
    this.#socket = socket;
    this.id = who.id;
    this.client = who.client;
    this.address = who.address;
    this.sinceMs = core.host.clock.wallMs();
    this.group = core.group(who.client.group);
    this.#link = new Link('controlled', core.link, core.host.clock.monotonicMs());
    this.#requests = new Requests(core, this);
    this.#schedule();
  }

  get isStarted(): boolean {
    return this.#link.state === 'started';
  }

  status(): ServerClient {
    const { id: link, client, address, sinceMs } = this;
    const state = this.isStarted ? 'started' : this.group.active ? 'standby' : 'stopped';
    return { link, name: client.name, address, sinceMs, state, received: this.#received, sent: this.#sent };
  }

  receive(chunk: Uint8Array): void {
    this.#take(this.#link.received(chunk, this.#now()));
  }

  /** Queues the answer to a request. */
  answer(asdu: Uint8Array): void {
    if (this.#answers.length >= MOST_ANSWERS) {
      this.end('answers that nobody reads');
      return;
    }
    this.#answers.push(asdu);
    this.wake();
  }

  /** ASDUs one after the other, as the master acknowledges. */
  answerAll(asdus: Iterator<Uint8Array>): void {
    this.#data.push(asdus);
    this.wake();
  }

  /** Values that nobody asked for; while the last ones of the kind are still under way, nothing. */
  sendRound(round: Round, asdus: () => Iterator<Uint8Array>): void {
    if (this.#rounds.has(round)) return;
    this.#rounds.set(round, asdus());
    this.wake();
  }

  /** Interrogations under way or waiting. */
  get interrogations(): number {
    return this.#data.length;
  }

  /** Nothing more of interrogations is sent. */
  cancelInterrogations(): void {
    this.#data.length = 0;
  }

  /** The next change of the slot is the answer to a command of this link. */
  expectReturn(slot: number): void {
    this.#returns.set(slot, this.#now() + RETURN_MS);
  }

  /** Another connection of the group was started. */
  suspend(): void {
    this.#take(this.#link.suspend());
  }

  /** Another plan: what is under way and not confirmed is sent again under its new addresses. */
  replanned(): void {
    this.cancelInterrogations();
    this.#rounds.clear();
    this.#returns.clear();
    if (this.group.active === this) this.group.cursor.rewind();
    this.#forget();
    this.wake();
  }

  wake(): void {
    this.#pump();
    this.#schedule();
  }

  /** Closes the connection; what was not acknowledged goes to the next one. */
  end(why: string): void {
    if (this.#link.state !== 'closed') {
      this.#core.host.log.info({ link: this.id, client: this.client.name, why }, 'master link closed');
    }
    this.#socket.destroy();
    this.gone();
  }

  /** The socket is closed. Safe twice. */
  gone(): void {
    this.#link.closed();
    if (this.#timer !== null) this.#core.host.timers.clearTimeout(this.#timer);
    this.#timer = null;
    this.cancelInterrogations();
    this.#answers.length = 0;
    this.#leave();
  }

  #now(): number {
    return this.#core.host.clock.monotonicMs();
  }

  #schedule(): void {
    const { timers } = this.#core.host;
    if (this.#timer !== null) timers.clearTimeout(this.#timer);
    this.#timer = null;
    const at = this.#link.nextTimeoutAt;
    if (!Number.isFinite(at)) return;
    this.#timer = timers.setTimeout(
      () => {
        this.#timer = null;
        this.#take(this.#link.tick(this.#now()));
      },
      Math.max(1, Math.ceil(at - this.#now())),
    );
  }

  #take(effects: readonly LinkEffect[]): void {
    for (const effect of effects) {
      switch (effect.kind) {
        case 'send':
          this.#socket.write(effect.octets);
          break;
        case 'deliver':
          this.#received++;
          // A copy: commands are answered long after the buffer of the socket was used again.
          this.#requests.take(new Uint8Array(effect.asdu));
          break;
        case 'acknowledged':
          this.#settle(effect.upTo);
          break;
        case 'started':
          this.#start();
          break;
        case 'stopped':
          this.#leave();
          this.#core.host.controls.linkLost(this.id);
          this.#core.host.changed();
          break;
        case 'close':
          this.#core.host.log.warn(
            { link: this.id, client: this.client.name, reason: effect.reason },
            'master link broken',
          );
          this.#socket.destroy();
          this.gone();
          return;
      }
    }
    this.wake();
  }

  #start(): void {
    const { group } = this;
    const other = group.active;
    if (other && other !== this && other.isStarted) {
      const { secondStart } = this.#core.host.config;
      if (secondStart === 'refuse') {
        this.end('another connection of its group is active');
        return;
      }
      if (secondStart === 'close-old') other.end('another connection of its group was started');
      else other.suspend();
    }
    group.active = this;
    if (!group.isInitialized) {
      group.isInitialized = true;
      this.#requests.sayInitialized();
    }
    this.#core.host.changed();
  }

  /** Not active any more: what is not acknowledged belongs to the group again. */
  #leave(): void {
    if (this.group.active === this) {
      this.group.active = null;
      this.group.cursor.rewind();
    }
    this.#rounds.clear();
    this.#forget();
  }

  #forget(): void {
    for (const { latest } of this.#carried) this.group.putBack(latest);
    this.#carried = this.#carried.map(() => NOTHING);
    this.#events = NO_EVENTS;
    this.#eventAt = 0;
    this.#skipped = 0;
  }

  #settle(upTo: number): void {
    for (; this.#acknowledged < upTo; this.#acknowledged++) {
      const { events } = this.#carried.shift() ?? NOTHING;
      if (events > 0) this.group.cursor.confirm(events);
    }
  }

  #pump(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    try {
      while (this.#link.sendable > 0 && !this.#socket.writableNeedDrain && this.#sendNext());
    } finally {
      this.#isPumping = false;
    }
  }

  #sendNext(): boolean {
    const answer = this.#answers.shift();
    if (answer) return this.#send(answer, NOTHING);
    this.#isEventTurn = !this.#isEventTurn;
    const isSent = this.#isEventTurn ? this.#sendEvents() || this.#sendData() : this.#sendData() || this.#sendEvents();
    return isSent || this.#sendRound('cyclic') || this.#sendRound('background');
  }

  #send(asdu: Uint8Array, carried: Carried): boolean {
    this.#carried.push(carried);
    this.#sent++;
    for (const effect of this.#link.send(asdu, this.#now())) {
      if (effect.kind === 'send') this.#socket.write(effect.octets);
    }
    return true;
  }

  #sendData(): boolean {
    for (;;) {
      const [first] = this.#data;
      if (!first) return false;
      const { done, value } = first.next();
      if (!done) return this.#send(value, NOTHING);
      // Its end may have let another request in.
      if (this.#data[0] === first) this.#data.shift();
    }
  }

  #sendRound(round: Round): boolean {
    const next = this.#rounds.get(round)?.next();
    if (next && !next.done) return this.#send(next.value, NOTHING);
    this.#rounds.delete(round);
    return false;
  }

  #sendEvents(): boolean {
    if (this.group.active !== this) return false;
    return this.#sendQueued() || this.#sendLatest();
  }

  /** The oldest events that may share an ASDU. */
  #sendQueued(): boolean {
    const { entries } = this.#core.map.plan;
    const first = this.#nextEvent(entries);
    if (!first) return false;
    const { lost } = this.#core.host.config;
    const { slot, value, timeMs, quality, isCollected, count } = this.#events;
    const kind = kindOf(first);
    const cause = this.#causeOf(slot[this.#eventAt] as number);
    const builder = this.#core.builder(typeOf(first)?.timed as number, first.station, cause);
    const from = this.#eventAt;
    for (; this.#eventAt < count && builder.count < builder.capacity; this.#eventAt++) {
      const at = this.#eventAt;
      const entry = entries[slot[at] as number];
      if (!entry || kindOf(entry) !== kind || (at > from && this.#causeOf(slot[at] as number) !== cause)) break;
      this.#returns.delete(slot[at] as number);
      builder.add({
        address: entry.address,
        value: wireOf(entry, value[at] as number, undefined),
        quality: qualityBits(quality[at] as number, lost),
        epochMs: timeMs[at] as number,
        timeMarks: this.#timeMarks(isCollected[at] === 1),
      });
    }
    const events = this.#eventAt - from + this.#skipped;
    this.#skipped = 0;
    return this.#send(builder.take(), { events, latest: [] });
  }

  /** The entry of the next event; what has no address any more is passed over. */
  #nextEvent(entries: readonly PlanEntry[]): PlanEntry | undefined {
    for (;;) {
      if (this.#eventAt === this.#events.count) {
        this.#events = this.group.cursor.take(SLICE);
        this.#eventAt = 0;
        if (this.#events.count === 0) return undefined;
      }
      const entry = entries[this.#events.slot[this.#eventAt] as number];
      if (entry) return entry;
      this.#eventAt++;
      this.#skipped++;
    }
  }

  #sendLatest(): boolean {
    const { image, map, host } = this.#core;
    const { entries } = map.plan;
    const firstSlot = this.group.takeLatest();
    if (firstSlot === undefined) return false;
    const slots = [firstSlot];
    const first = entries[firstSlot] as PlanEntry;
    const cause = this.#causeOf(firstSlot);
    const builder = this.#core.builder(typeOf(first)?.timed as number, first.station, cause);
    if (cause === CAUSE.spontaneous)
      slots.push(...this.group.takeLatestLike(first, builder.capacity - 1, this.#returns));
    for (const slot of slots) {
      const entry = entries[slot] as PlanEntry;
      this.#returns.delete(slot);
      builder.add({
        address: entry.address,
        value: imageWire(entry, image, slot),
        quality: qualityBits(image.quality[slot] as number, host.config.lost),
        epochMs: image.timeMs[slot] as number,
        timeMarks: this.#timeMarks(image.isCollected[slot] === 1),
      });
    }
    return this.#send(builder.take(), { events: 0, latest: slots });
  }

  #timeMarks(isCollected: boolean): number {
    return isCollected && this.#core.host.config.markSubstituted ? TIME_BIT.substituted : 0;
  }

  #causeOf(slot: number): number {
    const until = this.#returns.get(slot);
    // Return information is a cause of points, steps and bit strings; of measured values it is none (§7.2.3, table of causes).
    if (until === undefined || !hasReturnCause(this.#core.map.plan.entries[slot])) return CAUSE.spontaneous;
    return until > this.#now() ? CAUSE.returnRemote : CAUSE.spontaneous;
  }
}

function hasReturnCause(entry: PlanEntry | undefined): boolean {
  return entry !== undefined && ['M_SP', 'M_DP', 'M_ST', 'M_BO'].includes(entry.type);
}
