import { describe, expect, it } from 'vitest';
import { compileRoutes } from './routes.js';
import { asset, batchOf, configuration, generation, model, point, read } from './testing/sample-site.js';

describe('routes', () => {
  it('lead from a device to every asset that it feeds', () => {
    const routes = compileRoutes(generation(3, { assets: [asset('a1', 'd1'), asset('a2', 'd1', 'd2')] }));
    expect(routes.generation).toBe(3);
    expect(routes.byDevice.get('d1')?.map((route) => route.asset)).toEqual(['a1', 'a2']);
    expect(routes.byDevice.get('d2')?.map((route) => route.asset)).toEqual(['a2']);
    expect(routes.models.get('a2')).toBe('meter');
  });

  it('know a device that feeds nothing, and no other', () => {
    const routes = compileRoutes(generation(1));
    expect(routes.byDevice.get('d2')).toEqual([]);
    expect(routes.byDevice.has('d3')).toBe(false);
  });

  it('share one mapping among assets alike', () => {
    const { byDevice } = compileRoutes(generation(1, { assets: [asset('a1', 'd1'), asset('a2', 'd2')] }));
    expect(byDevice.get('d1')?.[0]?.mapping).toBe(byDevice.get('d2')?.[0]?.mapping);
  });

  it('use the point numbers of the model of each asset', () => {
    const models = [...configuration().models, model('special', [point(7, 'P'), point(8, 'U')])];
    const assets = [asset('a1', 'd1'), { ...asset('a2', 'd2'), model: 'special' }];
    const { byDevice } = compileRoutes(generation(1, { models, assets }));
    const numbers = ['d1', 'd2'].map((device) => {
      const samples = batchOf('tags', { 1: 5 }, { key: device, generation: 1 });
      const points = byDevice.get(device)?.[0]?.mapping.toPoints(samples, { asset: 'a', generation: 1 });
      return [...(points?.handles ?? [])];
    });
    expect(numbers).toEqual([[1], [7]]);
  });

  it('name the asset whose template does not fit, and carry the others', () => {
    const wrong = { ...(configuration().templates[0] as object), id: 'wrong', map: [read('P', 'nothing')] };
    const templates = [...configuration().templates, wrong as never];
    const a1 = { ...asset('a1'), from: [{ template: 'wrong', connection: 'line', device: 'd1' }] };
    const { byDevice, failures } = compileRoutes(generation(1, { templates, assets: [a1, asset('a2', 'd1')] }));
    expect(failures).toMatchObject([{ asset: 'a1', error: { code: 'MAPPING_INCONSISTENT' } }]);
    expect(byDevice.get('d1')?.map((route) => route.asset)).toEqual(['a2']);
  });

  it('name the asset whose device is not there', () => {
    const { failures } = compileRoutes(generation(1, { assets: [asset('a1', 'd9')] }));
    expect(failures.map((failure) => failure.asset)).toEqual(['a1']);
    expect(String(failures[0]?.error)).toContain('d9');
  });
});
