import { APCI_LIMITS } from './apci.js';
import {
  type AsduHeader,
  type AsduSettings,
  DEFAULT_ASDU_SETTINGS,
  headerOctets,
  maxObjectAddress,
  readHeader,
  readObjectAddress,
  SEQUENCE_BIT,
} from './asdu-settings.js';
import { type AsduType, asduType } from './asdu-types.js';
import { readTimeTag, type TimeTag } from './time-tag.js';

/** The fields of a total (BCR) beside its value and validity. */
export interface TotalMarks {
  /** 0 to 31, counts the readings. */
  readonly sequence: number;
  /** CY: the counter has overflowed since the last reading. */
  readonly isCarry: boolean;
  /** CA: the counter was set since the last reading. */
  readonly isAdjusted: boolean;
}

/** One information object with the fields that its type has. */
export interface InformationObject {
  readonly address: number;
  /**
   * Points 0, 1 (double 0 to 3); steps -64 to 63; normalized -1 to 1; bitstrings unsigned; packed points: states in the
   * lower, changes in the upper 16 bits; protection: its event bits; requests: their qualifier octet or pattern;
   * 0 where the type has none.
   */
  readonly value: number;
  /** QUALITY_BIT bits. */
  readonly quality?: number;
  /** QU 0 to 31 of a command, QL 0 to 127 of a set value, the octet QPM of a parameter. */
  readonly qualifier?: number;
  /** S/E: select, not execute. */
  readonly isSelect?: boolean;
  /** Of a step: the equipment is moving. */
  readonly isTransient?: boolean;
  readonly total?: TotalMarks;
  /** Of a protection event: its duration or operating time, 0 to 65535 ms. */
  readonly elapsedMs?: number;
  readonly time?: TimeTag;
  /** Of a file type: everything after the address. */
  readonly octets?: Uint8Array;
}

export type AsduFaultKind =
  | 'too-short'
  | 'too-long'
  | 'unknown-type'
  | 'no-objects'
  | 'length'
  | 'sequence'
  | 'address-overflow'
  | 'reserved-bits';

export interface AsduFault {
  readonly fault: AsduFaultKind;
  /** For the log. */
  readonly reason: string;
  /** Null if not even that was whole. */
  readonly header: AsduHeader | null;
}

export function isAsduFault(asdu: Asdu | AsduFault): asdu is AsduFault {
  return 'fault' in asdu;
}

/**
 * A well-formed ASDU over the octets it came in: values are read when they are asked for. Valid as long as nobody
 * writes to those octets. An index runs from 0 to `count` - 1; another gives zeros.
 */
export class Asdu implements AsduHeader {
  readonly type: number;
  readonly cause: number;
  readonly commonAddress: number;
  readonly isTest: boolean;
  readonly isNegative: boolean;
  readonly originator: number;
  /** 1 to 127. */
  readonly count: number;
  readonly isSequence: boolean;
  private readonly first: number;
  private readonly step: number;

  constructor(
    readonly octets: Uint8Array,
    readonly layout: AsduType,
    header: AsduHeader,
    private readonly settings: AsduSettings,
  ) {
    this.type = header.type;
    this.cause = header.cause;
    this.commonAddress = header.commonAddress;
    this.isTest = header.isTest;
    this.isNegative = header.isNegative;
    this.originator = header.originator;
    const structure = octets[1] ?? 0;
    this.count = structure & 0x7f;
    this.isSequence = (structure & SEQUENCE_BIT) !== 0;
    this.first = headerOctets(settings) + settings.objectAddressOctets;
    this.step = layout.elementOctets + (this.isSequence ? 0 : settings.objectAddressOctets);
  }

  /** Where the element begins, after its address. */
  elementAt(index: number): number {
    return this.first + index * this.step;
  }

  address(index: number): number {
    if (!this.isSequence) {
      return readObjectAddress(this.octets, this.elementAt(index) - this.settings.objectAddressOctets, this.settings);
    }
    return readObjectAddress(this.octets, this.first - this.settings.objectAddressOctets, this.settings) + index;
  }

  /** See InformationObject; NaN or infinite if the station sent that as a float. */
  value(index: number): number {
    const { value, valueAt } = this.layout;
    return value === null ? 0 : value.read(this.octets, this.elementAt(index) + valueAt);
  }

  /** QUALITY_BIT bits that the type has. */
  quality(index: number): number {
    return this.octet(index, this.layout.qualityAt) & this.layout.qualityMask;
  }

  qualifier(index: number): number {
    const octet = this.octet(index, this.layout.qualifierAt);
    if (this.layout.qualifier === 'QU') return (octet >> 2) & 0x1f;
    return this.layout.qualifier === 'QL' ? octet & 0x7f : octet;
  }

  isSelect(index: number): boolean {
    const { qualifier, qualifierAt } = this.layout;
    return (qualifier === 'QU' || qualifier === 'QL') && this.octet(index, qualifierAt) >= 0x80;
  }

  isTransient(index: number): boolean {
    return this.layout.isStep && this.octet(index, this.layout.valueAt) >= 0x80;
  }

  /** Null unless the type is a total. */
  total(index: number): TotalMarks | null {
    if (this.layout.totalAt < 0) return null;
    const octet = this.octet(index, this.layout.totalAt);
    return { sequence: octet & 0x1f, isCarry: (octet & 0x20) !== 0, isAdjusted: (octet & 0x40) !== 0 };
  }

  elapsedMs(index: number): number {
    const { elapsedAt } = this.layout;
    return this.octet(index, elapsedAt) | (this.octet(index, elapsedAt < 0 ? -1 : elapsedAt + 1) << 8);
  }

  /** Null if the type has no time. */
  time(index: number): TimeTag | null {
    const { timeAt, timeOctets } = this.layout;
    return timeOctets === 0 ? null : readTimeTag(this.octets, this.elementAt(index) + timeAt, timeOctets);
  }

  /** Everything of the object after its address, a view. */
  element(index: number): Uint8Array {
    const at = this.elementAt(index);
    return this.octets.subarray(at, this.layout.isSegment ? undefined : at + this.layout.elementOctets);
  }

  /** The object with the fields of its type. */
  object(index: number): InformationObject {
    const { qualityAt, qualifier, isStep, totalAt, elapsedAt, timeOctets, isFile } = this.layout;
    const object: { -readonly [Field in keyof InformationObject]: InformationObject[Field] } = {
      address: this.address(index),
      value: this.value(index),
    };
    if (qualityAt >= 0) object.quality = this.quality(index);
    if (qualifier !== null) object.qualifier = this.qualifier(index);
    if (qualifier === 'QU' || qualifier === 'QL') object.isSelect = this.isSelect(index);
    if (isStep) object.isTransient = this.isTransient(index);
    if (totalAt >= 0) object.total = this.total(index) as TotalMarks;
    if (elapsedAt >= 0) object.elapsedMs = this.elapsedMs(index);
    if (timeOctets > 0) object.time = this.time(index) as TimeTag;
    if (isFile) object.octets = this.element(index);
    return object;
  }

  objects(): InformationObject[] {
    const all: InformationObject[] = [];
    for (let index = 0; index < this.count; index++) all.push(this.object(index));
    return all;
  }

  private octet(index: number, offset: number): number {
    return offset < 0 ? 0 : (this.octets[this.elementAt(index) + offset] ?? 0);
  }
}

/**
 * What a station sent. Never throws. Accepted is only what means the same to every reader: a known type, the length
 * that its objects need, no reserved bit. Whether cause, addresses, number of objects and values make sense for the
 * request is the caller's to judge.
 */
export function decodeAsdu(octets: Uint8Array, settings: AsduSettings = DEFAULT_ASDU_SETTINGS): Asdu | AsduFault {
  if (octets.length < headerOctets(settings)) {
    return { fault: 'too-short', reason: `an ASDU of ${octets.length} octets`, header: null };
  }
  const header = readHeader(octets, settings);
  const layout = asduType(header.type);
  if (layout === undefined) return { fault: 'unknown-type', reason: `type ${header.type}`, header };
  const fault =
    structureFault(octets, layout, settings) ??
    (settings.reservedBits === 'ignore' ? null : bitsFault(octets, layout, settings));
  if (fault !== null) return { fault, reason: `${layout.name} of ${octets.length} octets`, header };
  return new Asdu(octets, layout, header, settings);
}

function structureFault(octets: Uint8Array, layout: AsduType, settings: AsduSettings): AsduFaultKind | null {
  const structure = octets[1] ?? 0;
  const isSequence = (structure & SEQUENCE_BIT) !== 0;
  const count = structure & 0x7f;
  if (octets.length > APCI_LIMITS.asduOctets) return 'too-long';
  if (count === 0) return 'no-objects';
  if (isSequence && !layout.isSequenceUnderstood) return 'sequence';
  const at = headerOctets(settings);
  const address = settings.objectAddressOctets;
  let needed = isSequence ? address + count * layout.elementOctets : count * (address + layout.elementOctets);
  if (layout.isSegment) {
    // A segment has no mark where the next one would begin.
    if (count !== 1) return 'length';
    needed += octets[at + address + layout.elementOctets - 1] ?? 0;
  }
  if (octets.length !== at + needed) return 'length';
  const isBeyond = isSequence && readObjectAddress(octets, at, settings) + count - 1 > maxObjectAddress(settings);
  return isBeyond ? 'address-overflow' : null;
}

function bitsFault(octets: Uint8Array, layout: AsduType, settings: AsduSettings): AsduFaultKind | null {
  if (layout.reserved.length === 0) return null;
  const structure = octets[1] ?? 0;
  const address = settings.objectAddressOctets;
  const step = layout.elementOctets + ((structure & SEQUENCE_BIT) === 0 ? address : 0);
  for (let at = headerOctets(settings) + address; at < octets.length; at += step) {
    for (const [offset, mask] of layout.reserved) {
      if (((octets[at + offset] ?? 0) & mask) !== 0) return 'reserved-bits';
    }
  }
  return null;
}
