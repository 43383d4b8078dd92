import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULT_ASDU_SETTINGS, maxObjectAddress } from './asdu-settings.js';
import { ASDU_TYPE, ASDU_TYPES } from './asdu-types.js';
import { QUALITY_BIT } from './descriptors.js';
import { encodeAsdu } from './encode-asdu.js';
import { ElementWriter, type PrebuiltAsdus, prebuildAsdus } from './prebuild-asdus.js';
import { decoded, toHex } from './test-frames.js';
import { anyObject, anySettings } from './test-objects.js';

const header = { type: ASDU_TYPE.M_ME_NC_1, cause: 20, commonAddress: 1 };

function asdus({ octets, starts }: PrebuiltAsdus): Uint8Array[] {
  return Array.from({ length: starts.length - 1 }, (_, index) => octets.subarray(starts[index], starts[index + 1]));
}

describe('prebuildAsdus', () => {
  it.each([
    { isSequenceAllowed: true, most: 1042 },
    { isSequenceAllowed: false, most: 1667 },
  ])('puts 50,000 floats into $most ASDUs', ({ isSequenceAllowed, most }) => {
    const addresses = Uint32Array.from({ length: 50_000 }, (_, index) => 16_385 + index);
    expect(asdus(prebuildAsdus({ header, addresses, isSequenceAllowed }))).toHaveLength(most);
  });

  it('does not spend an ASDU on each short run of addresses', () => {
    const blocks = Array.from({ length: 100 }, (_, block) => block * 12);
    const addresses = blocks.flatMap((first) => Array.from({ length: 10 }, (_, index) => first + index));
    expect(asdus(prebuildAsdus({ header, addresses, isSequenceAllowed: true }))).toHaveLength(34);
  });

  it('holds each address once, bad until it is patched, and a patch is seen at its address alone', () => {
    const untimed = ASDU_TYPES.filter(
      ({ direction, qualityAt, timeOctets, isSent }) =>
        direction === 'monitor' && qualityAt >= 0 && timeOctets === 0 && isSent,
    );
    const cases = anySettings.chain((settings) =>
      fc.record({
        settings: fc.constant(settings),
        layout: fc.constantFrom(...untimed),
        isSequenceAllowed: fc.boolean(),
        addresses: fc
          .array(fc.tuple(fc.integer({ min: 0, max: maxObjectAddress(settings) }), fc.integer({ min: 1, max: 150 })), {
            minLength: 1,
            maxLength: 5,
          })
          .map((blocks) => {
            const all = blocks.flatMap(([first, length]) => Array.from({ length }, (_, index) => first + index));
            return [...new Set(all)].filter((address) => address <= maxObjectAddress(settings));
          }),
        pick: fc.nat(),
      }),
    );
    fc.assert(
      fc.property(cases, ({ settings, layout, isSequenceAllowed, addresses, pick }) => {
        const built = prebuildAsdus({ header: { ...header, type: layout.id }, addresses, isSequenceAllowed }, settings);
        const target = pick % addresses.length;
        new ElementWriter(layout.id).put(built.octets, built.places[target] as number, 1, QUALITY_BIT.BL);
        const objects = asdus(built).flatMap((octets) => decoded(octets, settings).objects());
        expect(objects.map(({ address }) => address).sort()).toEqual([...addresses].sort());
        // The largest normalized value is one step below 1.
        const patched = layout.id === ASDU_TYPE.M_ME_NA_1 ? 32_767 / 32_768 : 1;
        const bad = (QUALITY_BIT.NT | QUALITY_BIT.IV) & layout.qualityMask;
        for (const { address, value, quality } of objects) {
          const isTarget = address === addresses[target];
          expect({ value, quality }).toEqual({
            value: isTarget ? patched : 0,
            quality: isTarget ? QUALITY_BIT.BL & layout.qualityMask : bad,
          });
        }
      }),
    );
  });

  it('refuses types that cannot say how good a value is, that have a time, and addresses out of range', () => {
    const plan = { header, addresses: [1], isSequenceAllowed: true };
    const typed = (type: number) => () => prebuildAsdus({ ...plan, header: { ...header, type } });
    expect(typed(ASDU_TYPE.M_ME_ND_1)).toThrow(/no quality/);
    expect(typed(ASDU_TYPE.C_SC_NA_1)).toThrow(/no quality/);
    expect(typed(ASDU_TYPE.M_ME_TF_1)).toThrow(/has a time/);
    expect(() => prebuildAsdus({ ...plan, addresses: [2 ** 24] })).toThrow(/object address/);
  });
});

describe('ElementWriter', () => {
  const served = ASDU_TYPES.filter(
    ({ direction, qualityAt, isSent }) => direction === 'monitor' && qualityAt >= 0 && isSent,
  );

  it.each(served.map((layout) => [layout.name, layout] as const))('writes %s as the encoder does', (_, layout) => {
    fc.assert(
      fc.property(
        anyObject(layout, DEFAULT_ASDU_SETTINGS),
        anyObject(layout, DEFAULT_ASDU_SETTINGS),
        (before, { value, quality = 0 }) => {
          const input = { ...header, type: layout.id };
          const octets = encodeAsdu({ ...input, objects: [before] });
          new ElementWriter(layout.id).put(octets, 9, value, quality);
          const patched = { ...before, value, quality };
          expect(toHex(octets)).toBe(toHex(encodeAsdu({ ...input, objects: [patched] })));
        },
      ),
    );
  });

  const { OV, IV, NT } = QUALITY_BIT;
  it.each([
    { type: 'M_ME_NC_1', value: Number.NaN, seen: 0, quality: IV },
    { type: 'M_ME_NC_1', value: Number.NEGATIVE_INFINITY, seen: 0, quality: IV },
    { type: 'M_ME_NC_1', value: 1e39, seen: 3.4028234663852886e38, quality: OV },
    { type: 'M_ME_NB_1', value: 40_000, seen: 32_767, quality: OV },
    { type: 'M_ME_NB_1', value: -32_768.6, seen: -32_768, quality: OV },
    { type: 'M_ME_NB_1', value: 1.6, seen: 2, quality: 0 },
    { type: 'M_ME_NB_1', value: 8.5, seen: 9, quality: 0 },
    { type: 'M_ME_NB_1', value: -8.5, seen: -9, quality: 0 },
    { type: 'M_ME_NB_1', value: Number.NaN, seen: 0, quality: IV },
    { type: 'M_ME_NA_1', value: 1, seen: 32_767 / 32_768, quality: 0 },
    { type: 'M_ME_NA_1', value: -1.1, seen: -1, quality: OV },
    { type: 'M_ST_NA_1', value: 64, seen: 63, quality: OV },
    { type: 'M_BO_NA_1', value: 2 ** 32, seen: 2 ** 32 - 1, quality: OV },
    { type: 'M_SP_NA_1', value: Number.NaN, seen: 0, quality: IV },
    { type: 'M_SP_NA_1', value: 2, seen: 1, quality: IV },
    { type: 'M_DP_NA_1', value: -1, seen: 0, quality: IV },
    { type: 'M_IT_NA_1', value: 2 ** 31, seen: 2 ** 31 - 1, quality: IV },
    { type: 'M_IT_NA_1', value: 7, seen: 7, quality: 0, given: NT },
  ] as const)('shows $type = $value as $seen with quality $quality', ({ type, value, seen, quality, ...rest }) => {
    const built = prebuildAsdus({
      header: { ...header, type: ASDU_TYPE[type] },
      addresses: [1],
      isSequenceAllowed: false,
    });
    new ElementWriter(ASDU_TYPE[type]).put(
      built.octets,
      built.places[0] as number,
      value,
      'given' in rest && rest.given !== undefined ? rest.given : 0,
    );
    expect(decoded(built.octets).object(0)).toMatchObject({ value: seen, quality });
  });
});
