import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pointPath, splitPointPath } from './ids.js';

const id = fc.string({ minLength: 1 }).filter((text) => !text.includes('/'));

describe('the path of a point', () => {
  it('is split into the asset and the point that it was made of', () => {
    fc.assert(
      fc.property(id, id, (asset, point) => {
        expect(splitPointPath(pointPath(asset, point))).toEqual({ asset, point });
      }),
    );
  });

  it.each(['', '/', 'inv-01', 'inv-01/', '/INV.Power', 'site/inv-01/INV.Power', 'a//b'])('%j is none', (path) => {
    expect(splitPointPath(path)).toBeUndefined();
  });
});
