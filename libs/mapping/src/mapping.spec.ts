import { BatchBuilder, type SampleBatch, sourceMs, valueAt } from '@busbar/batch';
import type { MapEntry, ModelConfig, PointConfig, TableConfig, TagConfig } from '@busbar/events';
import { bad, GOOD, type PointType, type Quality, type TagType, uncertain } from '@busbar/model';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileMapping, type Mapping } from './mapping.js';

function tag(number: number, id: string, type: TagType | undefined, more: Partial<TagConfig> = {}): TagConfig {
  return {
    number,
    id,
    title: id,
    address: `holding:${number}`,
    type,
    count: 1,
    order: 'ABCD',
    access: 'rw',
    group: 'fast',
    scale: 1,
    offset: 0,
    invalid: [],
    ...more,
  };
}

function point(number: number, id: string, type: PointType, more: Partial<PointConfig> = {}): PointConfig {
  return { number, id, title: id, type, kind: 'AI', access: 'rw', quality: true, ...more };
}

function entry(id: string, more: Partial<MapEntry> = {}): MapEntry {
  return { point: id, factor: 1, shift: 0, time: 'source', ...more };
}

function compile(tags: TagConfig[], points: PointConfig[], map: MapEntry[]): Mapping {
  const table: TableConfig = { digest: 'd', id: 't', driver: 'modbus', base: 0, tags };
  const model: ModelConfig = {
    kind: 'model',
    id: 'm',
    title: 'm',
    lineage: ['m'],
    points,
    attributes: {},
    services: {},
  };
  return compileMapping({
    template: { kind: 'template', id: 'x', model: 'm', table: 't', map, attributes: {}, services: {} },
    model,
    table,
  });
}

type Put = readonly [handle: number, value: number | string | bigint | readonly unknown[], quality?: Quality];

function samples(puts: readonly Put[]): SampleBatch {
  const builder = new BatchBuilder(puts.length, 1000);
  puts.forEach(([handle, value, quality = GOOD], i) => {
    if (typeof value === 'number') builder.put(handle, value, quality, 1000 + i);
    else builder.putSide(handle, value, quality, 1000 + i);
  });
  return builder.finish({ kind: 'tags', key: 'dev', generation: 3, collectedMs: 5000 });
}

const head = { asset: 'a', generation: 4 };

function listed(batch: SampleBatch | null) {
  if (!batch) return [];
  return Array.from({ length: batch.count }, (_, i) => ({
    point: batch.handles[i],
    value: valueAt(batch, i),
    quality: batch.quality[i],
    at: sourceMs(batch, i),
  }));
}

function one(mapping: Mapping, put: Put) {
  return listed(mapping.toPoints(samples([put]), head))[0];
}

const watt = tag(1, 'p', 'int32');
const kilowatt = point(7, 'P', 'double');

describe('mapping from tags to points', () => {
  it('copies direct values with quality, source time and the numbers of the points', () => {
    const mapping = compile(
      [tag(1, 'a', 'float32'), tag(1_000_001, 'own', 'float64'), tag(2, 'unread', 'float32')],
      [point(11, 'A', 'double'), point(12, 'OWN', 'double')],
      [entry('A', { read: 'a' }), entry('OWN', { read: 'own' })],
    );
    const out = mapping.toPoints(
      samples([
        [1, 1.5],
        [2, 9],
        [1_000_001, 2.5, uncertain('stale')],
        [77, 1],
      ]),
      head,
    );
    expect(out).toMatchObject({ kind: 'points', key: 'a', generation: 4, collectedMs: 5000 });
    expect(listed(out)).toEqual([
      { point: 11, value: 1.5, quality: GOOD, at: 1000 },
      { point: 12, value: 2.5, quality: uncertain('stale'), at: 1002 },
    ]);
  });

  it('finds tags whose numbers lie far apart', () => {
    const mapping = compile(
      [tag(900_000_000, 'far', 'float32'), tag(1_000_000, 'edge', 'float32')],
      [point(1, 'A', 'double'), point(2, 'B', 'double')],
      [entry('A', { read: 'far' }), entry('B', { read: 'edge' })],
    );
    expect(one(mapping, [900_000_000, 4])?.value).toBe(4);
    expect(one(mapping, [1_000_000, 5])?.value).toBe(5);
    expect(one(mapping, [900_000_001, 4])).toBeUndefined();
  });

  it('gives no value for a bad operand, with its quality', () => {
    const mapping = compile([watt], [kilowatt], [entry('P', { read: 'p', factor: 0.001 })]);
    expect(one(mapping, [1, 498, bad('not-connected')])).toMatchObject({
      value: undefined,
      quality: bad('not-connected'),
    });
  });

  it('never passes on what is not a number, or infinite, as a value', () => {
    for (const factor of [1, 0.001]) {
      const mapping = compile([tag(1, 'p', 'float32')], [kilowatt], [entry('P', { read: 'p', factor })]);
      for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
        expect(one(mapping, [1, value])).toMatchObject({ value: undefined, quality: bad('not-a-number') });
      }
    }
  });

  it('converts units in clean decimals', () => {
    const through = (factor: number, shift: number, x: number) =>
      one(compile([watt], [kilowatt], [entry('P', { read: 'p', factor, shift })]), [1, x])?.value;
    expect(through(0.001, 0, 498)).toBe(0.498);
    expect(through(0.1, 0, 3)).toBe(0.3);
    expect(through(1000, 0, 4.35)).toBe(4350);
    expect(through(5 / 9, -160 / 9, 212)).toBe(100);
    expect(through(1.1, 0, 3)).toBe(3.3);
    expect(through(0.01, 0.2, 10)).toBe(0.3);
    expect(through(1e-6, 0, 49.8)).toBe(0.0000498);
  });

  it('translates by pairs, and takes `else` for the rest', () => {
    const map = [
      entry('S', {
        read: 's',
        values: [
          [0, 1],
          [512, 2],
        ],
        else: 3,
      }),
    ];
    const mapping = compile([tag(1, 's', 'uint16')], [point(1, 'S', 'enum')], map);
    expect([0, 512, 513].map((value) => one(mapping, [1, value])?.value)).toEqual([1, 2, 3]);
    expect(one(mapping, [1, 512n])?.value).toBe(2);
  });

  it('is bad where no pair fits and there is no `else`', () => {
    const mapping = compile(
      [tag(1, 's', 'uint16')],
      [point(1, 'S', 'enum')],
      [entry('S', { read: 's', values: [[0, 1]] })],
    );
    expect(one(mapping, [1, 7])).toMatchObject({ value: undefined, quality: bad('formula') });
  });

  it('translates texts, bools and 64-bit integers by pairs', () => {
    const text = compile(
      [tag(1, 's', 'string')],
      [point(1, 'S', 'enum')],
      [
        entry('S', {
          read: 's',
          values: [
            ['on', 1],
            [0, 5],
          ],
        }),
      ],
    );
    expect(one(text, [1, 'on'])?.value).toBe(1);
    expect(one(text, [1, '0'])?.value).toBe(5);
    const bool = compile(
      [tag(1, 's', 'bool')],
      [point(1, 'S', 'string')],
      [
        entry('S', {
          read: 's',
          values: [
            [true, 'open'],
            [false, 'shut'],
          ],
        }),
      ],
    );
    expect([1, 0].map((value) => one(bool, [1, value])?.value)).toEqual(['open', 'shut']);
    const long = compile(
      [tag(1, 's', 'uint64')],
      [point(1, 'S', 'int')],
      [
        entry('S', {
          read: 's',
          values: [
            ['18446744073709551615', 1],
            ['5', 2],
          ],
        }),
      ],
    );
    expect(one(long, [1, 2n ** 64n - 1n])?.value).toBe(1);
    expect(one(long, [1, 5])?.value).toBe(2);
  });

  it('passes texts, 64-bit integers and arrays on through the side table', () => {
    const mapping = compile(
      [tag(1, 't', 'string'), tag(2, 'l', 'int64'), tag(3, 'a', 'int16', { count: 2 })],
      [point(1, 'T', 'string'), point(2, 'L', 'long'), point(3, 'A', 'array')],
      [entry('T', { read: 't' }), entry('L', { read: 'l' }), entry('A', { read: 'a' })],
    );
    const out = mapping.toPoints(
      samples([
        [1, 'abc'],
        [2, 2n ** 60n + 1n],
        [3, [1, 2]],
      ]),
      head,
    );
    expect(listed(out).map((sample) => sample.value)).toEqual(['abc', 2n ** 60n + 1n, [1, 2]]);
  });

  it('takes the nearest double of a 64-bit integer, converted', () => {
    const mapping = compile(
      [tag(1, 'e', 'uint64')],
      [kilowatt],
      [entry('P', { read: 'p', factor: 0.001 })].map((e) => ({ ...e, read: 'e' })),
    );
    expect(one(mapping, [1, 123456789n])?.value).toBe(123456.789);
  });

  it('refuses what does not fit the type of the point', () => {
    const through = (type: PointType, tagType: TagType, value: number | string | bigint) =>
      one(compile([tag(1, 't', tagType)], [point(1, 'T', type)], [entry('T', { read: 't' })]), [1, value]);
    expect(through('double', 'string', 'abc')).toMatchObject({ value: undefined, quality: bad('formula') });
    expect(through('string', 'int16', 5)).toMatchObject({ value: undefined, quality: bad('formula') });
    expect(through('bool', 'int16', 2)).toMatchObject({ value: undefined, quality: bad('formula') });
    expect(through('bool', 'int16', 1)?.value).toBe(1);
    expect(through('enum', 'float32', 1.5)?.quality).toBe(bad('formula'));
    expect(through('int', 'float32', 1.6)?.value).toBe(2);
    expect(through('long', 'int64', 2n ** 62n)?.value).toBe(2n ** 62n);
  });

  it('carries the time that the entry names', () => {
    const mapping = compile(
      [watt],
      [kilowatt, point(8, 'Q', 'double')],
      [entry('P', { read: 'p' }), entry('Q', { read: 'p', time: 'collected' })],
    );
    expect(listed(mapping.toPoints(samples([[1, 5]]), head)).map((sample) => sample.at)).toEqual([1000, 5000]);
  });

  it('feeds several points from one tag, converted or not', () => {
    const mapping = compile(
      [watt],
      [kilowatt, point(8, 'Q', 'double')],
      [entry('P', { read: 'p' }), entry('Q', { read: 'p', factor: 0.001 })],
    );
    expect(listed(mapping.toPoints(samples([[1, 5]]), head)).map((s) => [s.point, s.value])).toEqual([
      [7, 5],
      [8, 0.005],
    ]);
  });

  it('makes no batch where no point reads any of the tags', () => {
    const mapping = compile([watt], [kilowatt], [entry('P', { write: 'p' })]);
    expect(mapping.toPoints(samples([[1, 5]]), head)).toBeNull();
  });

  it('says which name does not fit', () => {
    expect(() => compile([watt], [kilowatt], [entry('P', { read: 'q' })])).toThrow(/no tag q/);
    expect(() => compile([watt], [kilowatt], [entry('Z', { read: 'p' })])).toThrow(/no point Z/);
    expect(() => compile([watt], [kilowatt], [entry('P', { read: 'p', factor: 0 })])).toThrow(/turned back/);
  });

  it('shares the arrays of a direct template, and says the same as the long way', () => {
    const numbers = [1, 2, 3, 1_000_001];
    const mapping = compile(
      numbers.map((n) => tag(n, `t${n}`, 'float32')),
      numbers.map((n) => point(n, `t${n}`, 'float')),
      numbers.map((n) => entry(`t${n}`, { read: `t${n}` })),
    );
    expect(mapping.isIdentity).toBe(true);
    const whole = samples([
      [1, 1],
      [2, Number.NaN, bad('device')],
      [1_000_001, 4],
    ]);
    expect(mapping.toPoints(whole, head)?.values).toBe(whole.values);
    fc.assert(
      fc.property(
        fc.array(
          fc.tuple(
            fc.constantFrom(1, 2, 3, 1_000_001, 9),
            fc.oneof(fc.double(), fc.constant('text'), fc.bigInt({ min: 0n, max: 9n })),
            fc.constantFrom(GOOD, uncertain('stale'), bad('device')),
          ),
          { maxLength: 8 },
        ),
        (puts) => {
          const batch = samples(puts);
          const long = new BatchBuilder(1, batch.baseMs);
          mapping.map(batch, long);
          expect(listed(mapping.toPoints(batch, head))).toEqual(
            listed(long.finish({ kind: 'points', key: 'a', generation: 4, collectedMs: 5000 })),
          );
        },
      ),
    );
  });
});

const factors = fc.constantFrom(1, 0.001, 1000, 0.1, 0.01, 1e-6, 3.6, 5 / 9, -2, 1e6);

describe('mapping from points to tags', () => {
  it('comes back to the tag value within the last digits, exactly for decimals by powers of ten', () => {
    fc.assert(
      fc.property(fc.integer({ min: -1e9, max: 1e9 }), factors, fc.constantFrom(0, -17.5, 32), (x, factor, shift) => {
        const mapping = compile([watt], [kilowatt], [entry('P', { read: 'p', write: 'p', factor, shift })]);
        const y = one(mapping, [1, x])?.value as number;
        const back = mapping.toTagWrite('P', y);
        if (!('value' in back)) throw new Error(back.reason);
        const last = (Math.abs(x) + Math.abs(shift / factor)) * 1e-14;
        expect(Math.abs((back.value as number) - x)).toBeLessThanOrEqual(last);
        if (shift === 0 && [1, 0.001, 0.1, 0.01, 1000].includes(factor)) expect(back.value).toBe(x);
      }),
    );
  });

  it('converts direct decimals as people would', () => {
    fc.assert(
      fc.property(fc.integer({ min: -999_999, max: 999_999 }), fc.integer({ min: 1, max: 6 }), (x, digits) => {
        const mapping = compile([watt], [kilowatt], [entry('P', { read: 'p', factor: Number(`1e-${digits}`) })]);
        expect(one(mapping, [1, x])?.value).toBe(Number(`${x}e-${digits}`));
      }),
    );
  });

  const pairs: [number, number][] = [
    [0, 1],
    [512, 2],
    [1280, 3],
    [1281, 3],
  ];
  const state = compile(
    [tag(1, 's', 'uint16')],
    [point(1, 'S', 'enum')],
    [entry('S', { read: 's', write: 's', values: pairs })],
  );

  it('writes pairs backwards where they are one to one', () => {
    expect(state.toTagWrite('S', 2)).toEqual({ tag: 1, value: 512 });
    expect(state.toTagWrite('S', 3)).toMatchObject({ rule: 'NOT_CONTROLLABLE' });
    expect(state.toTagWrite('S', 9)).toEqual({ rule: 'RANGE', reason: 'S can be set to 1, 2, 3' });
  });

  it('expects every tag value that means the point value', () => {
    expect(state.feedback('S', 3, 0.5)).toEqual({ tag: 1, expected: [1280, 1281], tolerance: 0 });
    expect(state.feedback('S', 9, 0)).toBeNull();
  });

  it('reads nothing back where the value is the one of `else`', () => {
    const mapping = compile(
      [tag(1, 's', 'uint16')],
      [point(1, 'S', 'enum')],
      [entry('S', { read: 's', write: 's', values: pairs, else: 3 })],
    );
    expect(mapping.feedback('S', 3, 0)).toBeNull();
    expect(mapping.feedback('S', 1, 0)).toMatchObject({ expected: [0] });
  });

  it('refuses values that are not of the type', () => {
    const mapping = compile([watt], [kilowatt], [entry('P', { read: 'p', write: 'p' })]);
    for (const value of [Number.NaN, 'x', '50', true]) {
      expect(mapping.toTagWrite('P', value)).toMatchObject({ rule: 'TYPE' });
    }
  });

  it('refuses what the tag cannot take', () => {
    const limited = tag(1, 'p', 'int32', { min: 0, max: 1000 });
    const mapping = compile([limited], [kilowatt], [entry('P', { read: 'p', write: 'p', factor: 0.001 })]);
    expect(mapping.toTagWrite('P', 1)).toEqual({ tag: 1, value: 1000 });
    expect(mapping.toTagWrite('P', 1.001)).toEqual({ rule: 'RANGE', reason: 'p takes 0 to 1000' });
  });

  it('refuses points without a tag to write', () => {
    const readOnly = compile(
      [tag(1, 'p', 'int32', { access: 'r' })],
      [kilowatt],
      [entry('P', { read: 'p', write: 'p' })],
    );
    expect(readOnly.toTagWrite('P', 1)).toMatchObject({ rule: 'NOT_CONTROLLABLE' });
    expect(readOnly.toTagWrite('Q', 1)).toMatchObject({ rule: 'NOT_CONTROLLABLE' });
    expect(compile([watt], [kilowatt], [entry('P', { read: 'p' })]).toTagWrite('P', 1)).toMatchObject({
      rule: 'NOT_CONTROLLABLE',
    });
  });

  it('writes bools as bools and 64-bit integers as decimal text', () => {
    const mapping = compile(
      [tag(1, 'b', 'bool'), tag(2, 'l', 'int64')],
      [point(1, 'B', 'bool'), point(2, 'L', 'long')],
      [entry('B', { read: 'b', write: 'b' }), entry('L', { read: 'l', write: 'l' })],
    );
    expect(mapping.toTagWrite('B', 1)).toEqual({ tag: 1, value: true });
    expect(mapping.toTagWrite('L', '9007199254740993')).toEqual({ tag: 2, value: '9007199254740993' });
    expect(mapping.toTagWrite('L', '99999999999999999999')).toMatchObject({ rule: 'TYPE' });
  });

  it('gives the tolerance in tag units, never finer than the tag can hold', () => {
    const scaled = compile(
      [tag(1, 'p', 'int16', { scale: 0.1 })],
      [kilowatt],
      [entry('P', { read: 'p', write: 'p', factor: 0.001 })],
    );
    expect(scaled.feedback('P', 0.05, 0.0005)).toEqual({ tag: 1, expected: [50], tolerance: 0.5 });
    expect(scaled.feedback('P', 0.05, 0)?.tolerance).toBeCloseTo(0.05, 6);
    const float = compile([tag(1, 'p', 'float32')], [kilowatt], [entry('P', { read: 'p', write: 'p' })]);
    const feedback = float.feedback('P', 50.3, 0);
    expect(Math.abs(Math.fround(50.3) - 50.3)).toBeLessThanOrEqual(feedback?.tolerance ?? 0);
  });
});
