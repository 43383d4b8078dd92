import type { SampleWriter, Tag } from '@busbar/driver-sdk';
import { bad, GOOD, type Quality, uncertain } from '@busbar/model';
import {
  type Asdu,
  DOUBLE_POINT,
  QUALITY_BIT,
  shortTimeTagEpochMs,
  type TimeZone,
  timeTagEpochMs,
} from '@busbar/protocol-iec104';
import { familyOf, type Iec104Address, type Iec104Family } from './address.js';

const { IV, NT, SB, BL, OV } = QUALITY_BIT;
const DEVICE = bad('device');
const CONFIGURATION = bad('configuration');
const LOST = bad('not-connected');
const BY_BIT: readonly (readonly [number, Quality])[] = [
  [NT, uncertain('stale')],
  [SB, uncertain('substituted')],
  [BL, uncertain('maintenance')],
  [OV, uncertain('out-of-range')],
];
/** A batch tells no times further from its own; a clock that is so wrong was never set. */
const FARTHEST_MS = 24 * 86_400_000;
/** Floats come as R32 in these alone. */
const FLOATS: ReadonlySet<number> = new Set([13, 14, 36]);

/** Our word for the bits of a quality descriptor (IEC 60870-5-101 §7.2.6.1 to 7.2.6.4). */
export function qualityOf(bits: number): Quality {
  if ((bits & IV) !== 0) return (bits & NT) !== 0 ? LOST : DEVICE;
  for (const [bit, quality] of BY_BIT) if ((bits & bit) !== 0) return quality;
  return GOOD;
}

/** The shortest decimal that gives the same Float32 again: 3.14, not 3.140000104904175. */
export function shortestFloat(value: number): number {
  if (!Number.isFinite(value)) return value;
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return Number(value.toPrecision(9));
}

/**
 * When the station says it happened; NaN if it does not, if its clock was not synchronized (IV), or if the tag is no
 * time of the calendar or weeks away from now.
 */
function sourceTime(asdu: Asdu, index: number, zone: TimeZone, nowMs: number): number {
  const tag = asdu.time(index);
  if (tag === null || tag.isInvalid) return Number.NaN;
  const epochMs = asdu.layout.timeOctets === 3 ? shortTimeTagEpochMs(tag, zone, nowMs) : timeTagEpochMs(tag, zone);
  return epochMs !== null && Math.abs(epochMs - nowMs) <= FARTHEST_MS ? epochMs : Number.NaN;
}

/** Puts the object into the tag, converted to its type. */
function putObject(asdu: Asdu, index: number, tag: Tag<Iec104Address>, out: SampleWriter, timeMs: number): void {
  const quality = qualityOf(asdu.quality(index));
  const raw = asdu.value(index);
  const { family } = tag.address;
  if (family === 'M_DP' && tag.type === 'bool') {
    const isState = raw === DOUBLE_POINT.off || raw === DOUBLE_POINT.on;
    out.put(tag.index, Number(raw === DOUBLE_POINT.on), isState || quality >= LOST ? quality : DEVICE, timeMs);
  } else if (family === 'M_PS' && tag.type !== 'uint32') {
    out.put(tag.index, raw & 0xffff, quality, timeMs);
  } else if (family === 'M_ME' && (tag.type === 'int16' || tag.type === 'int32') && !Number.isInteger(raw)) {
    out.put(tag.index, Number.NaN, CONFIGURATION, timeMs);
  } else {
    out.put(tag.index, FLOATS.has(asdu.type) ? shortestFloat(raw) : raw, quality, timeMs);
  }
}

const SPACE = 0x100_0000;
const FAMILY_NUMBERS: Partial<Record<Iec104Family, number>> = {
  M_SP: 0,
  M_DP: 1,
  M_ST: 2,
  M_BO: 3,
  M_ME: 4,
  M_IT: 5,
  M_EP: 6,
  M_PS: 7,
};

/** The tags of one station by what the station calls them, and what they make of its messages. */
export class TagBook {
  readonly tags: readonly Tag<Iec104Address>[];
  readonly #zone: TimeZone;
  readonly #byKey = new Map<number, Tag<Iec104Address>[]>();

  constructor(tags: readonly Tag<Iec104Address>[], zone: TimeZone) {
    this.tags = tags.filter(({ address }) => FAMILY_NUMBERS[address.family] !== undefined);
    this.#zone = zone;
    for (const tag of this.tags) {
      const key = (FAMILY_NUMBERS[tag.address.family] as number) * SPACE + tag.address.ioa;
      const list = this.#byKey.get(key);
      if (list) list.push(tag);
      else this.#byKey.set(key, [tag]);
    }
  }

  get hasTotals(): boolean {
    return this.tags.some(({ address }) => address.family === 'M_IT');
  }

  /**
   * Puts every object that has tags, in order.
   * @param nowMs epoch ms, for time tags without hour.
   */
  take(asdu: Asdu, nowMs: number, out: SampleWriter): void {
    const family = familyOf(asdu.type);
    const number = family === undefined ? undefined : FAMILY_NUMBERS[family];
    if (number === undefined) return;
    for (let index = 0; index < asdu.count; index++) {
      const tags = this.#byKey.get(number * SPACE + asdu.address(index));
      if (tags === undefined) continue;
      const timeMs = sourceTime(asdu, index, this.#zone, nowMs);
      for (const tag of tags) putObject(asdu, index, tag, out, timeMs);
    }
  }
}
