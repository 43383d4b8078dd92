import { encodeMbap } from '@busbar/protocol-modbus';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FAULT_KINDS, type FaultKind, type FaultRequest } from './faults.js';
import { type Simulator, startSimulator } from './simulator.js';
import { call, TestClient, TestClock } from './test-client.js';

const ANY = { host: '127.0.0.1', port: 0 };
/** The serial number: 20 octets that do not change. */
const SERIAL = { fc: 3, address: 30_015, quantity: 10 } as const;
const PDU = Buffer.concat([Buffer.from([3, 20]), Buffer.from('BSIM110K20240001\0\0\0\0', 'latin1')]);

let simulator: Simulator;
let client: TestClient;
const opened: TestClient[] = [];

async function open(): Promise<TestClient> {
  const [endpoint] = simulator.modbus;
  if (!endpoint) throw new Error('a site has endpoints');
  const next = await TestClient.connect(endpoint);
  opened.push(next);
  return next;
}

async function fault(body: FaultRequest, id = 'inv-01'): Promise<void> {
  expect((await call(simulator.http, `/api/v1/devices/${id}/faults`, { method: 'POST', body })).status).toBe(201);
}

async function limit(): Promise<number> {
  const { body } = await call(simulator.http, '/api/v1/devices/inv-01');
  return (body.values as { limit: number }).limit;
}

function frame(transaction: number, pdu: Uint8Array = PDU, unit = 1): Buffer {
  return encodeMbap({ transaction, unit, pdu });
}

beforeEach(async () => {
  simulator = await startSimulator({ modbus: ANY, http: ANY, clock: new TestClock() });
  client = await open();
});

afterEach(async () => {
  for (const each of opened.splice(0)) await each.close();
  await simulator.stop();
});

describe('faults', () => {
  it('delay holds back the reply and all behind it', async () => {
    await fault({ kind: 'delay', ms: 60, count: 1 });
    const begin = performance.now();
    client.send(1, SERIAL);
    client.send(2, SERIAL);
    expect((await client.next()).transaction).toBe(1);
    expect(performance.now() - begin).toBeGreaterThan(55);
    expect((await client.next()).transaction).toBe(2);
  });

  it('silence loses the reply, not the request', async () => {
    await fault({ kind: 'silence', count: 1 });
    client.send(1, { fc: 6, address: 40_125, value: 700 });
    client.send(1, SERIAL);
    expect((await client.next()).transaction).toBe(2);
    expect(await limit()).toBe(70);
  });

  it('late lets later replies overtake', async () => {
    await fault({ kind: 'late', ms: 30, count: 1 });
    client.send(1, SERIAL);
    client.send(1, SERIAL);
    expect((await client.next()).transaction).toBe(2);
    const late = await client.next();
    expect(late.transaction).toBe(1);
    expect(Buffer.from(late.pdu)).toEqual(PDU);
  });

  it('late-newest gives the reply to the connection that came last', async () => {
    await fault({ kind: 'late-newest', ms: 30, count: 1 });
    client.send(1, SERIAL);
    await call(simulator.http, '/api/v1/devices');
    await client.close();
    const newest = await open();
    expect((await newest.next()).transaction).toBe(1);
  });

  it.each([
    { kind: 'wrong-id', octets: frame(2) },
    { kind: 'foreign-unit', octets: frame(1, PDU, 2) },
    { kind: 'wrong-length', octets: frame(1, Buffer.concat([Buffer.from([3, 18]), PDU.subarray(4)])) },
    { kind: 'duplicate', octets: Buffer.concat([frame(1), frame(1)]) },
    { kind: 'half-frame', octets: frame(1).subarray(0, 14) },
    {
      kind: 'corrupt',
      octets: Buffer.concat([frame(1).subarray(0, 2), Buffer.from([0, 1]), frame(1).subarray(4), frame(1)]),
    },
  ] as const)('$kind puts exactly its octets on the wire, and the next reply is right', async ({ kind, octets }) => {
    await fault({ kind, count: 1 });
    client.send(1, SERIAL);
    client.send(1, SERIAL);
    const expected = Buffer.concat([octets, frame(2)]);
    expect(await client.received(expected.length)).toEqual(expected);
  });

  it('wrong-length cuts the last octet of a reply that carries no registers', async () => {
    await fault({ kind: 'wrong-length', count: 1 });
    expect([...(await client.ask(1, { fc: 6, address: 40_125, value: 700 }))]).toEqual([6, 0x9c, 0xbd, 2]);
  });

  it('split sends octet by octet', async () => {
    await fault({ kind: 'split', ms: 1, count: 1 });
    client.send(1, SERIAL);
    client.send(1, SERIAL);
    expect(Buffer.from((await client.next()).pdu)).toEqual(PDU);
    expect(client.segments.length).toBeGreaterThan(1);
    expect((await client.next()).transaction).toBe(2);
  });

  it('merged sends two replies in one segment', async () => {
    await fault({ kind: 'merged', count: 1 });
    client.send(1, SERIAL);
    await call(simulator.http, '/api/v1/devices');
    client.send(1, SERIAL);
    await client.received(2 * frame(1).length);
    expect(client.segments).toEqual([Buffer.concat([frame(1), frame(2)])]);
  });

  it('reset closes in mid-reply', async () => {
    await fault({ kind: 'reset', count: 1 });
    client.send(1, SERIAL);
    await client.closed;
    expect(Buffer.concat(client.segments).length).toBeLessThan(frame(1).length);
  });

  it('exception refuses with its code and does not carry out', async () => {
    await fault({ kind: 'exception', code: 6, count: 1 });
    await fault({ kind: 'exception', count: 1 });
    const write = { fc: 6, address: 40_125, value: 700 } as const;
    expect([...(await client.ask(1, write))]).toEqual([0x86, 6]);
    expect([...(await client.ask(1, write))]).toEqual([0x86, 4]);
    expect(await limit()).toBe(100);
  });

  it('flapping drops connections and closes new ones, as often as it was told', async () => {
    await fault({ kind: 'flapping', ms: 5, count: 2 });
    await client.closed;
    for (let turn = 0; turn < 2; turn++) await (await open()).closed;
    expect(await (await open()).ask(1, SERIAL)).toEqual(PDU);
  });

  it('hits the unit of its device alone, or the one that it names', async () => {
    await fault({ kind: 'exception' });
    await fault({ kind: 'exception', code: 10, unit: 3 }, 'inv-02');
    const answers: (number | undefined)[] = [];
    for (const unit of [1, 2, 3, 4]) answers.push((await client.ask(unit, SERIAL))[1]);
    expect(answers).toEqual([4, 20, 10, 20]);
  });

  it('lasts as many requests as it was told, shows what is left, and ends when taken back', async () => {
    await fault({ kind: 'exception', count: 3 });
    await client.ask(1, SERIAL);
    const { body } = await call(simulator.http, '/api/v1/devices/inv-01');
    expect(body.faults).toEqual([{ kind: 'exception', ms: 0, left: 2, unit: 1, code: 4 }]);
    const deleted = await call(simulator.http, '/api/v1/devices/inv-01/faults', { method: 'DELETE' });
    expect(deleted.status).toBe(204);
    expect(await client.ask(1, SERIAL)).toEqual(PDU);
  });

  it('takes every kind by HTTP', async () => {
    for (const kind of Object.keys(FAULT_KINDS) as FaultKind[]) await fault({ kind, count: 1 }, 'mtr-01');
    const { body } = await call(simulator.http, '/api/v1/devices/mtr-01');
    expect(body.faults).toHaveLength(Object.keys(FAULT_KINDS).length);
  });
});
