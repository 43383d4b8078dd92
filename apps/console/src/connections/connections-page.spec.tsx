// @vitest-environment happy-dom
import type { ConnectionView } from '@busbar/api-schema';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { consoleBench } from '../testing/console-bench.js';
import { ConnectionsPage } from './connections-page.js';

const silent = { code: 'DEVICE_SILENT', params: { device: 'inv-03', others: 1 } };
const device = (id: string, good: number): ConnectionView['devices'][number] => ({
  id,
  state: good === 9 ? 'active' : 'degraded',
  since: 900_000,
  diagnosis: good === 9 ? null : silent,
  lastAnswerAt: 999_000,
  tags: 9,
  tagsGood: good,
  lateScans: 0,
});
const shared = {
  service: 'x',
  member: 'local',
  epoch: 'e',
  generation: 14,
  since: 940_000,
  diagnosis: null,
  title: '',
  readOnly: false,
  at: 1_000_000,
};
const line: ConnectionView = {
  ...shared,
  connection: 'inverters',
  kind: 'access',
  state: 'degraded',
  scanLoad: 0.26,
  driver: 'modbus',
  devices: [device('inv-01', 9), device('inv-03', 0)],
  sink: null,
};
const cloud: ConnectionView = {
  ...shared,
  connection: 'enos',
  kind: 'sink',
  state: 'active',
  scanLoad: null,
  driver: 'enos',
  devices: [],
  sink: { acknowledged: 1234, refused: 0, lastAcknowledgedAt: 999_000, waiting: 7 },
};

const dispatch: ConnectionView = {
  ...shared,
  connection: 'dispatch',
  kind: 'forwarding',
  state: 'active',
  scanLoad: null,
  driver: 'iec104',
  devices: [],
  sink: null,
  server: {
    port: 2404,
    points: 42,
    digest: 'd1',
    waiting: 3,
    dropped: 5,
    clients: [{ name: 'control-center', address: '10.9.0.11', since: 940_000, state: 'started' }],
  },
};

let bench: ReturnType<typeof consoleBench>;
beforeEach(async () => {
  bench = consoleBench(() => ({ status: 404, body: {} }));
  await bench.show(<ConnectionsPage />);
});
afterEach(() => bench.end());
const rows = () => [...document.querySelectorAll('tbody tr')].map((row) => row.textContent ?? '');

describe('ConnectionsPage', () => {
  it('says state, since, scan load, good tags, why and what to do', async () => {
    await bench.say({
      t: 'connections',
      id: bench.idOf('connections'),
      reset: true,
      items: [cloud, line],
      removed: [],
    });
    for (const text of ['degraded', '1 min', '26 %', '9/18', 'Device inv-03 does not answer', 'Check its power'])
      expect(rows()[0]).toContain(text);
    for (const text of ['active', '1,234', '7', '1.0 s ago']) expect(rows()[1]).toContain(text);
  });

  it('says of a server where it listens, what it offers, who is connected and what was dropped', async () => {
    await bench.say({ t: 'connections', id: bench.idOf('connections'), reset: true, items: [dispatch], removed: [] });
    for (const text of ['dispatch', 'iec104', '2404', '42', 'control-center', '10.9.0.11', 'started, 1 min', '3', '5'])
      expect(rows()[0]).toContain(text);
  });

  it('opens the devices of a connection', async () => {
    await bench.say({ t: 'connections', id: bench.idOf('connections'), reset: true, items: [line], removed: [] });
    expect(rows()).toHaveLength(1);
    await bench.press('inverters'.repeat(2));
    expect(rows()).toHaveLength(3);
    expect(rows()[2]).toContain('0/9');
  });

  it('follows changes and removals, and tells when it knows nothing new', async () => {
    const id = bench.idOf('connections');
    await bench.say({ t: 'connections', id, reset: true, items: [line, cloud], removed: [] });
    await bench.say({ t: 'connections', id, reset: false, items: [{ ...line, state: 'active' }], removed: ['enos'] });
    expect(rows()).toHaveLength(1);
    expect(rows()[0]).toContain('active');
    expect(document.querySelector('.held')).toBeNull();
    await bench.cut();
    expect(document.querySelector('.held')).not.toBeNull();
  });

  it('says that there are none yet', async () => {
    await bench.say({ t: 'connections', id: bench.idOf('connections'), reset: true, items: [], removed: [] });
    expect(bench.text()).toContain('There are no connections yet.');
  });
});
