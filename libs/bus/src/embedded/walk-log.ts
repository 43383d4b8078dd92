import { TOPICS, type TopicName } from '@busbar/events';
import { LogStore } from './log-store.js';
import { decodeRecord, topicSeed } from './record-codec.js';

const AT_ONCE = 256;

function walkTopic(store: LogStore, [name, number]: readonly [string, number], progress: () => void): void {
  const seed = topicSeed(name);
  const row = store.topic(number);
  store.segments(number);
  store.groups(number);
  if (row === null) return;
  const isCompacted = TOPICS[name as TopicName]?.compacted ?? true;
  let present = 0;
  let expected = row.purged;
  for (let from = row.purged; ; ) {
    const offsets = store.offsets(number, [from, row.next], AT_ONCE);
    for (const offset of offsets) {
      const bytes = store.record(number, offset);
      const decoded = bytes ? decodeRecord(bytes, seed, offset) : null;
      if (decoded === null) throw new Error(`record ${offset} of ${name} is damaged`);
      if (!isCompacted && offset !== expected) throw new Error(`record ${expected} of ${name} is missing`);
      expected = decoded.gapEnd ?? offset + 1;
      present++;
    }
    progress();
    if (offsets.length < AT_ONCE) break;
    from = (offsets.at(-1) as number) + 1;
  }
  if (isCompacted ? present < row.live : expected !== row.next) throw new Error(`records of ${name} are missing`);
}

/**
 * Reads every record and every row of a log, and writes once. Throws at the first that is not as it was written;
 * a page of the file that is gone ends the process (SIGBUS), which is why this runs in one of its own.
 */
export async function walkLog(folder: string, mapSizeBytes: number, progress: () => void): Promise<void> {
  const store = LogStore.open(folder, mapSizeBytes);
  for (const topic of store.topicNames()) walkTopic(store, topic, progress);
  // The list of free pages is read by writing only.
  await store.commit((transaction) => {
    const probe = Buffer.alloc(64 * 1024);
    for (let offset = 0; offset < 16; offset++) transaction.put(0, offset, probe);
  });
  await store.commit((transaction) => {
    for (let offset = 0; offset < 16; offset++) transaction.remove(0, offset);
  });
  await store.close();
}
