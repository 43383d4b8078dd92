// @vitest-environment happy-dom
import type { RequestView } from '@busbar/api-schema';
import { afterEach, describe, expect, it } from 'vitest';
import { type Answer, consoleBench, powerLimit } from '../testing/console-bench.js';
import { RequestDialog } from './request-dialog.js';

const view = (id: string, over: Partial<RequestView> = {}): RequestView => ({
  id,
  request: '01J9A',
  source: 'operator',
  who: 'admin',
  items: [{ point: powerLimit.path, value: 60 }],
  expiresAt: 1_030_000,
  stages: [{ stage: 'requested', at: 1_000_000 }],
  connection: null,
  results: [],
  end: null,
  ...over,
});

let bench: ReturnType<typeof consoleBench>;
afterEach(() => bench.end());

type Serve = (method: string, path: string, body: { id: string }) => Answer | 'no link';

async function asked(serve: Serve, value = '60') {
  bench = consoleBench((method, path, body) => {
    if (path.startsWith('/control/holds')) return { status: 200, body: { holds: [] } };
    return serve(method, path, body as { id: string });
  });
  await bench.show(<RequestDialog row={powerLimit} onClose={() => undefined} />);
  const input = document.querySelector<HTMLInputElement>('input[id$=value]');
  if (input === null) throw new Error('no value field');
  await bench.type(input, value);
  await bench.press('Continue');
}
const posts = () => bench.calls.filter((call) => call.method === 'POST');

describe('RequestDialog', () => {
  it('sends nothing before it is confirmed, then exactly what was typed', async () => {
    await asked((_method, _path, body) => ({ status: 202, body: view(body.id) }), '49.9995');
    expect(posts()).toEqual([]);
    expect(bench.text()).toContain('49.9995 %');
    await bench.press('Send now');
    expect(posts()).toHaveLength(1);
    expect(posts()[0]?.body).toMatchObject({ point: powerLimit.path, value: 49.9995, expiresMs: 30_000 });
  });

  it('refuses a value outside of policy and model while typing, and does not go on', async () => {
    await asked(() => ({ status: 500, body: {} }), '5');
    expect(bench.text()).toContain('Allowed: 10 to 100 %');
    expect(document.querySelector('[role=alert]')).not.toBeNull();
    expect(bench.text()).not.toContain('Send now');
  });

  it('follows the request live up to the value read back', async () => {
    await asked((_method, _path, body) => ({ status: 202, body: view(body.id) }));
    await bench.press('Send now');
    expect(bench.text()).toContain('Waiting for the decision');
    const stages = (['requested', 'granted', 'started', 'acknowledged', 'ended'] as const).map((stage, i) => ({
      stage,
      at: 1_000_000 + i,
    }));
    const end = { kind: 'executed', verified: true, written: true, clamped: false } as const;
    const results = [{ point: powerLimit.path, outcome: 'executed' as const, readBack: 60 }];
    const id = bench.idOf('requests');
    await bench.say({ t: 'requests', id, reset: true, items: [view('x', { stages, end, results })] });
    expect(bench.text()).toContain('Read back: 60 %');
  });

  it('shows rule, holder and facts of a refusal, whatever status it came with', async () => {
    const until = { bootId: 'b', monotonicMs: 1, wallMs: 2 };
    const holder = {
      point: powerLimit.path,
      kind: 'value' as const,
      source: 'cloud:enos',
      priority: 9,
      value: 80,
      until,
    };
    const end = {
      kind: 'refused' as const,
      rule: 'HELD' as const,
      also: [],
      holder,
      facts: [{ name: 'rest', value: '41 s' }],
    };
    await asked((_method, _path, body) => ({ status: 423, body: view(body.id, { end }) }));
    await bench.press('Send now');
    for (const text of ['Another source holds the point.', 'cloud:enos', '41 s']) expect(bench.text()).toContain(text);
  });

  it('says that a lost answer may have arrived, and never offers to send before it was looked up', async () => {
    await asked(() => 'no link');
    await bench.press('Send now');
    expect(bench.text()).toContain('may have arrived');
    expect(bench.text()).not.toContain('Send again');
    expect(posts()).toHaveLength(1);
  });

  it('sends again only under the same id, once the server knows nothing of it', async () => {
    let tries = 0;
    await asked((method, _path, body) => {
      if (method === 'GET')
        return { status: 404, body: { code: 'CONTROL_UNKNOWN_REQUEST', params: {}, sentence: 's', fix: 'f' } };
      return ++tries === 1 ? 'no link' : { status: 202, body: view(body.id) };
    });
    await bench.press('Send now');
    await bench.press('Look it up');
    await bench.press('Send again');
    const ids = posts().map((call) => (call.body as { id: string }).id);
    expect(ids).toHaveLength(2);
    expect(new Set(ids).size).toBe(1);
  });

  it('shows an error of the server in the place of the chain', async () => {
    const body = { code: 'CONTROL_NO_BUS', params: {}, sentence: 'x', fix: 'y' };
    await asked(() => ({ status: 503, body }));
    await bench.press('Send now');
    expect(document.querySelector('[role=alert]')?.textContent).toContain('the bus does not accept it');
  });

  it('sends nothing without a link', async () => {
    await asked(() => ({ status: 500, body: {} }));
    await bench.cut();
    await bench.show(<RequestDialog row={powerLimit} onClose={() => undefined} />);
    const button = [...document.querySelectorAll('button')].find((one) => one.textContent === 'Send now');
    expect(button?.disabled).toBe(true);
  });
});
