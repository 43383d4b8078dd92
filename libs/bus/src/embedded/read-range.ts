import type { InRecord } from '../port.js';
import type { LogStore } from './log-store.js';
import { keyHash } from './segments.js';
import type { TopicLog } from './topic-log.js';

/** Work done between two turns of the event loop. */
const BYTES_AT_ONCE = 2 * 1024 * 1024;

export interface RangeQuery {
  /** Null: every key. */
  readonly key: string | null;
  readonly fromMs: number;
  readonly toMs: number;
  readonly limit: number;
}

interface KeyedRun {
  readonly first: number;
  readonly hashes: ArrayLike<number>;
}

function* runsNewestFirst(topic: TopicLog, store: LogStore, { fromMs, toMs }: RangeQuery): Generator<KeyedRun> {
  const { segments } = topic;
  if (segments.openHashes.length > 0 && segments.openMaxMs >= fromMs && segments.openMinMs <= toMs) {
    yield { first: segments.openFirst, hashes: [...segments.openHashes] };
  }
  for (const segment of [...segments.sealed].reverse()) {
    if (segment.maxMs < fromMs || segment.minMs > toMs) continue;
    const row = topic.unwrittenSegment(segment.first) ?? store.segment(topic.number, segment.first);
    if (row) yield { first: row.first, hashes: row.keyHashes };
  }
}

function readKeys(topic: TopicLog, key: string | null): (InRecord | null)[] {
  const places = key === null ? [...topic.keys.values()] : [topic.keys.get(key)];
  const offsets = places.flatMap((place) => (place ? [place.offset] : [])).sort((a, b) => a - b);
  return offsets.map((offset) => topic.at(offset));
}

/** Records of a key by append time, oldest first; the newest of them where the limit cuts. */
export async function readRange(topic: TopicLog, store: LogStore, query: RangeQuery): Promise<InRecord[]> {
  const { key, fromMs, toMs, limit } = query;
  const isWanted = (record: InRecord | null): record is InRecord =>
    record !== null &&
    (key === null || record.key === key) &&
    record.timestampMs >= fromMs &&
    record.timestampMs <= toMs;
  if (topic.spec.compacted) {
    return readKeys(topic, key).filter(isWanted).slice(-limit);
  }
  const found: InRecord[] = [];
  const hash = key === null ? null : keyHash(key);
  let bytes = 0;
  for (const { first, hashes } of runsNewestFirst(topic, store, query)) {
    for (let i = hashes.length - 1; i >= 0 && found.length < limit; i--) {
      if ((hash !== null && hashes[i] !== hash) || first + i < topic.first) continue;
      const record = topic.at(first + i);
      bytes += record?.value?.byteLength ?? 0;
      if (isWanted(record)) found.push(record);
      if (bytes < BYTES_AT_ONCE) continue;
      bytes = 0;
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (found.length >= limit) break;
  }
  return found.reverse();
}
