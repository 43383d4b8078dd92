import { execFileSync } from 'node:child_process';
import type { ConnectionView, PointsView } from '@busbar/api-schema';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasProgram, PythonPeer, pythonWith } from '../harness/python-peer.js';
import type { Site } from '../harness/site.js';
import { until } from '../harness/until.js';

interface MasterPoint {
  readonly address: number;
  readonly value: number | null;
  readonly good: boolean;
}

interface SimulatedDevice {
  readonly id: string;
  readonly values: Readonly<Record<string, number>>;
}

/** The first plan of examples/pv-site: object address to point, as its busbar.lock has it. */
const OBJECTS: Readonly<Record<number, string>> = {
  16385: 'inv-01/DEV.State',
  16386: 'inv-01/INV.ActivePower',
  16387: 'inv-01/INV.ReactivePower',
  16388: 'inv-01/INV.CabinetTemp',
  16389: 'inv-01/INV.PowerLimit',
  16392: 'inv-02/INV.ActivePower',
  16404: 'inv-04/INV.ActivePower',
  16409: 'mtr-01/MTR.ActivePower',
  16410: 'mtr-01/MTR.VoltageA',
};
/** Set-point of the limit of inverter 1. */
const LIMIT_COMMAND = 25_089;
/** Communication of the first device. */
const COMMUNICATION = 61_445;

const c104 = pythonWith('c104');
const lacking = [c104 ? '' : 'c104 (PyPI)', hasProgram('mbpoll') ? '' : 'mbpoll'].filter((name) => name !== '');

export interface ThirdPartiesOptions {
  start(): Promise<Site>;
}

/** The same promises, whichever way the services run. Masters that we did not write are the judges. */
export function describeThirdParties(name: string, options: ThirdPartiesOptions): void {
  if (lacking.length > 0) process.stdout.write(`SKIPPED, not installed here: ${lacking.join(', ')}\n`);
  describe.skipIf(lacking.length > 0)(name, () => promises(options));
}

function promises({ start }: ThirdPartiesOptions): void {
  let site: Site;
  let master: PythonPeer;

  beforeAll(async () => {
    site = await start();
    await until('both servers listen', async () => {
      const { connections } = (await site.api<{ connections: ConnectionView[] }>('/connections')).body;
      const servers = connections.filter(({ kind }) => kind === 'forwarding');
      return servers.length === 2 && servers.every(({ server }) => server?.port);
    });
    master = new PythonPeer(c104 as string, 'iec104_master.py', String(site.ports.iec104), 'untimed');
  }, 180_000);

  afterAll(async () => {
    await master?.stop();
    await site?.stop();
  });

  async function objects(request = 'points'): Promise<ReadonlyMap<number, MasterPoint>> {
    const { points } = await master.ask<{ points: MasterPoint[] }>({ do: request });
    return new Map(points.map((point) => [point.address, point]));
  }

  async function shown(): Promise<ReadonlyMap<string, PointsView['points'][number]>> {
    const { points } = (await site.api<PointsView>('/points')).body;
    return new Map(points.map((point) => [point.path, point]));
  }

  const limitOf = async (device: string) => {
    const { body } = await site.simulator<{ devices: SimulatedDevice[] }>('/devices');
    return body.devices.find(({ id }) => id === device)?.values.limit;
  };

  function mbpoll(...args: readonly string[]): string {
    const common = ['-m', 'tcp', '-p', String(site.ports.forwardedModbus), '-a', '1', '-1', '-q'];
    try {
      return execFileSync('mbpoll', [...common, ...args], { encoding: 'utf8', stdio: 'pipe' });
    } catch (error) {
      return String((error as { stderr?: string }).stderr);
    }
  }

  it('a control center that we did not write agrees with the console on every value', async () => {
    const isSame = async (request: 'points' | 'interrogate', part: string) => {
      const [there, here] = [await objects(request), await shown()];
      for (const [address, path] of Object.entries(OBJECTS).filter(([, each]) => each.includes(part))) {
        const point = there.get(Number(address));
        const value = Number(here.get(path)?.value);
        if (!point?.good || point.value === null) throw new Error(`${path}: ${JSON.stringify(point)}`);
        // Power goes on between the two readings.
        expect(Math.abs(point.value - value), path).toBeLessThanOrEqual(Math.max(0.01, Math.abs(value) * 0.05));
      }
      return true;
    };
    await until('the same values by interrogation', () => isSame('interrogate', ''));
    await master.stop();
    // A new connection of the same master hears by itself of whatever changes; what it was told before stays as it is.
    master = new PythonPeer(c104 as string, 'iec104_master.py', String(site.ports.iec104), 'timed');
    await until('the same values by events', () => isSame('points', 'ActivePower'));
  });

  it('the point list that the third party gets has an address for each of them', async () => {
    const text = await (await site.raw('/forwarding/dispatch/points.csv')).text();
    const [header = '', ...rows] = text.trim().split('\r\n');
    expect(header.replace('\uFEFF', '')).toMatch(/^Plan,Generation,CA,IOA/);
    for (const [address, path] of Object.entries(OBJECTS)) {
      const [asset, point] = path.split('/') as [string, string];
      const isListed = rows.some((row) => row.includes(`,${address},`) && row.includes(asset) && row.includes(point));
      expect(isListed, `${address} ${path}`).toBe(true);
    }
    const workbook = Buffer.from(await (await site.raw('/forwarding/dispatch/points.xlsx')).arrayBuffer());
    // A workbook is a zip file.
    expect(workbook.subarray(0, 2).toString()).toBe('PK');
  });

  it('its set-point reaches the device, and one beyond the limits of the policy is refused', async () => {
    const command = { do: 'command', address: LIMIT_COMMAND, type: 'C_SE_NC_1' };
    expect(await master.ask({ ...command, value: 42 })).toMatchObject({ accepted: true });
    await until('the limit at the device', async () => (await limitOf('inv-01')) === 42);
    expect(await master.ask({ ...command, value: 5 })).toMatchObject({ accepted: false });
    await until('the feedback at the control center', async () => (await objects()).get(16_389)?.value === 42);
    expect(await limitOf('inv-01')).toBe(42);
  });

  it('a Modbus master reads the same, and is refused while the control center holds the point', async () => {
    await until('the same voltage', async () => {
      const text = mbpoll('-t', '3:float', '-B', '-r', '3', '-c', '1', '127.0.0.1');
      const value = Number(/\[3\]:\s+(\S+)/.exec(text)?.[1]);
      return Math.abs(value - Number((await shown()).get('mtr-01/MTR.VoltageA')?.value)) < 1;
    });
    expect(mbpoll('-t', '4', '-r', '1', '127.0.0.1', '770')).toMatch(/busy/i);
    expect(await limitOf('inv-01')).toBe(42);
    // A limit that nobody holds.
    mbpoll('-t', '4', '-r', '2', '127.0.0.1', '770');
    await until('the limit at the device', async () => (await limitOf('inv-02')) === 77);
  });

  it('a device that is lost is told by its own point and by the quality of its values', async () => {
    await site.simulator('/devices/inv-01/faults', { method: 'POST', body: JSON.stringify({ kind: 'silence' }) });
    await until('the loss at the control center', async () => {
      const there = await objects();
      return there.get(16_386)?.good === false && there.get(COMMUNICATION)?.value === 0;
    });
    expect((await objects()).get(16_392)?.good).toBe(true);
    await site.simulator('/devices/inv-01/faults', { method: 'DELETE' });
    await until('the return at the control center', async () => {
      const there = await objects();
      return there.get(16_386)?.good === true && there.get(COMMUNICATION)?.value === 1;
    });
  });
}
