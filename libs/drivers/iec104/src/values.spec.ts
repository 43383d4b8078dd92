import type { Tag } from '@busbar/driver-sdk';
import { CollectingWriter } from '@busbar/driver-testkit';
import { qualityText, type TagType } from '@busbar/model';
import { type Asdu, decodeAsdu, isAsduFault, QUALITY_BIT, timeZone, UTC } from '@busbar/protocol-iec104';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Iec104Address, parseAddress } from './address.js';
import { qualityOf, shortestFloat, TagBook } from './values.js';

const { IV, NT, SB, BL, OV } = QUALITY_BIT;

/** An ASDU of one object at 1, by hand. */
function asduOf(type: number, element: string): Asdu {
  const asdu = decodeAsdu(
    Buffer.from(`${type.toString(16).padStart(2, '0')}01030001000100 00${element}`.replaceAll(' ', ''), 'hex'),
  );
  if (isAsduFault(asdu)) throw new Error(asdu.reason);
  return asdu;
}

function tagOf(address: string, type?: TagType): Tag<Iec104Address> {
  const parsed = parseAddress(address);
  if ('problem' in parsed) throw new Error(parsed.problem.reason);
  const rest = { count: 1, length: undefined, order: 'ABCD', access: 'r', writeMode: undefined } as const;
  return { index: 0, address: parsed, type, ...rest };
}

function shown(type: number, element: string, address: string, tagType?: TagType): unknown[] {
  const out = new CollectingWriter();
  new TagBook([tagOf(address, tagType)], UTC).take(asduOf(type, element), 0, out);
  const sample = out.samples.get(0);
  return [sample?.value, qualityText(sample?.quality ?? 0)];
}

describe('objects become values', () => {
  it.each([
    [1, '01', 'M_SP:1', undefined, 1, 'good'],
    [1, '81', 'M_SP:1', undefined, 1, 'bad device'],
    [3, '02', 'M_DP:1', undefined, 2, 'good'],
    [3, '02', 'M_DP:1', 'bool', 1, 'good'],
    [3, '01', 'M_DP:1', 'bool', 0, 'good'],
    [3, '00', 'M_DP:1', 'bool', 0, 'bad device'],
    [3, '03', 'M_DP:1', 'bool', 0, 'bad device'],
    [3, '12', 'M_DP:1', 'bool', 1, 'uncertain maintenance'],
    [5, '7f00', 'M_ST:1', undefined, -1, 'good'],
    [7, '0400008000', 'M_BO:1', undefined, 0x8000_0004, 'good'],
    [9, '004000', 'M_ME:1', undefined, 0.5, 'good'],
    [11, 'ffff01', 'M_ME:1', 'int16', -1, 'uncertain out-of-range'],
    [13, 'c3f5484000', 'M_ME:1', undefined, 3.14, 'good'],
    [13, 'c3f5484000', 'M_ME:1', 'int16', Number.NaN, 'bad configuration'],
    [15, '40e2010005', 'M_IT:1', undefined, 123_456, 'good'],
    [15, '40e2010085', 'M_IT:1', undefined, 123_456, 'bad device'],
    [20, '0500010000', 'M_PS:1', undefined, 5, 'good'],
    [20, '0500010000', 'M_PS:1', 'uint32', 0x1_0005, 'good'],
    [21, '0040', 'M_ME:1', undefined, 0.5, 'good'],
    [30, '01c75d170884070d', 'M_SP:1', undefined, 1, 'good'],
    [38, '02 0a00 c75d170884070d', 'M_EP:1', undefined, 2, 'good'],
  ] as const)('type %i %s as %s %s is %d, %s', (type, element, address, tagType, value, quality) => {
    expect(shown(type, element, address, tagType)).toEqual([value, quality]);
  });

  it('of a station are found by family and address alone', () => {
    const out = new CollectingWriter();
    const book = new TagBook([tagOf('M_SP:1'), tagOf('C_SC:1')], UTC);
    book.take(asduOf(3, '01'), 0, out);
    expect(out.samples.size).toBe(0);
    book.take(asduOf(30, '01c75d170884070d'), 0, out);
    expect(out.samples.size).toBe(1);
  });

  it('floats are the shortest decimal that gives the same Float32', () => {
    fc.assert(
      fc.property(fc.float({ noNaN: true }), (value) => {
        expect(Math.fround(shortestFloat(value))).toBe(value + 0);
        expect(String(shortestFloat(value)).length).toBeLessThanOrEqual(String(value).length);
      }),
    );
  });
});

describe('quality bits become our quality', () => {
  it.each([
    [0, 'good'],
    [IV, 'bad device'],
    [IV | NT, 'bad not-connected'],
    [NT, 'uncertain stale'],
    [SB, 'uncertain substituted'],
    [BL, 'uncertain maintenance'],
    [OV, 'uncertain out-of-range'],
    [NT | SB | OV, 'uncertain stale'],
    [IV | OV, 'bad device'],
  ])('%i is %s', (bits, text) => {
    expect(qualityText(qualityOf(bits))).toBe(text);
  });

  it('never lose one', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 255 }), (bits) => {
        const isMarked = (bits & (IV | NT | SB | BL | OV)) !== 0;
        expect(qualityOf(bits) !== 0).toBe(isMarked);
      }),
    );
  });
});

describe('source times', () => {
  const time = (
    type: number,
    element: string,
    zone = UTC,
    near = Date.parse('2013-07-14T00:00:00Z'),
  ): number | undefined => {
    const out = new CollectingWriter();
    new TagBook([tagOf('M_SP:1')], zone).take(asduOf(type, element), near, out);
    return out.samples.get(0)?.sourceTimeMs;
  };

  it('are read in the zone of the station', () => {
    expect(time(30, '01c75d170884070d')).toBe(Date.parse('2013-07-04T08:23:24.007Z'));
    expect(time(30, '01c75d170884070d', timeZone('Asia/Shanghai'))).toBe(Date.parse('2013-07-04T00:23:24.007Z'));
  });

  it('of the repeated hour are told apart by the summer bit', () => {
    const berlin = timeZone('Europe/Berlin');
    const october = Date.parse('2025-10-20T00:00:00Z');
    expect(time(30, '010000 1e 82 19 0a 19', berlin, october)).toBe(Date.parse('2025-10-25T00:30:00Z'));
    expect(time(30, '010000 1e 82 1a 0a 19', berlin, october)).toBe(Date.parse('2025-10-26T00:30:00Z'));
    expect(time(30, '010000 1e 02 1a 0a 19', berlin, october)).toBe(Date.parse('2025-10-26T01:30:00Z'));
  });

  it('of a clock that was not synchronized, or of no calendar, are none', () => {
    expect(time(30, '01c75d970884070d')).toBeNaN();
    expect(time(30, '01 0000 00 00 00 00 00')).toBeNaN();
    expect(time(1, '01')).toBeNaN();
  });

  it('weeks away from now are none: such a clock was never set', () => {
    expect(time(30, '01c75d170884070d', UTC, Date.parse('2013-09-01T00:00:00Z'))).toBeNaN();
    expect(time(30, '01c75d170884070d', UTC, Date.parse('2013-05-01T00:00:00Z'))).toBeNaN();
  });

  it('without hour are the nearest to now', () => {
    const near = Date.parse('2025-01-01T00:00:10Z');
    expect(time(2, '01 88 13 3b', UTC, near)).toBe(Date.parse('2024-12-31T23:59:05Z'));
  });
});
