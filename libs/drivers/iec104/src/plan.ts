import type { PlannedRequest, Tag } from '@busbar/driver-sdk';
import { timeZone } from '@busbar/protocol-iec104';
import type { Iec104Address } from './address.js';
import type { Iec104Device } from './connection.js';
import { TagBook } from './values.js';

export type RoundKind = 'interrogation' | 'counters';

/** One interrogation of a station, for the tags that its answer holds. */
export interface PlannedRound extends PlannedRequest {
  readonly kind: RoundKind;
  readonly ca: number;
  readonly book: TagBook;
}

const NAMES = { interrogation: 'interrogation', counters: 'counter interrogation' } as const;

/** The round whose answer holds the tag; null for commands and for protection events, which are only sent. */
export function roundOf({ address: { family } }: Tag<Iec104Address>): RoundKind | null {
  if (family === 'M_IT') return 'counters';
  return family.startsWith('M_') && family !== 'M_EP' ? 'interrogation' : null;
}

/** At most two requests, however many tags: a station tells everything or nothing. */
export function planRounds(input: {
  readonly device: Iec104Device;
  readonly tags: readonly Tag<Iec104Address>[];
}): readonly PlannedRound[] {
  const { ca, timezone } = input.device;
  return (['interrogation', 'counters'] as const).flatMap((kind) => {
    const tags = input.tags.filter((tag) => roundOf(tag) === kind).sort((a, b) => a.index - b.index);
    if (tags.length === 0) return [];
    const text = `${NAMES[kind]} of station ${ca}`;
    const book = new TagBook(tags, timeZone(timezone));
    return [{ kind, ca, tags: tags.map(({ index }) => index), book, text }];
  });
}
