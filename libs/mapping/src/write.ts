import type { ControlValue, Rule } from '@busbar/events';
import { asPointValue, canWrite, type TagType } from '@busbar/model';
import type { CompiledEntry } from './entry.js';

/** One write that carries out a wish, in tag units. */
export interface TagTarget {
  readonly tag: number;
  readonly value: ControlValue;
}

/** Why a point value cannot be written: the rule of the arbiter it falls under, and a sentence's part for people. */
export interface MappingRefusal {
  readonly rule: Extract<Rule, 'NOT_CONTROLLABLE' | 'TYPE' | 'RANGE'>;
  readonly reason: string;
}

/** What to read back after a write: any of `expected` within `tolerance`, in tag units. */
export interface FeedbackTarget {
  readonly tag: number;
  readonly expected: readonly ControlValue[];
  readonly tolerance: number;
}

const refuse = (rule: MappingRefusal['rule'], reason: string): MappingRefusal => ({ rule, reason });

/** A value in the form in which the driver host takes it for this type; undefined if it has none. */
function asTagValue(type: TagType | undefined, value: ControlValue): ControlValue | undefined {
  switch (type) {
    case undefined:
      return value;
    case 'bool':
      return value === 1 || value === true ? true : value === 0 || value === false ? false : undefined;
    case 'string':
    case 'bytes':
      return typeof value === 'string' ? value : undefined;
    case 'int64':
    case 'uint64':
      return typeof value === 'boolean' ? Number(value) : value;
    default:
      return typeof value === 'string' ? undefined : Number(value);
  }
}

/** The point value as a tag value without pairs; undefined where the forms do not fit. */
function throughLinear(entry: CompiledEntry, value: ControlValue): ControlValue | undefined {
  if (typeof value === 'number') return entry.linear.toTag(value);
  return entry.linear.isIdentity ? value : undefined;
}

export function toTagTarget(entry: CompiledEntry, asked: ControlValue): TagTarget | MappingRefusal {
  const { point, write, writePairs } = entry;
  if (!write || !canWrite(write.access) || !canWrite(point.access)) {
    return refuse('NOT_CONTROLLABLE', `${point.id} has no tag that can be written`);
  }
  if (write.count > 1) return refuse('NOT_CONTROLLABLE', `${write.id} is an array`);
  const value = asPointValue(point.type, asked);
  if (value === undefined) return refuse('TYPE', `${point.id} is of type ${point.type}`);
  let raw: ControlValue | undefined;
  if (writePairs) {
    const tags = writePairs.toTags(value);
    if (tags.length === 0) return refuse('RANGE', `${point.id} can be set to ${writePairs.accepted.join(', ')}`);
    if (tags.length > 1) return refuse('NOT_CONTROLLABLE', `${tags.join(' and ')} of ${write.id} both mean ${value}`);
    raw = tags[0];
  } else {
    raw = throughLinear(entry, value);
  }
  const tagValue = raw === undefined ? undefined : asTagValue(write.type, raw);
  if (tagValue === undefined) return refuse('TYPE', `${write.id} of type ${write.type} cannot take ${value}`);
  if (typeof tagValue === 'number') {
    if (!Number.isFinite(tagValue)) return refuse('RANGE', `${write.id} cannot take ${value}`);
    const { min, max } = write;
    if ((min !== undefined && tagValue < min) || (max !== undefined && tagValue > max)) {
      return refuse('RANGE', `${write.id} takes ${min ?? 'anything'} to ${max ?? 'anything'}`);
    }
  }
  return { tag: write.number, value: tagValue };
}

/** Half a step of what a tag of this type and scale can hold near a value: a read-back cannot be closer. */
function resolution(tag: CompiledEntry['read'], value: number): number {
  if (!tag || tag.type === undefined || tag.type === 'string' || tag.type === 'bytes' || tag.type === 'bool') return 0;
  if (tag.type === 'float64') return Math.abs(value) * 2 ** -52;
  if (tag.type === 'float32') return Math.abs(value) * 2 ** -23;
  return (Math.abs(tag.scale) / 2) * (1 + 1e-9);
}

/** Null where the point is not read, or where nobody can list what the tag would show. */
export function toFeedbackTarget(
  entry: CompiledEntry,
  asked: ControlValue,
  toleranceInPoint: number,
): FeedbackTarget | null {
  const { point, read, write, pairs } = entry;
  const value = asPointValue(point.type, asked);
  if (!read || read.count > 1 || value === undefined) return null;
  if (pairs) {
    if (pairs.isRest(value)) return null;
    const expected = pairs.toTags(value).map((tag) => asTagValue(read.type, tag));
    const known = expected.filter((tag) => tag !== undefined);
    return known.length === 0 ? null : { tag: read.number, expected: known, tolerance: 0 };
  }
  const raw = throughLinear(entry, value);
  const expected = raw === undefined ? undefined : asTagValue(read.type, raw);
  if (expected === undefined) return null;
  if (typeof expected !== 'number') return { tag: read.number, expected: [expected], tolerance: 0 };
  const tolerance = Math.max(
    entry.linear.toTagDistance(toleranceInPoint),
    resolution(read, expected),
    resolution(write, expected),
  );
  return { tag: read.number, expected: [expected], tolerance };
}
