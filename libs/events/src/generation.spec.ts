import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson, digestOf } from './canonical-json.js';
import type { Configuration } from './configuration.js';
import { generationCounts, generationDigest, generationEntities } from './generation.js';

const configuration: Configuration = {
  site: { kind: 'site', id: 'demo', title: 'Demo', timezone: 'Asia/Shanghai' },
  tables: [
    { digest: 'bb', id: 'meter', driver: 'modbus', base: 0, tags: [] },
    { digest: 'aa', id: 'meter', driver: 'modbus', base: 1, tags: [] },
  ],
  connections: [
    { kind: 'access', id: 'line', title: 'line', driver: 'modbus', readOnly: true, with: { host: 'h' }, devices: [] },
  ],
  models: [],
  templates: [],
  assets: [],
  policies: [],
};

describe('canonicalJson', () => {
  it('gives the example of RFC 8785 §3.2.3 in its order', () => {
    const value = {
      '\u20ac': 'Euro Sign',
      '\r': 'Carriage Return',
      '\ufb33': 'Hebrew Letter Dalet With Dagesh',
      '1': 'One',
      '\u{1f600}': 'Emoji: Grinning Face',
      '\u0080': 'Control',
      '\u00f6': 'Latin Small Letter O With Diaeresis',
    };
    const order = Object.values(JSON.parse(canonicalJson(value)) as Record<string, string>);
    expect(canonicalJson(value).indexOf('Carriage')).toBeLessThan(canonicalJson(value).indexOf('"One"'));
    expect(order.at(-1)).toBe('Hebrew Letter Dalet With Dagesh');
  });

  it('writes numbers as RFC 8785 §3.2.2.3 does', () => {
    expect(canonicalJson([333333333.3333333, 1e30, 4.5, 2e-3, 1e-27, -0])).toBe(
      '[333333333.3333333,1e+30,4.5,0.002,1e-27,0]',
    );
  });

  it('refuses what JSON cannot say', () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, '\ud800', 1n, () => 1]) {
      expect(() => canonicalJson({ value })).toThrow(TypeError);
    }
  });

  it('does not change by a trip through JSON, nor by the order of keys', () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: 'grapheme' }), (value) => {
        expect(canonicalJson(JSON.parse(JSON.stringify(value)))).toBe(canonicalJson(value));
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
    expect(digestOf({ a: 1, b: [undefined, 2], c: undefined })).toBe(digestOf({ b: [null, 2], a: 1 }));
  });
});

describe('a generation', () => {
  it('has one record per entity with the key of its topic', () => {
    expect(generationEntities(configuration).map(({ topic, key }) => `${topic} ${key}`)).toEqual([
      'tables.configured.v1 bb',
      'tables.configured.v1 aa',
      'connections.configured.v1 line',
      'configuration.published.v1 site/demo',
    ]);
  });

  it('is counted alike by the writer and by a reader who got the records in another order', () => {
    const entities = generationEntities(configuration);
    const received = [...entities].reverse();
    expect(generationCounts(received)).toEqual(generationCounts(entities));
    expect(generationCounts(entities)['tables.configured/table']?.count).toBe(2);
    expect(generationCounts(entities)['configuration.published/model']?.count).toBe(0);
    expect(generationDigest(received, 'lock')).toBe(generationDigest(entities, 'lock'));
  });

  it('counts differ when one value differs', () => {
    const other = { ...configuration, site: { ...configuration.site, title: 'Other' } };
    const [a, b] = [configuration, other].map((each) => generationCounts(generationEntities(each)));
    expect(a?.['configuration.published/site']).not.toEqual(b?.['configuration.published/site']);
    expect(a?.['tables.configured/table']).toEqual(b?.['tables.configured/table']);
    expect(generationDigest(generationEntities(other), '')).not.toBe(
      generationDigest(generationEntities(configuration), ''),
    );
  });
});
