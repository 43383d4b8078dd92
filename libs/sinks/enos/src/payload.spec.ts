import { bad, uncertain } from '@busbar/model';
import { JsonBytes, type SinkMessage, timeGroups } from '@busbar/sink-sdk';
import { batchOf, POINTS, START_MS, type TestSample } from '@busbar/sink-testkit';
import { describe, expect, it } from 'vitest';
import { halves, type Item, isOversize, MAX_REQUEST_BYTES, Packer, requestBody, sendable } from './payload.js';

const asset = { asset: 'inv-01', title: 'Inverter', model: 'inverter', identity: {} };
const device = { asset, productKey: 'pkInv', deviceKey: 'sd1', deviceSecret: 'secret:x' };

function messageOf(samples: readonly TestSample[], late = false): SinkMessage {
  const batch = batchOf('inv-01', samples);
  return { asset, batch, points: POINTS, late, selected: Array.from({ length: batch.count }, (_, i) => i) };
}

function itemsOf(samples: readonly TestSample[], late = false): Item[] {
  const source = messageOf(samples, late);
  return timeGroups(source).groups.map((group) => ({
    message: 0,
    source,
    device,
    timeMs: group.timeMs,
    indexes: sendable(source, group),
  }));
}

function paramsOf(samples: readonly TestSample[]): string {
  const text = requestBody('17', 'post', itemsOf(samples)).toString();
  return text.slice(text.indexOf('"params":') + 9, -1);
}

describe('a batch request', () => {
  it('is exactly the envelope that EnOS documents', () => {
    const samples = [
      { point: 1, value: 12.5 },
      { point: 2, value: 3 },
    ];
    expect(requestBody('17', 'post', itemsOf(samples)).toString()).toBe(
      '{"id":"17","version":"1.0","method":"thing.measurepoint.post.batch","allowOfflineSubDevice":false,' +
        '"skipInvalidMeasurepoints":false,"params":[{"productKey":"pkInv","deviceKey":"sd1",' +
        `"time":${START_MS},"measurepoints":{"t0":12.5,"t1":{"value":3,"quality":0}}}]}`,
    );
  });

  it('says 0, 1 and 2 for good, uncertain and bad', () => {
    const samples = [
      { point: 2, value: 1 },
      { point: 4, value: 2, quality: uncertain('stale') },
      { point: 6, value: 3, quality: bad('sensor') },
    ];
    expect(paramsOf(samples)).toContain(
      '"t1":{"value":1,"quality":0},"t3":{"value":2,"quality":1},"t5":{"value":3,"quality":2}',
    );
  });

  it('never sends a bad or stale value where its quality cannot be told', () => {
    const samples = [
      { point: 1, value: 1, quality: bad('sensor') },
      { point: 3, value: 3, quality: uncertain('out-of-range') },
      { point: 5, value: 5, quality: uncertain('stale') },
    ];
    expect(paramsOf(samples)).toContain('"measurepoints":{"t2":3}');
  });

  it('writes bools as bools and 64-bit integers with all their digits', () => {
    const samples = [
      { point: 9, value: 0 },
      { point: 10, value: 9007199254740993n },
      { point: 11, value: 'name' },
    ];
    expect(paramsOf(samples)).toContain('{"enabled":false,"energy":9007199254740993,"name":"name"}');
  });

  it('splits values of several times into items', () => {
    const samples = [
      { point: 1, value: 1 },
      { point: 1, value: 2, timeMs: START_MS + 5 },
    ];
    expect(JSON.parse(paramsOf(samples))).toEqual([
      { productKey: 'pkInv', deviceKey: 'sd1', time: START_MS, measurepoints: { t0: 1 } },
      { productKey: 'pkInv', deviceKey: 'sd1', time: START_MS + 5, measurepoints: { t0: 2 } },
    ]);
  });
});

describe('the packer', () => {
  function pack(items: readonly Item[], most: number): number[] {
    const packer = new Packer(most);
    const full = items.map((item) => packer.add(item)).filter((group) => group !== null);
    return [...full, packer.take()].map((group) => group.length);
  }

  it('gives groups of at most so many items', () => {
    const [item] = itemsOf([{ point: 1, value: 1 }]) as [Item];
    expect(
      pack(
        Array.from({ length: 7 }, () => item),
        3,
      ),
    ).toEqual([3, 3, 1]);
  });

  it('never mixes late values with present ones', () => {
    const [now] = itemsOf([{ point: 1, value: 1 }]) as [Item];
    const [late] = itemsOf([{ point: 1, value: 1 }], true) as [Item];
    expect(pack([now, late, late, now], 10)).toEqual([1, 2, 1]);
  });

  it('keeps every request below the limit of EnOS, whatever the texts are', () => {
    const long = itemsOf([{ point: 11, value: '\u0001逆'.repeat(10_000) }]);
    const items = Array.from({ length: 30 }, () => long[0] as Item);
    const packer = new Packer(1000);
    const groups = [...items.map((item) => packer.add(item)), packer.take()].filter((group) => group !== null);
    expect(groups.reduce((count, group) => count + group.length, 0)).toBe(30);
    for (const group of groups) expect(requestBody('1', 'post', group).length).toBeLessThan(512 * 1024);
  });

  it('halves an item without losing or moving a value', () => {
    const [item] = itemsOf(Array.from({ length: 8 }, (_, i) => ({ point: i + 1, value: i }))) as [Item];
    const [first, second] = halves(item);
    expect([...Array.from(first.indexes), ...Array.from(second.indexes)]).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(isOversize(first)).toBe(false);
    expect(MAX_REQUEST_BYTES).toBeLessThan(512 * 1024);
  });
});

describe('a number with its quality', () => {
  it('is never longer than the packer assumes', () => {
    const json = new JsonBytes();
    json.number(-1.7976931348623157e308);
    expect(json.length + '{"value":,"quality":2},'.length).toBeLessThanOrEqual(56);
  });
});
