import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { planDigest } from '@busbar/address-plan';
import { encodeJson, type ForwardingConnectionConfig, generationEntities, joinPlan } from '@busbar/events';
import { describe, expect, it } from 'vitest';
import { formatFinding } from './format-finding.js';
import { formatLock, parseLock } from './lock.js';
import type { LockLine, PackageFile, ValidPackage } from './result.js';
import { FAKE_PLUGINS } from './testing/fake-plugins.js';
import { readFolder, textFiles } from './testing/read-folder.js';
import { type ValidateOptions, validatePackage } from './validate.js';

/** The example without its own forwarding, and a lock that knows nothing of it. */
const site = readFolder(join(dirname(fileURLToPath(import.meta.url)), '../../../examples/pv-site'))
  .filter(({ path }) => !path.startsWith('forwarding/'))
  .map((file) => {
    if (file.path !== 'busbar.lock') return file;
    const lines = new TextDecoder().decode(file.content).split('\n');
    const kept = lines.filter((line) => !/^(address|index),/.test(line)).join('\n');
    return { ...file, content: new TextEncoder().encode(kept) };
  });
const TEMPLATES = `forwardingTemplates:
  inverter-out:
    model: inverter
    points:
      - DEV.State
      - { reserved: 1, class: YX }
      - INV.ActivePower
      - { point: INV.PowerLimit, modbus: { type: uint16, scale: 10 } }
      - { reserved: 1, class: YC }
      - INV.EnergyTotal
`;
const FORWARDING = `forwarding:
  dispatch:
    server: iec104
    control: true
    with: { ca: 7, clients: [ 10.9.0.11, 10.9.0.12 ], redundancy: single-group }
    assets: { inv-$nn: { each: 1..2, template: inverter-out, index: $n } }
  ems:
    server: modbus
    with: { clients: { ems: { addresses: 10.20.1.60, group: g } } }
    assets: { inv-$nn: { each: 1..2, template: inverter-out, index: $(n+1) } }
`;
/** Made by \`busbar lock\`; of no interest here. */
const isService = ({ scope }: LockLine): boolean => scope.endsWith('/service');

function files(texts: Readonly<Record<string, string>>, base: readonly PackageFile[] = site): PackageFile[] {
  const own = textFiles(texts);
  return [...base.filter(({ path }) => !Object.hasOwn(texts, path)), ...own];
}

function valid(given: readonly PackageFile[], options: Partial<ValidateOptions> = {}): ValidPackage {
  const { findings, valid: made } = validatePackage(given, { plugins: FAKE_PLUGINS, ...options });
  expect(findings.filter(({ severity }) => severity === 'error').map(formatFinding)).toEqual([]);
  if (!made) throw new Error('the package is not valid');
  return made;
}

const POLICIES = `control:
  curtailment: { points: [ model:inverter/INV.PowerLimit ], priority: [ operator, external:dispatch, cloud ] }
`;
const OUT = {
  'control/policies.yaml': POLICIES,
  'forwarding/templates.yaml': TEMPLATES,
  'forwarding/dispatch.yaml': FORWARDING,
};

function addressesOf(lock: readonly LockLine[], scope = 'dispatch/'): string[] {
  return lock
    .filter((line) => line.kind === 'address' && line.scope.startsWith(scope) && !isService(line))
    .map((line) => `${line.scope},${line.number},${line.id},${line.type}${line.state === '' ? '' : `,${line.state}`}`);
}

function connectionOf({ configuration }: ValidPackage, id: string): ForwardingConnectionConfig {
  const found = configuration.connections.find((one) => one.id === id);
  if (found?.kind !== 'forwarding') throw new Error(`${id} is no forwarding connection`);
  return found;
}

describe('addresses of a package', () => {
  it('stand in the lock by class, and the lock asks for nothing more', () => {
    const { lock } = valid(files(OUT));
    expect(addressesOf(lock)).toEqual([
      'dispatch/YC,16385,inv-01/DEV.State,M_ME_NB',
      'dispatch/YC,16386,inv-01/INV.ActivePower,M_ME_NC',
      'dispatch/YC,16387,inv-01/INV.PowerLimit,M_ME_NC',
      'dispatch/YC,16388,inv-01/reserved.2,M_ME_NC',
      'dispatch/YC,16389,inv-02/DEV.State,M_ME_NB',
      'dispatch/YC,16390,inv-02/INV.ActivePower,M_ME_NC',
      'dispatch/YC,16391,inv-02/INV.PowerLimit,M_ME_NC',
      'dispatch/YC,16392,inv-02/reserved.2,M_ME_NC',
      'dispatch/YM,25601,inv-01/INV.EnergyTotal,M_IT',
      'dispatch/YM,25602,inv-02/INV.EnergyTotal,M_IT',
      'dispatch/YT,25089,inv-01/INV.PowerLimit,C_SE_NC',
      'dispatch/YT,25090,inv-02/INV.PowerLimit,C_SE_NC',
      'dispatch/YX,1,inv-01/reserved.1,M_SP',
      'dispatch/YX,2,inv-02/reserved.1,M_SP',
    ]);
    expect(addressesOf(lock, 'ems/')).toEqual([
      'ems/discrete,0,inv-01/reserved.1,bool',
      'ems/discrete,1,inv-02/reserved.1,bool',
      'ems/input,0,inv-01/DEV.State,uint16',
      'ems/input,1,inv-01/INV.ActivePower,float32',
      'ems/input,3,inv-01/INV.PowerLimit,uint16',
      'ems/input,4,inv-01/reserved.2,float32',
      'ems/input,6,inv-01/INV.EnergyTotal,float32',
      'ems/input,8,inv-02/DEV.State,uint16',
      'ems/input,9,inv-02/INV.ActivePower,float32',
      'ems/input,11,inv-02/INV.PowerLimit,uint16',
      'ems/input,12,inv-02/reserved.2,float32',
      'ems/input,14,inv-02/INV.EnergyTotal,float32',
    ]);
    const text = formatLock(lock);
    expect(parseLock(text)).toEqual(lock);
    const locked = valid(files({ ...OUT, 'busbar.lock': text }), { isLocked: true });
    expect(formatLock(locked.lock)).toBe(text);
  });

  it('stay over publications: what is gone is retired, and comes back where it was', () => {
    const first = valid(files(OUT)).lock;
    const shorter = FORWARDING.replace(
      '1..2, template: inverter-out, index: $n }',
      '2..3, template: inverter-out, index: $n }',
    );
    const second = valid(files({ ...OUT, 'forwarding/dispatch.yaml': shorter }), { previousLock: first });
    expect(addressesOf(second.lock, 'dispatch/YM')).toEqual([
      'dispatch/YM,25601,inv-01/INV.EnergyTotal,M_IT,retired',
      'dispatch/YM,25602,inv-02/INV.EnergyTotal,M_IT',
      'dispatch/YM,25603,inv-03/INV.EnergyTotal,M_IT',
    ]);
    const third = valid(files(OUT), { previousLock: second.lock });
    expect(addressesOf(third.lock, 'dispatch/YM')).toEqual([
      'dispatch/YM,25601,inv-01/INV.EnergyTotal,M_IT',
      'dispatch/YM,25602,inv-02/INV.EnergyTotal,M_IT',
      'dispatch/YM,25603,inv-03/INV.EnergyTotal,M_IT,retired',
    ]);
    expect(connectionOf(third, 'dispatch').plan.digest).not.toBe(connectionOf(second, 'dispatch').plan.digest);
    const none = valid(site, { previousLock: third.lock });
    expect(none.lock.filter(({ kind }) => kind === 'address').every(({ state }) => state === 'retired')).toBe(true);
    expect(addressesOf(valid(files(OUT), { previousLock: none.lock }).lock)).toEqual(addressesOf(third.lock));
  });

  it('follow an asset and a connection that were renamed', () => {
    const first = valid(files(OUT)).lock;
    const out = {
      ...OUT,
      'forwarding/dispatch.yaml': `forwarding:
  grid:
    was: dispatch
    server: iec104
    control: true
    with: { ca: 7, clients: [ 10.9.0.11 ] }
    assets: { inv-01: { index: 1 }, second: { index: 2 } }
`,
      'assets/plant.yaml': `assets:
  inv-01: { from: { string-inverter: inv-01 }, attributes: { ratedPower: 110 } }
  second: { was: inv-02, from: { string-inverter: inv-02 }, attributes: { ratedPower: 110 } }
`,
      'control/policies.yaml': 'control: {}\n',
      'cloud/enos.yaml': 'sinks: {}\n',
    };
    const { lock } = valid(files(out), { previousLock: first });
    expect(addressesOf(lock, 'grid/YM')).toEqual([
      'grid/YM,25601,inv-01/INV.EnergyTotal,M_IT',
      'grid/YM,25602,second/INV.EnergyTotal,M_IT',
    ]);
    expect(addressesOf(lock, 'dispatch/')).toEqual([]);
  });

  it('of the published lock win over those of the package, of which only what contradicts none counts', () => {
    const published = valid(files(OUT)).lock;
    const own = `kind,scope,number,id,type,state
address,dispatch/YM,25601,inv-02/INV.EnergyTotal,M_IT,
address,dispatch/YM,25602,inv-01/INV.EnergyTotal,M_IT,
address,dispatch/YM,25700,inv-03/INV.EnergyTotal,M_IT,
`;
    const { lock } = valid(files({ ...OUT, 'busbar.lock': own }), { previousLock: published });
    expect(addressesOf(lock, 'dispatch/YM')).toEqual([
      'dispatch/YM,25601,inv-01/INV.EnergyTotal,M_IT',
      'dispatch/YM,25602,inv-02/INV.EnergyTotal,M_IT',
      'dispatch/YM,25700,inv-03/INV.EnergyTotal,M_IT,retired',
    ]);
  });

  it('are planned anew only for a connection that is named', () => {
    const first = valid(files(OUT)).lock;
    const rows = TEMPLATES.replace('      - INV.ActivePower\n', '').replace(
      '      - INV.EnergyTotal\n',
      '      - INV.EnergyTotal\n      - INV.ActivePower\n',
    );
    const moved = files({ ...OUT, 'forwarding/templates.yaml': rows });
    expect(validatePackage(moved, { plugins: FAKE_PLUGINS, previousLock: first }).findings).toEqual([]);
    const { findings } = validatePackage(moved, {
      plugins: FAKE_PLUGINS,
      previousLock: first,
      compact: new Set(['dispatch']),
    });
    expect(findings).toMatchObject([
      { severity: 'warning', code: 'FORWARD_MOVED', params: { count: 4, server: 'dispatch' } },
    ]);
  });
});

describe('what is forwarded', () => {
  const brief = (assets: string): string =>
    `forwarding:\n  dispatch: { server: iec104, with: { clients: [ 10.9.0.11 ] }, assets: ${assets} }\n`;

  it('may be named by a selector: templates are found by model, and an index is given once and kept', () => {
    const all = { 'forwarding/templates.yaml': TEMPLATES, 'forwarding/d.yaml': brief('[ model:energy-device ]') };
    const first = valid(files(all));
    const indexes = (lock: readonly LockLine[]) =>
      lock.filter(({ kind }) => kind === 'index').map(({ number, id, state }) => [number, id, state]);
    expect(indexes(first.lock)).toEqual([
      [1, 'inv-01', ''],
      [2, 'inv-02', ''],
      [3, 'inv-03', ''],
      [4, 'inv-04', ''],
    ]);
    const fewer = files({ ...all, 'forwarding/d.yaml': brief('[ inv-04, inv-02 ]') });
    const second = valid(fewer, { previousLock: first.lock });
    expect(indexes(second.lock).map(([, id, state]) => [id, state])).toEqual([
      ['inv-01', 'retired'],
      ['inv-02', ''],
      ['inv-03', 'retired'],
      ['inv-04', ''],
    ]);
    expect(addressesOf(second.lock, 'dispatch/YM')).toEqual(
      addressesOf(first.lock, 'dispatch/YM').map((line) => (/inv-0[13]/.test(line) ? `${line},retired` : line)),
    );
  });

  it('takes a template of an ancestor for its heirs', () => {
    const base = 'forwardingTemplates: { state: { model: energy-device, points: [ DEV.State ] } }\n';
    const { lock } = valid(files({ 'forwarding/t.yaml': base, 'forwarding/d.yaml': brief('[ inv-01 ]') }));
    expect(addressesOf(lock)).toEqual(['dispatch/YC,16385,inv-01/DEV.State,M_ME_NB']);
  });

  it('may have its rows in a CSV: the same plan', () => {
    const csv = `point,reserved,class,modbus.type,modbus.scale
DEV.State,,,,
,1,YX,,
INV.ActivePower,,,,
INV.PowerLimit,,,uint16,10
,1,YC,,
INV.EnergyTotal,,,,
`;
    const template =
      'forwardingTemplates: { inverter-out: { model: inverter, points: forwarding/inverter-out.csv } }\n';
    const made = valid(files({ ...OUT, 'forwarding/templates.yaml': template, 'forwarding/inverter-out.csv': csv }));
    expect(made.configuration.plans).toEqual(valid(files(OUT)).configuration.plans);
  });
});

describe('the configuration of a forwarding connection', () => {
  it('says who may connect, in the short form and in the long one', () => {
    const made = valid(files(OUT));
    expect(connectionOf(made, 'dispatch')).toMatchObject({
      kind: 'forwarding',
      server: 'iec104',
      site: 'demo-pv',
      control: true,
      with: { port: 2404, ca: 7 },
      clients: [
        { name: '10.9.0.11', addresses: ['10.9.0.11'], group: 'all', control: true, source: 'dispatch' },
        { name: '10.9.0.12', addresses: ['10.9.0.12'], group: 'all', control: true, source: 'dispatch' },
      ],
    });
    expect(connectionOf(made, 'ems')).toMatchObject({
      control: false,
      clients: [{ name: 'ems', addresses: ['10.20.1.60'], group: 'g', control: false, source: 'ems' }],
    });
    expect(connectionOf(made, 'dispatch').with).not.toHaveProperty('clients');
  });

  it('leads to its whole plan, and each entry to the handle and type of its point', () => {
    const made = valid(files(OUT));
    const parts = new Map((made.configuration.plans ?? []).map((part) => [part.id, part]));
    const connection = connectionOf(made, 'ems');
    const joined = joinPlan(connection, (digest) => parts.get(digest));
    if (!joined) throw new Error('a part is missing');
    const { plan, sources } = joined;
    expect(planDigest(plan.entries, plan.tombstones)).toBe(connection.plan.digest);
    const limit = plan.entries.findIndex(({ id, role }) => id === 'inv-01/INV.PowerLimit' && role === 'value');
    expect(plan.entries[limit]).toMatchObject({ address: 3, type: 'uint16', scale: 10, point: 'INV.PowerLimit' });
    expect(sources[limit]).toEqual({ number: 9, valueType: 'double' });
    expect(joinPlan(connection, () => undefined)).toBeUndefined();
  });

  it('keeps every record far below 1 MB with 50,000 points', () => {
    const points = Array.from({ length: 500 }, (_, n) => `      P.${n}: { type: double, unit: kW }`).join('\n');
    const rows = Array.from({ length: 500 }, (_, n) => `      - P.${n}`).join('\n');
    const made = valid(
      textFiles({
        'busbar.yaml': 'apiVersion: busbar/v1\nsite: { id: large, timezone: UTC }\n',
        'models.yaml': `models:\n  m:\n    points:\n${points}\n`,
        'assets.yaml': 'assets:\n  a-$n: { each: 1..100, model: m, kind: logic }\n',
        'out.yaml': `forwardingTemplates:\n  t:\n    model: m\n    points:\n${rows}\n`,
        'forwarding.yaml':
          'forwarding:\n  d: { server: iec104, with: { clients: [ 10.9.0.11 ], starts: { YX: 1, YM: 2, YK: 3, YT: 4, YC: 100000 } }, assets: [ model:m ] }\n',
      }),
    );
    const sizes = generationEntities(made.configuration).map(({ topic, value }) => encodeJson(topic, value).length);
    expect(Math.max(...sizes)).toBeLessThan(500_000);
    const parts = new Map((made.configuration.plans ?? []).map((part) => [part.id, part]));
    const joined = joinPlan(connectionOf(made, 'd'), (digest) => parts.get(digest));
    expect(joined?.plan.entries.filter(({ role }) => role === 'value')).toHaveLength(50_000);
    expect(joined && planDigest(joined.plan.entries, joined.plan.tombstones)).toBe(connectionOf(made, 'd').plan.digest);
  }, 60_000);

  it('is the same record after a change elsewhere', () => {
    const before = valid(files(OUT));
    const after = valid(files({ ...OUT, 'more.yaml': 'models: { spare: { points: {} } }\n' }), {
      previousLock: before.lock,
    });
    expect(connectionOf(after, 'dispatch')).toEqual(connectionOf(before, 'dispatch'));
    expect(after.configuration.plans).toEqual(before.configuration.plans);
  });

  it('is a source that a policy may list', () => {
    const made = valid(files(OUT));
    expect(made.configuration.policies[0]?.priority).toEqual(['operator', 'external:dispatch', 'cloud']);
  });
});
