import { bad, uncertain } from '@busbar/model';
import { describe, expect, it } from 'vitest';
import { LiveValues } from './live-values.js';
import { PointDirectory } from './point-directory.js';
import { batchOf, sampleSite } from './test-site.js';

function fresh(): LiveValues {
  return new LiveValues(new PointDirectory(1, sampleSite()));
}

describe('live values', () => {
  it('says of a point without a value that it was never read', () => {
    expect(fresh().valueAt(0)).toEqual({
      value: null,
      quality: 'bad never-read',
      sourceTime: null,
      collectedTime: null,
      lastGood: null,
    });
  });

  it('keeps value, quality and both times of the last batch', () => {
    const values = fresh();
    values.apply(batchOf('inv-01', [[1, 50.5, uncertain('stale'), 999_000]]));
    expect(values.valueAt(0)).toEqual({
      value: 50.5,
      quality: 'uncertain stale',
      sourceTime: 999_000,
      collectedTime: 1_000_005,
    });
  });

  it('finds points by their number, not by their place', () => {
    const values = fresh();
    values.apply(
      batchOf('inv-01', [
        [7, 60],
        [3, 1],
        [9, 'SN 1'],
        [8, 5],
        [4_000_000, 5],
      ]),
    );
    expect([0, 1, 2, 3].map((row) => values.valueAt(row).value)).toEqual([null, 60, true, 'SN 1']);
  });

  it('gives 64-bit integers and structs as text, exactly', () => {
    const values = fresh();
    values.apply(batchOf('inv-01', [[9, 9_007_199_254_740_993n]]));
    expect(values.valueAt(3).value).toBe('9007199254740993');
    values.apply(batchOf('inv-01', [[9, [1, 'a']]]));
    expect(values.valueAt(3).value).toBe('[1,"a"]');
  });

  it('shows no value of bad quality, and the last good one beside it', () => {
    const values = fresh();
    values.apply(
      batchOf(
        'inv-01',
        [
          [1, 50],
          [9, 'SN 1'],
        ],
        1,
        1_000,
      ),
    );
    values.apply(
      batchOf(
        'inv-01',
        [
          [1, 77, bad('sensor')],
          [9, 'wrong', bad('device')],
        ],
        1,
        2_000,
      ),
    );
    expect(values.valueAt(0)).toMatchObject({ value: null, quality: 'bad sensor', sourceTime: 2_000 });
    expect(values.valueAt(0).lastGood).toEqual({ value: 50, sourceTime: 1_000 });
    expect(values.valueAt(3)).toMatchObject({ value: null, lastGood: { value: 'SN 1', sourceTime: 1_000 } });
  });

  it('replaces a text by a number', () => {
    const values = fresh();
    values.apply(batchOf('inv-01', [[9, 'SN 1']]));
    values.apply(batchOf('inv-01', [[9, 4]]));
    expect(values.valueAt(3).value).toBe(4);
    expect(values.lastGoodAt(3)?.value).toBe(4);
  });

  it('takes from an image only what has no value yet', () => {
    const values = fresh();
    values.apply(batchOf('inv-01', [[1, 50]]));
    values.applyImage(
      batchOf('inv-01', [
        [1, 40],
        [7, 60],
      ]),
    );
    expect([values.valueAt(0).value, values.valueAt(1).value]).toEqual([50, 60]);
  });

  it('keeps values over a new generation by asset and point', () => {
    const values = fresh();
    values.apply(batchOf('mtr', [[1, 12]]));
    values.apply(batchOf('inv-01', [[9, 'SN 1']]));
    const next = new LiveValues(new PointDirectory(2, sampleSite(5)), values);
    const row = next.directory.rowOf('mtr', 'Energy');
    expect(next.valueAt(row)).toEqual(values.valueAt(values.directory.rowOf('mtr', 'Energy')));
    expect(next.valueAt(3).value).toBe('SN 1');
    expect(next.valueAt(next.directory.rowOf('inv-05', 'Serial')).quality).toBe('bad never-read');
  });

  it('never takes a number of an older model for a point of the new one', () => {
    const site = sampleSite();
    const assets = site.assets.map((asset) => (asset.id === 'inv-01' ? { ...asset, model: 'meter' } : asset));
    const before = fresh();
    const since = before.directory.sinceFor(2, { ...site, assets });
    const values = new LiveValues(new PointDirectory(2, { ...site, assets }, since), before);
    values.apply(batchOf('inv-01', [[1, 50]], 1));
    values.applyImage(batchOf('inv-01', [[1, 50]], 1));
    const row = values.directory.rowOf('inv-01', 'Energy');
    expect(values.valueAt(row).value).toBeNull();
    values.apply(batchOf('inv-01', [[1, 51]], 2));
    expect(values.valueAt(row).value).toBe(51);
  });

  it('leaves out what is of no asset here', () => {
    const values = fresh();
    values.apply(batchOf('stranger', [[1, 50]]));
    expect(values.stampAt(0)).toBe(0);
  });
});
