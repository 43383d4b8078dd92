import { describe, expect, it } from 'vitest';
import { type Apdu, encodeApdu } from './apci.js';
import type { InformationObject } from './asdu.js';
import { DOUBLE_POINT, QUALITY_BIT } from './descriptors.js';
import { encodeAsdu } from './encode-asdu.js';
import { asduOf, decoded, hex, oneFrame, toHex } from './test-frames.js';
import type { TimeTag } from './time-tag.js';

interface Golden {
  readonly frame: string;
  readonly sent: number;
  readonly received: number;
  readonly type: number;
  readonly cause: number;
  readonly objects: readonly InformationObject[];
  readonly commonAddress?: number;
  readonly isSequence?: boolean;
  readonly originator?: number;
  readonly isNegative?: boolean;
  readonly isTest?: boolean;
}

/** A time on Thursday 4 July 2013, as in the captured conversation. */
function july(hour: number, minute: number, millisecond: number): TimeTag {
  const day = { year: 2013, month: 7, day: 4, weekday: 4, isSummer: false, isInvalid: false, isSubstituted: false };
  return { ...day, hour, minute, millisecond };
}

const good = { quality: 0 };
const command = { qualifier: 0, isSelect: false };
const still = { isTransient: false, quality: 0 };

// A captured conversation with common address 10, then constructed frames with common address 1.
const GOLDEN: readonly Golden[] = [
  {
    frame: '68 0E 00 00 00 00 64 01 06 00 0A 00 00 00 00 14',
    sent: 0,
    received: 0,
    type: 100,
    cause: 6,
    objects: [{ address: 0, value: 20 }],
  },
  {
    frame: '68 0E 00 00 00 00 46 01 04 00 0A 00 00 00 00 00',
    sent: 0,
    received: 0,
    type: 70,
    cause: 4,
    objects: [{ address: 0, value: 0 }],
  },
  {
    frame: '68 0E 02 00 02 00 64 01 07 00 0A 00 00 00 00 14',
    sent: 1,
    received: 1,
    type: 100,
    cause: 7,
    objects: [{ address: 0, value: 20 }],
  },
  {
    frame: '68 1A 04 00 02 00 01 04 14 00 0A 00 01 00 00 00 02 00 00 00 03 00 00 00 04 00 00 00',
    sent: 2,
    received: 1,
    type: 1,
    cause: 20,
    objects: [1, 2, 3, 4].map((address) => ({ address, value: 0, ...good })),
  },
  {
    frame:
      '68 2A 0A 00 04 00 07 04 14 00 0A 00 01 00 00 00 00 00 00 00 02 00 00 00 00 00 00 00 03 00 00 00 00 00 00 00 04 00 00 00 00 00 00 00',
    sent: 5,
    received: 2,
    type: 7,
    cause: 20,
    objects: [1, 2, 3, 4].map((address) => ({ address, value: 0, ...good })),
  },
  {
    frame: '68 0E 20 00 04 00 64 01 0A 00 0A 00 00 00 00 14',
    sent: 16,
    received: 2,
    type: 100,
    cause: 10,
    objects: [{ address: 0, value: 20 }],
  },
  {
    frame: '68 0E 04 00 42 00 2D 01 06 00 0A 00 02 00 00 01',
    sent: 2,
    received: 33,
    type: 45,
    cause: 6,
    objects: [{ address: 2, value: 1, ...command }],
  },
  {
    frame: '68 0E 42 00 06 00 2D 01 07 00 0A 00 02 00 00 01',
    sent: 33,
    received: 3,
    type: 45,
    cause: 7,
    objects: [{ address: 2, value: 1, ...command }],
  },
  {
    frame: '68 0E 44 00 06 00 2D 01 0A 00 0A 00 02 00 00 01',
    sent: 34,
    received: 3,
    type: 45,
    cause: 10,
    objects: [{ address: 2, value: 1, ...command }],
  },
  {
    frame: '68 0E 46 00 06 00 01 01 03 00 0A 00 02 00 00 01',
    sent: 35,
    received: 3,
    type: 1,
    cause: 3,
    objects: [{ address: 2, value: 1, ...good }],
  },
  {
    frame: '68 15 4C 00 08 00 1E 01 03 00 0A 00 0D 00 00 01 C7 5D 17 08 84 07 0D',
    sent: 38,
    received: 4,
    type: 30,
    cause: 3,
    objects: [{ address: 13, value: 1, ...good, time: july(8, 23, 24_007) }],
  },
  {
    frame: '68 15 58 00 0C 00 1F 01 03 00 0A 00 0E 00 00 02 E6 79 17 08 84 07 0D',
    sent: 44,
    received: 6,
    type: 31,
    cause: 3,
    objects: [{ address: 14, value: DOUBLE_POINT.on, ...good, time: july(8, 23, 31_206) }],
  },
  {
    frame: '68 0E 0C 00 5A 00 2F 01 06 00 0A 00 01 00 00 02',
    sent: 6,
    received: 45,
    type: 47,
    cause: 6,
    objects: [{ address: 1, value: 2, ...command }],
  },
  {
    frame: '68 0F 5E 00 0E 00 05 01 03 00 0A 00 01 00 00 01 00',
    sent: 47,
    received: 7,
    type: 5,
    cause: 3,
    objects: [{ address: 1, value: 1, ...still }],
  },
  {
    frame: '68 16 64 00 10 00 20 01 03 00 0A 00 0C 00 00 7F 00 64 8F 17 08 84 07 0D',
    sent: 50,
    received: 8,
    type: 32,
    cause: 3,
    objects: [{ address: 12, value: -1, ...still, time: july(8, 23, 36_708) }],
  },
  {
    frame: '68 19 70 00 14 00 21 01 03 00 0A 00 0E 00 00 04 00 00 00 00 40 AE 17 08 84 07 0D',
    sent: 56,
    received: 10,
    type: 33,
    cause: 3,
    objects: [{ address: 14, value: 4, ...good, time: july(8, 23, 44_608) }],
  },
  {
    frame: '68 10 14 00 72 00 30 01 06 00 0A 00 01 00 00 00 04 00',
    sent: 10,
    received: 57,
    type: 48,
    cause: 6,
    objects: [{ address: 1, value: 0.03125, ...command }],
  },
  {
    frame: '68 17 7C 00 18 00 22 01 03 00 0A 00 0C 00 00 00 20 00 27 CB 17 08 84 07 0D',
    sent: 62,
    received: 12,
    type: 34,
    cause: 3,
    objects: [{ address: 12, value: 0.25, ...good, time: july(8, 23, 52_007) }],
  },
  {
    frame: '68 10 18 00 7E 00 31 01 06 00 0A 00 03 00 00 7B 00 00',
    sent: 12,
    received: 63,
    type: 49,
    cause: 6,
    objects: [{ address: 3, value: 123, ...command }],
  },
  {
    frame: '68 17 88 00 1C 00 23 01 03 00 0A 00 0E 00 00 C8 01 00 64 12 18 08 84 07 0D',
    sent: 68,
    received: 14,
    type: 35,
    cause: 3,
    objects: [{ address: 14, value: 456, ...good, time: july(8, 24, 4_708) }],
  },
  {
    frame: '68 12 1C 00 8A 00 32 01 06 00 0A 00 01 00 00 C3 F5 48 40 00',
    sent: 14,
    received: 69,
    type: 50,
    cause: 6,
    objects: [{ address: 1, value: Math.fround(3.14), ...command }],
  },
  {
    frame: '68 19 94 00 20 00 24 01 03 00 0A 00 0C 00 00 85 EB 1D 41 00 E3 37 18 08 84 07 0D',
    sent: 74,
    received: 16,
    type: 36,
    cause: 3,
    objects: [{ address: 12, value: Math.fround(9.87), ...good, time: july(8, 24, 14_307) }],
  },
  {
    frame: '68 11 00 00 00 00 01 84 14 00 01 00 01 00 00 01 00 81 41',
    sent: 0,
    received: 0,
    type: 1,
    cause: 20,
    commonAddress: 1,
    isSequence: true,
    objects: [
      { address: 1, value: 1, quality: 0 },
      { address: 2, value: 0, quality: 0 },
      { address: 3, value: 1, quality: QUALITY_BIT.IV },
      { address: 4, value: 1, quality: QUALITY_BIT.NT },
    ],
  },
  {
    frame: '68 17 02 00 00 00 0D 82 01 00 01 00 01 40 00 C3 F5 48 40 00 85 EB 1D 41 00',
    sent: 1,
    received: 0,
    type: 13,
    cause: 1,
    commonAddress: 1,
    isSequence: true,
    objects: [
      { address: 16_385, value: Math.fround(3.14), ...good },
      { address: 16_386, value: Math.fround(9.87), ...good },
    ],
  },
  {
    frame: '68 12 06 00 00 00 0F 01 25 00 01 00 01 64 00 40 E2 01 00 05',
    sent: 3,
    received: 0,
    type: 15,
    cause: 37,
    commonAddress: 1,
    objects: [
      { address: 25_601, value: 123_456, quality: 0, total: { sequence: 5, isCarry: false, isAdjusted: false } },
    ],
  },
  {
    frame: '68 0E 00 00 08 00 2D 01 06 03 01 00 01 60 00 81',
    sent: 0,
    received: 4,
    type: 45,
    cause: 6,
    commonAddress: 1,
    originator: 3,
    objects: [{ address: 24_577, value: 1, qualifier: 0, isSelect: true }],
  },
  {
    frame: '68 0E 08 00 02 00 2D 01 07 03 01 00 01 60 00 81',
    sent: 4,
    received: 1,
    type: 45,
    cause: 7,
    commonAddress: 1,
    originator: 3,
    objects: [{ address: 24_577, value: 1, qualifier: 0, isSelect: true }],
  },
  {
    frame: '68 0E 02 00 0A 00 2D 01 06 03 01 00 01 60 00 01',
    sent: 1,
    received: 5,
    type: 45,
    cause: 6,
    commonAddress: 1,
    originator: 3,
    objects: [{ address: 24_577, value: 1, ...command }],
  },
  {
    frame: '68 0E 0A 00 04 00 2D 01 07 03 01 00 01 60 00 01',
    sent: 5,
    received: 2,
    type: 45,
    cause: 7,
    commonAddress: 1,
    originator: 3,
    objects: [{ address: 24_577, value: 1, ...command }],
  },
  {
    frame: '68 0E 0C 00 04 00 2D 01 0A 03 01 00 01 60 00 01',
    sent: 6,
    received: 2,
    type: 45,
    cause: 10,
    commonAddress: 1,
    originator: 3,
    objects: [{ address: 24_577, value: 1, ...command }],
  },
  {
    frame: '68 0E 0E 00 04 00 2D 01 47 03 01 00 01 60 00 01',
    sent: 7,
    received: 2,
    type: 45,
    cause: 7,
    commonAddress: 1,
    originator: 3,
    isNegative: true,
    objects: [{ address: 24_577, value: 1, ...command }],
  },
  {
    frame: '68 0E 10 00 04 00 2D 01 6F 03 01 00 FF 7F 00 01',
    sent: 8,
    received: 2,
    type: 45,
    cause: 47,
    commonAddress: 1,
    originator: 3,
    isNegative: true,
    objects: [{ address: 32_767, value: 1, ...command }],
  },
  {
    frame: '68 12 04 00 12 00 32 01 06 00 01 00 01 62 00 C3 F5 48 40 00',
    sent: 2,
    received: 9,
    type: 50,
    cause: 6,
    commonAddress: 1,
    objects: [{ address: 25_089, value: Math.fround(3.14), ...command }],
  },
  {
    frame: '68 14 06 00 12 00 67 01 06 00 01 00 00 00 00 31 10 17 08 84 07 0D',
    sent: 3,
    received: 9,
    type: 103,
    cause: 6,
    commonAddress: 1,
    objects: [{ address: 0, value: 0, time: july(8, 23, 4_145) }],
  },
  {
    frame: '68 0E 08 00 12 00 65 01 06 00 01 00 00 00 00 05',
    sent: 4,
    received: 9,
    type: 101,
    cause: 6,
    commonAddress: 1,
    objects: [{ address: 0, value: 5 }],
  },
  {
    frame: '68 0D 0A 00 12 00 66 01 05 00 01 00 01 40 00',
    sent: 5,
    received: 9,
    type: 102,
    cause: 5,
    commonAddress: 1,
    objects: [{ address: 16_385, value: 0 }],
  },
  {
    frame: '68 16 0C 00 12 00 6B 01 06 00 01 00 00 00 00 01 00 31 10 17 08 84 07 0D',
    sent: 6,
    received: 9,
    type: 107,
    cause: 6,
    commonAddress: 1,
    objects: [{ address: 0, value: 1, time: july(8, 23, 4_145) }],
  },
  {
    frame: '68 0E 0E 00 12 00 64 01 06 00 FF FF 00 00 00 14',
    sent: 7,
    received: 9,
    type: 100,
    cause: 6,
    commonAddress: 65_535,
    objects: [{ address: 0, value: 20 }],
  },
  {
    frame: '68 0E 12 00 10 00 01 01 83 00 01 00 01 00 00 01',
    sent: 9,
    received: 8,
    type: 1,
    cause: 3,
    commonAddress: 1,
    isTest: true,
    objects: [{ address: 1, value: 1, ...good }],
  },
  {
    frame: '68 0E FE FF FE FF 01 01 03 00 01 00 01 00 00 01',
    sent: 32_767,
    received: 32_767,
    type: 1,
    cause: 3,
    commonAddress: 1,
    objects: [{ address: 1, value: 1, ...good }],
  },
];

const WITHOUT_ASDU: readonly { readonly frame: string; readonly apdu: Apdu }[] = [
  { frame: '68 04 43 00 00 00', apdu: { format: 'U', function: 'testfr-act' } },
  { frame: '68 04 83 00 00 00', apdu: { format: 'U', function: 'testfr-con' } },
  { frame: '68 04 07 00 00 00', apdu: { format: 'U', function: 'startdt-act' } },
  { frame: '68 04 0B 00 00 00', apdu: { format: 'U', function: 'startdt-con' } },
  { frame: '68 04 13 00 00 00', apdu: { format: 'U', function: 'stopdt-act' } },
  { frame: '68 04 23 00 00 00', apdu: { format: 'U', function: 'stopdt-con' } },
  { frame: '68 04 01 00 1A 00', apdu: { format: 'S', received: 13 } },
  { frame: '68 04 01 00 96 00', apdu: { format: 'S', received: 75 } },
  { frame: '68 04 01 00 00 00', apdu: { format: 'S', received: 0 } },
];

describe('golden frames', () => {
  it.each(GOLDEN)('reads $frame', ({ frame, sent, received, objects, ...expected }) => {
    const apdu = oneFrame(hex(frame));
    expect(apdu).toMatchObject({ format: 'I', sent, received });
    const asdu = decoded(asduOf(apdu));
    const { type, cause, commonAddress, isSequence, originator, isNegative, isTest } = asdu;
    expect({ type, cause, commonAddress, isSequence, originator, isNegative, isTest }).toEqual({
      commonAddress: 10,
      isSequence: false,
      originator: 0,
      isNegative: false,
      isTest: false,
      ...expected,
    });
    expect(asdu.objects()).toEqual(objects);
  });

  it.each(GOLDEN)('writes $frame', ({ frame, sent, received, ...input }) => {
    const asdu = encodeAsdu({ commonAddress: 10, ...input });
    expect(toHex(encodeApdu({ format: 'I', sent, received, asdu }))).toBe(toHex(hex(frame)));
  });

  it.each(WITHOUT_ASDU)('reads and writes $frame', ({ frame, apdu }) => {
    expect(oneFrame(hex(frame))).toEqual(apdu);
    expect(toHex(encodeApdu(apdu))).toBe(toHex(hex(frame)));
  });
});
