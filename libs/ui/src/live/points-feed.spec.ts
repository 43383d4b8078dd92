import type { LiveFrame, PointRow } from '@busbar/api-schema';
import { bad, uncertain } from '@busbar/model';
import { describe, expect, it } from 'vitest';
import { PointsFeed } from './points-feed.js';

const row = (path: string): PointRow => ({
  path,
  asset: path.split('/')[0] ?? '',
  assetTitle: '',
  model: 'inverter',
  point: { number: 1, id: path.split('/')[1] ?? '', title: '', type: 'float', kind: 'AI', access: 'r', quality: true },
  control: null,
});
const frame = (
  ...cells: readonly { row: number; value: number; quality?: number; time?: number; text?: string }[]
): LiveFrame => ({
  subscription: 1,
  seq: 1,
  rows: cells.map((cell) => cell.row),
  values: cells.map((cell) => cell.value),
  times: cells.map((cell) => cell.time ?? 1000),
  quality: cells.map((cell) => cell.quality ?? 0),
  texts: new Map(cells.flatMap((cell, index) => (cell.text === undefined ? [] : [[index, cell.text] as const]))),
});

function opened(paths: readonly string[], from = 0): PointsFeed {
  const feed = new PointsFeed();
  feed.message({ t: 'opened', id: 1, total: 100, from, rows: paths.map(row) });
  return feed;
}

describe('PointsFeed', () => {
  it('puts a value to the row of the window it was sent for', () => {
    const feed = opened(['a/x', 'a/y'], 40);
    feed.frame(frame({ row: 1, value: 7 }, { row: 0, value: Number.NaN, text: '9007199254740993' }));
    expect(feed.cell(41)?.value).toBe(7);
    expect(feed.cell(40)?.value).toBe('9007199254740993');
    expect(feed.cell(0)).toBeUndefined();
  });

  it('keeps a value with its point when the window moves, and drops what nobody renews any more', () => {
    const feed = opened(['a/x', 'a/y']);
    feed.frame(frame({ row: 0, value: 1 }, { row: 1, value: 2 }));
    feed.message({ t: 'rows', id: 1, from: 1, rows: [row('a/y'), row('a/z')] });
    expect(feed.cell(1)?.value).toBe(2);
    expect(feed.row(0)?.path).toBe('a/x');
    expect(feed.cell(0)).toBeUndefined();
    feed.frame(frame({ row: 0, value: 3 }));
    expect(feed.cell(1)?.value).toBe(3);
  });

  it('remembers the last good value through uncertain to bad, and forgets it when good again', () => {
    const feed = opened(['a/x']);
    feed.frame(frame({ row: 0, value: 50, time: 100 }));
    feed.frame(frame({ row: 0, value: 50, time: 100, quality: uncertain('stale') }));
    feed.frame(frame({ row: 0, value: Number.NaN, time: 900, quality: bad('not-connected') }));
    expect(feed.cell(0)).toMatchObject({ value: null, lastGood: { value: 50, sourceTime: 100 } });
    feed.frame(frame({ row: 0, value: 51 }));
    expect(feed.cell(0)?.lastGood).toBeNull();
  });

  it('takes the last good value that the server knows', () => {
    const feed = opened(['a/x']);
    feed.message({ t: 'lastGood', id: 1, items: [{ row: 0, value: 5, sourceTime: 3 }] });
    feed.frame(frame({ row: 0, value: Number.NaN, quality: bad('device') }));
    expect(feed.cell(0)?.lastGood).toEqual({ value: 5, sourceTime: 3 });
  });

  it('marks all values as held when the link is lost, until newer ones come', () => {
    const feed = opened(['a/x', 'a/y']);
    feed.frame(frame({ row: 0, value: 1 }, { row: 1, value: 2 }));
    feed.lost();
    feed.message({ t: 'opened', id: 2, total: 100, from: 0, rows: [row('a/x'), row('a/y')] });
    feed.frame(frame({ row: 0, value: 4 }));
    expect(feed.cell(0)).toMatchObject({ value: 4, held: false });
    expect(feed.cell(1)).toMatchObject({ value: 2, held: true });
  });

  it('stands still while paused, counts what it missed, and then shows the newest', () => {
    const feed = opened(['a/x', 'a/y']);
    feed.frame(frame({ row: 0, value: 1 }));
    feed.pause(true);
    feed.frame(frame({ row: 0, value: 2 }));
    feed.frame(frame({ row: 0, value: 3 }, { row: 1, value: 8 }));
    expect([feed.cell(0)?.value, feed.cell(1)?.value, feed.missed]).toEqual([1, 8, 2]);
    feed.pause(false);
    expect([feed.cell(0)?.value, feed.missed]).toEqual([3, 0]);
  });

  it('tells which indexes changed, and null when rows did', () => {
    const feed = opened(['a/x', 'a/y'], 10);
    const heard: unknown[] = [];
    feed.onChange((indexes) => heard.push(indexes));
    feed.frame(frame({ row: 1, value: 1 }));
    feed.message({ t: 'rows', id: 1, from: 10, total: 99, rows: [row('a/x')] });
    expect(heard).toEqual([[11], null]);
    expect(feed.total).toBe(99);
  });
});
