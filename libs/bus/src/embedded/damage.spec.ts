import {
  appendFile,
  mkdtemp,
  open as openFile,
  readdir,
  readFile,
  rm,
  stat,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeJson } from '@busbar/events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Bus, InRecord } from '../port.js';
import { LogStore } from './log-store.js';
import { openTestBus } from './test-bus.js';

const TAGS = 'tags.sampled.v1';
const TABLE = 'connections.configured.v1';
const LETTERS = 'deadletters.recorded.v1';
const PAGE = 4096;
const COUNT = 400;

/** Every octet of a record tells which one it is, so that a wrong one is seen. */
function octetsOf(i: number): Buffer {
  const value = Buffer.alloc(6000);
  for (let at = 0; at < value.length; at += 4) value.writeUInt32LE(i * 7919 + at, at);
  return value;
}

function isRight(record: InRecord): boolean {
  return octetsOf(Number(record.key)).equals(Buffer.from(record.value ?? []));
}

/** The same numbers at every run. */
function* random(seed: number): Generator<number> {
  for (let state = seed; ; ) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    yield state;
  }
}

describe('a damaged log', () => {
  let folder: string;
  let bus: Bus;
  const data = () => join(folder, 'log', 'data.mdb');

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'busbar-damage-'));
    bus = await openTestBus({ folder });
    for (let i = 0; i < COUNT; i++) void bus.publish([{ topic: TAGS, key: String(i), value: octetsOf(i) }]);
    await bus.publish([{ topic: TABLE, key: 'a', value: Buffer.from('1') }]);
    await bus.close();
  });

  afterEach(async () => {
    await bus.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function readAll(): Promise<InRecord[]> {
    const got: InRecord[] = [];
    const consumption = bus.consume(TAGS, `reader-${Date.now()}`, async ({ records }) => void got.push(...records));
    await vi.waitFor(() => expect(consumption.lag().records).toBe(0), 10_000);
    await consumption.stop();
    return got;
  }

  async function letters(): Promise<ReturnType<typeof decodeJson<typeof LETTERS>>[]> {
    const times = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER };
    const records = await bus.range(LETTERS, null, times);
    return records.map(({ value }) => decodeJson(LETTERS, value ?? new Uint8Array(0)));
  }

  async function works(): Promise<void> {
    const before = await readAll();
    await bus.publish([{ topic: TAGS, key: '7', value: octetsOf(7) }]);
    const after = await readAll();
    expect(after.length).toBe(before.length + 1);
    expect(after.every(isRight)).toBe(true);
  }

  /** Changes rows of the log behind the back of the bus, as a disk does. */
  async function change(edit: (store: LogStore, tags: number) => Promise<void>): Promise<void> {
    const store = LogStore.open(join(folder, 'log'), 1024 ** 3);
    await edit(store, store.topicNames().get(TAGS) as number);
    await store.close();
    await writeFile(join(folder, 'clean'), String((await stat(data())).size));
  }

  it('without damage gives back every record as it was', async () => {
    bus = await openTestBus({ folder });
    const got = await readAll();
    expect(got.map(({ key }) => key)).toEqual(Array.from({ length: COUNT }, (_, i) => String(i)));
    expect(got.every(isRight)).toBe(true);
    expect(bus.health().diagnosis).toBeNull();
  });

  it('delivers no record whose octets changed, names the range, and goes on behind it', async () => {
    await change(async (store, tags) => {
      const wrong = (offset: number) => {
        const bytes = Buffer.from(store.record(tags, offset) as Buffer);
        bytes[3000] = (bytes[3000] as number) ^ 1;
        return bytes;
      };
      const changed = [10, 11, 12, 200].map((offset) => [offset, wrong(offset)] as const);
      await store.commit((transaction) => {
        for (const [offset, bytes] of changed) transaction.put(tags, offset, bytes);
      });
    });
    bus = await openTestBus({ folder });
    const got = await readAll();
    expect(got.length).toBe(COUNT - 4);
    expect(got.every(isRight)).toBe(true);
    await vi.waitFor(async () => {
      const named = (await letters()).map(({ diagnosis }) => diagnosis);
      expect(named).toEqual([
        { code: 'LOG_RECORD_DAMAGED', params: { topic: TAGS, from: 10, to: 12 } },
        { code: 'LOG_RECORD_DAMAGED', params: { topic: TAGS, from: 200, to: 200 } },
      ]);
    });
    expect(bus.health()).toMatchObject({ state: 'up', diagnosis: { code: 'LOG_RECORD_DAMAGED' } });
    await works();
  });

  it('names a hole in the offsets and a record that lies at the offset of another', async () => {
    await change(async (store, tags) => {
      const foreign = store.record(tags, 50) as Buffer;
      await store.commit((transaction) => {
        transaction.remove(tags, 20);
        transaction.remove(tags, 21);
        transaction.put(tags, 51, foreign);
      });
    });
    bus = await openTestBus({ folder });
    const got = await readAll();
    expect(got.length).toBe(COUNT - 3);
    expect(got.every(isRight)).toBe(true);
    await vi.waitFor(async () => {
      const ranges = (await letters()).map(({ diagnosis }) => [diagnosis.params.from, diagnosis.params.to]);
      expect(ranges).toEqual([
        [20, 21],
        [51, 51],
      ]);
    });
  });

  it('names what a compacted topic lost', async () => {
    await change(async (store) => {
      const table = store.topicNames().get(TABLE) as number;
      await store.commit((transaction) => transaction.remove(table, 0));
    });
    bus = await openTestBus({ folder });
    await vi.waitFor(async () => {
      const [letter] = await letters();
      expect(letter?.diagnosis).toMatchObject({ code: 'LOG_RECORD_DAMAGED', params: { topic: TABLE } });
    });
  });

  it('after an unclean stop that damaged nothing is used as it is', async () => {
    await rm(join(folder, 'clean'));
    bus = await openTestBus({ folder });
    expect((await readAll()).length).toBe(COUNT);
    expect(bus.health().diagnosis).toBeNull();
    await works();
  });

  for (const [share, clean] of [
    [0.3, false],
    [0.7, false],
    [0.98, false],
    [0.5, true],
  ] as const) {
    it(`whose file was shortened to ${share * 100} % ${clean ? 'with' : 'without'} a clean mark is set aside, named, and a new one works`, async () => {
      if (!clean) await rm(join(folder, 'clean'));
      await truncate(data(), Math.floor(((await stat(data())).size * share) / PAGE) * PAGE);
      bus = await openTestBus({ folder });
      const diagnosis = bus.health().diagnosis;
      expect(diagnosis?.code).toBe('LOG_DAMAGED');
      const { path, from, to } = (diagnosis?.params ?? {}) as { path: string; from: string; to: string };
      expect(await readdir(folder)).toContain(path.split('/').at(-1));
      expect(Date.parse(from)).toBeLessThanOrEqual(Date.parse(to));
      expect((await letters()).map((letter) => letter.diagnosis.code)).toEqual(['LOG_DAMAGED']);
      await works();
    });
  }

  for (let seed = 1; seed <= 5; seed++) {
    it(`with 100 random pages overwritten (seed ${seed}) delivers nothing wrong, names the loss and works`, async () => {
      await rm(join(folder, 'clean'));
      const pages = Math.floor((await stat(data())).size / PAGE);
      const numbers = random(seed);
      const next = () => numbers.next().value as number;
      const file = await openFile(data(), 'r+');
      for (let i = 0; i < 100; i++) {
        const junk = Buffer.from(Uint8Array.from({ length: PAGE }, () => next() >>> 24));
        await file.write(junk, 0, PAGE, (next() % pages) * PAGE);
      }
      await file.close();
      bus = await openTestBus({ folder });
      const got = await readAll();
      expect(got.every(isRight)).toBe(true);
      expect(got.length === COUNT || bus.health().diagnosis !== null).toBe(true);
      expect((await letters()).length).toBeGreaterThanOrEqual(1);
      await works();
      await bus.close();
      bus = await openTestBus({ folder });
      await works();
    });
  }

  it('that is no log at all is set aside', async () => {
    await writeFile(data(), 'nothing of ours');
    await appendFile(data(), Buffer.alloc(100_000, 7));
    bus = await openTestBus({ folder });
    expect(bus.health().diagnosis?.code).toBe('LOG_DAMAGED');
    await works();
  });

  it('keeps the newest damaged log only', async () => {
    for (let i = 0; i < 2; i++) {
      await writeFile(data(), `nothing of ours ${i}`);
      bus = await openTestBus({ folder });
      await bus.close();
    }
    const kept = (await readdir(folder)).filter((entry) => entry.startsWith('log.damaged-'));
    expect(kept.length).toBe(1);
    expect(await readFile(join(folder, kept[0] as string, 'data.mdb'), 'utf8')).toBe('nothing of ours 1');
    bus = await openTestBus({ folder });
  });
});
