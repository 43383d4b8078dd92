import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EntitlementsChanged } from '@busbar/events';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const MAIN = join(import.meta.dirname, '../../dist/main.js');
const GRANT = ['--protocols', 'modbus,iec104', '--connections', '10', '--tags', '5000', '--forwarding', '1'];

let folder: string;
let file: (name: string) => string;

/** The program as it is built, in a process of its own, with no environment but this. */
function busbar(line: readonly string[], env: Record<string, string> = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...line], {
    encoding: 'utf8',
    cwd: folder,
    env,
  });
  return { status, stdout, stderr };
}

function issue(name: string, change: Record<string, string> = {}, key = 'issuer'): string {
  const given = {
    key: file(`${key}/private.pem`),
    site: 'demo-pv',
    id: 'L-1',
    holder: 'Sunny Fields',
    until: '2100-01-01',
  };
  const options = Object.entries({ ...given, ...change }).flatMap(([option, value]) => [`--${option}`, value]);
  const { status, stderr } = busbar(['license', 'issue', ...options, ...GRANT, '--out', file(name)]);
  expect([status, stderr]).toEqual([0, '']);
  return file(name);
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'busbar-cli-'));
  file = (name) => join(folder, name);
  for (const name of ['issuer', 'stranger']) {
    expect(busbar(['license', 'keys', '--out', name])).toMatchObject({ status: 0, stderr: '' });
  }
  issue('site.license');
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const keys = () => ['--keys', file('issuer/keys.json')];

describe('busbar license keys', () => {
  it('writes a private key that only its owner can read, and a public list without it', () => {
    expect(statSync(file('issuer/private.pem')).mode & 0o777).toBe(0o600);
    const { keys: list } = JSON.parse(readFileSync(file('issuer/keys.json'), 'utf8'));
    expect(list).toHaveLength(1);
    expect(Object.keys(list[0]).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x']);
  });

  it('never writes over a key', () => {
    const before = readFileSync(file('issuer/private.pem'), 'utf8');
    const { status, stderr } = busbar(['license', 'keys', '--out', 'issuer']);
    expect([status, stderr]).toEqual([1, expect.stringContaining('it is there already')]);
    expect(readFileSync(file('issuer/private.pem'), 'utf8')).toBe(before);
  });
});

describe('busbar license issue', () => {
  it('says on standard output the license alone, so that it can be piped', () => {
    const line = [
      'license',
      'issue',
      '--key',
      file('issuer/private.pem'),
      '--site',
      's',
      '--id',
      'x',
      '--holder',
      'h',
      '--until',
      '2099-01-01',
    ];
    const { status, stdout } = busbar(line);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/);
  });

  it.each([
    ['a time that is none', { until: '2026-02-30' }, 2, 'Write a day like'],
    ['an end before the begin', { from: '2026-01-02', until: '2026-01-01' }, 1, 'it must end after it begins'],
    ['a number that is none', { tags: 'many' }, 2, 'Write a whole number'],
    ['a protocol that cannot be one', { protocols: 'Mod Bus' }, 1, 'LICENSE_MALFORMED'],
    ['a key that is not there', { key: 'none.pem' }, 1, 'there is no such file'],
  ])('refuses %s', (_what, change, code, text) => {
    const given = { key: file('issuer/private.pem'), site: 's', id: 'x', holder: 'h', until: '2099-01-01', ...change };
    const options = Object.entries(given).flatMap(([option, value]) => [`--${option}`, value]);
    const { status, stdout, stderr } = busbar(['license', 'issue', ...options]);
    expect([status, stdout, stderr]).toEqual([code, '', expect.stringContaining(text)]);
  });

  it('names what is missing, with the exit code of wrong usage', () => {
    expect(busbar(['license', 'issue'])).toMatchObject({
      status: 2,
      stderr: expect.stringContaining("'--key <file>'"),
    });
  });
});

describe('busbar license inspect', () => {
  it('says in words what is granted, and that a trusted key signed it', () => {
    const { status, stdout } = busbar(['license', 'inspect', 'site.license', ...keys(), '--site', 'demo-pv']);
    expect(status).toBe(0);
    expect(stdout).toContain('holder     Sunny Fields\n');
    expect(stdout).toContain('protocols  modbus, iec104\n');
    expect(stdout).toContain('grants     10 connections, 5000 tags, 1 forwarding connection\n');
    expect(stdout).toMatch(/verified {3}by a trusted key; valid\n$/);
  });

  it('takes the list of keys from the environment too', () => {
    const env = { BUSBAR_LICENSE_KEYS: file('issuer/keys.json') };
    expect(busbar(['license', 'inspect', 'site.license'], env)).toMatchObject({ status: 0 });
  });

  it('believes nothing without keys', () => {
    const { status, stdout } = busbar(['license', 'inspect', 'site.license']);
    expect([status, stdout]).toEqual([1, expect.stringContaining('unverified')]);
  });

  it.each([
    ['a stranger signed', () => issue('stranger.license', {}, 'stranger'), 'LICENSE_KEY_UNKNOWN'],
    ['is over', () => issue('over.license', { from: '2020-01-01', until: '2021-01-01' }), 'LICENSE_EXPIRED'],
    ['is for later', () => issue('later.license', { from: '2099-01-01' }), 'LICENSE_FUTURE'],
    ['is for another site', () => issue('other.license', { site: 'other' }), 'LICENSE_FOREIGN'],
  ])('refuses one that %s, with the reason', (_what, make, code) => {
    const { status, stdout } = busbar(['license', 'inspect', make(), ...keys(), '--site', 'demo-pv', '--json']);
    expect(status).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ schema: 1, refusal: { code } });
  });

  it('refuses one that was altered', () => {
    const token = readFileSync(file('site.license'), 'utf8').trim();
    writeFileSync(file('altered.license'), token.replace(/.{20}$/, 'A'.repeat(20)));
    const { status, stdout } = busbar(['license', 'inspect', 'altered.license', ...keys()]);
    expect([status, stdout]).toEqual([1, expect.stringContaining('LICENSE_ALTERED')]);
  });
});

describe('busbar license install', () => {
  it('puts the license where the licenser finds it, and replaces an older one whole', () => {
    for (const name of ['site.license', issue('second.license', { id: 'L-2' })]) {
      const { status, stdout } = busbar(['license', 'install', name, '--data', 'data', ...keys()]);
      expect([status, stdout]).toEqual([0, expect.stringContaining('installed')]);
    }
    expect(readFileSync(file('data/license/busbar.license'), 'utf8')).toBe(
      readFileSync(file('second.license'), 'utf8'),
    );
  });

  it.each([
    ['a stranger signed', () => issue('strange.license', {}, 'stranger'), 'LICENSE_KEY_UNKNOWN'],
    ['is over', () => issue('gone.license', { from: '2020-01-01', until: '2021-01-01' }), 'LICENSE_EXPIRED'],
    ['is for another site', () => issue('foreign.license', { site: 'other' }), 'LICENSE_FOREIGN'],
  ])('refuses one that %s and changes nothing', (_what, make, code) => {
    const line = ['license', 'install', make(), '--data', 'untouched', ...keys(), '--site', 'demo-pv'];
    const { status, stderr } = busbar(line);
    expect([status, stderr]).toEqual([4, expect.stringContaining(code)]);
    expect(() => statSync(file('untouched'))).toThrow();
  });

  it('refuses what is no license', () => {
    writeFileSync(file('text'), 'hello');
    expect(busbar(['license', 'install', 'text', '--data', 'untouched']).status).toBe(1);
    expect(() => statSync(file('untouched'))).toThrow();
  });

  it('takes one that begins later: it lies ready', () => {
    const line = ['license', 'install', issue('ready.license', { from: '2099-01-01' }), '--data', 'ready', ...keys()];
    expect(busbar(line)).toMatchObject({ status: 0 });
  });
});

describe('busbar license show', () => {
  it('says what the licenser made of it', () => {
    const state: EntitlementsChanged = {
      site: 'demo-pv',
      state: 'evaluation',
      diagnoses: [{ code: 'LICENSE_EVALUATION', params: { connections: 128, tags: 150_000, forwarding: 2 } }],
      license: null,
      limits: { protocols: null, connections: 128, tags: 150_000, forwarding: 2 },
      admitted: [{ id: 'line', kind: 'access', protocol: 'modbus', tags: 7 }],
      clockMs: 0,
      clockResets: [],
      at: 0,
    };
    mkdirSync(file('shown/license'), { recursive: true });
    writeFileSync(file('shown/license/state.json'), JSON.stringify(state));
    const { status, stdout } = busbar(['license', 'show'], { BUSBAR_DATA: file('shown') });
    expect(status).toBe(0);
    expect(stdout).toContain('state      evaluation, as of 1970-01-01T00:00:00.000Z\n');
    expect(stdout).toContain('in use     1 of 128 connections, 7 of 150000 tags, 0 of 2 forwarding connections\n');
    expect(stdout).toContain('note       LICENSE_EVALUATION: No license is in force');
    const json = busbar(['license', 'show', '--json', '--data', 'shown']);
    expect(JSON.parse(json.stdout)).toEqual({ schema: 1, ...state });
  });

  it('says so when no licenser ran there', () => {
    expect(busbar(['license', 'show', '--data', 'nowhere'])).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('there is no such file'),
    });
  });
});
