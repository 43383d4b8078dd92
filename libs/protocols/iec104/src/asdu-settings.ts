import { APCI_LIMITS } from './apci.js';
import { requireInteger } from './refuse.js';

/** Field lengths of one link; both sides must have the same (IEC 60870-5-104 §8.4 and 9.3). */
export interface AsduSettings {
  /** With 1 there is no originator. */
  readonly causeOctets: 1 | 2;
  readonly commonAddressOctets: 1 | 2;
  readonly objectAddressOctets: 1 | 2 | 3;
  /**
   * `refuse` (default) takes an object with a reserved bit set for a framing error; `ignore` is for stations known to
   * set them.
   */
  readonly reservedBits?: 'refuse' | 'ignore';
}

export const DEFAULT_ASDU_SETTINGS: AsduSettings = {
  causeOctets: 2,
  commonAddressOctets: 2,
  objectAddressOctets: 3,
};

export interface AsduHeader {
  /** Type identification, 0 to 255. */
  readonly type: number;
  /** 0 to 63; 0 has no meaning. */
  readonly cause: number;
  readonly commonAddress: number;
  /** T: for test, must never act on the process. */
  readonly isTest: boolean;
  /** P/N: a negative confirmation. */
  readonly isNegative: boolean;
  /** 0 to 255; 0 when it is not used. */
  readonly originator: number;
}

/** What is sent: the marks may be left out and are false and 0 then. */
export type AsduHeaderInput = Pick<AsduHeader, 'type' | 'cause' | 'commonAddress'> & Partial<AsduHeader>;

export const SEQUENCE_BIT = 0x80;
export const MAX_OBJECTS = 127;
const TEST_BIT = 0x80;
const NEGATIVE_BIT = 0x40;

/** Type, qualifier of structure, cause and common address. */
export function headerOctets(settings: AsduSettings): number {
  return 2 + settings.causeOctets + settings.commonAddressOctets;
}

/** All stations (IEC 60870-5-101 §7.2.4); control direction only. */
export function broadcastAddress(settings: AsduSettings): number {
  return settings.commonAddressOctets === 1 ? 0xff : 0xffff;
}

export function maxObjectAddress(settings: AsduSettings): number {
  return (1 << (8 * settings.objectAddressOctets)) - 1;
}

/** How many objects of this size one ASDU takes. */
export function objectsPerAsdu(elementOctets: number, isSequence: boolean, settings: AsduSettings): number {
  const room = APCI_LIMITS.asduOctets - headerOctets(settings);
  const address = settings.objectAddressOctets;
  const most = isSequence ? (room - address) / Math.max(elementOctets, 1) : room / (elementOctets + address);
  return Math.min(Math.floor(most), MAX_OBJECTS);
}

export function readHeader(octets: Uint8Array, settings: AsduSettings): AsduHeader {
  const { causeOctets, commonAddressOctets } = settings;
  const cause = octets[2] ?? 0;
  const at = 2 + causeOctets;
  return {
    type: octets[0] ?? 0,
    cause: cause & 0x3f,
    isTest: (cause & TEST_BIT) !== 0,
    isNegative: (cause & NEGATIVE_BIT) !== 0,
    originator: causeOctets === 2 ? (octets[3] ?? 0) : 0,
    commonAddress: (octets[at] ?? 0) | (commonAddressOctets === 2 ? (octets[at + 1] ?? 0) << 8 : 0),
  };
}

/** Throws FRAME_INVALID for a field beyond its octets. */
export function writeHeader(octets: Uint8Array, header: AsduHeaderInput, settings: AsduSettings): void {
  const { type, cause, commonAddress, isTest = false, isNegative = false, originator = 0 } = header;
  requireInteger('cause', cause, { min: 0, max: 0x3f });
  requireInteger('originator', originator, { min: 0, max: settings.causeOctets === 2 ? 0xff : 0 });
  requireInteger('common address', commonAddress, { min: 0, max: broadcastAddress(settings) });
  octets[0] = type;
  octets[2] = cause | (isTest ? TEST_BIT : 0) | (isNegative ? NEGATIVE_BIT : 0);
  if (settings.causeOctets === 2) octets[3] = originator;
  const at = 2 + settings.causeOctets;
  octets[at] = commonAddress & 0xff;
  if (settings.commonAddressOctets === 2) octets[at + 1] = commonAddress >> 8;
}

export function readObjectAddress(octets: Uint8Array, at: number, settings: AsduSettings): number {
  const { objectAddressOctets } = settings;
  let address = octets[at] ?? 0;
  if (objectAddressOctets > 1) address |= (octets[at + 1] ?? 0) << 8;
  if (objectAddressOctets > 2) address |= (octets[at + 2] ?? 0) << 16;
  return address;
}

/** Writes octets, a call per object: the address must be in range. */
export class ObjectAddressWriter {
  constructor(private readonly settings: AsduSettings) {}

  put(octets: Uint8Array, at: number, address: number): void {
    octets[at] = address & 0xff;
    if (this.settings.objectAddressOctets > 1) octets[at + 1] = (address >> 8) & 0xff;
    if (this.settings.objectAddressOctets > 2) octets[at + 2] = address >> 16;
  }
}

/**
 * The answer to a command or request: the same octets under another cause, T bit and originator kept. Also for what
 * was not understood, as long as its header is whole: cause 44 to 47 with `isNegative`.
 */
export function answerAsdu(
  octets: Uint8Array,
  answer: { readonly cause: number; readonly isNegative?: boolean },
  settings: AsduSettings = DEFAULT_ASDU_SETTINGS,
): Uint8Array {
  requireInteger('octets of a mirrored ASDU', octets.length, {
    min: headerOctets(settings),
    max: APCI_LIMITS.asduOctets,
  });
  requireInteger('cause', answer.cause, { min: 0, max: 0x3f });
  const mirrored = new Uint8Array(octets);
  mirrored[2] = ((octets[2] ?? 0) & TEST_BIT) | (answer.isNegative === true ? NEGATIVE_BIT : 0) | answer.cause;
  return mirrored;
}
