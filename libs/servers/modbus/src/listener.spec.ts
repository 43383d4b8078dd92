import { isBusbarError } from '@busbar/errors';
import type { TestServer } from '@busbar/server-testkit';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { ModbusServerConfig } from './config.js';
import { decoded, TestModbusClient } from './test-modbus-client.js';
import { plant, pointRow, siteOf } from './test-plant.js';

const WAIT = { timeout: 5_000, interval: 5 };
const servers: TestServer<ModbusServerConfig>[] = [];
const clients: TestModbusClient[] = [];

async function start(...parts: Parameters<typeof plant>) {
  const server = plant(...parts);
  servers.push(server);
  await server.listen();
  return server;
}

async function join(server: TestServer<ModbusServerConfig>, localAddress?: string): Promise<TestModbusClient> {
  const client = await TestModbusClient.connect(server.port, localAddress);
  clients.push(client);
  return client;
}

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

const ROWS = [
  pointRow('p', { access: 'rw' }, { type: 'float32' }),
  pointRow('s', { type: 'bool', kind: 'DI', access: 'rw' }),
];

describe('a Modbus server', () => {
  it('serves 16 clients with 16 requests each at once, and no seventeenth', async () => {
    const server = await start(ROWS);
    server.set({ asset: 'a', point: 'p', value: 8 });
    const all = await Promise.all(Array.from({ length: 16 }, () => join(server)));
    const entry = server.entry('a', 'p');
    const replies = await Promise.all(all.flatMap((client) => Array.from({ length: 16 }, () => client.read(entry))));
    expect(replies.map(({ value }) => value)).toEqual(new Array(256).fill(8));
    const more = await join(server);
    await more.closed;
    expect(server.refused).toEqual(['limit']);
    expect(server.listening.clients()).toHaveLength(16);
  });

  it('lets the longest silent client go where there is no room', async () => {
    const server = await start(ROWS, { maxClients: 2 });
    const [first, second] = [await join(server), await join(server)];
    await server.time.advance(59_000);
    await second?.read(server.entry('a', 'p'));
    await server.time.advance(2_000);
    const third = await join(server);
    await first?.closed;
    expect((await third.read(server.entry('a', 'p'))).value).toBeUndefined();
    expect((await second?.octets(4, 0, 2)) as Buffer).toHaveLength(4);
  });

  it.each([
    ['read', [1, 0, 0, 7, 0xd1], 3],
    ['inputs', [2, 0, 0, 7, 0xd1], 3],
    ['registers', [3, 0, 0, 0, 126], 3],
    ['registers', [4, 0, 0, 0, 0], 3],
    ['end', [4, 0xff, 0xff, 0, 2], 2],
    ['nothing', [4, 0, 1], 3],
  ])('answers %s beyond the limits of the protocol with an exception', async (_what, pdu, exception) => {
    const client = await join(await start(ROWS));
    expect([...(await client.ask(...pdu))]).toEqual([(pdu[0] as number) | 0x80, exception]);
  });

  it('answers reads up to the limits of the protocol', async () => {
    const rows = Array.from({ length: 70 }, (_, n) => pointRow(`p${n}`, {}, { type: 'float32' }));
    const bits = Array.from({ length: 900 }, (_, n) => pointRow(`s${n}`, { type: 'bool', kind: 'DI' as const }));
    const server = await start([...rows, ...bits], {}, { site: siteOf([...rows, ...bits], ['a', 'b', 'c']) });
    const client = await join(server);
    expect(await client.octets(4, 0, 125)).toHaveLength(250);
    expect(await client.octets(4, 295, 125)).toHaveLength(250);
    expect(await client.octets(4, 296, 125)).toBe(2);
    expect(await client.octets(2, 3, 2_000)).toHaveLength(250);
  });

  it('answers an unknown unit with 10 where each device has its own', async () => {
    const server = await start(ROWS, { units: 'per-device' }, { site: siteOf(ROWS, ['a', 'b']) });
    server.set({ asset: 'a', point: 'p', value: 1 }, { asset: 'b', point: 'p', value: 2 });
    const client = await join(server);
    const entry = server.entry('b', 'p');
    client.unit = entry.station;
    expect((await client.read(entry)).value).toBe(2);
    client.unit = 99;
    expect(await client.octets(4, 0, 2)).toBe(10);
  });

  it('answers with 11 where all of a request is lost, by that rule', async () => {
    const server = await start(ROWS, { lost: 'exception' });
    const client = await join(server);
    expect(await client.octets(4, 0, 2)).toBe(11);
    server.set({ asset: 'a', point: 'p', value: 2 });
    expect((await client.read(server.entry('a', 'p'))).value).toBe(2);
  });

  it('offers the service block, whatever became of the devices', async () => {
    const server = await start(ROWS);
    const client = await join(server);
    server.set({ asset: '', point: 'heartbeat', value: 17 }, { asset: '', point: 'generation', value: 70_000 });
    server.set({ asset: 'a', point: 'communication', value: 0 }, { asset: 'a', point: 'age', value: 12 });
    const read = async (service: string) => {
      const entry = server.plan.entries.find((one) => one.service === service);
      return entry && (await client.read(entry)).value;
    };
    expect(await Promise.all(['heartbeat', 'generation', 'communication', 'age'].map(read))).toEqual([
      17, 70_000, 0, 12,
    ]);
  });

  it('never mixes two scans in one reply', async () => {
    const rows = [
      pointRow('n', { type: 'int' }, { type: 'uint32' }),
      pointRow('m', { type: 'int' }, { type: 'uint16' }),
      pointRow('x', {}, { type: 'float64' }),
    ];
    const server = await start(rows);
    const client = await join(server);
    const [n, m, x] = ['n', 'm', 'x'].map((point) => server.entry('a', point));
    if (!n || !m || !x) throw new Error('the plan is not whole');
    let isOver = false;
    let scan = 0;
    const scans = (async () => {
      while (!isOver) {
        scan = (scan + 65_537) % 4_000_000_000;
        server.set(
          ...['n', 'm', 'x'].map((point) => ({ asset: 'a', point, value: point === 'm' ? scan % 65_535 : scan })),
        );
        await new Promise<void>((resolve) => setImmediate(resolve));
      }
    })();
    const seen = new Set<number>();
    for (let reads = 0; reads < 2_000; reads++) {
      const octets = (await client.octets(4, n.address, 7)) as Buffer;
      const value = decoded(n, octets.subarray(0, 4)) ?? 0;
      expect([decoded(m, octets.subarray(4, 6)), decoded(x, octets.subarray(6))]).toEqual(
        value === 0 && scan === 0 ? [undefined, undefined] : [value % 65_535, value],
      );
      seen.add(value);
    }
    isOver = true;
    await scans;
    expect(seen.size).toBeGreaterThan(100);
  }, 30_000);

  it('gives no number to a link that an earlier listener gave', async () => {
    const server = await start(ROWS);
    await join(server);
    await vi.waitFor(() => expect(server.listening.clients()).toHaveLength(1), WAIT);
    const before = server.listening.clients()[0]?.link;
    await server.time.advance(1_000);
    await server.restart();
    await join(server);
    await vi.waitFor(() => expect(server.listening.clients()).toHaveLength(1), WAIT);
    expect(server.listening.clients()[0]?.link).not.toBe(before);
  });

  it('does not listen on an address of another machine, and says what to do', async () => {
    const error: unknown = await plant(ROWS, { address: '192.0.2.1' })
      .listen()
      .catch((reason: unknown) => reason);
    expect(isBusbarError(error) && error.code).toBe('FORWARD_LISTEN');
  });
});
