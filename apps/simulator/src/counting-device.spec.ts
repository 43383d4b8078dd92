import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decodeCountingValue } from './counting.js';
import type { JournalEntry } from './journal.js';
import { type Simulator, startSimulator } from './simulator.js';
import { call, TestClient, TestClock } from './test-client.js';

const ANY = { host: '127.0.0.1', port: 0 };
const SHAPE = { devices: 3, tags: 50 };
const SPARE = 2 * SHAPE.tags;

let clock: TestClock;
let simulator: Simulator;
let clients: TestClient[];

beforeEach(async () => {
  clock = new TestClock();
  simulator = await startSimulator({ modbus: ANY, http: ANY, counting: SHAPE, clock });
  clients = await Promise.all(simulator.modbus.map((address) => TestClient.connect(address)));
});

afterEach(async () => {
  for (const client of clients) await client.close();
  await simulator.stop();
});

function client(device: number): TestClient {
  const found = clients[device];
  if (!found) throw new Error(`no device ${device}`);
  return found;
}

async function readTags(device: number, first: number, count: number) {
  const octets = await client(device).read(7, 3, { address: first * 2, quantity: count * 2 });
  return Array.from({ length: count }, (_, index) => decodeCountingValue(SHAPE, octets.readFloatBE(index * 4)));
}

async function journal(device: number, direction: 'reads' | 'writes', after = 0) {
  const { body } = await call(simulator.http, `/api/v1/devices/d${device}/${direction}?after=${after}`);
  return { entries: body[direction] as JournalEntry[], next: body.next, oldest: body.oldest };
}

describe('counting mode', () => {
  it('has one endpoint per device', () => {
    expect(simulator.modbus).toHaveLength(3);
  });

  it('serves values that tell device, tag and the number of the read', async () => {
    expect((await readTags(1, 0, 50))[49]).toEqual({ device: 1, tag: 49, read: 1 });
    expect((await readTags(1, 10, 2))[0]).toEqual({ device: 1, tag: 10, read: 2 });
    expect((await readTags(1, 0, 50)).map((parts) => parts?.read)).toEqual(
      Array.from({ length: 50 }, (_, tag) => (tag === 10 || tag === 11 ? 3 : 2)),
    );
    expect((await readTags(2, 0, 1))[0]).toEqual({ device: 2, tag: 0, read: 1 });
  });

  it('serves the same from input registers', async () => {
    const octets = await client(0).read(1, 4, { address: 2, quantity: 2 });
    expect(decodeCountingValue(SHAPE, octets.readFloatBE(0))).toEqual({ device: 0, tag: 1, read: 1 });
  });

  it('gives a tag that was cut by two blocks the halves of one read', async () => {
    const high = await client(0).read(1, 3, { address: 0, quantity: 1 });
    const low = await client(0).read(1, 3, { address: 1, quantity: 1 });
    const value = Buffer.concat([high, low]).readFloatBE(0);
    expect(decodeCountingValue(SHAPE, value)).toEqual({ device: 0, tag: 0, read: 1 });
    expect((await journal(0, 'reads')).entries).toEqual([]);
  });

  it('notes every read, in runs of tags with the same number', async () => {
    await readTags(0, 10, 2);
    clock.advance(1_000);
    await readTags(0, 0, 50);
    const { entries, next, oldest } = await journal(0, 'reads');
    expect(entries.map(({ n, tag, count }) => [n, tag, count])).toEqual([
      [1, 10, 2],
      [2, 0, 10],
      [3, 10, 2],
      [4, 12, 38],
    ]);
    expect(entries.map(({ tag, value }) => ({ tag, parts: decodeCountingValue(SHAPE, value) }))).toEqual([
      { tag: 10, parts: { device: 0, tag: 10, read: 1 } },
      { tag: 0, parts: { device: 0, tag: 0, read: 1 } },
      { tag: 10, parts: { device: 0, tag: 10, read: 2 } },
      { tag: 12, parts: { device: 0, tag: 12, read: 1 } },
    ]);
    expect(entries[0]?.time).toBe(clock.wallMs() - 1_000);
    expect(entries[3]?.time).toBe(clock.wallMs());
    expect([next, oldest]).toEqual([4, 1]);
    expect((await journal(0, 'reads', 3)).entries.map(({ n }) => n)).toEqual([4]);
    expect(await journal(0, 'reads', 4)).toEqual({ entries: [], next: 4, oldest: 1 });
  });

  it('keeps what is written to the spare registers and notes it', async () => {
    const value = Buffer.alloc(4);
    value.writeFloatBE(100_042, 0);
    await client(2).ask(1, { fc: 16, address: SPARE, quantity: 2, octets: value });
    await client(2).ask(1, { fc: 6, address: SPARE + 3, value: 17 });
    expect(await client(2).read(1, 3, { address: SPARE, quantity: 4 })).toEqual(
      Buffer.concat([value, Buffer.from([0, 0, 0, 17])]),
    );
    const { entries } = await journal(2, 'writes');
    const time = clock.wallMs();
    expect(entries).toEqual([
      { n: 1, tag: 50, count: 1, value: 100_042, time },
      { n: 2, tag: 51, count: 1, value: 17, time },
    ]);
    expect((await journal(1, 'writes')).entries).toEqual([]);
  });

  it('reads a block that reaches from tags into spare registers', async () => {
    await client(0).ask(1, { fc: 6, address: SPARE, value: 0xbeef });
    const octets = await client(0).read(1, 3, { address: SPARE - 3, quantity: 4 });
    expect(decodeCountingValue(SHAPE, octets.readFloatBE(2))).toEqual({ device: 0, tag: 49, read: 1 });
    expect(octets.readUInt16BE(6)).toBe(0xbeef);
  });

  it('refuses reads behind the spare registers and writes onto tags', async () => {
    expect([...(await client(0).ask(1, { fc: 3, address: SPARE + 63, quantity: 2 }))]).toEqual([0x83, 2]);
    expect([...(await client(0).ask(1, { fc: 6, address: SPARE - 1, value: 1 }))]).toEqual([0x86, 2]);
    expect((await journal(0, 'writes')).entries).toEqual([]);
  });

  it('shows the values last served, and takes faults', async () => {
    await readTags(0, 0, 50);
    const shown = await call(simulator.http, '/api/v1/devices/d0');
    const { t49 } = shown.body.values as Record<string, number>;
    expect(decodeCountingValue(SHAPE, t49 as number)).toEqual({ device: 0, tag: 49, read: 1 });
    expect(shown.body).toMatchObject({ id: 'd0', unit: null, reads: 1 });
    await call(simulator.http, '/api/v1/devices/d0/faults', { method: 'POST', body: { kind: 'exception' } });
    expect([...(await client(0).ask(9, { fc: 3, address: 0, quantity: 2 }))]).toEqual([0x83, 4]);
    expect((await journal(0, 'reads')).entries).toHaveLength(1);
  });

  it.each([
    { route: '/api/v1/devices/d0/reads?after=x', says: /after/ },
    { route: '/api/v1/clock', says: /no clock/ },
  ])('refuses $route', async ({ route, says }) => {
    const { status, body } = await call(simulator.http, route);
    expect(status).toBe(400);
    expect(body.sentence).toMatch(says);
  });

  it('names the setting when the site cannot be counted', async () => {
    const counting = { devices: 4_000, tags: 4_000 };
    await expect(startSimulator({ modbus: ANY, http: ANY, counting, clock })).rejects.toMatchObject({
      code: 'SETTING_INVALID',
      message: expect.stringContaining('BUSBAR_SIMULATOR_COUNTING'),
    });
  });

  it('names the setting when the devices need more ports than there are', async () => {
    const modbus = { host: '127.0.0.1', port: 65_535 };
    await expect(startSimulator({ modbus, http: ANY, counting: SHAPE, clock })).rejects.toMatchObject({
      message: expect.stringContaining('BUSBAR_SIMULATOR_MODBUS'),
    });
  });
});
