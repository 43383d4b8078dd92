// @vitest-environment happy-dom
import { act } from 'react';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { consoleBench } from '../testing/console-bench.js';
import { localTarget } from './local-target.js';
import { LoginPage } from './login-page.js';
import { hasSetupCode, spendSetupCode, takeSetupCode } from './setup-code.js';
import { SetupPage } from './setup-page.js';

const session = { who: 'admin', role: 'admin', until: 2_000_000 };
const visit = (pathname: string, hash: string) => {
  const replaceState = vi.fn();
  takeSetupCode({ location: { pathname, hash, search: '' }, history: { replaceState } });
  return replaceState;
};

let bench: ReturnType<typeof consoleBench> | undefined;
afterEach(() => {
  bench?.end();
  bench = undefined;
  spendSetupCode();
});

describe('set-up link', () => {
  it('gives its code once, and leaves it in no history', () => {
    expect(visit('/setup', '#c0de')).toHaveBeenCalledWith(null, '', '/setup');
    expect(hasSetupCode()).toBe(true);
    expect(spendSetupCode()).toBe('c0de');
    expect(spendSetupCode()).toBeNull();
    expect(visit('/points', '#c0de')).not.toHaveBeenCalled();
  });

  it('is exchanged by POST, and leads to the points', async () => {
    visit('/setup', '#c0de');
    bench = consoleBench(() => ({ status: 200, body: session }));
    await bench.show(<SetupPage />, '/setup');
    expect(bench.calls).toEqual([{ method: 'POST', path: '/session', body: { code: 'c0de' } }]);
    expect(bench.where()).toBe('/points');
    expect(bench.queries.getQueryData(['session'])).toEqual(session);
  });

  it('says when it is used up, and shows the way to the admin key', async () => {
    visit('/setup', '#c0de');
    bench = consoleBench(() => ({
      status: 401,
      body: { code: 'SETUP_CODE_INVALID', params: {}, sentence: 's', fix: 'f' },
    }));
    await bench.show(<SetupPage />, '/setup');
    expect(bench.text()).toContain('The set-up link is used up or older than 15 minutes.');
    expect(document.querySelector('a[href="/login"]')).not.toBeNull();
  });
});

describe('LoginPage', () => {
  const signIn = async (status: number, start: string) => {
    bench = consoleBench(() => ({
      status,
      body: status === 200 ? session : { code: 'UNAUTHORIZED', params: {}, sentence: 's', fix: 'f' },
    }));
    await bench.show(<LoginPage />, start);
    await bench.type(document.querySelector('input') as HTMLInputElement, ' key ');
    await act(async () =>
      document.querySelector('form')?.dispatchEvent(new Event('submit', { bubbles: true, cancelable: true })),
    );
  };

  it('goes back to where the reader came from', async () => {
    await signIn(200, '/login?next=%2Fconnections%3Fx%3D1');
    expect(bench?.calls[0]?.body).toEqual({ key: 'key' });
    expect(bench?.where()).toBe('/connections?x=1');
  });

  it('says at the field that the key is not the one', async () => {
    await signIn(401, '/login');
    expect(document.querySelector('[role=alert]')?.textContent).toContain('This key is not the one.');
    expect(document.querySelector('input')?.getAttribute('aria-invalid')).toBe('true');
  });
});

describe('localTarget', () => {
  it.each([null, '', 'https://x.example', '//x.example', '/\\x.example', 'points'])(
    'never leads to another host: %s',
    (next) => {
      expect(localTarget(next)).toBe('/points');
    },
  );
  it('keeps a path of the console', () => {
    expect(localTarget('/control/requests/a?x=1')).toBe('/control/requests/a?x=1');
  });
});
