import type { TagShape } from '@busbar/driver-sdk';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatAddress, type ModbusAddress, modbusAddress, parseAddress } from './address.js';

describe('Modbus addresses', () => {
  it.each([
    ['coil:12', 0, { table: 'coil', offset: 12 }],
    ['holding:65535', 0, { table: 'holding', offset: 65535 }],
    ['holding:65536', 1, { table: 'holding', offset: 65535 }],
    ['holding:1', 1, { table: 'holding', offset: 0 }],
    ['HOLDING:0x7D50', 0, { table: 'holding', offset: 32080 }],
    ['40001', 0, { table: 'holding', offset: 0 }],
    ['40001', 1, { table: 'holding', offset: 0 }],
    ['4x0001', 0, { table: 'holding', offset: 0 }],
    ['30010', 0, { table: 'input', offset: 9 }],
    ['10001', 0, { table: 'discrete', offset: 0 }],
    ['00017', 0, { table: 'coil', offset: 16 }],
    ['465536', 0, { table: 'holding', offset: 65535 }],
    ['holding:40.3', 0, { table: 'holding', offset: 40, bits: { low: 3, high: 3 } }],
    ['input:40.4-7', 0, { table: 'input', offset: 40, bits: { low: 4, high: 7 } }],
  ] as const)('reads %s counted from %d', (text, base, address) => {
    expect(parseAddress(text, base)).toEqual(address);
  });

  it.each([
    ['holding:65536', 0],
    ['holding:0', 1],
    ['holding:-1', 0],
    ['holding:', 0],
    ['register:5', 0],
    ['coil:5.1', 0],
    ['holding:5.16', 0],
    ['holding:5.7-4', 0],
    ['0x0010', 0],
    ['40000', 0],
    ['20001', 0],
    ['5', 0],
  ] as const)('refuses %s counted from %d with a fix', (text, base) => {
    expect(parseAddress(text, base)).toMatchObject({
      problem: { code: 'TAG_ADDRESS', fix: expect.stringMatching(/./) },
    });
  });

  it('writes every address so that it reads the same', () => {
    const address = fc.record(
      {
        table: fc.constantFrom('input' as const, 'holding' as const),
        offset: fc.nat(65535),
        bits: fc.tuple(fc.nat(15), fc.nat(15)).map(([a, b]) => ({ low: Math.min(a, b), high: Math.max(a, b) })),
      },
      { requiredKeys: ['table', 'offset'] },
    );
    fc.assert(
      fc.property(address, (given) => {
        expect(parseAddress(formatAddress(given as ModbusAddress), 0)).toEqual(given);
      }),
    );
  });
});

describe('rows of a point table', () => {
  function check(address: string, row: Partial<TagShape>): string | null {
    const parsed = parseAddress(address, 0);
    if ('problem' in parsed) throw new Error(parsed.problem.reason);
    const shape: TagShape = {
      address,
      type: 'uint16',
      count: 1,
      length: undefined,
      order: 'ABCD',
      access: 'r',
      writeMode: undefined,
      ...row,
    };
    return modbusAddress.check(parsed, shape)?.code ?? null;
  }

  it.each([
    ['holding:0', {}, null],
    ['holding:0', { type: undefined }, 'TAG_TYPE'],
    ['coil:0', { type: undefined }, null],
    ['coil:0', { type: 'bool' }, null],
    ['coil:0', { type: 'uint16' }, 'TAG_TYPE'],
    ['coil:0', { type: 'bool', access: 'rw' }, null],
    ['discrete:0', { type: 'bool', access: 'rw' }, 'TAG_ACCESS'],
    ['input:0', { access: 'w' }, 'TAG_ACCESS'],
    ['holding:0.3', { type: 'bool' }, null],
    ['holding:0.3', { type: undefined }, null],
    ['holding:0.3', { type: 'bool', access: 'rw' }, 'TAG_ACCESS'],
    ['holding:0.4-7', { type: 'uint8' }, null],
    ['holding:0.0-15', { type: 'uint8' }, 'TAG_TYPE'],
    ['holding:0.4-7', { type: 'float32' }, 'TAG_TYPE'],
    ['holding:0', { type: 'string' }, 'TAG_LENGTH'],
    ['holding:0', { type: 'string', length: 20 }, null],
    ['holding:0', { type: 'string', length: 252 }, 'TAG_LENGTH'],
    ['holding:0', { type: 'bcd', length: 10 }, 'TAG_LENGTH'],
    ['holding:65535', { type: 'float32' }, 'TAG_ADDRESS'],
    ['holding:65535', {}, null],
    ['holding:0', { type: 'float32', count: 62 }, null],
    ['holding:0', { type: 'float32', count: 63 }, 'TAG_LENGTH'],
    ['holding:0', { access: 'rw', writeMode: 'multiple' }, null],
    ['holding:0', { access: 'rw', writeMode: 'mask' }, 'TAG_ACCESS'],
    ['holding:0', { access: 'rw', writeMode: 'single', type: 'float32' }, 'TAG_ACCESS'],
  ] as const)('judges %s %o: %s', (address, row, code) => {
    expect(check(address, row)).toBe(code);
  });
});
