import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PointsView, RequestView } from '@busbar/api-schema';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Site } from '../harness/site.js';
import { until } from '../harness/until.js';

/** Object address of the first plan of examples/pv-site, and the point behind it. */
const OBJECTS = [
  ['power', 'M_ME:16386', 'inv-01/INV.ActivePower'],
  ['limit', 'M_ME:16389', 'inv-01/INV.PowerLimit'],
  ['far', 'M_ME:16404', 'inv-04/INV.ActivePower'],
  ['voltage', 'M_ME:16410', 'mtr-01/MTR.VoltageA'],
] as const;

interface SimulatedDevices {
  readonly devices: readonly { readonly id: string; readonly values: Readonly<Record<string, number>> }[];
}

let folder: string;
let plant: Site;
let center: Site;

type Points = Map<string, PointsView['points'][number]>;

async function points(site: Site): Promise<Points> {
  const { body } = await site.api<PointsView>('/points');
  return new Map(body.points.map((point) => [point.path, point]));
}

describe('a Busbar that reads another one over IEC 104', () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'busbar-center-'));
    plant = await Site.start({ cloud: false });
    const target = join(folder, 'package');
    mkdirSync(join(target, 'points'), { recursive: true });
    writeFileSync(
      join(target, 'busbar.yaml'),
      `apiVersion: busbar/v1
site: { id: center, title: Center, timezone: UTC }
connections:
  plant:
    driver: iec104
    readOnly: false
    with: { host: 127.0.0.1, port: ${plant.ports.iec104} }
    devices:
      plant: { table: plant, with: { ca: 1, timezone: Asia/Shanghai } }
control:
  default: { priority: [ operator ], expiry: 10s, hold: 0s }
`,
    );
    const rows = OBJECTS.map(([id, address]) => `${id},${address},float32,r`);
    rows.push('set,C_SE_NC:25089,float32,w');
    writeFileSync(join(target, 'points', 'plant.csv'), `id,address,type,access\n${rows.join('\n')}\n`);
    center = await Site.start({ package: target, simulator: false, cloud: false });
  });

  afterAll(async () => {
    await center?.stop();
    await plant?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('shows the same values with the same times', async () => {
    await until('all points of the plant are shown as they are there', async () => {
      const [here, there] = [await points(center), await points(plant)];
      return OBJECTS.every(([id, , path]) => {
        const [mine, theirs] = [here.get(`plant/${id}`), there.get(path)];
        if (mine?.quality !== 'good' || theirs?.quality !== 'good') return false;
        return Math.abs(Number(mine.value) - Number(theirs.value)) <= Math.abs(Number(theirs.value)) * 1e-6;
      });
    });
    const ages = [...(await points(center)).values()].map(({ sourceTime }) => Date.now() - (sourceTime ?? Date.now()));
    // A zone that was mistaken would be off by hours.
    for (const age of ages) expect(Math.abs(age)).toBeLessThan(600_000);
  });

  it('follows a change', async () => {
    const before = (await points(center)).get('plant/power')?.value;
    await until('the power is another', async () => (await points(center)).get('plant/power')?.value !== before);
  });

  it('gives a set-point that the device of the plant executes', async () => {
    const body = JSON.stringify({ id: 'limit-1', point: 'plant/set', value: 42.5 });
    const { end } = (await center.api<RequestView>('/control/requests', { method: 'POST', body })).body;
    expect(end).toMatchObject({ kind: 'executed' });
    const { devices } = (await plant.simulator<SimulatedDevices>('/devices')).body;
    expect(devices.find(({ id }) => id === 'inv-01')?.values.limit).toBe(42.5);
    await until('it is seen here', async () => (await points(center)).get('plant/limit')?.value === 42.5);
  });
});
