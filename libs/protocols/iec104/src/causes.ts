/** Causes of transmission (IEC 60870-5-101 §7.2.3), those without a group number. */
export const CAUSE = {
  periodic: 1,
  background: 2,
  spontaneous: 3,
  initialized: 4,
  requested: 5,
  activation: 6,
  activationConfirmation: 7,
  deactivation: 8,
  deactivationConfirmation: 9,
  activationTermination: 10,
  returnRemote: 11,
  returnLocal: 12,
  fileTransfer: 13,
  interrogatedByStation: 20,
  interrogatedByGroup1: 21,
  countersInterrogated: 37,
  counterGroup1Interrogated: 38,
  unknownType: 44,
  unknownCause: 45,
  unknownCommonAddress: 46,
  unknownObjectAddress: 47,
} as const;

const NAMES: Readonly<Record<number, string>> = {
  1: 'periodic',
  2: 'background scan',
  3: 'spontaneous',
  4: 'initialized',
  5: 'requested',
  6: 'activation',
  7: 'activation confirmation',
  8: 'deactivation',
  9: 'deactivation confirmation',
  10: 'activation termination',
  11: 'return information, remote',
  12: 'return information, local',
  13: 'file transfer',
  20: 'station interrogation',
  37: 'counter interrogation',
  44: 'unknown type',
  45: 'unknown cause',
  46: 'unknown common address',
  47: 'unknown object address',
};

/** For people: `station interrogation`, `interrogation of group 3`; one without a meaning is `cause 60`. */
export function causeName(cause: number): string {
  if (cause >= 21 && cause <= 36) return `interrogation of group ${cause - 20}`;
  if (cause >= 38 && cause <= 41) return `counter interrogation of group ${cause - 37}`;
  return NAMES[cause] ?? `cause ${cause}`;
}

/** Whether the cause has a meaning here; one without is answered by cause 45. */
export function isKnownCause(cause: number): boolean {
  return NAMES[cause] !== undefined || (cause >= 21 && cause <= 36) || (cause >= 38 && cause <= 41);
}
