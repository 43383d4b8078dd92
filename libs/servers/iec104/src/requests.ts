import type { PlanEntry } from '@busbar/address-plan';
import {
  ASDU_TYPE,
  type Asdu,
  answerAsdu,
  asduType,
  broadcastAddress,
  CAUSE,
  causeName,
  decodeAsdu,
  ElementWriter,
  encodeAsdu,
  INITIALIZATION,
  INTERROGATION,
  isAsduFault,
  TEST_PATTERN,
  timeTagEpochMs,
  toCounterQualifier,
  toTimeTag,
} from '@busbar/protocol-iec104';
import { iec104Answer, isWithinLimits, type ServerWish } from '@busbar/server-sdk';
import type { MasterLink } from './master-link.js';
import type { ServerCore } from './server-core.js';
import type { Selection, Station } from './station-map.js';
import { commandValue, imageWire, qualityBits, typeOf } from './wire-point.js';

/** One under way and one that waits, per link. */
const MOST_INTERROGATIONS = 2;

interface Answer {
  readonly cause: number;
  readonly isNegative?: boolean;
}

const REFUSED_ACTIVATION: Answer = { cause: CAUSE.activationConfirmation, isNegative: true };

/** The request itself, refused for what it is (cause 44 to 47). */
function mirrored(cause: number): Answer {
  return { cause, isNegative: true };
}

interface Command {
  readonly asdu: Asdu;
  readonly entry: PlanEntry;
  readonly slot: number;
}

/** What a master asks, and what it is answered (IEC 60870-5-101 §7, forwarded to the arbiter where it would act). */
export class Requests {
  readonly #core: ServerCore;
  readonly #link: MasterLink;

  constructor(core: ServerCore, link: MasterLink) {
    this.#core = core;
    this.#link = link;
  }

  /** End of initialization of every station (cause 4). */
  sayInitialized(): void {
    for (const commonAddress of this.#core.map.stations.keys()) {
      const objects = [{ address: 0, value: INITIALIZATION.powerOn }];
      this.#say({ type: ASDU_TYPE.M_EI_NA_1, cause: CAUSE.initialized, commonAddress, objects });
    }
  }

  /** Octets that belong to nobody else. */
  take(octets: Uint8Array): void {
    const asdu = decodeAsdu(octets, this.#core.settings);
    if (!isAsduFault(asdu)) {
      const answer = this.#judge(asdu);
      if (answer) this.#reply(octets, answer);
      return;
    }
    // A type that we do not know is answered; whoever miscounts octets is not a master that one can talk with.
    if (asdu.fault === 'unknown-type') this.#reply(octets, mirrored(CAUSE.unknownType));
    else this.#link.end(`malformed: ${asdu.reason}`);
  }

  /** The answer; undefined: it was given already, or comes later. */
  #judge(asdu: Asdu): Answer | undefined {
    const isBroadcast = asdu.commonAddress === broadcastAddress(this.#core.settings);
    const station = this.#core.map.stations.get(asdu.commonAddress);
    switch (asdu.type) {
      case ASDU_TYPE.C_IC_NA_1:
      case ASDU_TYPE.C_CI_NA_1:
      case ASDU_TYPE.C_CS_NA_1:
      case ASDU_TYPE.C_RP_NA_1:
        if (!station && !isBroadcast) return mirrored(CAUSE.unknownCommonAddress);
        return this.#system(asdu, station ? [station] : [...this.#core.map.stations.values()]);
      default:
        if (asdu.layout.direction !== 'control' || asdu.layout.isFile) return mirrored(CAUSE.unknownType);
        return station ? this.#ofStation(asdu, station) : mirrored(CAUSE.unknownCommonAddress);
    }
  }

  #system(asdu: Asdu, stations: readonly Station[]): Answer | undefined {
    const { octets, type, cause } = asdu;
    const isInterrogation = type === ASDU_TYPE.C_IC_NA_1;
    if (cause === CAUSE.deactivation && isInterrogation) {
      this.#link.cancelInterrogations();
      for (const { address } of stations) this.#reply(octets, { cause: CAUSE.deactivationConfirmation }, address);
      return undefined;
    }
    if (cause !== CAUSE.activation) return mirrored(CAUSE.unknownCause);
    if (asdu.address(0) !== 0) return mirrored(CAUSE.unknownObjectAddress);
    if (type === ASDU_TYPE.C_CS_NA_1) return this.#clock(asdu, stations);
    if (type === ASDU_TYPE.C_RP_NA_1) {
      this.#count('reset process', 'refused');
      for (const { address } of stations) this.#reply(octets, REFUSED_ACTIVATION, address);
      return undefined;
    }
    const wanted = isInterrogation ? interrogation(asdu.value(0)) : counterInterrogation(asdu.value(0));
    const isFull = this.#link.interrogations >= MOST_INTERROGATIONS;
    this.#count(
      isInterrogation ? 'interrogation' : 'counter interrogation',
      wanted && !isFull ? 'confirmed' : 'refused',
    );
    if (!wanted || isFull) {
      for (const { address } of stations) this.#reply(octets, REFUSED_ACTIVATION, address);
      return undefined;
    }
    this.#link.answerAll(this.#interrogated(octets, stations, wanted));
    return undefined;
  }

  /** Confirmation, data, termination of every station. */
  *#interrogated(
    octets: Uint8Array,
    stations: readonly Station[],
    { selection, cause }: Wanted,
  ): Generator<Uint8Array> {
    const { settings } = this.#core;
    for (const { address } of stations) {
      yield this.#own(answerAsdu(octets, { cause: CAUSE.activationConfirmation }, settings), address);
      const { book, image } = this.#core;
      yield* book.read(address, selection, { cause, image });
      yield this.#own(answerAsdu(octets, { cause: CAUSE.activationTermination }, settings), address);
    }
  }

  /** Nothing is set: several masters setting one clock would fight. The answer carries our own time. */
  #clock({ octets, originator, isTest }: Asdu, stations: readonly Station[]): undefined {
    const { config, clock } = this.#core.host;
    const isRefused = config.clock === 'refuse';
    this.#count('clock synchronization', isRefused ? 'refused' : 'confirmed');
    for (const { address: commonAddress } of stations) {
      if (isRefused) {
        this.#reply(octets, REFUSED_ACTIVATION, commonAddress);
        continue;
      }
      const time = toTimeTag(clock.wallMs(), this.#core.zone);
      const objects = [{ address: 0, value: 0, time }];
      const head = { type: ASDU_TYPE.C_CS_NA_1, cause: CAUSE.activationConfirmation, originator, isTest };
      this.#say({ ...head, commonAddress, objects });
    }
    return undefined;
  }

  #ofStation(asdu: Asdu, station: Station): Answer | undefined {
    const { type, cause } = asdu;
    if (type === ASDU_TYPE.C_RD_NA_1) return this.#read(asdu, station);
    if (type === ASDU_TYPE.C_TS_NA_1 || type === ASDU_TYPE.C_TS_TA_1) {
      if (cause !== CAUSE.activation) return mirrored(CAUSE.unknownCause);
      const isRight = type === ASDU_TYPE.C_TS_TA_1 || asdu.value(0) === TEST_PATTERN;
      return isRight ? { cause: CAUSE.activationConfirmation } : REFUSED_ACTIVATION;
    }
    // Commands 45-51 and the same with a time tag 58-64; parameters, delays and files are not served.
    if (type > ASDU_TYPE.C_BO_TA_1) return mirrored(CAUSE.unknownType);
    return this.#command(asdu, station);
  }

  #read(asdu: Asdu, station: Station): Answer | undefined {
    if (asdu.cause !== CAUSE.requested) return mirrored(CAUSE.unknownCause);
    const slot = station.monitored.get(asdu.address(0));
    const { map, image, settings, host } = this.#core;
    const entry = slot === undefined ? undefined : map.plan.entries[slot];
    const type = entry && typeOf(entry)?.untimed;
    if (slot === undefined || !entry || type === undefined) return mirrored(CAUSE.unknownObjectAddress);
    const head = { type, cause: CAUSE.requested, commonAddress: station.address, originator: asdu.originator };
    const answer = encodeAsdu({ ...head, objects: [{ address: entry.address, value: 0 }] }, settings);
    const at = answer.length - (asduType(type)?.elementOctets ?? 0);
    const bits = qualityBits(image.quality[slot] as number, host.config.lost);
    new ElementWriter(type).put(answer, at, imageWire(entry, image, slot), bits);
    this.#count('read', 'answered');
    this.#link.answer(answer);
    return undefined;
  }

  #command(asdu: Asdu, station: Station): Answer | undefined {
    const { type, cause } = asdu;
    if (cause !== CAUSE.activation && cause !== CAUSE.deactivation) return mirrored(CAUSE.unknownCause);
    const slot = station.commands.get(asdu.address(0));
    const entry = slot === undefined ? undefined : this.#core.map.plan.entries[slot];
    if (slot === undefined || !entry) return mirrored(CAUSE.unknownObjectAddress);
    const types = typeOf(entry);
    if (type !== types?.untimed && type !== types?.timed) return mirrored(CAUSE.unknownType);
    const command = { asdu, entry, slot };
    const wish = this.#wishOf(command);
    if (!wish) {
      this.#count('command', 'refused');
      return negative(asdu);
    }
    this.#carryOut(command, wish).catch((error: unknown) => {
      this.#core.host.log.warn({ err: error, link: this.#link.id }, 'command not answered');
    });
    return undefined;
  }

  /** Undefined: refused here, for the master may not command, or says nothing that the point could take. */
  #wishOf({ asdu, entry, slot }: Command): ServerWish | undefined {
    const { control, zone } = this.#core;
    const { client, id: link } = this.#link;
    if (!control || !client.control) {
      this.#core.host.counts.clientRefused('control');
      return undefined;
    }
    if (!entry.control || asdu.count !== 1) return undefined;
    const value = commandValue(entry, asdu.value(0));
    if (value === undefined || !isWithinLimits(entry, value)) return undefined;
    const isCancel = asdu.cause === CAUSE.deactivation;
    const time = asdu.time(0);
    const sourceMs = time === null || time.isInvalid ? undefined : (timeTagEpochMs(time, zone) ?? undefined);
    return {
      act: isCancel ? 'cancel' : asdu.isSelect(0) ? 'select' : 'operate',
      client: client.name,
      link,
      items: [{ slot, value }],
      isTest: asdu.isTest,
      qualifier: `${entry.type} ${asdu.qualifier(0)}`,
      ...(sourceMs === undefined ? {} : { sourceMs }),
    };
  }

  async #carryOut({ asdu, entry }: Command, wish: ServerWish): Promise<void> {
    const { controls, config } = this.#core.host;
    const { octets } = asdu;
    const { decided, ended } = controls.submit(wish);
    const decision = await decided;
    const isWrite = wish.act === 'operate' && !wish.isTest;
    // A write that waits behind another may still be carried out: who was told no would not expect it.
    const isTaken = decision.kind === 'granted' || (decision.kind === 'pending' && isWrite);
    if (!isTaken) {
      const { confirmation } = iec104Answer(decision);
      this.#count('command', decision.kind === 'refused' ? decision.rule : decision.kind);
      const isUnknown = confirmation === 'unknown-address';
      this.#reply(octets, isUnknown ? mirrored(CAUSE.unknownObjectAddress) : negative(asdu));
      return;
    }
    const isCancel = wish.act === 'cancel';
    const isOver = isCancel || wish.act === 'select' || wish.isTest;
    this.#count('command', 'granted');
    this.#reply(octets, { cause: isCancel ? CAUSE.deactivationConfirmation : CAUSE.activationConfirmation });
    if (isOver) return;
    const { pair, station } = entry;
    const feedback = pair && this.#core.map.stations.get(station)?.monitored.get(pair.address);
    if (feedback !== undefined) this.#link.expectReturn(feedback);
    const { termination } = iec104Answer(await ended);
    if (termination === 'none' || !config.commandTerm) return;
    this.#reply(octets, { cause: CAUSE.activationTermination, isNegative: termination === 'negative' });
  }

  /** The same octets under another cause; a station that was asked as one of all answers under its own address. */
  #reply(octets: Uint8Array, answer: Answer, station?: number): void {
    if (answer.cause >= CAUSE.unknownType) this.#count('refused', causeName(answer.cause));
    const reply = answerAsdu(octets, answer, this.#core.settings);
    this.#link.answer(station === undefined ? reply : this.#own(reply, station));
  }

  #own(asdu: Uint8Array, station: number): Uint8Array {
    const at = 2 + this.#core.settings.causeOctets;
    asdu[at] = station & 0xff;
    if (this.#core.settings.commonAddressOctets === 2) asdu[at + 1] = station >> 8;
    return asdu;
  }

  #say(input: Parameters<typeof encodeAsdu>[0]): void {
    this.#link.answer(encodeAsdu(input, this.#core.settings));
  }

  #count(what: string, answer: string): void {
    this.#core.host.counts.request(what, answer);
  }
}

interface Wanted {
  readonly selection: Selection;
  readonly cause: number;
}

/** QOI (IEC 60870-5-101 §7.2.6.22); its number is the cause of the data. */
function interrogation(qualifier: number): Wanted | undefined {
  if (qualifier === INTERROGATION.station) return { selection: 'all', cause: qualifier };
  if (qualifier < INTERROGATION.group1 || qualifier > INTERROGATION.group16) return undefined;
  return { selection: `group-${qualifier - INTERROGATION.station}`, cause: qualifier };
}

/** QCC (§7.2.6.23). Busbar cannot reset a meter: freeze with reset and reset are refused. */
function counterInterrogation(qualifier: number): Wanted | undefined {
  const { request, freeze } = toCounterQualifier(qualifier);
  if (freeze > 1) return undefined;
  if (request === 5) return { selection: 'totals', cause: CAUSE.countersInterrogated };
  if (request < 1 || request > 4) return undefined;
  return { selection: `totals-${request}`, cause: CAUSE.countersInterrogated + request };
}

function negative({ cause }: Asdu): Answer {
  if (cause === CAUSE.deactivation) return { cause: CAUSE.deactivationConfirmation, isNegative: true };
  return REFUSED_ACTIVATION;
}
