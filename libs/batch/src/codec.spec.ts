import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BatchBuilder, type SideValue, sourceMs, valueAt } from './batch.js';
import { decodeBatch, encodeBatch } from './codec.js';

const quality = fc.constantFrom(0, 0x41, 0x42, 0x88, 0x89, 0x8f);
const side: fc.Arbitrary<SideValue> = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
  fc.array(fc.integer(), { minLength: 1 }),
  fc.record({ a: fc.integer(), b: fc.string() }, { noNullPrototype: true }),
);
const sample = fc.record({
  handle: fc.integer({ min: 0, max: 0xffffffff }),
  value: fc.oneof(fc.double(), side),
  quality,
  dt: fc.integer({ min: -2147483648, max: 2147483647 }),
});
const whole = fc.record({
  kind: fc.constantFrom('tags' as const, 'points' as const, 'image' as const),
  key: fc.string({ unit: 'grapheme', maxLength: 40 }),
  generation: fc.integer({ min: 0, max: 0xffffffff }),
  collectedMs: fc.integer({ min: 0, max: 4e12 }),
  baseMs: fc.integer({ min: 0, max: 4e12 }),
  samples: fc.array(sample, { maxLength: 80 }),
});

function build(input: (typeof whole extends fc.Arbitrary<infer T> ? T : never) & object) {
  const builder = new BatchBuilder(8, input.baseMs);
  for (const s of input.samples) {
    if (typeof s.value === 'number') builder.put(s.handle, s.value, s.quality, input.baseMs + s.dt);
    else builder.putSide(s.handle, s.value, s.quality, input.baseMs + s.dt);
  }
  return builder.finish(input);
}

describe('sample batch', () => {
  it('comes back as it was, from any alignment', () => {
    fc.assert(
      fc.property(whole, fc.integer({ min: 0, max: 9 }), (input, shift) => {
        const bytes = encodeBatch(build(input));
        const moved = new Uint8Array(bytes.length + shift).subarray(shift);
        moved.set(bytes);
        const back = decodeBatch(moved);
        expect(back.count).toBe(input.samples.length);
        expect(back).toMatchObject({
          kind: input.kind,
          key: input.key,
          generation: input.generation,
          collectedMs: input.collectedMs,
        });
        input.samples.forEach((s, i) => {
          expect(back.handles[i]).toBe(s.handle);
          expect(back.quality[i]).toBe(s.quality);
          expect(sourceMs(back, i)).toBe(input.baseMs + s.dt);
          expect(valueAt(back, i)).toEqual(Number.isNaN(s.value) ? undefined : s.value);
        });
      }),
    );
  });

  it('never takes random octets for a batch, and only says BATCH_MALFORMED', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(() => decodeBatch(bytes)).toThrowError(expect.objectContaining({ code: 'BATCH_MALFORMED' }));
      }),
      { numRuns: 2000 },
    );
  });

  it('refuses a batch with one octet changed, or cut anywhere', () => {
    fc.assert(
      fc.property(whole, fc.nat(), fc.integer({ min: 1, max: 255 }), (input, where, change) => {
        const bytes = encodeBatch(build(input));
        const at = where % bytes.length;
        expect(() => decodeBatch(bytes.subarray(0, at))).toThrowError(
          expect.objectContaining({ code: 'BATCH_MALFORMED' }),
        );
        bytes[at] = (bytes[at] as number) ^ change;
        expect(() => decodeBatch(bytes)).toThrowError(expect.objectContaining({ code: 'BATCH_MALFORMED' }));
      }),
    );
  });

  it('grows past its first capacity without losing a value', () => {
    const builder = new BatchBuilder(1, 0);
    for (let i = 0; i < 1000; i++) builder.put(i, i / 2, 0, i);
    const batch = builder.finish({ kind: 'tags', key: 'd', generation: 1, collectedMs: 5 });
    expect(Array.from(batch.values)).toEqual(Array.from({ length: 1000 }, (_, i) => i / 2));
  });
});
