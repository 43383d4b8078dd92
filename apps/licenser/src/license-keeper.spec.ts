import { rmSync, writeFileSync } from 'node:fs';
import { makeKeyPair } from '@busbar/licensing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BEGIN, DAY_MS, END, GRACE_END, generationOf, TestSite } from './test-site.js';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const HOUR_MS = 3_600_000;

let site: TestSite;

beforeEach(async () => {
  site = await TestSite.open();
});

afterEach(() => site.close());

describe('a site', () => {
  it('without a license is an evaluation, without end, and takes a license once one is there', async () => {
    expect(await site.verdict()).toEqual({
      state: 'evaluation',
      id: null,
      codes: ['LICENSE_EVALUATION'],
      admitted: ['line'],
    });
    site.clock.pass(3650 * DAY_MS);
    expect(await site.verdict()).toMatchObject({ state: 'evaluation' });
    site.clock.wall = BEGIN;
    site.clock.monotonic += 1;
    await site.install({ notAfter: '2100-01-01T00:00:00Z' });
    expect(await site.verdict()).toMatchObject({ state: 'valid', id: 'L-1' });
  });

  it('is judged only once its configuration says which site it is', async () => {
    site.current = null;
    await expect(site.judged()).rejects.toThrow('nothing was published');
    site.current = generationOf(1, { line: 10 });
    expect(await site.verdict()).toMatchObject({ state: 'evaluation' });
  });

  it('is left to the process that owns it', async () => {
    site.isOwner = false;
    await expect(site.judged()).rejects.toThrow('nothing was published');
  });

  it('hears of nothing while nothing changes, and of the time once an hour', async () => {
    await site.install();
    for (let n = 0; n < 20; n++) {
      await site.judged();
      site.clock.pass(5_000);
    }
    expect(site.published).toBe(1);
    site.clock.pass(HOUR_MS);
    expect((await site.judged()).clockMs).toBe(site.clock.wall);
    expect(site.published).toBe(2);
  });
});

describe('a license file', () => {
  it('is refused with its reason, and the site stays an evaluation', async () => {
    const token = await site.token();
    const other = await makeKeyPair();
    const cases: [string, () => Promise<void> | void][] = [
      ['LICENSE_MALFORMED', () => writeFileSync(site.licenseFile, 'hello')],
      ['LICENSE_MALFORMED', () => writeFileSync(site.licenseFile, '')],
      ['LICENSE_ALTERED', () => writeFileSync(site.licenseFile, token.replace(/.{40}$/, 'A'.repeat(40)))],
      ['LICENSE_FOREIGN', () => site.install({ site: 'other' })],
      ['LICENSE_FUTURE', () => site.install({ notBefore: '2026-06-01T00:00:00Z' })],
      ['LICENSE_EXPIRED', () => site.install({ notBefore: '2024-01-01T00:00:00Z', notAfter: '2025-01-01T00:00:00Z' })],
      ['LICENSE_FILE', () => writeFileSync(site.licenseFile, 'x'.repeat(100_000))],
      [
        'LICENSE_KEY_UNKNOWN',
        async () => {
          await site.install();
          writeFileSync(site.keysFile, other.trustList);
        },
      ],
    ];
    for (const [code, put] of cases) {
      await put();
      expect(await site.verdict()).toMatchObject({
        state: 'refused',
        id: null,
        codes: [code, 'LICENSE_EVALUATION'],
        admitted: ['line'],
      });
    }
  });

  it('that begins later is taken by itself when its time comes', async () => {
    await site.install({ notBefore: '2026-06-01T00:00:00Z' });
    expect(await site.verdict()).toMatchObject({ state: 'refused' });
    site.clock.pass(Date.parse('2026-06-01T00:00:00Z') - site.clock.wall);
    expect(await site.verdict()).toMatchObject({ state: 'valid', codes: [] });
  });

  it('that is damaged or taken away leaves the license in force, also over a restart', async () => {
    await site.install();
    expect(await site.verdict()).toMatchObject({ state: 'valid', codes: [] });
    writeFileSync(site.licenseFile, 'damaged');
    expect(await site.verdict()).toMatchObject({ state: 'valid', id: 'L-1', codes: ['LICENSE_MALFORMED'] });
    rmSync(site.licenseFile);
    await site.restart();
    expect(await site.verdict()).toMatchObject({ state: 'valid', id: 'L-1', codes: [] });
    site.clock.pass(GRACE_END + 1 - site.clock.wall);
    expect(await site.verdict()).toMatchObject({ state: 'expired', codes: ['LICENSE_EXPIRED'] });
  });

  it('is replaced by a new one at once', async () => {
    await site.install();
    await site.judged();
    await site.install({ id: 'L-2', connections: 'unlimited' });
    expect(await site.judged()).toMatchObject({ license: { id: 'L-2' }, limits: { connections: null } });
  });

  it('no longer counts when its key is no longer trusted', async () => {
    await site.install();
    await site.judged();
    writeFileSync(site.keysFile, (await makeKeyPair()).trustList);
    expect(await site.verdict()).toMatchObject({ state: 'refused', id: null });
  });

  it('is judged as before while the list of keys cannot be read', async () => {
    await site.install();
    await site.judged();
    writeFileSync(site.keysFile, 'half a li');
    expect(await site.verdict()).toMatchObject({ state: 'valid', id: 'L-1' });
    expect(site.keeper.trouble).toMatchObject({ code: 'LICENSE_KEYS' });
    writeFileSync(site.keysFile, site.pair.trustList);
    await site.judged();
    expect(site.keeper.trouble).toBeNull();
  });
});

describe('the end of a license', () => {
  beforeEach(async () => {
    site.current = generationOf(1, { line: 10 });
    await site.install();
    await site.judged();
  });

  it('is a grace period in which all goes on with a warning, and new connections are let in', async () => {
    site.clock.pass(END + 1 - site.clock.wall);
    site.current = generationOf(2, { line: 10, meter: 5 });
    expect(await site.verdict()).toEqual({
      state: 'grace',
      id: 'L-1',
      codes: ['LICENSE_GRACE'],
      admitted: ['line', 'meter'],
    });
    site.clock.pass(30 * DAY_MS - 1);
    expect(await site.verdict()).toMatchObject({ state: 'grace' });
  });

  it('lets what runs go on after that, over restarts, and refuses what is new', async () => {
    site.clock.pass(GRACE_END + 1 - site.clock.wall);
    site.current = generationOf(2, { line: 10, meter: 5 });
    for (let n = 0; n < 3; n++) {
      expect(await site.verdict()).toMatchObject({ state: 'expired', admitted: ['line'] });
      expect(site.refused).toEqual({ meter: 'LICENSE_ENDED' });
      await site.restart({ isKilled: n === 1 });
    }
    await site.install({ id: 'L-2', notAfter: '2030-01-01T00:00:00Z' });
    expect(await site.verdict()).toEqual({ state: 'valid', id: 'L-2', codes: [], admitted: ['line', 'meter'] });
    expect(site.refused).toEqual({});
  });

  it('is remembered when either the log or the folder is lost', async () => {
    site.clock.pass(GRACE_END + 1 - site.clock.wall);
    await site.judged();
    await site.loseLog();
    expect(await site.verdict()).toMatchObject({ state: 'expired', admitted: ['line'] });
    await site.restart();
    site.loseFolder();
    expect(await site.verdict()).toMatchObject({ state: 'expired', admitted: ['line'] });
  });
});

describe('a clock that is set back', () => {
  beforeEach(async () => {
    await site.install();
    await site.judged();
    site.clock.pass(GRACE_END + 1 - site.clock.wall);
    expect(await site.verdict()).toMatchObject({ state: 'expired' });
  });

  it('while it runs does not make a license valid again', async () => {
    site.clock.wall = BEGIN + DAY_MS;
    expect(await site.verdict()).toMatchObject({ state: 'expired', codes: ['LICENSE_EXPIRED', 'LICENSE_CLOCK'] });
  });

  it.each([
    ['stop', false],
    ['kill', true],
  ])('over a %s, a new boot of the machine included, does not either', async (_how, isKilled) => {
    await site.restart({ isKilled, monotonic: 3 });
    site.clock.wall = BEGIN + DAY_MS;
    expect(await site.verdict()).toMatchObject({ state: 'expired' });
  });

  it('does not either when log or folder are lost with it', async () => {
    await site.loseLog();
    site.clock.wall = BEGIN + DAY_MS;
    expect(await site.verdict()).toMatchObject({ state: 'expired' });
    site.loseFolder();
    await site.restart({ isKilled: true });
    expect(await site.verdict()).toMatchObject({ state: 'expired' });
  });
});

describe('the time of the license', () => {
  it('goes on by the monotonic clock when the wall clock is held back', async () => {
    await site.install();
    await site.judged();
    for (let day = 0; day < 400; day += 20) {
      site.clock.monotonic += 20 * DAY_MS;
      await site.keeper.tick();
    }
    expect(await site.verdict()).toMatchObject({ state: 'expired', codes: ['LICENSE_EXPIRED', 'LICENSE_CLOCK'] });
  });

  it('loses at most a minute by a kill', async () => {
    await site.install();
    await site.judged();
    const start = site.clock.wall;
    for (let n = 0; n < 30; n++) {
      site.clock.monotonic += 5_000;
      await site.keeper.tick();
    }
    await site.restart({ isKilled: true, monotonic: 0 });
    await site.judged();
    site.clock.monotonic += HOUR_MS;
    expect((await site.judged()).clockMs).toBeGreaterThanOrEqual(start + 150_000 - 60_000 + HOUR_MS);
  });

  it('that a wrong clock has put into the future is taken back by a license that says so, once', async () => {
    await site.install();
    site.clock.wall = Date.parse('2099-01-01T00:00:00Z');
    expect(await site.verdict()).toMatchObject({ state: 'refused' });
    site.clock.wall = BEGIN + DAY_MS;
    expect(await site.verdict()).toMatchObject({ state: 'refused' });
    await site.install({ id: 'L-2', site: 'other', resetsClock: true });
    expect(await site.verdict()).toMatchObject({ state: 'refused' });
    await site.install({ id: 'L-3', resetsClock: true });
    expect(await site.verdict()).toMatchObject({ state: 'valid', id: 'L-3', codes: [] });
    await site.restart({ isKilled: true });
    expect(await site.verdict()).toMatchObject({ state: 'valid', id: 'L-3' });
    site.clock.wall = GRACE_END + 1;
    expect(await site.verdict()).toMatchObject({ state: 'expired' });
    site.clock.wall = BEGIN + DAY_MS;
    await site.restart();
    expect(await site.verdict()).toMatchObject({ state: 'expired', id: 'L-3' });
  });
});

describe('limits', () => {
  it('refuse connections and tags beyond them, and say when a smaller license meets a site that runs', async () => {
    site.current = generationOf(1, { a: 60, b: 60, c: 10 });
    await site.install({ tags: 100 });
    expect(await site.verdict()).toMatchObject({ state: 'valid', admitted: ['a', 'c'] });
    expect(site.refused).toEqual({ b: 'LICENSE_TAGS' });
    await site.install({ id: 'L-2', connections: 1 });
    expect(await site.verdict()).toEqual({
      state: 'valid',
      id: 'L-2',
      codes: ['LICENSE_EXCEEDED'],
      admitted: ['a', 'c'],
    });
  });
});

describe('a bus that is away', () => {
  it('loses no judgement: it is published by a later look', async () => {
    await site.judged();
    const publish = site.bus.publish;
    site.bus.publish = () => Promise.reject(new Error('away'));
    await site.install();
    await site.keeper.tick();
    expect(site.keeper.trouble).toMatchObject({ code: 'INTERNAL' });
    site.bus.publish = publish;
    expect(await site.verdict()).toMatchObject({ state: 'valid' });
    expect(site.keeper.trouble).toBeNull();
  });
});
