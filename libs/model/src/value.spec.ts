import { describe, expect, it } from 'vitest';
import { BYTE_ORDERS, canRead, canWrite, POINT_TYPES, TAG_TYPES } from './value.js';

describe('value words', () => {
  it('read and write follow the access', () => {
    expect((['r', 'w', 'rw'] as const).map((access) => [canRead(access), canWrite(access)])).toEqual([
      [true, false],
      [false, true],
      [true, true],
    ]);
  });

  it('name every type and byte order once', () => {
    for (const list of [TAG_TYPES, BYTE_ORDERS, POINT_TYPES]) expect(new Set(list).size).toBe(list.length);
    for (const order of BYTE_ORDERS) expect([...order].sort().join('')).toBe('ABCD');
  });
});
