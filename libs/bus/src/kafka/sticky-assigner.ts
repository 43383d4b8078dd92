import kafkajs, { type PartitionAssigner } from 'kafkajs';

const NAME = 'BusbarSticky';
const VERSION = 0;

export interface MemberClaim {
  readonly memberId: string;
  /** Partitions that it had before. */
  readonly owned: readonly number[];
}

/**
 * Shares partition numbers out so that as few as possible move and nobody has two more than another. Equal claims
 * give an equal result, whichever member computes it.
 */
export function sharePartitions(members: readonly MemberClaim[], partitions: number): Map<string, number[]> {
  const sorted = [...members].sort((a, b) => (a.memberId < b.memberId ? -1 : 1));
  const shares = new Map<string, number[]>(sorted.map(({ memberId }) => [memberId, []]));
  const least = Math.floor(partitions / sorted.length);
  let extra = partitions % sorted.length;
  const taken = new Set<number>();
  const claims = sorted
    .map(({ memberId, owned }) => ({ memberId, owned: owned.filter((number) => number < partitions) }))
    .sort((a, b) => b.owned.length - a.owned.length);
  for (const { memberId, owned } of claims) {
    const share = shares.get(memberId) as number[];
    for (const number of [...owned].sort((a, b) => a - b)) {
      if (taken.has(number)) continue;
      if (share.length === least && extra === 0) break;
      if (share.length > least) break;
      if (share.length === least) extra--;
      share.push(number);
      taken.add(number);
    }
  }
  for (let number = 0; number < partitions; number++) {
    if (taken.has(number)) continue;
    const emptiest = [...shares.values()].reduce((found, share) => (share.length < found.length ? share : found));
    emptiest.push(number);
  }
  for (const share of shares.values()) share.sort((a, b) => a - b);
  return shares;
}

function encodeOwned(owned: readonly number[]): Buffer {
  return Buffer.from(JSON.stringify(owned));
}

function decodeOwned(userData: Buffer | null): number[] {
  try {
    const owned: unknown = JSON.parse((userData ?? Buffer.alloc(0)).toString());
    return Array.isArray(owned) ? owned.filter((number): number is number => Number.isInteger(number)) : [];
  } catch {
    return [];
  }
}

/** Sticky, and the same numbers for every topic of the group. `owned`: what this member has now. */
export function stickyAssigner(owned: () => readonly number[]): PartitionAssigner {
  const { MemberAssignment, MemberMetadata } = kafkajs.AssignerProtocol;
  return ({ cluster }) => ({
    name: NAME,
    version: VERSION,
    async assign({ members, topics }) {
      const counts = new Map(topics.map((topic) => [topic, cluster.findTopicPartitionMetadata(topic).length]));
      const claims = members.map(({ memberId, memberMetadata }) => {
        const metadata = MemberMetadata.decode(memberMetadata);
        return { memberId, owned: decodeOwned(metadata?.userData ?? null) };
      });
      const shares = sharePartitions(claims, Math.max(0, ...counts.values()));
      return [...shares].map(([memberId, share]) => {
        const assignment: Record<string, number[]> = {};
        for (const [topic, count] of counts) assignment[topic] = share.filter((number) => number < count);
        return {
          memberId,
          memberAssignment: MemberAssignment.encode({ version: VERSION, assignment, userData: Buffer.alloc(0) }),
        };
      });
    },
    protocol: ({ topics }) => ({
      name: NAME,
      metadata: MemberMetadata.encode({ version: VERSION, topics, userData: encodeOwned(owned()) }),
    }),
  });
}
