import { describe, expect, it } from 'vitest';
import { AsduBuilder } from './asdu-builder.js';
import { ASDU_TYPE } from './asdu-types.js';
import { QUALITY_BIT } from './descriptors.js';
import { decoded } from './test-frames.js';
import { TIME_BIT, timeTagEpochMs } from './time-tag.js';
import { timeZone, UTC } from './time-zone.js';

const berlin = timeZone('Europe/Berlin');
const noon = Date.UTC(2026, 6, 1, 12, 0, 0, 7);

describe('AsduBuilder', () => {
  it('packs 16 stamped floats, each with its own value, quality and time', () => {
    const builder = new AsduBuilder({ type: ASDU_TYPE.M_ME_TF_1, cause: 3, commonAddress: 7 }, berlin);
    expect(builder.capacity).toBe(16);
    for (let index = 0; index < 16; index++) {
      const quality = index === 3 ? QUALITY_BIT.IV : 0;
      const timeMarks = index === 4 ? TIME_BIT.substituted : 0;
      builder.add({ address: 100 + index, value: index / 2, quality, epochMs: noon + index, timeMarks });
    }
    expect(() => builder.add({ address: 1, value: 0, quality: 0, epochMs: noon })).toThrow(/more than 16/);
    const asdu = decoded(builder.take());
    expect(asdu).toMatchObject({ type: 36, cause: 3, commonAddress: 7, count: 16, isSequence: false });
    for (const [index, object] of asdu.objects().entries()) {
      expect(object).toMatchObject({ address: 100 + index, value: index / 2, quality: index === 3 ? 0x80 : 0 });
      expect(object.time).toMatchObject({ isSubstituted: index === 4, isInvalid: false, isSummer: true });
      expect(timeTagEpochMs(object.time as NonNullable<typeof object.time>, berlin)).toBe(noon + index);
    }
  });

  it('is empty after each ASDU and keeps nothing of the one before', () => {
    const builder = new AsduBuilder({ type: ASDU_TYPE.M_ST_NA_1, cause: 3, commonAddress: 1 }, UTC);
    builder.add({ address: 1, value: -5, quality: 0xf1 });
    builder.add({ address: 2, value: 6, quality: 0 });
    const first = builder.take();
    expect(builder.count).toBe(0);
    expect(() => builder.take()).toThrow(/without objects/);
    builder.add({ address: 3, value: 7, quality: 0 });
    expect(decoded(builder.take()).objects()).toEqual([{ address: 3, value: 7, quality: 0, isTransient: false }]);
    expect(decoded(first).objects()).toHaveLength(2);
  });

  it('marks a stamp that is missing as invalid', () => {
    const builder = new AsduBuilder({ type: ASDU_TYPE.M_SP_TB_1, cause: 3, commonAddress: 1 }, UTC);
    builder.add({ address: 1, value: 1, quality: 0 });
    expect(decoded(builder.take()).time(0)).toMatchObject({ isInvalid: true });
  });

  it('refuses an address that the link cannot carry', () => {
    const settings = { causeOctets: 2, commonAddressOctets: 2, objectAddressOctets: 2 } as const;
    const builder = new AsduBuilder({ type: ASDU_TYPE.M_SP_NA_1, cause: 3, commonAddress: 1 }, UTC, settings);
    expect(() => builder.add({ address: 65_536, value: 1, quality: 0 })).toThrow(/object address/);
    expect(builder.count).toBe(0);
  });
});
