import {
  type AsduHeaderInput,
  type AsduSettings,
  DEFAULT_ASDU_SETTINGS,
  headerOctets,
  maxObjectAddress,
  ObjectAddressWriter,
  objectsPerAsdu,
  SEQUENCE_BIT,
  writeHeader,
} from './asdu-settings.js';
import type { AsduType } from './asdu-types.js';
import { QUALITY_BIT } from './descriptors.js';
import { sentType } from './encode-asdu.js';
import { refuse, requireInteger } from './refuse.js';
import { isCarried } from './value-codec.js';

/** The layout of a type that can say of a value how good it is. Throws FRAME_INVALID for another. */
function qualifiedType(type: number): AsduType {
  const layout = sentType(type);
  if (layout.direction !== 'monitor' || layout.qualityAt < 0 || !layout.isSent) {
    refuse(`a served value as ${layout.name}, which has no quality`);
  }
  return layout;
}

/**
 * Writes value and quality of one object at a known place: the hot path of a server. Never throws and never shows a
 * value as good that is not the one given: not finite becomes 0 with IV, out of range is clamped with OV where the type
 * has it, else IV; a fraction is rounded to the resolution of the type.
 */
export class ElementWriter {
  private readonly layout: AsduType;

  /** Throws FRAME_INVALID for a type of the control direction, one without quality, or one that is not sent. */
  constructor(type: number) {
    this.layout = qualifiedType(type);
  }

  /**
   * @param at where the element begins, after its address.
   * @param quality QUALITY_BIT bits; those that the type has not are left out. Marks of totals and steps stay as they are.
   */
  put(octets: Uint8Array, at: number, value: number, quality: number): void {
    const { value: codec, valueAt, qualityAt, qualityMask } = this.layout;
    if (codec === null) return;
    let marks = quality;
    let carried = value;
    if (!isCarried(codec, value)) {
      if (Number.isFinite(value)) {
        // Half away from zero, as every server of a site says it.
        const rounded = codec.isWhole ? Math.sign(value) * Math.round(Math.abs(value)) : value;
        carried = Math.min(Math.max(rounded, codec.min), codec.max);
        if (carried !== rounded) marks |= (qualityMask & QUALITY_BIT.OV) !== 0 ? QUALITY_BIT.OV : QUALITY_BIT.IV;
      } else {
        carried = 0;
        marks |= QUALITY_BIT.IV;
      }
    }
    codec.write(octets, at + valueAt, carried);
    octets[at + qualityAt] = ((octets[at + qualityAt] ?? 0) & ~qualityMask) | (marks & qualityMask);
  }
}

/** Many ASDUs in one piece of memory, to be patched by ElementWriter and sent one after the other. */
export interface PrebuiltAsdus {
  readonly octets: Uint8Array;
  /** Where each ASDU begins, and at last where the last one ends. */
  readonly starts: Uint32Array;
  /** Where the element of each address is, in the order of the addresses given. */
  readonly places: Uint32Array;
}

export interface PrebuildPlan {
  readonly header: AsduHeaderInput;
  /** Unique; ascending ones are packed best. */
  readonly addresses: ArrayLike<number>;
  /** SQ = 1 where that needs fewer ASDUs. False for peers that know SQ = 0 only. */
  readonly isSequenceAllowed: boolean;
}

interface Piece {
  readonly isSequence: boolean;
  /** Positions in the addresses given. */
  readonly members: readonly number[];
}

/** ASDUs of an untimed type for all addresses, each with value 0 and NT and IV until it is patched. */
export function prebuildAsdus(plan: PrebuildPlan, settings: AsduSettings = DEFAULT_ASDU_SETTINGS): PrebuiltAsdus {
  const layout = qualifiedType(plan.header.type);
  if (layout.timeOctets > 0) refuse(`prebuilt ASDUs of ${layout.name}, which has a time`);
  const pieces = toPieces(plan, layout, settings);
  const start = headerOctets(settings);
  const addressOctets = settings.objectAddressOctets;
  const starts = new Uint32Array(pieces.length + 1);
  for (const [index, { isSequence, members }] of pieces.entries()) {
    const withAddress = isSequence ? 1 : members.length;
    const length = start + withAddress * addressOctets + members.length * layout.elementOctets;
    starts[index + 1] = (starts[index] ?? 0) + length;
  }
  const octets = new Uint8Array(starts[pieces.length] ?? 0);
  const places = new Uint32Array(plan.addresses.length);
  const addresses = new ObjectAddressWriter(settings);
  const elements = new ElementWriter(layout.id);
  for (const [index, { isSequence, members }] of pieces.entries()) {
    const asdu = octets.subarray(starts[index], starts[index + 1]);
    writeHeader(asdu, plan.header, settings);
    asdu[1] = members.length | (isSequence ? SEQUENCE_BIT : 0);
    let at = (starts[index] ?? 0) + start;
    for (const [turn, member] of members.entries()) {
      if (!isSequence || turn === 0) {
        addresses.put(octets, at, plan.addresses[member] ?? 0);
        at += addressOctets;
      }
      elements.put(octets, at, 0, QUALITY_BIT.NT | QUALITY_BIT.IV);
      places[member] = at;
      at += layout.elementOctets;
    }
  }
  return { octets, starts, places };
}

/** Sequences where a run of addresses fills at least one ASDU of the other form, the rest packed without SQ. */
function toPieces(plan: PrebuildPlan, layout: AsduType, settings: AsduSettings): Piece[] {
  const single = objectsPerAsdu(layout.elementOctets, false, settings);
  const sequence = objectsPerAsdu(layout.elementOctets, true, settings);
  const isSequenceAllowed = plan.isSequenceAllowed && layout.isSequenceAllowed;
  const pieces: Piece[] = [];
  let scattered: number[] = [];
  const flush = () => {
    if (scattered.length > 0) pieces.push({ isSequence: false, members: scattered });
    scattered = [];
  };
  for (const run of runs(plan.addresses, settings)) {
    for (let at = 0; at < run.length; ) {
      if (isSequenceAllowed && run.length - at > single) {
        pieces.push({ isSequence: true, members: run.slice(at, at + sequence) });
        at += sequence;
        continue;
      }
      scattered.push(run[at] as number);
      if (scattered.length === single) flush();
      at += 1;
    }
  }
  flush();
  return pieces;
}

/** Positions whose addresses follow one another. */
function runs(addresses: ArrayLike<number>, settings: AsduSettings): number[][] {
  const found: number[][] = [];
  let run: number[] = [];
  for (let position = 0; position < addresses.length; position++) {
    const address = addresses[position] ?? 0;
    requireInteger('object address', address, { min: 0, max: maxObjectAddress(settings) });
    if (position === 0 || address !== (addresses[position - 1] ?? 0) + 1) {
      run = [];
      found.push(run);
    }
    run.push(position);
  }
  return found;
}
