import { createServer } from 'node:net';
import { EXCEPTION } from '@busbar/protocol-modbus';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Simulator, startSimulator } from './simulator.js';
import { call, TestClient, TestClock } from './test-client.js';

const ANY = { host: '127.0.0.1', port: 0 };

let clock: TestClock;
let simulator: Simulator;
let inverters: TestClient;
let meter: TestClient;

beforeEach(async () => {
  clock = new TestClock();
  simulator = await startSimulator({ modbus: ANY, http: ANY, clock });
  const [first, second] = simulator.modbus;
  if (!first || !second) throw new Error('a site has two endpoints');
  inverters = await TestClient.connect(first);
  meter = await TestClient.connect(second);
});

afterEach(async () => {
  await inverters.close();
  await meter.close();
  await simulator.stop();
});

async function readInverter(unit: number) {
  const block = await inverters.read(unit, 3, { address: 32_064, quantity: 44 });
  const at = (address: number) => (address - 32_064) * 2;
  return {
    trackersKw: (block.readInt32BE(at(32_064)) + block.readInt32BE(at(32_066))) / 1_000,
    powerKw: block.readInt32BE(at(32_080)) / 1_000,
    reactiveKvar: block.readInt32BE(at(32_082)) / 1_000,
    temperature: block.readInt16BE(at(32_087)) / 10,
    state: block.readUInt16BE(at(32_089)),
    energyKwh: block.readUInt32BE(at(32_106)) / 100,
    gap: block.readUInt32BE(at(32_070)),
  };
}

describe('inverters', () => {
  it.each([1, 2, 3, 4])('unit %i serves its table in one block, gaps as 0', async (unit) => {
    const read = await readInverter(unit);
    expect(read.powerKw).toBeGreaterThan(60);
    expect(read.powerKw).toBeLessThan(100);
    expect(read.trackersKw).toBeCloseTo(read.powerKw / 0.98, 2);
    expect(read.reactiveKvar).toBeCloseTo(read.powerKw * 0.05, 2);
    expect(read.temperature).toBeCloseTo(28 + read.powerKw * 0.18, 0);
    expect(read.state).toBe(512);
    expect(read.energyKwh).toBeCloseTo(250_000 + 1_111 * unit, 1);
    expect(read.gap).toBe(0);
  });

  it('serve serial number, alarm word and limit', async () => {
    const serial = await inverters.read(2, 3, { address: 30_015, quantity: 10 });
    expect(serial.toString('latin1')).toBe('BSIM110K20240002\0\0\0\0');
    expect(await inverters.read(2, 3, { address: 32_008, quantity: 1 })).toEqual(Buffer.from([0, 0]));
    expect((await inverters.read(2, 3, { address: 40_125, quantity: 1 })).readUInt16BE(0)).toBe(1_000);
  });

  it('take a limit, one register or a block of one, and follow it within a second', async () => {
    await inverters.ask(1, { fc: 6, address: 40_125, value: 400 });
    clock.advance(1_000);
    expect((await readInverter(1)).powerKw).toBe(44);
    expect((await readInverter(2)).powerKw).toBeGreaterThan(60);
    await inverters.ask(1, { fc: 16, address: 40_125, quantity: 1, octets: Buffer.from([0, 250]) });
    clock.advance(1_000);
    expect((await readInverter(1)).powerKw).toBe(27.5);
    expect((await inverters.read(1, 3, { address: 40_125, quantity: 1 })).readUInt16BE(0)).toBe(250);
  });

  it('stand by for some seconds after a restart', async () => {
    await inverters.ask(3, { fc: 6, address: 40_200, value: 1 });
    clock.advance(1_000);
    expect(await readInverter(3)).toMatchObject({ state: 0, powerKw: 0 });
    clock.advance(6_000);
    expect((await readInverter(3)).state).toBe(512);
  });

  it.each([
    { name: 'a read of a forbidden register', address: 32_120, quantity: 1 },
    { name: 'a block over the forbidden registers', address: 32_106, quantity: 40 },
    { name: 'a read before the table', address: 29_999, quantity: 2 },
    { name: 'a read behind the table', address: 40_209, quantity: 2 },
  ])('answer exception 2 to $name', async ({ address, quantity }) => {
    const reply = await inverters.ask(1, { fc: 3, address, quantity });
    expect([...reply]).toEqual([0x83, EXCEPTION.illegalAddress]);
  });

  it.each([
    { name: 'a measured value', address: 32_080, value: 1, code: EXCEPTION.illegalAddress },
    { name: 'a limit above 100 %', address: 40_125, value: 1_001, code: EXCEPTION.illegalValue },
    { name: 'a restart that is not 1', address: 40_200, value: 2, code: EXCEPTION.illegalValue },
  ])('refuse to be written $name', async ({ address, value, code }) => {
    expect([...(await inverters.ask(1, { fc: 6, address, value }))]).toEqual([0x86, code]);
  });

  it('have no input registers and no coils, and no unit 5', async () => {
    expect([...(await inverters.ask(1, { fc: 4, address: 0, quantity: 1 }))]).toEqual([0x84, 1]);
    expect([...(await inverters.ask(1, { fc: 1, address: 0, quantity: 1 }))]).toEqual([0x81, 1]);
    expect([...(await inverters.ask(5, { fc: 3, address: 32_080, quantity: 2 }))]).toEqual([0x83, 11]);
  });

  it('answer requests in the order in which they came, however many wait', async () => {
    const sent = Array.from({ length: 200 }, () => inverters.send(1, { fc: 3, address: 32_080, quantity: 2 }));
    const answered: number[] = [];
    for (const _ of sent) answered.push((await inverters.next()).transaction);
    expect(answered).toEqual(sent);
  });
});

describe('meter', () => {
  it('serves voltage, power and energies as float32 input registers', async () => {
    const block = await meter.read(1, 4, { address: 0, quantity: 80 });
    const powers = await Promise.all([1, 2, 3, 4].map(async (unit) => (await readInverter(unit)).powerKw));
    expect(block.readFloatBE(0)).toBeGreaterThan(227);
    expect(block.readFloatBE(0)).toBeLessThan(233);
    expect(block.readFloatBE(24)).toBeCloseTo(1.2 - powers.reduce((sum, each) => sum + each, 0), 1);
    expect(block.readFloatBE(144)).toBeCloseTo(1_520, 3);
    expect(block.readFloatBE(148)).toBeCloseTo(48_250, 2);
    clock.advance(60_000);
    const later = await meter.read(1, 4, { address: 72, quantity: 4 });
    expect(later.readFloatBE(4)).toBeGreaterThan(48_254);
  });

  it('has no holding registers, nothing behind 79 and takes no write', async () => {
    expect([...(await meter.ask(1, { fc: 3, address: 0, quantity: 2 }))]).toEqual([0x83, 1]);
    expect([...(await meter.ask(1, { fc: 4, address: 79, quantity: 2 }))]).toEqual([0x84, 2]);
    expect([...(await meter.ask(1, { fc: 6, address: 0, value: 1 }))]).toEqual([0x86, 1]);
  });
});

describe('HTTP', () => {
  it('lists every device with endpoint, unit, values in engineering units and requests', async () => {
    await inverters.read(1, 3, { address: 32_080, quantity: 2 });
    await inverters.ask(1, { fc: 6, address: 40_125, value: 505 });
    clock.advance(1_000);
    const { status, body } = await call(simulator.http, '/api/v1/devices');
    const devices = body.devices as Record<string, unknown>[];
    expect(status).toBe(200);
    expect(devices.map(({ id, unit }) => [id, unit])).toEqual([
      ['inv-01', 1],
      ['inv-02', 2],
      ['inv-03', 3],
      ['inv-04', 4],
      ['mtr-01', 1],
    ]);
    expect(devices[0]).toMatchObject({
      endpoint: `127.0.0.1:${simulator.modbus[0]?.port}`,
      reads: 1,
      writes: 1,
      faults: [],
      values: { serial: 'BSIM110K20240001', p_ac: 55.55, limit: 50.5, state_raw: 512, alarm1: 0 },
    });
    expect(devices[4]).toMatchObject({ endpoint: `127.0.0.1:${simulator.modbus[1]?.port}` });
  });

  it('shows one device by its id', async () => {
    const { body } = await call(simulator.http, '/api/v1/devices/mtr-01');
    expect(body).toMatchObject({ id: 'mtr-01', unit: 1, values: { e_fwd: 1_520, e_rev: 48_250 } });
  });

  it('sets time and speed of the simulated day', async () => {
    expect((await call(simulator.http, '/api/v1/clock')).body).toEqual({ time: '10:30:00', speed: 1 });
    const set = await call(simulator.http, '/api/v1/clock', { method: 'PUT', body: { time: '22:00', speed: 60 } });
    expect(set).toEqual({ status: 200, body: { time: '22:00:00', speed: 60 } });
    clock.advance(61_000);
    expect((await call(simulator.http, '/api/v1/clock')).body).toEqual({ time: '23:01:00', speed: 60 });
    expect(await readInverter(1)).toMatchObject({ powerKw: 0, state: 0 });
  });

  it.each([
    { method: 'PUT', route: '/api/v1/clock', body: { time: '25:00' }, says: /HH:MM/ },
    { method: 'PUT', route: '/api/v1/clock', body: { speed: -1 }, says: /speed/ },
    { method: 'PUT', route: '/api/v1/clock', body: {}, says: /time, speed or both/ },
    { method: 'POST', route: '/api/v1/devices/inv-01/faults', body: { kind: 'lazy' }, says: /delay/ },
    { method: 'POST', route: '/api/v1/devices/inv-01/faults', body: { kind: 'delay', ms: -1 }, says: /ms/ },
    { method: 'POST', route: '/api/v1/devices/inv-01/faults', body: { kind: 'delay', often: 1 }, says: /often/ },
    { method: 'POST', route: '/api/v1/devices/inv-01/faults', body: undefined, says: /object/ },
    { method: 'GET', route: '/api/v1/devices/inv-01/reads', body: undefined, says: /counting/ },
  ])('refuses $method $route $body with code, sentence and fix', async ({ method, route, body, says }) => {
    const refused = await call(simulator.http, route, { method, body });
    expect(refused.status).toBe(400);
    expect(refused.body).toMatchObject({ code: 'REQUEST_INVALID', fix: expect.any(String) });
    expect(refused.body.sentence).toMatch(says);
  });

  it('says which header is wanted when the body is not announced as JSON', async () => {
    const { host, port } = simulator.http;
    const response = await fetch(`http://${host}:${port}/api/v1/clock`, { method: 'PUT', body: '{"speed":1}' });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ sentence: expect.stringContaining('application/json') });
  });

  it('refuses a body that is no JSON', async () => {
    const { host, port } = simulator.http;
    const response = await fetch(`http://${host}:${port}/api/v1/clock`, {
      method: 'PUT',
      body: '{"time"',
      headers: { 'content-type': 'application/json' },
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: 'REQUEST_INVALID' });
  });

  it('says that there is no such device, and no such route', async () => {
    const device = await call(simulator.http, '/api/v1/devices/inv-09/faults', { method: 'POST', body: {} });
    expect(device).toMatchObject({ status: 404, body: { code: 'NOT_FOUND', sentence: 'There is no device inv-09.' } });
    expect((await call(simulator.http, '/api/v1/nothing')).status).toBe(404);
  });
});

describe('start and stop', () => {
  it('names the setting when a port is in use, and leaves nothing open', async () => {
    const [taken] = simulator.modbus;
    if (!taken) throw new Error('a site has endpoints');
    await expect(startSimulator({ modbus: taken, http: ANY, clock })).rejects.toMatchObject({
      code: 'PORT_IN_USE',
      message: expect.stringContaining('BUSBAR_SIMULATOR_MODBUS'),
    });
    await expect(startSimulator({ modbus: ANY, http: simulator.http, clock })).rejects.toMatchObject({
      code: 'PORT_IN_USE',
      message: expect.stringContaining('BUSBAR_SIMULATOR_HTTP'),
    });
  });

  it('frees its ports and drops its clients at stop, also when asked twice', async () => {
    await simulator.stop();
    await simulator.stop();
    await inverters.closed;
    const port = simulator.modbus[0]?.port;
    await new Promise<void>((resolve, reject) => {
      const server = createServer();
      server.once('error', reject);
      server.listen(port, '127.0.0.1', () => server.close(() => resolve()));
    });
  });

  it('drops a client that does not speak Modbus', async () => {
    const [first] = simulator.modbus;
    if (!first) throw new Error('a site has endpoints');
    const stranger = await TestClient.connect(first);
    stranger.sendOctets(Buffer.from('GET / HTTP/1.1\r\n\r\n'));
    await stranger.closed;
    expect(stranger.segments).toEqual([]);
  });
});
