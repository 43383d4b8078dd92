/** One octet: bits 7-6 the level (0 good, 1 uncertain, 2 bad), bits 5-0 the reason. Numbers are never reused. */
export type Quality = number;
export type QualityLevel = 'good' | 'uncertain' | 'bad';

const REASON_NUMBERS = {
  none: 0,
  stale: 1,
  'out-of-range': 2,
  substituted: 3,
  maintenance: 4,
  operand: 5,
  'not-connected': 8,
  'never-read': 9,
  device: 10,
  sensor: 11,
  formula: 12,
  configuration: 13,
  'not-a-number': 14,
  'refused-address': 15,
} as const;

export type QualityReason = keyof typeof REASON_NUMBERS;

const REASONS: readonly (QualityReason | undefined)[] = Object.entries(REASON_NUMBERS).reduce<
  (QualityReason | undefined)[]
>((list, [reason, number]) => {
  list[number] = reason as QualityReason;
  return list;
}, []);

export const GOOD: Quality = 0;

export function uncertain(reason: QualityReason): Quality {
  return 0x40 | REASON_NUMBERS[reason];
}

export function bad(reason: QualityReason): Quality {
  return 0x80 | REASON_NUMBERS[reason];
}

/** The level alone. The fourth bit pattern is not in use; a decoder refuses it, see {@link isQuality}. */
export function qualityLevel(quality: Quality): QualityLevel {
  return quality < 0x40 ? 'good' : quality < 0x80 ? 'uncertain' : 'bad';
}

/** The reason's word; a number of a newer version reads as `none` with its level kept. */
export function qualityReason(quality: Quality): QualityReason {
  return REASONS[quality & 0x3f] ?? 'none';
}

/** `good`, `uncertain`, `bad`, the last two followed by their reason: `bad not-connected`. */
export function qualityText(quality: Quality): string {
  const reason = qualityReason(quality);
  return reason === 'none' ? qualityLevel(quality) : `${qualityLevel(quality)} ${reason}`;
}

/** True for an octet whose level bits are in use and, if good, carry no reason. */
export function isQuality(octet: number): boolean {
  return Number.isInteger(octet) && octet >= 0 && octet < 0xc0 && (octet >= 0x40 || octet === 0);
}

/** The worse of two: the level decides; of equal levels the first is kept. */
export function worseQuality(a: Quality, b: Quality): Quality {
  return b >> 6 > a >> 6 ? b : a;
}
