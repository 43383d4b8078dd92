import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isBusbarError } from '@busbar/errors';
import { SignJWT } from 'jose';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Access, isOwnOrigin, SESSION_MS } from './access.js';
import { readKeyFile } from './admin-key.js';

const adminKey = 'a1'.repeat(32);
const sessionKey = 'b2'.repeat(32);
let nowMs = 0;
const clock = { monotonicMs: () => nowMs, wallMs: () => 1_764_000_000_000 + nowMs };

function cookie(token: string): { cookie: string } {
  return { cookie: `other=1; busbar-session=${token}` };
}

describe('access', () => {
  let access: Access;

  beforeEach(() => {
    nowMs = 0;
    access = new Access({ adminKey, sessionKey }, clock);
  });

  it('knows the admin key and no other', async () => {
    expect(await access.identify({ authorization: `Bearer ${adminKey}` })).toMatchObject({ who: 'admin', until: null });
    expect(await access.identify({ authorization: `Bearer ${adminKey.slice(0, -1)}` })).toBeUndefined();
    expect(await access.identify({ authorization: `Basic ${adminKey}` })).toBeUndefined();
    expect(await access.identify({})).toBeUndefined();
  });

  it('does not let a session stand in for a wrong key', async () => {
    const { token } = await access.openSession();
    expect(await access.identify({ authorization: 'Bearer wrong', ...cookie(token) })).toBeUndefined();
  });

  it('redeems the set-up code once', () => {
    const code = access.newSetupCode();
    access.redeemCode(code);
    expect(() => access.redeemCode(code)).toThrow('used up');
  });

  it('redeems no code after 15 minutes, and no wrong one', () => {
    const code = access.newSetupCode();
    expect(() => access.redeemCode(`${code}x`)).toThrow('used up');
    nowMs = 15 * 60_000 + 1;
    expect(() => access.redeemCode(code)).toThrow('older than 15 minutes');
  });

  it('holds a session for 12 hours', async () => {
    const { token, caller } = await access.openSession();
    expect(caller.until).toBe(clock.wallMs() + SESSION_MS);
    nowMs = SESSION_MS - 1_000;
    expect(await access.identify(cookie(token))).toMatchObject({ who: 'admin', role: 'admin' });
    nowMs = SESSION_MS + 1_000;
    expect(await access.identify(cookie(token))).toBeUndefined();
  });

  it('ends a session that signed out, and no other', async () => {
    const one = await access.openSession();
    const two = await access.openSession();
    await access.endSession(one.token);
    expect(await access.identify(cookie(one.token))).toBeUndefined();
    expect(await access.identify(cookie(two.token))).toBeDefined();
  });

  it('takes no token of another key or algorithm', async () => {
    const sign = (alg: string, key: string) =>
      new SignJWT({ role: 'admin' })
        .setProtectedHeader({ alg })
        .setSubject('admin')
        .setJti('1')
        .setExpirationTime(clock.wallMs() / 1000 + 60)
        .sign(Buffer.from(key, 'hex'));
    expect(await access.identify(cookie(await sign('HS256', sessionKey)))).toBeDefined();
    const foreign = await sign('HS256', 'cc'.repeat(32));
    const other = await sign('HS512', sessionKey.repeat(2));
    const none = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${foreign.split('.')[1]}.`;
    for (const token of [foreign, other, none, 'x.y.z', ''])
      expect(await access.identify(cookie(token))).toBeUndefined();
  });
});

describe('origin', () => {
  it('is that of this server, or none', () => {
    expect(isOwnOrigin(undefined, '127.0.0.1:8080')).toBe(true);
    expect(isOwnOrigin('http://127.0.0.1:8080', '127.0.0.1:8080')).toBe(true);
    expect(isOwnOrigin('https://Site.example', 'site.example')).toBe(true);
    expect(isOwnOrigin('http://127.0.0.1:8081', '127.0.0.1:8080')).toBe(false);
    expect(isOwnOrigin('null', '127.0.0.1:8080')).toBe(false);
    expect(isOwnOrigin('http://evil.example', undefined)).toBe(false);
  });
});

describe('key file', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'busbar-key-'));
  });

  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('is made once, for its owner alone', () => {
    const path = join(folder, 'new', 'admin.key');
    const key = readKeyFile(path, 'SETTING');
    expect(key).toMatch(/^[0-9a-f]{64}$/);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readKeyFile(path, 'SETTING')).toBe(key);
    expect(readFileSync(path, 'utf8').trim()).toBe(key);
  });

  it('is refused when it holds no key, and is left as it is', () => {
    const path = join(folder, 'admin.key');
    writeFileSync(path, 'secret\n');
    chmodSync(path, 0o400);
    const error = (() => {
      try {
        return readKeyFile(path, 'BUSBAR_ADMIN_KEY_FILE');
      } catch (caught) {
        return caught;
      }
    })();
    expect(isBusbarError(error, 'SETTING_INVALID')).toBe(true);
    expect(String(error)).not.toContain('secret');
    expect(readFileSync(path, 'utf8')).toBe('secret\n');
  });
});
