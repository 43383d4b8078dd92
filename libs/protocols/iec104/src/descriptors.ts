/**
 * Bits of a quality descriptor (IEC 60870-5-101 §7.2.6.1 to 7.2.6.4). Not every type has every bit: OV belongs to
 * measured values, steps and bitstrings, EI to protection events; a total has IV only.
 */
export const QUALITY_BIT = { OV: 0x01, EI: 0x08, BL: 0x10, SB: 0x20, NT: 0x40, IV: 0x80 } as const;

/** Double point (§7.2.6.2). */
export const DOUBLE_POINT = { intermediate: 0, off: 1, on: 2, bad: 3 } as const;

/** Double command and regulating step (§7.2.6.16, §7.2.6.17); 0 and 3 are not permitted. */
export const DOUBLE_COMMAND = { off: 1, on: 2 } as const;
export const STEP_COMMAND = { lower: 1, higher: 2 } as const;

/** Qualifier of command, QU (§7.2.6.26). */
export const COMMAND_QUALIFIER = { none: 0, shortPulse: 1, longPulse: 2, persistent: 3 } as const;

/** Qualifier of interrogation, QOI (§7.2.6.22): 21 to 36 are the groups 1 to 16. */
export const INTERROGATION = { station: 20, group1: 21, group16: 36 } as const;

/** Cause of initialization, COI (§7.2.6.21); the bit is set when local parameters have changed. */
export const INITIALIZATION = { powerOn: 0, manual: 1, remote: 2, changedBit: 0x80 } as const;

/** The fixed test pattern, FBP (§7.2.6.14), on the wire `AA 55`. */
export const TEST_PATTERN = 0x55aa;

/** Qualifier of counter interrogation, QCC (§7.2.6.23). */
export interface CounterQualifier {
  /** RQT: 1 to 4 a group, 5 all; 0 to 63. */
  readonly request: number;
  /** FRZ: 0 read, 1 freeze without reset, 2 freeze with reset, 3 reset. */
  readonly freeze: number;
}

export function toCounterQualifier(value: number): CounterQualifier {
  return { request: value & 0x3f, freeze: (value >> 6) & 3 };
}

/** The value of a counter interrogation; bits beyond the two fields are cut off. */
export function fromCounterQualifier(qualifier: CounterQualifier): number {
  return (qualifier.request & 0x3f) | ((qualifier.freeze & 3) << 6);
}
