import { describe, expect, it } from 'vitest';
import { type AsduFault, decodeAsdu, isAsduFault } from './asdu.js';
import {
  type AsduSettings,
  answerAsdu,
  broadcastAddress,
  DEFAULT_ASDU_SETTINGS,
  objectsPerAsdu,
} from './asdu-settings.js';
import { ASDU_TYPE, ASDU_TYPES, asduType } from './asdu-types.js';
import { CAUSE, causeName, isKnownCause } from './causes.js';
import { QUALITY_BIT } from './descriptors.js';
import { encodeAsdu } from './encode-asdu.js';
import { decoded, hex, toHex } from './test-frames.js';

function faultOf(text: string, settings: AsduSettings = DEFAULT_ASDU_SETTINGS): AsduFault {
  const result = decodeAsdu(hex(text), settings);
  if (!isAsduFault(result)) throw new Error('was accepted');
  return result;
}

describe('the table of types', () => {
  it.each([
    [1, 1],
    [2, 4],
    [3, 1],
    [5, 2],
    [7, 5],
    [9, 3],
    [11, 3],
    [13, 5],
    [15, 5],
    [20, 5],
    [21, 2],
    [30, 8],
    [31, 8],
    [32, 9],
    [33, 12],
    [34, 10],
    [35, 10],
    [36, 12],
    [37, 12],
    [38, 10],
    [39, 11],
    [40, 11],
    [45, 1],
    [46, 1],
    [47, 1],
    [48, 3],
    [49, 3],
    [50, 5],
    [51, 4],
    [58, 8],
    [59, 8],
    [60, 8],
    [61, 10],
    [62, 10],
    [63, 12],
    [64, 11],
    [70, 1],
    [100, 1],
    [101, 1],
    [102, 0],
    [103, 7],
    [104, 2],
    [105, 1],
    [106, 2],
    [107, 9],
    [110, 3],
    [111, 3],
    [112, 5],
    [113, 1],
  ])('gives type %i elements of %i octets', (id, octets) => {
    expect(asduType(id)?.elementOctets).toBe(octets);
  });

  it('knows no type twice and none beyond one octet', () => {
    expect(new Set(ASDU_TYPES.map(({ id }) => id)).size).toBe(ASDU_TYPES.length);
    expect(asduType(0)).toBeUndefined();
    expect(asduType(22)).toBeUndefined();
    expect(asduType(128)).toBeUndefined();
  });
});

describe('decodeAsdu', () => {
  it.each([
    { name: 'nothing', asdu: '', fault: 'too-short' },
    { name: 'half a header', asdu: '01 01 03 00 01', fault: 'too-short' },
    { name: 'a header alone', asdu: '01 01 03 00 01 00', fault: 'length' },
    { name: 'type 0', asdu: '00 01 03 00 01 00 01 00 00 01', fault: 'unknown-type' },
    { name: 'a private type', asdu: '80 01 03 00 01 00 01 00 00 01', fault: 'unknown-type' },
    { name: 'count 0', asdu: '01 00 03 00 01 00', fault: 'no-objects' },
    { name: 'count 0 with an object', asdu: '01 00 03 00 01 00 01 00 00 01', fault: 'no-objects' },
    { name: 'a sequence of none', asdu: '01 80 03 00 01 00 01 00 00', fault: 'no-objects' },
    { name: 'more objects announced than sent', asdu: '01 02 03 00 01 00 01 00 00 01', fault: 'length' },
    { name: 'fewer objects announced than sent', asdu: '01 01 03 00 01 00 01 00 00 01 02 00 00 01', fault: 'length' },
    { name: 'a trailing octet', asdu: '01 01 03 00 01 00 01 00 00 01 00', fault: 'length' },
    { name: 'a sequence too short', asdu: '01 83 03 00 01 00 01 00 00 01 01', fault: 'length' },
    { name: 'a sequence too long', asdu: '01 82 03 00 01 00 01 00 00 01 01 01', fault: 'length' },
    { name: 'a sequence of commands', asdu: '2D 81 06 00 01 00 01 00 00 01', fault: 'sequence' },
    { name: 'a sequence of end of initialization', asdu: '46 81 04 00 01 00 00 00 00 00', fault: 'sequence' },
    { name: 'a sequence beyond the last address', asdu: '01 82 03 00 01 00 FF FF FF 01 01', fault: 'address-overflow' },
    { name: 'a reserved bit of SIQ', asdu: '01 01 03 00 01 00 01 00 00 03', fault: 'reserved-bits' },
    { name: 'a reserved bit of SCO', asdu: '2D 01 06 00 01 00 01 00 00 03', fault: 'reserved-bits' },
    {
      name: 'a reserved bit in the second object',
      asdu: '03 02 03 00 01 00 01 00 00 01 02 00 00 05',
      fault: 'reserved-bits',
    },
    { name: 'a reserved bit late in a sequence', asdu: '01 83 03 00 01 00 01 00 00 01 01 09', fault: 'reserved-bits' },
    {
      name: 'a reserved bit of the hour',
      asdu: '1E 01 03 00 01 00 0D 00 00 01 C7 5D 17 28 84 07 0D',
      fault: 'reserved-bits',
    },
    { name: 'a segment shorter than it says', asdu: '7D 01 0D 00 01 00 01 00 00 01 00 01 03 AA BB', fault: 'length' },
    { name: 'a segment longer than it says', asdu: '7D 01 0D 00 01 00 01 00 00 01 00 01 01 AA BB', fault: 'length' },
    { name: 'two segments', asdu: '7D 02 0D 00 01 00 01 00 00 01 00 01 00 01 00 00 01 00 01 00', fault: 'length' },
  ])('refuses $name', ({ asdu, fault }) => {
    expect(faultOf(asdu).fault).toBe(fault);
  });

  it('takes a sequence of stamped values, as c104 sends it, but never sends one', () => {
    const asdu = decoded(
      hex('24 82 14 00 2F 00 15 00 00 00 00 40 40 00 B9 D2 37 08 19 0B 1A 00 00 80 40 00 B9 D2 37 08 19 0B 1A'),
    );
    const objects = asdu.objects();
    expect(objects).toMatchObject([
      { address: 21, value: 3, time: { year: 2026, month: 11, day: 25, minute: 55 } },
      { address: 22, value: 4, time: { year: 2026, month: 11, day: 25, minute: 55 } },
    ]);
    expect(() => encodeAsdu({ type: 36, cause: 20, commonAddress: 47, isSequence: true, objects })).toThrow(/SQ = 1/);
  });

  it('refuses an ASDU cut at any octet', () => {
    const whole = '0D 02 03 00 01 00 01 00 00 C3 F5 48 40 00 02 00 00 85 EB 1D 41 00';
    const octets = hex(whole);
    decoded(octets);
    for (let cut = 0; cut < octets.length; cut++) {
      expect(isAsduFault(decodeAsdu(octets.subarray(0, cut)))).toBe(true);
    }
  });

  it('refuses more than 249 octets', () => {
    const objects = '01 00 00 01 '.repeat(61);
    expect(decoded(hex(`01 3C 03 00 01 00 ${objects.slice(12)}`)).count).toBe(60);
    expect(faultOf(`01 3D 03 00 01 00 ${objects}`).fault).toBe('too-long');
  });

  it('tells the header of what it refuses, so that it can be answered', () => {
    const octets = hex('C8 01 86 07 02 01 01 00 00 01');
    const { header } = faultOf(toHex(octets));
    expect(header).toEqual({
      type: 200,
      cause: 6,
      isTest: true,
      isNegative: false,
      originator: 7,
      commonAddress: 258,
    });
    const answer = answerAsdu(octets, { cause: CAUSE.unknownType, isNegative: true });
    expect(toHex(answer)).toBe(toHex(hex('C8 01 EC 07 02 01 01 00 00 01')));
  });

  it('takes reserved bits of stations known to set them', () => {
    const settings = { ...DEFAULT_ASDU_SETTINGS, reservedBits: 'ignore' } as const;
    const asdu = decoded(hex('01 01 03 00 01 00 01 00 00 8F'), settings);
    expect(asdu.object(0)).toEqual({ address: 1, value: 1, quality: QUALITY_BIT.IV });
  });

  it.each([
    { causeOctets: 1, commonAddressOctets: 1, objectAddressOctets: 1, asdu: '01 02 03 FF 05 01 FF 00' },
    { causeOctets: 1, commonAddressOctets: 2, objectAddressOctets: 2, asdu: '01 02 03 FF 00 05 00 01 FF 00 00' },
    {
      causeOctets: 2,
      commonAddressOctets: 1,
      objectAddressOctets: 3,
      asdu: '01 02 03 00 FF 05 00 00 01 FF 00 00 00',
    },
  ] as const)('reads fields of $causeOctets, $commonAddressOctets and $objectAddressOctets octets', (row) => {
    const asdu = decoded(hex(row.asdu), row);
    expect(asdu).toMatchObject({ type: 1, cause: 3, commonAddress: 255, originator: 0, count: 2 });
    expect(asdu.objects()).toEqual([
      { address: 5, value: 1, quality: 0 },
      { address: 255, value: 0, quality: 0 },
    ]);
  });

  it('reads the marks of a total apart from its validity', () => {
    const asdu = decoded(hex('0F 01 25 00 01 00 01 64 00 FF FF FF FF FF'));
    const total = { sequence: 31, isCarry: true, isAdjusted: true };
    expect(asdu.object(0)).toEqual({ address: 25_601, value: -1, quality: QUALITY_BIT.IV, total });
  });

  it('reads protection events with their duration', () => {
    const asdu = decoded(hex('27 01 03 00 01 00 01 00 00 3F F8 E8 03 C7 5D 17 08 84 07 0D'));
    expect(asdu.object(0)).toMatchObject({ value: 0x3f, quality: 0xf8, elapsedMs: 1000 });
  });

  it('hands through a float that is no number', () => {
    expect(decoded(hex('0D 01 03 00 01 00 01 00 00 00 00 C0 7F 00')).value(0)).toBeNaN();
  });
});

describe('encodeAsdu', () => {
  const header = { cause: CAUSE.activation, commonAddress: 1 };
  const stamp = {
    year: 2026,
    month: 1,
    day: 1,
    weekday: 0,
    hour: 0,
    minute: 0,
    millisecond: 0,
    isSummer: false,
    isInvalid: false,
    isSubstituted: false,
  };

  it.each([
    { name: 'a float that is no number', type: ASDU_TYPE.C_SE_NC_1, value: Number.NaN, says: /NaN/ },
    { name: 'an infinite float', type: ASDU_TYPE.C_SE_NC_1, value: Number.POSITIVE_INFINITY, says: /Infinity/ },
    { name: 'a float beyond single precision', type: ASDU_TYPE.C_SE_NC_1, value: 3.5e38, says: /3.5e\+38/ },
    { name: 'a normalized value above 1', type: ASDU_TYPE.C_SE_NA_1, value: 1.0001, says: /1.0001/ },
    { name: 'a scaled value of 17 bits', type: ASDU_TYPE.C_SE_NB_1, value: 32_768, says: /32768/ },
    { name: 'a fraction of a scaled value', type: ASDU_TYPE.C_SE_NB_1, value: 0.5, says: /0.5/ },
    { name: 'a third state of a single command', type: ASDU_TYPE.C_SC_NA_1, value: 2, says: /= 2/ },
    { name: 'a negative bitstring', type: ASDU_TYPE.C_BO_NA_1, value: -1, says: /-1/ },
    { name: 'a value where the type has none', type: ASDU_TYPE.C_RD_NA_1, value: 1, says: /value in C_RD/ },
    { name: 'a stamped type without stamp', type: ASDU_TYPE.C_SC_TA_1, value: 1, says: /without a time/ },
    { name: 'a type that is not sent', type: ASDU_TYPE.M_SP_TA_1, value: 1, says: /never sends/ },
    { name: 'an unknown type', type: 22, value: 1, says: /type 22/ },
  ])('refuses $name', ({ type, value, says }) => {
    expect(() => encodeAsdu({ ...header, type, objects: [{ address: 1, value }] })).toThrow(says);
  });

  it.each([
    { name: 'quality in a command', object: { quality: 1 }, says: /quality bits/ },
    { name: 'a qualifier of 6 bits', object: { qualifier: 32 }, says: /qualifier/ },
    { name: 'a transient command', object: { isTransient: true }, says: /transient/ },
    {
      name: 'total marks in a command',
      object: { total: { sequence: 0, isCarry: false, isAdjusted: false } },
      says: /total/,
    },
    { name: 'a duration in a command', object: { elapsedMs: 1 }, says: /elapsed/ },
    { name: 'a stamp in an untimed type', object: { time: stamp }, says: /time in/ },
    { name: 'an address of 25 bits', object: { address: 2 ** 24 }, says: /object address/ },
  ])('refuses $name', ({ object, says }) => {
    const objects = [{ address: 1, value: 1, ...object }];
    expect(() => encodeAsdu({ ...header, type: ASDU_TYPE.C_SC_NA_1, objects })).toThrow(says);
  });

  it('refuses to select what is only a point', () => {
    const objects = [{ address: 1, value: 1, isSelect: true }];
    expect(() => encodeAsdu({ ...header, type: ASDU_TYPE.M_SP_NA_1, objects })).toThrow(/select/);
  });

  it('refuses a sequence with a gap, too many objects and none', () => {
    const points = (count: number, step: number) =>
      Array.from({ length: count }, (_, index) => ({ address: index * step, value: 0 }));
    const input = { ...header, type: ASDU_TYPE.M_ME_NC_1 };
    expect(() => encodeAsdu({ ...input, isSequence: true, objects: points(2, 2) })).toThrow(/sequence from 0/);
    expect(() => encodeAsdu({ ...input, isSequence: true, objects: points(49, 1) })).toThrow(/49 objects/);
    expect(encodeAsdu({ ...input, isSequence: true, objects: points(48, 1) })).toHaveLength(249);
    expect(() => encodeAsdu({ ...input, objects: points(31, 2) })).toThrow(/31 objects/);
    expect(() => encodeAsdu({ ...input, objects: [] })).toThrow(/without objects/);
  });

  it('refuses an originator where the cause has one octet', () => {
    const objects = [{ address: 1, value: 1 }];
    const settings = { ...DEFAULT_ASDU_SETTINGS, causeOctets: 1 } as const;
    const input = { ...header, type: ASDU_TYPE.C_SC_NA_1, objects };
    expect(() => encodeAsdu({ ...input, originator: 1 }, settings)).toThrow(/originator/);
    expect(encodeAsdu(input, settings)).toHaveLength(9);
  });
});

describe('settings', () => {
  it('bound the objects of one ASDU', () => {
    expect(objectsPerAsdu(5, true, DEFAULT_ASDU_SETTINGS)).toBe(48);
    expect(objectsPerAsdu(5, false, DEFAULT_ASDU_SETTINGS)).toBe(30);
    expect(objectsPerAsdu(1, true, DEFAULT_ASDU_SETTINGS)).toBe(127);
    expect(objectsPerAsdu(12, false, DEFAULT_ASDU_SETTINGS)).toBe(16);
  });

  it('give the address of all stations', () => {
    expect(broadcastAddress(DEFAULT_ASDU_SETTINGS)).toBe(65_535);
    expect(broadcastAddress({ ...DEFAULT_ASDU_SETTINGS, commonAddressOctets: 1 })).toBe(255);
  });
});

describe('causes', () => {
  it('are known by number and name', () => {
    expect([20, 21, 36, 38, 41, 47].map(causeName)).toEqual([
      'station interrogation',
      'interrogation of group 1',
      'interrogation of group 16',
      'counter interrogation of group 1',
      'counter interrogation of group 4',
      'unknown object address',
    ]);
    expect([0, 14, 42, 43, 48, 63].filter(isKnownCause)).toEqual([]);
    expect(causeName(48)).toBe('cause 48');
    for (const cause of Object.values(CAUSE)) expect(isKnownCause(cause)).toBe(true);
  });
});
