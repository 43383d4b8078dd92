import { describe, expect, it } from 'vitest';
import { PointDirectory } from './point-directory.js';
import { sampleSite } from './test-site.js';

const directory = new PointDirectory(1, sampleSite());
const paths = (rows: Int32Array | null) => [...(rows ?? [])].map((row) => directory.rowAt(row).path);

describe('point directory', () => {
  it('has a row for each point of each asset', () => {
    expect(directory.size).toBe(9);
    expect(directory.rowAt(4)).toMatchObject({
      path: 'inv-02/ActivePower',
      assetTitle: 'Inverter 2',
      model: 'inverter',
    });
    expect(directory.rowOf('mtr', 'Energy')).toBe(8);
  });

  it('knows no row of an asset or point that is not there', () => {
    expect(directory.rowOf('mtr', 'ActivePower')).toBe(-1);
    expect(directory.rowOf('inv-09', 'ActivePower')).toBe(-1);
  });

  it('finds by path, title of the asset and title of the point, whatever the case', () => {
    expect(paths(directory.find({ text: 'INV-01/p' }))).toEqual(['inv-01/PowerLimit']);
    expect(paths(directory.find({ text: 'grid' }))).toEqual(['mtr/Energy']);
    expect(directory.find({ text: 'title of running' })).toHaveLength(2);
    expect(directory.find({ text: 'title of', asset: 'inv-02' })).toHaveLength(4);
  });

  it('takes no query as all rows, and an unknown asset as none', () => {
    expect(directory.find({})).toBeNull();
    expect(directory.find({ text: '  ' })).toBeNull();
    expect(directory.find({ asset: 'inv-09' })).toHaveLength(0);
  });

  it('gives named paths in their order, without those that do not exist', () => {
    expect(paths(directory.find({ paths: ['mtr/Energy', 'no/where', 'nowhere', 'inv-01/Serial'] }))).toEqual([
      'mtr/Energy',
      'inv-01/Serial',
    ]);
  });

  it('offers control only where a policy and a mapping back to a tag allow it', () => {
    expect(directory.rowAt(directory.rowOf('inv-01', 'PowerLimit')).control).toMatchObject({
      policy: 'curtailment',
      range: [10, 100],
      feedback: false,
    });
    expect(directory.rowAt(directory.rowOf('inv-02', 'PowerLimit')).control).toBeNull();
    expect(directory.rowAt(directory.rowOf('inv-01', 'ActivePower')).control).toBeNull();
  });

  it('lets the policy `default` govern the points that no other names', () => {
    const site = sampleSite();
    const [policy] = site.policies;
    const policies = [...site.policies, { ...(policy as (typeof site.policies)[number]), id: 'default', points: [] }];
    const other = new PointDirectory(1, { ...site, policies });
    expect(other.rowAt(other.rowOf('inv-02', 'PowerLimit')).control?.policy).toBe('default');
  });

  it('remembers since when an asset has its model', () => {
    const site = sampleSite();
    const assets = site.assets.map((asset) => (asset.id === 'inv-01' ? { ...asset, model: 'meter' } : asset));
    const since = directory.sinceFor(5, { ...site, assets });
    expect(since.get('inv-01')).toBe(5);
    expect(since.get('inv-02')).toBe(0);
    const next = new PointDirectory(5, { ...site, assets }, since);
    expect(next.rowsOf('inv-01', 4)).toBeUndefined();
    expect(next.rowsOf('inv-01', 5)).toBeDefined();
    expect(next.rowsOf('inv-02', 4)).toBeDefined();
  });
});
