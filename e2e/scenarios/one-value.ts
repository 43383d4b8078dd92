import type { ConnectionView, PointsView, RequestView } from '@busbar/api-schema';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Site } from '../harness/site.js';
import { until } from '../harness/until.js';

interface Summary {
  readonly received: number;
  readonly assets: Readonly<Record<string, { readonly received: number }>>;
}

interface Reply {
  readonly code: number;
  readonly message?: string;
}

interface SimulatedDevice {
  readonly id: string;
  readonly values: Readonly<Record<string, number>>;
}

export interface OneValueOptions {
  start(): Promise<Site>;
  /** Programs that are stopped in order and started again in the last part. */
  readonly restarted: readonly string[];
  /** Promises of this way of running alone; the site runs. */
  besides?(): void;
}

/** The same promises, whichever way the services run. */
export function describeOneValue(name: string, options: OneValueOptions): void {
  describe(name, () => promises(options));
}

function promises({ start, restarted, besides }: OneValueOptions): void {
  let site: Site;
  let keys: Summary['assets'] = {};

  beforeAll(async () => {
    site = await start();
  });

  afterAll(async () => {
    await site?.stop();
  });

  async function points(): Promise<PointsView['points']> {
    return (await site.api<PointsView>('/points')).body.points;
  }

  async function simulated(id: string): Promise<SimulatedDevice['values']> {
    const { body } = await site.simulator<{ devices: SimulatedDevice[] }>('/devices');
    return body.devices.find((device) => device.id === id)?.values ?? {};
  }

  function setLimit(asset: string, value: number) {
    return site.cloud<Reply>(`/devices/${asset}/set`, {
      method: 'POST',
      body: JSON.stringify({ points: { 'INV.PowerLimit': value } }),
    });
  }

  /** Device key of an asset at the stand-in, as the example package forms it. */
  function deviceKey(asset: string): string {
    const secret = Object.keys(keys).find((key) => key.endsWith(asset));
    if (!secret) throw new Error(`the stand-in knows no device for ${asset}`);
    return secret;
  }
  it('shows good values of all five devices', async () => {
    const good = await until('every device has good values', async () => {
      const list = await points();
      const assets = new Set(list.filter((point) => point.quality === 'good').map((point) => point.asset));
      return assets.size >= 5 && list;
    });
    const power = good.find((point) => point.path === 'inv-01/INV.ActivePower');
    expect(power?.value).toBeGreaterThan(50);
    expect(power?.value).toBeLessThan(105);
    expect(power?.point.unit).toBe('kW');
  });

  it('says that every connection is active', async () => {
    const list = await until('connections are active', async () => {
      const all = (await site.api<{ connections: ConnectionView[] }>('/connections')).body.connections;
      // A server is idle until a third party comes.
      const connections = all.filter(({ kind }) => kind !== 'forwarding');
      return connections.length >= 3 && connections.every(({ state }) => state === 'active') && connections;
    });
    expect(list.flatMap(({ devices }) => devices).filter(({ state }) => state === 'active')).toHaveLength(5);
  });

  it('brings them to the cloud, and it acknowledges them', async () => {
    keys = await until('the stand-in has values of five devices', async () => {
      const { body } = await site.cloud<Summary>('/summary');
      const filled = Object.entries(body.assets).filter(([, asset]) => asset.received > 0);
      return filled.length >= 5 && body.assets;
    });
    expect(Object.keys(keys).length).toBeGreaterThanOrEqual(5);
  });

  it('lets the cloud command an inverter, and the answer returns', async () => {
    const reply = await setLimit(deviceKey('inv-02'), 40);
    expect(reply).toMatchObject({ status: 200, body: { code: 200 } });
    const values = await until('the inverter is limited', async () => {
      const now = await simulated('inv-02');
      return Object.entries(now).some(([name, value]) => /p_ac/.test(name) && value < 45) && now;
    });
    expect(values.limit).toBeCloseTo(40, 5);
    await until('the console sees it', async () => {
      const point = (await points()).find(({ path }) => path === 'inv-02/INV.ActivePower');
      return typeof point?.value === 'number' && point.value < 45;
    });
  });

  it('refuses what the policy does not allow, and says so', async () => {
    const reply = await setLimit(deviceKey('inv-02'), 5);
    expect(reply.body.code).toBe(2105);
    expect(reply.body.message).toContain('RANGE');
  });

  it('carries out an operator request once, and shows its chain', async () => {
    const ask = { id: 'e2e-1', point: 'inv-03/INV.PowerLimit', value: 55, expiresMs: 20_000 };
    const first = await site.api<RequestView>('/control/requests', { method: 'POST', body: JSON.stringify(ask) });
    expect(first).toMatchObject({ status: 200, body: { end: { kind: 'executed', verified: true } } });
    expect(first.body.stages.map(({ stage }) => stage)).toEqual([
      'requested',
      'granted',
      'started',
      'acknowledged',
      'ended',
    ]);
    expect(first.body.results[0]?.readBack).toBe(55);
    const again = await site.api<RequestView>('/control/requests', { method: 'POST', body: JSON.stringify(ask) });
    expect(again.body.end).toEqual(first.body.end);
    const other = { ...ask, value: 60 };
    const reused = await site.api<RequestView>('/control/requests', { method: 'POST', body: JSON.stringify(other) });
    expect(reused).toMatchObject({ status: 409, body: { end: { kind: 'refused', rule: 'ID_REUSED' } } });
  });

  it('keeps the point of a stronger source against the cloud', async () => {
    const reply = await setLimit(deviceKey('inv-03'), 70);
    expect(reply.body).toMatchObject({ code: 2111 });
    expect(reply.body.message).toContain('operator');
  });

  it('lets nobody in without key or session', async () => {
    for (const path of ['/points', '/connections', '/control/requests']) {
      expect((await fetch(`http://127.0.0.1:${site.ports.http}/api/v1${path}`)).status).toBe(401);
    }
  });

  besides?.();

  it('stops in order, starts again, and goes on with the same generation', async () => {
    const before = (await site.api<{ generation: { number: number } }>('/site')).body.generation.number;
    for (const program of restarted) expect(await site.program(program).stop()).toBe(0);
    for (const program of restarted) site.program(program).start();
    await site.untilReady();
    const body = await until('the generation is there', async () => {
      const view = (await site.api<{ generation: { number: number } | null }>('/site')).body;
      return view.generation !== null && view;
    });
    expect(body.generation?.number).toBe(before);
    await until(
      'values flow again',
      async () => (await points()).filter(({ quality }) => quality === 'good').length > 30,
    );
  });
}
