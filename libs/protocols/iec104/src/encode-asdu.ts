import type { InformationObject } from './asdu.js';
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
import { type AsduType, asduType } from './asdu-types.js';
import { refuse, requireInteger } from './refuse.js';
import { timeTagOctets } from './time-tag.js';
import { isCarried } from './value-codec.js';

export interface AsduInput extends AsduHeaderInput {
  /** SQ = 1: the objects have consecutive addresses and share the first. */
  readonly isSequence?: boolean;
  readonly objects: readonly InformationObject[];
}

/**
 * The octets of an ASDU. Throws FRAME_INVALID for whatever it cannot carry exactly: a value out of range or not finite
 * (never clamped: it may be a command), a field that the type has not, a missing time, too many objects.
 */
export function encodeAsdu(input: AsduInput, settings: AsduSettings = DEFAULT_ASDU_SETTINGS): Uint8Array {
  const { isSent, isSequenceAllowed, name } = sentType(input.type);
  if (!isSent) refuse(`${name}, which IEC 60870-5-104 never sends`);
  if (input.isSequence === true && !isSequenceAllowed) refuse(`SQ = 1 for ${name}`);
  return encodeAnyAsdu(input, settings);
}

/** The type to be sent. Throws FRAME_INVALID for one that is not known. */
export function sentType(type: number): AsduType {
  return asduType(type) ?? refuse(`type ${type}`);
}

/** Also for what is only received: types with CP24, SQ = 1 with a time. */
export function encodeAnyAsdu(input: AsduInput, settings: AsduSettings): Uint8Array {
  const { objects, isSequence = false } = input;
  const layout = sentType(input.type);
  if (isSequence && !layout.isSequenceUnderstood) refuse(`SQ = 1 for ${layout.name}`);
  const [first] = objects;
  if (first === undefined) refuse('an ASDU without objects');
  const elements = layout.isSegment ? (first.octets?.length ?? 0) : layout.elementOctets;
  const most = layout.isSegment ? 1 : objectsPerAsdu(elements, isSequence, settings);
  if (objects.length > most) refuse(`${objects.length} objects of ${layout.name} (1 to ${most})`);
  const addressOctets = settings.objectAddressOctets;
  const start = headerOctets(settings);
  const length = isSequence ? addressOctets + objects.length * elements : objects.length * (addressOctets + elements);
  if (start + length > 249) refuse(`an ASDU of ${start + length} octets (at most 249)`);
  const octets = new Uint8Array(start + length);
  writeHeader(octets, input, settings);
  octets[1] = objects.length | (isSequence ? SEQUENCE_BIT : 0);
  const addresses = new ObjectAddressWriter(settings);
  let at = start;
  for (const [index, object] of objects.entries()) {
    const { address } = object;
    requireInteger('object address', address, { min: 0, max: maxObjectAddress(settings) });
    if (isSequence && address !== first.address + index)
      refuse(`address ${address} in a sequence from ${first.address}`);
    if (!isSequence || index === 0) {
      addresses.put(octets, at, address);
      at += addressOctets;
    }
    writeElement(octets, at, layout, object);
    at += elements;
  }
  return octets;
}

function writeElement(octets: Uint8Array, at: number, layout: AsduType, object: InformationObject): void {
  if (layout.isFile) {
    writeFile(octets, at, layout, object.octets);
    return;
  }
  const { value, qualifier = 0, isSelect = false, quality = 0, time } = object;
  if (layout.value === null) {
    if (value !== 0) refuse(`a value in ${layout.name}`);
  } else {
    if (!isCarried(layout.value, value)) {
      refuse(`${layout.name} ${object.address} = ${value} (${layout.value.min} to ${layout.value.max})`);
    }
    layout.value.write(octets, at + layout.valueAt, value);
  }
  if ((quality & ~layout.qualityMask) !== 0) refuse(`quality bits ${quality} in ${layout.name}`);
  if (layout.qualityAt >= 0) octets[at + layout.qualityAt] = (octets[at + layout.qualityAt] ?? 0) | quality;
  writeQualifier(octets, at + layout.qualifierAt, layout, { qualifier, isSelect });
  if (object.isTransient === true) {
    if (!layout.isStep) refuse(`a transient ${layout.name}`);
    octets[at + layout.valueAt] = (octets[at + layout.valueAt] ?? 0) | 0x80;
  }
  writeTotal(octets, at + layout.totalAt, layout, object);
  writeElapsed(octets, at + layout.elapsedAt, layout, object);
  if (layout.timeOctets !== 0) {
    if (time === undefined) refuse(`${layout.name} without a time`);
    octets.set(timeTagOctets(time, layout.timeOctets), at + layout.timeAt);
  } else if (time !== undefined) {
    refuse(`a time in ${layout.name}`);
  }
}

function writeFile(octets: Uint8Array, at: number, layout: AsduType, file: Uint8Array | undefined): void {
  const isWhole = layout.isSegment
    ? file !== undefined && file.length === layout.elementOctets + (file[layout.elementOctets - 1] ?? 0)
    : file?.length === layout.elementOctets;
  if (file === undefined || !isWhole) refuse(`${file?.length ?? 0} octets in ${layout.name}`);
  octets.set(file, at);
}

function writeQualifier(
  octets: Uint8Array,
  at: number,
  layout: AsduType,
  command: { readonly qualifier: number; readonly isSelect: boolean },
): void {
  const { qualifier, isSelect } = command;
  const form = layout.qualifier;
  const max = form === 'QU' ? 0x1f : form === 'QL' ? 0x7f : form === 'QPM' ? 0xff : 0;
  if (qualifier !== 0) requireInteger(`qualifier of ${layout.name}`, qualifier, { min: 0, max });
  if (isSelect && form !== 'QU' && form !== 'QL') refuse(`a select in ${layout.name}`);
  if (form === null) return;
  octets[at] = (octets[at] ?? 0) | (form === 'QU' ? qualifier << 2 : qualifier) | (isSelect ? 0x80 : 0);
}

function writeTotal(octets: Uint8Array, at: number, layout: AsduType, { total }: InformationObject): void {
  if (total === undefined) return;
  if (layout.totalAt < 0) refuse(`total marks in ${layout.name}`);
  requireInteger('sequence number of a total', total.sequence, { min: 0, max: 0x1f });
  octets[at] = (octets[at] ?? 0) | total.sequence | (total.isCarry ? 0x20 : 0) | (total.isAdjusted ? 0x40 : 0);
}

function writeElapsed(octets: Uint8Array, at: number, layout: AsduType, { elapsedMs }: InformationObject): void {
  if (elapsedMs === undefined) return;
  if (layout.elapsedAt < 0) refuse(`an elapsed time in ${layout.name}`);
  requireInteger('elapsed ms', elapsedMs, { min: 0, max: 0xffff });
  octets[at] = elapsedMs & 0xff;
  octets[at + 1] = elapsedMs >> 8;
}
