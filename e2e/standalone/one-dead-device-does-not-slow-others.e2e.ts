import type { ConnectionView, PointsView } from '@busbar/api-schema';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { editPackage } from '../harness/edit-package.js';
import { Site } from '../harness/site.js';
import { until } from '../harness/until.js';

const DEAD = 'inv-03';
const OTHERS = ['inv-01', 'inv-02', 'inv-04'];
const MEASURE_MS = 10_000;
const BACK_MS = 15_000;

let site: Site;

beforeAll(async () => {
  site = await Site.prepare();
  // One group alone in the seconds that are counted.
  editPackage(site.package, 'protocols/pv.yaml', 'slow: 30s, once: start', 'slow: 10m, once: start');
  await site.run();
});

afterAll(async () => {
  await site?.stop();
});

async function reads(): Promise<ReadonlyMap<string, number>> {
  const { body } = await site.simulator<{ devices: { id: string; reads: number }[] }>('/devices');
  return new Map(body.devices.map((device) => [device.id, device.reads]));
}

/** Reads per second of each device, over some seconds. */
async function rates(): Promise<ReadonlyMap<string, number>> {
  const from = performance.now();
  const before = await reads();
  await new Promise((resolve) => setTimeout(resolve, MEASURE_MS));
  const after = await reads();
  const seconds = (performance.now() - from) / 1000;
  return new Map([...after].map(([id, count]) => [id, (count - (before.get(id) ?? 0)) / seconds]));
}

async function pointsOf(asset: string): Promise<PointsView['points']> {
  return (await site.api<PointsView>('/points')).body.points.filter((point) => point.asset === asset);
}

async function inverters(): Promise<ConnectionView | undefined> {
  const { body } = await site.api<{ connections: ConnectionView[] }>('/connections');
  return body.connections.find(({ connection }) => connection === 'inverters');
}

const areAllGood = (points: PointsView['points']) => points.every(({ quality }) => quality === 'good');

describe('a device that falls silent behind a gateway', () => {
  let before: ReadonlyMap<string, number>;

  it('is read like the others as long as it is well', async () => {
    await until('the connection is active', async () => (await inverters())?.state === 'active');
    await until('every point is good', async () => areAllGood((await site.api<PointsView>('/points')).body.points));
    before = await rates();
    for (const id of [DEAD, ...OTHERS]) expect(before.get(id)).toBeGreaterThan(0.9);
  });

  it('is said to be silent, by name, and its values are not shown as if they were current', async () => {
    const fault = { method: 'POST', body: JSON.stringify({ kind: 'silence' }) };
    expect((await site.simulator(`/devices/${DEAD}/faults`, fault)).status).toBe(201);
    const view = await until('the connection is degraded', async () => {
      const connection = await inverters();
      return connection?.state === 'degraded' && connection;
    });
    const silent = view.devices.filter(({ diagnosis }) => diagnosis?.code === 'DEVICE_SILENT');
    expect(silent.map(({ id }) => id)).toEqual([DEAD]);
    expect(JSON.stringify(silent[0]?.diagnosis?.params)).toContain(DEAD);
    expect(view.devices.filter(({ state }) => state === 'active').map(({ id }) => id)).toEqual(OTHERS);
    await until('its points are bad', async () =>
      (await pointsOf(DEAD)).every(({ quality }) => quality === 'bad not-connected'),
    );
    for (const { value } of await pointsOf(DEAD)) expect(value).toBeNull();
  });

  it('does not slow the others, nor spoil their values', async () => {
    const now = await rates();
    const shares = OTHERS.map((id) => [id, (now.get(id) ?? 0) / (before.get(id) ?? Number.NaN)] as const);
    process.stdout.write(
      `REPORT scan rate beside a silent device: ${shares.map(([id, share]) => `${id} ${(share * 100).toFixed(0)} %`).join(', ')}\n`,
    );
    // A window may begin just before or just behind a scan: one in ten more or less for a device, not for all of them.
    expect(shares.filter(([, share]) => !(share >= 0.8))).toEqual([]);
    expect(shares.reduce((sum, [, share]) => sum + share, 0) / shares.length).toBeGreaterThanOrEqual(0.9);
    for (const id of OTHERS) expect(areAllGood(await pointsOf(id))).toBe(true);
  });

  it('comes back by itself when it answers again', async () => {
    const from = performance.now();
    expect((await site.simulator(`/devices/${DEAD}/faults`, { method: 'DELETE' })).status).toBe(204);
    await until('its points are good again', async () => areAllGood(await pointsOf(DEAD)), BACK_MS);
    process.stdout.write(`REPORT back after ${((performance.now() - from) / 1000).toFixed(1)} s\n`);
    await until('the connection is active', async () => (await inverters())?.state === 'active');
    expect((await inverters())?.devices.every(({ diagnosis }) => diagnosis === null)).toBe(true);
  });
});
