import fc from 'fast-check';
import type { InformationObject } from './asdu.js';
import { type AsduSettings, maxObjectAddress } from './asdu-settings.js';
import type { AsduType } from './asdu-types.js';
import type { TimeTag } from './time-tag.js';

export const anySettings: fc.Arbitrary<AsduSettings> = fc.record({
  causeOctets: fc.constantFrom(1 as const, 2 as const),
  commonAddressOctets: fc.constantFrom(1 as const, 2 as const),
  objectAddressOctets: fc.constantFrom(1 as const, 2 as const, 3 as const),
});

function upTo(max: number): fc.Arbitrary<number> {
  return fc.integer({ min: 0, max });
}

export const anyTimeTag: fc.Arbitrary<TimeTag> = fc.record({
  year: fc.integer({ min: 2000, max: 2127 }),
  month: upTo(15),
  day: upTo(31),
  weekday: upTo(7),
  hour: upTo(31),
  minute: upTo(63),
  millisecond: upTo(65_535),
  isSummer: fc.boolean(),
  isInvalid: fc.boolean(),
  isSubstituted: fc.boolean(),
});

/** Of CP24, the rest as a reader fills it. */
const anyShortTimeTag = anyTimeTag.map((tag) => ({
  ...tag,
  year: 2000,
  month: 0,
  day: 0,
  weekday: 0,
  hour: 0,
  isSummer: false,
}));

function anyValue({ value, name }: AsduType): fc.Arbitrary<number> {
  if (value === null) return fc.constant(0);
  if (value.isWhole) return fc.integer({ min: value.min, max: value.max });
  if (name.includes('_ME_NC') || name.includes('_SE_NC') || name.includes('_TF_') || name.includes('_TC_')) {
    return fc.float({ noNaN: true, noDefaultInfinity: true });
  }
  return fc.integer({ min: -32_768, max: 32_767 }).map((steps) => steps / 32_768);
}

function anyFile(layout: AsduType): fc.Arbitrary<Uint8Array> {
  const { elementOctets, isSegment } = layout;
  const fixed = fc.uint8Array({ minLength: elementOctets, maxLength: elementOctets });
  if (!isSegment) return fixed;
  return fc.tuple(fixed, fc.uint8Array({ maxLength: 200 })).map(([head, data]) => {
    head[elementOctets - 1] = data.length;
    return new Uint8Array([...head, ...data]);
  });
}

/** Any object of a type, with the fields that a reader gives. */
export function anyObject(layout: AsduType, settings: AsduSettings): fc.Arbitrary<InformationObject> {
  const { qualifier, qualityAt, qualityMask, isStep, totalAt, elapsedAt, timeOctets, isFile } = layout;
  const shape: Record<string, fc.Arbitrary<unknown>> = {
    address: upTo(maxObjectAddress(settings)),
    value: anyValue(layout),
  };
  if (qualityAt >= 0) shape.quality = upTo(255).map((octet) => octet & qualityMask);
  if (qualifier !== null) shape.qualifier = upTo({ QU: 31, QL: 127, QPM: 255 }[qualifier]);
  if (qualifier === 'QU' || qualifier === 'QL') shape.isSelect = fc.boolean();
  if (isStep) shape.isTransient = fc.boolean();
  if (totalAt >= 0) {
    shape.total = fc.record({ sequence: upTo(31), isCarry: fc.boolean(), isAdjusted: fc.boolean() });
  }
  if (elapsedAt >= 0) shape.elapsedMs = upTo(65_535);
  if (timeOctets > 0) shape.time = timeOctets === 3 ? anyShortTimeTag : anyTimeTag;
  if (isFile) shape.octets = anyFile(layout);
  return fc.record(shape) as fc.Arbitrary<unknown> as fc.Arbitrary<InformationObject>;
}
