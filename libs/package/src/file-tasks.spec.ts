import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseSize } from './file-tasks.js';
import { formatFinding } from './format-finding.js';
import type { PackageFile } from './result.js';
import { FAKE_PLUGINS } from './testing/fake-plugins.js';
import { validatePackage } from './validate.js';

const SITE = `apiVersion: busbar/v1
site: { id: demo, timezone: Asia/Shanghai }
models:
  bay: { points: { Record: { type: file }, Power: { type: double }, Fault: { type: bool } } }
assets:
  bay-01: { model: bay }
  bay-02: { model: bay }
sinks:
  cloud:
    sink: enos
    with: { url: "mqtt://h", productKey: p, deviceKey: d, deviceSecret: secret:a }
    products: { bay: pkBay }
    identity: { deviceKey: $asset, deviceSecret: secret:b }
connections:
  records:
    driver: sftp
    readOnly: false
    with: { host: 10.0.0.1, user: r, privateKey: secret:bay/key, hostKey: "SHA256:uNiVztksCsDhcc0u9e8BrsPCpOZn0uRmeyDTWZ1WWgo" }
fileTasks:
`;

function configured(tasks: string) {
  const files: PackageFile[] = [{ path: 'busbar.yaml', content: new TextEncoder().encode(`${SITE}${tasks}`) }];
  const { valid, findings } = validatePackage(files, { plugins: FAKE_PLUGINS });
  if (!valid) throw new Error(findings.map(formatFinding).join('\n'));
  return valid.configuration;
}

const SHORT = '  t: { connection: records, path: /r, match: [ "*" ], to: { asset: bay-01, point: Record } }\n';

describe('file tasks of a package', () => {
  it('travel with their connection, every default filled in', () => {
    const found = configured(SHORT).connections.find(({ kind }) => kind === 'file');
    expect(found).toMatchObject({
      id: 'records',
      timezone: 'Asia/Shanghai',
      with: { protocol: 'sftp', port: 22, timeoutMs: 30_000 },
      tasks: [
        {
          id: 't',
          backMs: 86_400_000,
          sets: 'none',
          everyMs: null,
          window: null,
          settledMs: 10_000,
          limit: null,
          after: { act: 'keep' },
          keep: { ms: 30 * 86_400_000, bytes: 1_024 ** 3 },
        },
      ],
    });
  });

  it('say everything that they may', () => {
    const long = `  t:
    connection: records
    path: /r/%Y/
    match: [ "*.{cfg,dat}" ]
    sets: same-name
    every: 15m
    window: 22:00-06:30
    settled: 1m
    back: 3d
    limit: 256KB/s
    after: move /done
    to: { asset: bay-01, point: Record }
    keep: { days: 2, size: 2GB }
`;
    const found = configured(long).connections.find(({ kind }) => kind === 'file');
    expect(found?.kind === 'file' && found.tasks[0]).toEqual({
      id: 't',
      title: 't',
      path: '/r/%Y',
      match: ['*.{cfg,dat}'],
      backMs: 3 * 86_400_000,
      sets: 'same-name',
      everyMs: 900_000,
      window: { from: 1_320, to: 390 },
      settledMs: 60_000,
      limit: 262_144,
      after: { act: 'move', folder: '/done' },
      to: { asset: 'bay-01', point: 'Record' },
      keep: { ms: 2 * 86_400_000, bytes: 2 * 1_024 ** 3 },
    });
  });

  it('start by cron and by a point, and look into subfolders as deep as they say', () => {
    const tasks = `  night: { connection: records, path: /r/**, depth: 2, match: [ "*" ], cron: "30 2 * * MON-FRI", to: { asset: bay-01, point: Record } }
  fault: { connection: records, path: "/r/*/%Y/**", match: [ "*" ], startOn: { asset: bay-01, point: Fault, becomes: true, delay: 30s }, to: { asset: bay-01, point: Record } }
  any: { connection: records, path: /r, match: [ "*" ], startOn: { asset: bay-01, point: Power }, to: { asset: bay-01, point: Record } }
`;
    const found = configured(tasks).connections.find(({ kind }) => kind === 'file');
    expect(found?.kind === 'file' && found.tasks).toMatchObject([
      { id: 'night', cron: '30 2 * * MON-FRI', everyMs: null, depth: 2 },
      { id: 'fault', depth: 4, startOn: { asset: 'bay-01', point: 'Fault', becomes: 1, delayMs: 30_000 } },
      { id: 'any', startOn: { asset: 'bay-01', point: 'Power', delayMs: 0 } },
    ]);
  });

  it.each([
    ['cron: "61 * * * *"', 'FILE_TASK_CRON', '"61" is no minute'],
    ['cron: "0 2 * * *", every: 5m', 'FILE_TASK_SCHEDULE', '`cron` and `every`'],
    ['cron: "0 2 * * *", window: 01:00-02:00', 'FILE_TASK_SCHEDULE', '`cron` and `window`'],
    ['startOn: { asset: bay-09, point: Fault }', 'FILE_TASK_START', 'bay-01'],
    ['startOn: { asset: bay-01, point: Falt }', 'FILE_TASK_START', 'Fault'],
    ['startOn: { asset: bay-01, point: Record }', 'FILE_TASK_START', 'of type file'],
    ['startOn: { asset: bay-01, point: Fault, becomes: 2 }', 'FILE_TASK_START', 'never 2'],
    ['after: move /r/', 'FIELD_VALUE', 'found again'],
    ['depth: 2', 'FILE_TASK_PATTERN', 'there is none'],
  ])('cannot have %s', (field, code, words) => {
    const task = `  t: { connection: records, path: /r, match: [ "*" ], ${field}, to: { asset: bay-01, point: Record } }\n`;
    expect(() => configured(task)).toThrow(code);
    expect(() => configured(task)).toThrow(words);
  });

  it.each([
    ['/r/**/a/**', 'more than once'],
    ['/r/a**', 'whole folders'],
    ['/r/*{a', '{ has no }'],
  ])('cannot look into %s', (path, words) => {
    const task = `  t: { connection: records, path: "${path}", match: [ "*" ], to: { asset: bay-01, point: Record } }\n`;
    expect(() => configured(task)).toThrow(words);
  });

  it('make their points ones that a sink sends, of their assets alone', () => {
    const { connections, models } = configured(SHORT);
    const sink = connections.find(({ kind }) => kind === 'sink');
    if (sink?.kind !== 'sink') throw new Error('no sink');
    expect(sink.assets.map(({ asset }) => asset)).toEqual(['bay-01']);
    const number = models[0]?.points.find(({ id }) => id === 'Record')?.number;
    expect(sink.profiles.map(({ points }) => points.map((point) => point.number))).toEqual([[number]]);
  });

  it('read sizes, and nothing that is none', () => {
    expect(parseSize('256KB')).toBe(262_144);
    expect(parseSize('1.5GB')).toBe(1.5 * 1_024 ** 3);
    expect([parseSize('2'), parseSize('0KB'), parseSize('2gb'), parseSize('9999TB')]).toEqual(Array(4).fill(undefined));
    fc.assert(fc.property(fc.string(), (text) => /^\d/.test(text) || parseSize(text) === undefined));
  });
});
