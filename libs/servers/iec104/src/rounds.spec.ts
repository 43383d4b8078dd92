import type { PlanSite, TemplateRow } from '@busbar/address-plan';
import { settled, type TestServer, testServerHost } from '@busbar/server-testkit';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Iec104Config } from './config.js';
import server from './server.js';
import { type RawMaster, rawMaster } from './test-master.js';

const row = (point: string, more: object = {}): TemplateRow => ({
  point,
  model: { type: 'float', kind: 'AI', access: 'r' },
  event: 'none',
  ...more,
});
const ROWS = [row('plain'), row('often', { cyclic: true }), row('seldom', { background: true })];
const SITE: PlanSite = {
  devices: [{ asset: 'a', index: 1, template: 't' }],
  templates: new Map([['t', { id: 't', rows: ROWS }]]),
};

let host: TestServer<Iec104Config>;
let master: RawMaster;

async function start(config: object = {}): Promise<void> {
  host = testServerHost(server, {
    config: {
      address: '127.0.0.1',
      port: 0,
      timezone: 'UTC',
      cyclicEvery: 60_000,
      backgroundEvery: 600_000,
      ...config,
    },
    site: SITE,
  });
  await host.listen();
  for (const point of ['plain', 'often', 'seldom']) host.set({ asset: 'a', point, value: 7.5 });
  master = await (await rawMaster(host.port)).start();
}

const own = (cause: number) => master.received.filter((one) => one.cause === cause).map(({ address }) => address);
const addressOf = (point: string) => host.entry('a', point).address;

/** Time goes on, and the master hears and tells that it is there. */
async function pass(ms: number): Promise<void> {
  for (let rest = ms; rest > 0; rest -= 10_000) {
    await host.time.advance(Math.min(rest, 10_000));
    await settled(20);
  }
}

afterEach(async () => {
  master.close();
  expect(master.faults).toEqual([]);
  await host.close();
  expect(host.time.pendingCount).toBe(0);
});

describe('values that nobody asks for', () => {
  it('come in their periods, with their causes and without times, and no others', async () => {
    await start();
    await pass(610_000);
    await master.until(() => own(2).length > 0, 'a background value');
    expect(own(1)).toEqual(new Array(10).fill(addressOf('often')));
    expect(own(2)).toEqual([addressOf('seldom')]);
    const sent = master.received.filter(({ cause }) => cause === 1 || cause === 2);
    expect(new Set(sent.map(({ type }) => type))).toEqual(new Set([13]));
    expect(sent.every(({ element }) => element.readFloatLE(0) === 7.5)).toBe(true);
  });

  it('wait behind interrogations, and never keep one from being answered', async () => {
    await start({ k: 1, cyclicEvery: 5_000, backgroundEvery: 10_000 });
    await master.until(() => master.received.length > 0, 'the end of initialization');
    master.setConfirming(false);
    master.ask({ type: 103, cause: 6, more: [0, 0, 0, 0, 1, 1, 26] });
    await master.until(() => master.received.some(({ type }) => type === 103), 'the one frame that may be under way');
    await host.time.advance(11_000);
    for (let n = 0; n < 2; n++) master.ask({ type: 100, cause: 6, more: [20] });
    await vi.waitFor(() => expect(host.requests.get('interrogation: confirmed')).toBe(2));
    master.setConfirming(true);
    await master.until(() => own(2).length > 0, 'a background value');
    const order = master.received.filter(({ cause }) => [1, 2, 10].includes(cause)).map(({ cause }) => cause);
    expect(order).toEqual([10, 10, 1, 2]);
    expect(master.received.some(({ isNegative }) => isNegative)).toBe(false);
  });

  it('are not sent to a master that has stopped', async () => {
    await start();
    master.control(0x13);
    await master.until(() => !master.isStarted, 'STOPDT con');
    await host.time.advance(60_000);
    expect(own(1)).toEqual([]);
  });
});
