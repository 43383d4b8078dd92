import { describe, expect, it } from 'vitest';
import { generation, sinkConfig } from './testing/sink-bench.js';
import { compileTargets } from './upload-targets.js';

describe('upload targets', () => {
  it('hold the points of the model by number', () => {
    const { byAsset, points } = compileTargets(generation(2), sinkConfig(), null);
    expect(byAsset.get('a1')?.points.map((point) => point?.id)).toEqual([undefined, 'P1', 'P2', 'P3']);
    expect(points.get('meter')).toBe(byAsset.get('a1')?.points);
  });

  it('keep what was sent of an asset whose rules stay', () => {
    const before = compileTargets(generation(1), sinkConfig(), null);
    const after = compileTargets(generation(2), sinkConfig({ with: { url: 'other' } }), before);
    expect(after.generation).toBe(2);
    expect(after.byAsset.get('a1')?.policy).toBe(before.byAsset.get('a1')?.policy);
  });

  it('begin anew with an asset whose rules change', () => {
    const before = compileTargets(generation(1), sinkConfig(), null);
    const [profile] = sinkConfig().profiles;
    const profiles = [{ model: 'meter', points: profile?.points.slice(1) ?? [] }];
    const after = compileTargets(generation(2), sinkConfig({ profiles }), before);
    expect(after.byAsset.get('a1')?.policy).not.toBe(before.byAsset.get('a1')?.policy);
  });

  it('leave out an asset that the sink has no more', () => {
    const before = compileTargets(generation(1), sinkConfig(), null);
    expect(compileTargets(generation(2), sinkConfig({ assets: [] }), before).byAsset.size).toBe(0);
  });
});
