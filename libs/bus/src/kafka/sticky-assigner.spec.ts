import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sharePartitions } from './sticky-assigner.js';

const group = fc.record({
  partitions: fc.integer({ min: 1, max: 24 }),
  members: fc.uniqueArray(
    fc.record({ memberId: fc.string({ minLength: 1 }), owned: fc.array(fc.integer({ min: 0, max: 30 })) }),
    { minLength: 1, maxLength: 8, selector: ({ memberId }) => memberId },
  ),
});

function moved(before: Map<string, number[]>, after: Map<string, number[]>): number {
  let count = 0;
  for (const [memberId, share] of after) {
    count += share.filter((partition) => !before.get(memberId)?.includes(partition)).length;
  }
  return count;
}

const claims = (shares: Map<string, number[]>) => [...shares].map(([memberId, owned]) => ({ memberId, owned }));

describe('sharing partitions out', () => {
  it('gives each partition to exactly one member, and nobody two more than another', () => {
    fc.assert(
      fc.property(group, ({ members, partitions }) => {
        const shares = [...sharePartitions(members, partitions).values()];
        expect(shares.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: partitions }, (_, i) => i));
        const sizes = shares.map((share) => share.length);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('does not depend on the order of the members and moves nothing when nothing changed', () => {
    fc.assert(
      fc.property(group, ({ members, partitions }) => {
        const once = sharePartitions(members, partitions);
        expect(sharePartitions([...members].reverse(), partitions)).toEqual(once);
        expect(sharePartitions(claims(once), partitions)).toEqual(once);
      }),
    );
  });

  it('moves no more than a newcomer takes, or a leaver had', () => {
    const three = sharePartitions(
      ['a', 'b', 'c'].map((memberId) => ({ memberId, owned: [] })),
      24,
    );
    const four = sharePartitions([...claims(three), { memberId: '0', owned: [] }], 24);
    expect(moved(three, four)).toBe(6);
    const again = sharePartitions(
      claims(four).filter(({ memberId }) => memberId !== 'b'),
      24,
    );
    expect(moved(four, again)).toBe(6);
  });
});
