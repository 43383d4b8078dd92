import type { TagShape } from '@busbar/driver-sdk';
import { isAddressProblem } from '@busbar/driver-sdk';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FAMILIES, familyOf, type Iec104Family, iec104Address, parseAddress, parseMode } from './address.js';

const families = Object.keys(FAMILIES) as Iec104Family[];

function judge(address: string, more: Partial<TagShape> = {}): string {
  const parsed = parseAddress(address);
  if (isAddressProblem(parsed)) return parsed.problem.code;
  const access = address.startsWith('C_') ? 'w' : 'r';
  const tag = { address, type: undefined, count: 1, length: undefined, order: 'ABCD', access, writeMode: undefined };
  return iec104Address.check(parsed, { ...tag, ...more } as TagShape)?.code ?? 'ok';
}

describe('addresses of IEC 104', () => {
  it('name what it is and where, in decimal or hex, in any case', () => {
    expect(parseAddress('M_ME:16385')).toEqual({ family: 'M_ME', ioa: 16_385 });
    expect(parseAddress(' c_se_nc:0x6201 ')).toEqual({ family: 'C_SE_NC', ioa: 25_089 });
    expect(parseAddress('M_SP:0')).toEqual({ family: 'M_SP', ioa: 0 });
  });

  it('give themselves back', () => {
    fc.assert(
      fc.property(fc.constantFrom(...families), fc.integer({ min: 0, max: 0xff_ffff }), (family, ioa) => {
        const address = { family, ioa };
        expect(parseAddress(iec104Address.format(address))).toEqual(address);
      }),
    );
  });

  it.each(['16385', 'M_ME', 'M_ME:', 'M_XX:1', 'M_ME:16777216', 'M_ME:-1', 'M_ME:1.2', 'C_SE:1', 'constructor:1'])(
    'refuse %s with what would be right',
    (text) => {
      const parsed = parseAddress(text);
      expect(isAddressProblem(parsed) && parsed.problem.fix).toContain('M_ME:16385');
    },
  );

  it('cover every process type of the standard', () => {
    const process = [...Array.from({ length: 21 }, (_, i) => i + 1), ...Array.from({ length: 11 }, (_, i) => i + 30)];
    expect(process.filter((id) => familyOf(id)?.startsWith('M_') !== true)).toEqual([]);
    const commands = [...Array.from({ length: 7 }, (_, i) => i + 45), ...Array.from({ length: 7 }, (_, i) => i + 58)];
    expect(commands.filter((id) => familyOf(id)?.startsWith('C_') !== true)).toEqual([]);
    expect([70, 100, 103, 110, 120, 255].map((id) => familyOf(id))).toEqual(Array(6).fill(undefined));
  });
});

describe('a row of a point table', () => {
  it.each([
    ['M_SP:1', {}, 'ok'],
    ['M_SP:1', { type: 'bool' }, 'ok'],
    ['M_SP:1', { type: 'float32' }, 'TAG_TYPE'],
    ['M_ME:1', { type: 'float32' }, 'ok'],
    ['M_ME:1', { type: 'string' }, 'TAG_TYPE'],
    ['M_ME:1', { count: 2 }, 'TAG_TYPE'],
    ['M_ME:1', { length: 4 }, 'TAG_LENGTH'],
    ['M_ME:1', { access: 'rw' }, 'TAG_ACCESS'],
    ['C_SC:1', {}, 'ok'],
    ['C_SC:1', { access: 'rw' }, 'TAG_ACCESS'],
    ['C_SC:1', { writeMode: 'select short-pulse' }, 'ok'],
    ['C_SC:1', { writeMode: 'multiple' }, 'TAG_ACCESS'],
    ['C_SE_NC:1', { writeMode: 'select' }, 'ok'],
    ['C_SE_NC:1', { writeMode: 'long-pulse' }, 'TAG_ACCESS'],
    ['C_BO:1', { writeMode: 'select' }, 'TAG_ACCESS'],
  ] as const)('%s %o is judged', (address, more, code) => {
    expect(judge(address, more as Partial<TagShape>)).toBe(code);
  });

  it('says how a command is given in words', () => {
    expect(parseMode(undefined)).toEqual({ isSelect: false, qualifier: 0 });
    expect(parseMode('select+persistent')).toEqual({ isSelect: true, qualifier: 3 });
    expect(parseMode('long-pulse')).toEqual({ isSelect: false, qualifier: 2 });
    expect(parseMode('constructor')).toBe(null);
  });
});
