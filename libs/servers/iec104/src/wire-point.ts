import { IEC104_TYPES, type Iec104TypeName, type PlanEntry } from '@busbar/address-plan';
import type { ControlValue } from '@busbar/events';
import { type Quality, qualityLevel, qualityReason } from '@busbar/model';
import { DOUBLE_POINT, QUALITY_BIT } from '@busbar/protocol-iec104';
import { fitted, fromWire, type PointImage, wireNumber, wireRange } from '@busbar/server-sdk';

const { NT, IV, OV, SB, BL } = QUALITY_BIT;

/** How a device without communication is told; many masters look at IV alone. */
export type LostRule = 'NT' | 'IV' | 'both';

const LOST: Readonly<Record<LostRule, number>> = { NT, IV, both: NT | IV };

/** Bits of IEC 60870-5-101 §7.2.6 for a quality of Busbar. */
export function qualityBits(quality: Quality, lost: LostRule): number {
  const level = qualityLevel(quality);
  if (level === 'good') return 0;
  const reason = qualityReason(quality);
  if (level === 'bad') return reason === 'not-connected' || reason === 'never-read' ? LOST[lost] : IV;
  if (reason === 'out-of-range') return OV;
  if (reason === 'substituted') return SB;
  return reason === 'maintenance' ? BL : NT;
}

/** Type identification of an entry without and with time; undefined for reserved places of other protocols. */
export function typeOf({ type }: PlanEntry): { readonly untimed: number; readonly timed: number } | undefined {
  return Object.hasOwn(IEC104_TYPES, type) ? IEC104_TYPES[type as Iec104TypeName] : undefined;
}

/** What goes onto the wire, before the type's range: NaN where the value has no number. */
export function wireOf(entry: PlanEntry, value: number, text: string | undefined): number {
  // A text is a key of the pairs, or the digits of an integer that stands in `value` too.
  const number = wireNumber(entry, entry.values && text !== undefined ? text : value);
  if (entry.type === 'M_DP' && !entry.values && !Number.isNaN(number)) {
    return number === 0 ? DOUBLE_POINT.off : DOUBLE_POINT.on;
  }
  if (entry.type !== 'M_IT' || Number.isNaN(number)) return number;
  // A total counts on beyond 32 bits (IEC 60870-5-101 §7.2.6.9).
  const range = wireRange(entry.type);
  return range ? fitted(range, number) : number;
}

/** The same of a slot of the image. */
export function imageWire(entry: PlanEntry, image: PointImage, slot: number): number {
  return wireOf(entry, image.value[slot] as number, image.text.size > 0 ? image.text.get(slot) : undefined);
}

/** The value that a command means; undefined if it means nothing. */
export function commandValue(entry: PlanEntry, number: number): ControlValue | undefined {
  if (entry.values) return fromWire(entry, number);
  if (entry.type === 'C_SC') return number !== 0;
  if (entry.type === 'C_DC') {
    if (number === DOUBLE_POINT.off || number === DOUBLE_POINT.on) return number === DOUBLE_POINT.on;
    return undefined;
  }
  return fromWire(entry, number);
}
