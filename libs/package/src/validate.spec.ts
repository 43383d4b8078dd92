import { generationCounts, generationEntities, type TemplateConfig } from '@busbar/events';
import { describe, expect, it } from 'vitest';
import { formatFinding } from './format-finding.js';
import { formatLock, parseLock } from './lock.js';
import type { LockLine, ValidPackage } from './result.js';
import { FAKE_PLUGINS } from './testing/fake-plugins.js';
import { largePackage } from './testing/large-package.js';
import { textFiles } from './testing/read-folder.js';
import { validatePackage } from './validate.js';

const HEAD = 'apiVersion: busbar/v1\nsite: { id: demo, timezone: UTC }\n';

function validated(files: Readonly<Record<string, string>>, previousLock?: readonly LockLine[]): ValidPackage {
  const all = textFiles({ 'busbar.yaml': HEAD, ...files });
  const { valid, findings } = validatePackage(all, {
    plugins: FAKE_PLUGINS,
    ...(previousLock ? { previousLock } : {}),
  });
  if (!valid) throw new Error(findings.map(formatFinding).join('\n'));
  return valid;
}

const TABLE =
  'id,address,type,unit,access,upload,deadband\np,holding:1,int32,W,r,CHANGE,500\nq,holding:3,int32,W,rw,,\n';
const CONNECTION = `connections:
  c:
    driver: modbus
    readOnly: false
    devices:
      d-$nn: { each: 1..3, table: t, with: { unitId: $n } }
`;
const MODEL = `models:
  m:
    points:
      P: { type: double, unit: kW }
      Q: { type: double, unit: MW, access: rw, upload: TIMER 5m, deadband: 2 }
`;
const TEMPLATE = `accessTemplates:
  a: { model: m, table: t, map: { P: p, Q: { read: q, write: q } } }
`;
const ASSET = 'assets:\n  a-$nn: { each: 1..3, from: { a: d-$nn } }\n';
const SITE = { 'points/t.csv': TABLE, 'c.yaml': CONNECTION, 'm.yaml': MODEL, 't.yaml': TEMPLATE, 'a.yaml': ASSET };

function template(valid: ValidPackage): TemplateConfig {
  const [first] = valid.configuration.templates;
  if (!first) throw new Error('no template');
  return first;
}

describe('resolving', () => {
  it('gives equal devices one table and one access template', () => {
    const { configuration } = validated(SITE);
    expect(configuration.tables).toHaveLength(1);
    expect(configuration.templates).toHaveLength(1);
    const [line] = configuration.connections;
    expect(line?.kind === 'access' && line.devices.map(({ id, table }) => [id, table])).toEqual(
      ['d-01', 'd-02', 'd-03'].map((id) => [id, configuration.tables[0]?.digest]),
    );
  });

  it('converts between known units of one dimension', () => {
    const map = template(validated(SITE)).map;
    expect(map.map(({ point, factor, shift }) => [point, factor, shift])).toEqual([
      ['P', 0.001, 0],
      ['Q', 0.000001, 0],
    ]);
  });

  it('gives a variant whose tags have other units an access template of its own', () => {
    const { configuration } = validated({
      ...SITE,
      'p.yaml': 'protocols:\n  p: { driver: modbus, table: t, variants: { old: { p: { unit: kW } } } }\n',
      'c.yaml': `${CONNECTION.replace('table: t', 'protocol: p')}      d-02: { variant: old }\n`,
    });
    expect(configuration.templates.map(({ id, map }) => [id, map[0]?.factor])).toEqual([
      ['a', 0.001],
      ['a@old', 1],
    ]);
    expect(configuration.assets.map(({ from }) => from[0]?.template)).toEqual(['a', 'a@old', 'a']);
    expect(configuration.tables).toHaveLength(2);
  });

  it('merges defaults of the protocol under those of the device', () => {
    const { configuration } = validated({
      ...SITE,
      'points/t.csv': 'id,address,access,group\np,holding:1,,fast\nq,holding:3,rw,\n',
      'p.yaml':
        'protocols:\n  p: { driver: modbus, table: t, base: 1, order: CDAB, groups: { fast: 1s }, quirks: { maxBlock: 10, maxGap: 1 } }\n',
      'c.yaml': `${CONNECTION.replace('table: t', 'protocol: p')}      d-02: { groups: { fast: 200ms }, quirks: { maxGap: 2 } }\n`,
    });
    const [line] = configuration.connections;
    const devices = line?.kind === 'access' ? line.devices : [];
    expect(devices.map(({ groups, quirks }) => ({ groups, quirks }))).toEqual([
      { groups: { fast: 1000, '5s': 5000 }, quirks: { maxBlock: 10, maxGap: 1 } },
      { groups: { fast: 200, '5s': 5000 }, quirks: { maxBlock: 10, maxGap: 2 } },
      { groups: { fast: 1000, '5s': 5000 }, quirks: { maxBlock: 10, maxGap: 1 } },
    ]);
    expect(configuration.tables[0]?.base).toBe(1);
    expect(configuration.tables[0]?.tags.map(({ order }) => order)).toEqual(['CDAB', 'CDAB']);
  });

  it('makes a device without an asset an asset whose points have the numbers of its tags', () => {
    const { configuration, lock } = validated({
      'points/t.csv': TABLE,
      'c.yaml': CONNECTION,
      's.yaml': 'sinks: { q: { sink: mqtt } }',
    });
    expect(configuration.assets.map(({ id, model }) => [id, model])).toEqual([
      ['d-01', '@t'],
      ['d-02', '@t'],
      ['d-03', '@t'],
    ]);
    expect(configuration.models[0]?.points.map(({ number, id, type, access }) => [number, id, type, access])).toEqual([
      [1, 'p', 'int', 'r'],
      [2, 'q', 'int', 'rw'],
    ]);
    expect(lock.every(({ kind }) => kind === 'tag')).toBe(true);
    const sink = configuration.connections.find(({ kind }) => kind === 'sink');
    expect(sink?.kind === 'sink' && sink.profiles).toEqual([
      {
        model: '@t',
        points: [
          { number: 1, rule: { type: 'CHANGE', intervalMs: 0, deadband: 500 } },
          { number: 2, rule: { type: 'REALTIME', intervalMs: 0, deadband: 0 } },
        ],
      },
    ]);
  });

  it('lets sink, access template, model and point table decide in this order how a point is sent', () => {
    const rules = (files: Readonly<Record<string, string>>): unknown => {
      const { configuration } = validated({ ...SITE, ...files });
      const sink = configuration.connections.find(({ kind }) => kind === 'sink');
      return sink?.kind === 'sink' ? sink.profiles.map(({ points }) => points.map(({ rule }) => rule)) : undefined;
    };
    const plain = 'sinks:\n  q: { sink: mqtt }\n';
    const table = { type: 'CHANGE', intervalMs: 0, deadband: 0.5 };
    const model = { type: 'TIMER', intervalMs: 300_000, deadband: 2 };
    expect(rules({ 's.yaml': plain })).toEqual([[table, model]]);
    const written = TEMPLATE.replace('write: q', 'write: q, upload: NOT_UPLOAD, deadband: 3');
    const chosen = { type: 'NOT_UPLOAD', intervalMs: 0, deadband: 3 };
    expect(rules({ 's.yaml': plain, 't.yaml': written })).toEqual([[table, chosen]]);
    const sink = 'sinks:\n  q: { sink: mqtt, upload: { "*": CHANGE, "model:m/Q": TIMER 1s, a-02: TIMER 2s } }\n';
    const timer = (intervalMs: number, deadband: number) => ({ type: 'TIMER', intervalMs, deadband });
    expect(rules({ 's.yaml': sink, 't.yaml': written })).toEqual([
      [table, timer(1000, 3)],
      [timer(2000, 0.5), timer(2000, 3)],
    ]);
  });

  it('fills in $site and $asset, and leaves out what `except` names', () => {
    const sink = `sinks:
  e:
    sink: enos
    with: { url: "mqtt://h", productKey: pk, deviceKey: $site, deviceSecret: secret:edge }
    products: { m: pkM }
    identity: { deviceKey: $site-$asset, deviceSecret: secret:x/$asset }
    assets: { a-02: { deviceKey: OLD-$$7 } }
    except: [ a-03, model:m/Q ]
`;
    const { configuration } = validated({ ...SITE, 's.yaml': sink });
    const found = configuration.connections.find(({ kind }) => kind === 'sink');
    if (found?.kind !== 'sink') throw new Error('no sink');
    expect(found.with.deviceKey).toBe('demo');
    expect(found.assets.map(({ identity }) => identity)).toEqual([
      { productKey: 'pkM', deviceKey: 'demo-a-01', deviceSecret: 'secret:x/a-01' },
      { productKey: 'pkM', deviceKey: 'OLD-$7', deviceSecret: 'secret:x/a-02' },
    ]);
    expect(found.profiles).toHaveLength(1);
    expect(found.profiles[0]?.points).toHaveLength(1);
  });

  it('fills device parameters into addresses', () => {
    const { configuration } = validated({
      'points/t.csv': 'id,address\np,holding:$first\n',
      'c.yaml': CONNECTION.replace('with:', 'params: { first: $(n*100) }, with:'),
    });
    expect(configuration.tables.map(({ tags }) => tags[0]?.address)).toEqual([
      'holding:100',
      'holding:200',
      'holding:300',
    ]);
    expect(new Set(configuration.tables.map(({ tags }) => tags[0]?.number))).toEqual(new Set([1]));
  });

  it('always has a policy `default`, and works out the points of the others', () => {
    const { configuration } = validated({ ...SITE, 'p.yaml': 'control:\n  c: { points: [ model:m ], hold: 5s }\n' });
    expect(
      configuration.policies.map(({ id, points, holdMs, expiryMs }) => [id, points.length, holdMs, expiryMs]),
    ).toEqual([
      ['c', 3, 5000, 30_000],
      ['default', 0, 60_000, 30_000],
    ]);
  });

  it.each([
    ['', undefined],
    [', select: {}', { mode: 'required', timeoutMs: 10_000 }],
    [', select: { required: true, timeout: 30s }', { mode: 'required', timeoutMs: 30_000 }],
    [', select: { required: false, timeout: 1s }', { mode: 'optional', timeoutMs: 1_000 }],
  ])('reads the selection of a policy%s', (written, select) => {
    const { configuration } = validated({ ...SITE, 'p.yaml': `control:\n  c: { points: [ model:m ]${written} }\n` });
    expect(configuration.policies[0]?.select).toEqual(select);
    expect(configuration.policies[1]).not.toHaveProperty('select');
  });

  it('reads the same package the same with CRLF, a byte order mark and in any order of files', () => {
    const files = textFiles({ 'busbar.yaml': HEAD, ...SITE });
    const odd = textFiles(
      Object.fromEntries(
        Object.entries({ 'busbar.yaml': HEAD, ...SITE }).map(([path, text]) => [
          path,
          `\uFEFF${text.replaceAll('\n', '\r\n')}`,
        ]),
      ),
    ).reverse();
    const counts = [files, odd].map((all) => {
      const { valid } = validatePackage(all, { plugins: FAKE_PLUGINS });
      return valid && generationCounts(generationEntities(valid.configuration));
    });
    expect(counts[0]).toBeDefined();
    expect(counts[1]).toEqual(counts[0]);
  });

  it.each(['shared', 'tables'] as const)('takes 100,000 points (%s)', { timeout: 120_000 }, (shape) => {
    const { configuration } = validated(largePackage(shape));
    const tags = configuration.connections.flatMap((one) => (one.kind === 'access' ? one.devices : []));
    const sizes = new Map(configuration.tables.map((table) => [table.digest, table.tags.length]));
    expect(tags.reduce((sum, { table }) => sum + (sizes.get(table) ?? 0), 0)).toBe(100_000);
  });
});

describe('the lock', () => {
  const numbers = ({ lock }: ValidPackage) =>
    lock.map(({ kind, scope, number, id, state }) => [kind, scope, number, id, state].join(' '));

  it('keeps every number whatever is added, removed or moved', () => {
    const first = validated(SITE);
    const next = validated(
      {
        ...SITE,
        'points/t.csv': TABLE.replace('\np,', '\nr,holding:9,int16,,r,,\np,').replace(/\nq,.*/, ''),
        't.yaml': TEMPLATE.replace(', Q: { read: q, write: q }', ''),
      },
      first.lock,
    );
    expect(numbers(next)).toEqual(['point m 1 P ', 'point m 2 Q ', 'tag t 1 p ', 'tag t 2 q retired', 'tag t 3 r ']);
    const last = validated(SITE, next.lock);
    expect(numbers(last)).toEqual(['point m 1 P ', 'point m 2 Q ', 'tag t 1 p ', 'tag t 2 q ', 'tag t 3 r retired']);
  });

  it('gives the same lock again when nothing changed', () => {
    const { lock } = validated(SITE);
    expect(validated({ ...SITE, 'busbar.lock': formatLock(lock) }).lock).toEqual(lock);
    expect(parseLock(formatLock(lock))).toEqual(lock);
  });

  it('carries numbers over a `was` of point, model, tag and device', () => {
    const first = validated({
      ...SITE,
      'own.yaml':
        'connections:\n  o: { driver: modbus, with: { host: o }, devices: { own: { tags: { x: { address: "holding:1" } } } } }\n',
    });
    const next = validated(
      {
        ...SITE,
        'points/t.csv': TABLE.replace('deadband', 'deadband,was')
          .replace('500', '500,')
          .replace('q,holding:3,int32,W,rw,,', 'qq,holding:3,int32,W,rw,,,q'),
        'm.yaml': MODEL.replace('  m:', '  mm:\n    was: m').replace('P: { ', 'PP: { was: P, '),
        't.yaml': TEMPLATE.replace('model: m', 'model: mm').replace('P: p', 'PP: p').replaceAll(': q', ': qq'),
        'own.yaml':
          'connections:\n  o: { driver: modbus, with: { host: o }, devices: { owned: { was: own, tags: { x: { address: "holding:1" } } } } }\n',
      },
      first.lock,
    );
    expect(numbers(next)).toEqual([
      'point mm 1 PP ',
      'point mm 2 Q ',
      'tag owned 1000001 x ',
      'tag t 1 p ',
      'tag t 2 qq ',
    ]);
  });

  it('prefers the published number where two branches took one', () => {
    const published: LockLine[] = [{ kind: 'tag', scope: 't', number: 1, id: 'q', type: 'int32', state: '' }];
    const own = 'kind,scope,number,id,type,state\ntag,t,1,p,int32,\n';
    expect(
      numbers(validated({ ...SITE, 'busbar.lock': own }, published)).filter((line) => line.startsWith('tag')),
    ).toEqual(['tag t 1 q ', 'tag t 2 p ']);
  });

  it('numbers own tags of a device apart from a table of the same name', () => {
    const own =
      'connections:\n  o: { driver: modbus, with: { host: o }, devices: { t: { direct: false, tags: { p: { address: "holding:1" } } } } }\n';
    expect(numbers(validated({ ...SITE, 'own.yaml': own })).filter((line) => line.startsWith('tag'))).toEqual([
      'tag t 1 p ',
      'tag t 2 q ',
      'tag t 1000001 p ',
    ]);
  });

  it('refuses a text that is no lock', () => {
    expect(() => parseLock('kind,scope,number,id,type,state\n<<<<<<< mine\n')).toThrow(/Line 2/);
    expect(() => parseLock('')).toThrow(/CSV_COLUMN/);
  });
});
