import type { End } from '@busbar/events';
import { uncertain } from '@busbar/model';
import { ending, refusal, type TestServer } from '@busbar/server-testkit';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { ModbusServerConfig } from './config.js';
import { encoded, TestModbusClient } from './test-modbus-client.js';
import { everyType, plant, pointRow, SAMPLES, siteOf } from './test-plant.js';

const WAIT = { timeout: 5_000, interval: 5 };
const opened: { server: TestServer<ModbusServerConfig>; clients: TestModbusClient[] }[] = [];

async function start(...parts: Parameters<typeof plant>) {
  const server = plant(...parts);
  await server.listen();
  const client = await TestModbusClient.connect(server.port);
  opened.push({ server, clients: [client] });
  return { server, client };
}

afterEach(async () => {
  for (const { server, clients } of opened.splice(0)) {
    for (const client of clients) client.close();
    await server.close();
  }
});

const setpoint = (point: string) =>
  pointRow(point, { type: 'float', access: 'rw', range: [0, 100] }, { type: 'float32' });
const three = ['p', 'q', 'r'].map(setpoint);
const exceptionOf = (reply: Buffer) => ((reply[0] as number) >= 0x80 ? reply[1] : 0);

describe('a write', () => {
  it('of every type in every order is the value of the point', async () => {
    const { server, client } = await start(everyType());
    for (const entry of server.plan.entries.filter(({ role }) => role === 'control')) {
      const value = SAMPLES[entry.type as keyof typeof SAMPLES];
      server.controls.wishes.length = 0;
      expect(await client.write(entry, value), entry.id).toBe(0);
      const wished = server.controls.wishes[0]?.items[0]?.value as number;
      expect(entry.type === 'float32' ? Math.fround(wished) : wished).toBe(
        entry.type === 'float32' ? Math.fround(value) : value,
      );
    }
  });

  it('of 64 bits beyond what a number holds goes on as text', async () => {
    const { server, client } = await start([pointRow('n', { type: 'long', access: 'rw' }, { type: 'uint64' })]);
    const reply = await client.ask(16, 0, 0, 0, 4, 8, 255, 255, 255, 255, 255, 255, 255, 255);
    expect(exceptionOf(reply)).toBe(0);
    expect(server.controls.wishes[0]?.items[0]?.value).toBe('18446744073709551615');
  });

  it('undoes the scaling of its row', async () => {
    const row = { ...pointRow('p', { type: 'double', access: 'rw' }, { type: 'int16', scale: 10, offset: -5 }) };
    const { server, client } = await start([row]);
    expect(await client.write(server.entry('a', 'p', 'control'), 493)).toBe(0);
    expect(server.controls.wishes[0]?.items[0]?.value).toBe(49.8);
  });

  it('answers with its own first octets when it was executed', async () => {
    const { client } = await start([...three, pointRow('s', { type: 'bool', access: 'rw' })]);
    expect([...(await client.ask(16, 0, 0, 0, 2, 4, 0x42, 0, 0, 0))]).toEqual([16, 0, 0, 0, 2]);
    expect([...(await client.ask(5, 0, 0, 0xff, 0))]).toEqual([5, 0, 0, 0xff, 0]);
    expect([...(await client.ask(15, 0, 0, 0, 1, 1, 1))]).toEqual([15, 0, 0, 0, 1]);
  });

  it('over several points is one request, in order', async () => {
    const switches = ['s', 't', 'u'].map((point) => pointRow(point, { type: 'bool', kind: 'DI', access: 'rw' }));
    const { server, client } = await start([...three, ...switches]);
    const octets = ['p', 'q', 'r'].flatMap((point, i) => [...encoded(server.entry('a', point, 'control'), 10 * i)]);
    expect(exceptionOf(await client.ask(16, 0, 0, 0, 6, 12, ...octets))).toBe(0);
    expect(exceptionOf(await client.ask(15, 0, 0, 0, 3, 1, 0b101))).toBe(0);
    const items = server.controls.wishes.map((wish) => wish.items.map(({ value }) => value));
    expect(items).toEqual([
      [0, 10, 20],
      [true, false, true],
    ]);
    const slots = ['p', 'q', 'r'].map((point) => server.slot('a', point, 'control'));
    expect(server.controls.wishes[0]?.items.map(({ slot }) => slot)).toEqual(slots);
  });

  it.each([
    ['a half of a float', [6, 0, 0, 0, 1], 3],
    ['the second half of a float', [6, 0, 1, 0, 1], 3],
    ['one float and a half', [16, 0, 0, 0, 3, 6, 0, 0, 0, 0, 0, 0], 3],
    ['a float that is none', [16, 0, 0, 0, 2, 4, 0x7f, 0xc0, 0, 0], 3],
    ['an infinite float', [16, 0, 0, 0, 2, 4, 0x7f, 0x80, 0, 0], 3],
    ['a register beyond the plan', [6, 0, 99, 0, 1], 2],
    ['more than the plan has', [16, 0, 4, 0, 3, 6, 0, 0, 0, 0, 0, 0], 2],
    ['a coil that is none', [5, 0, 0, 0xff, 0], 2],
    ['a function that nobody knows', [43, 14, 1, 0], 1],
    ['a mask over a float', [22, 0, 0, 0, 1, 0, 1], 4],
    ['a mask beyond the plan', [22, 0, 99, 0, 1, 0, 1], 2],
    ['a float where what is read is not there', [23, 0, 99, 0, 1, 0, 0, 0, 2, 4, 0, 0, 0, 0], 2],
    ['a count that lies', [16, 0, 0, 0, 2, 3, 0, 0, 0], 3],
  ])('of %s is refused and asks nobody', async (_what, pdu, exception) => {
    const { server, client } = await start(three);
    expect(exceptionOf(await client.ask(...pdu))).toBe(exception);
    expect(server.controls.wishes).toEqual([]);
  });

  it('of a reserved place is refused', async () => {
    const { server, client } = await start([{ reserved: 1, class: 'holding' }, setpoint('p')]);
    expect(exceptionOf(await client.ask(16, 0, 0, 0, 4, 8, 0, 0, 0, 0, 0, 0, 0, 0))).toBe(2);
    expect(server.controls.wishes).toEqual([]);
  });

  it.each([
    ['RANGE', 3],
    ['HELD', 6],
    ['INTERLOCK', 4],
    ['NOT_CONNECTED', 11],
    ['NOT_ALLOWED', 2],
  ] as const)('that the arbiter refuses by %s gets exception %d', async (rule, exception) => {
    const { server, client } = await start(three);
    server.controls.script = () => refusal(rule);
    expect(await client.write(server.entry('a', 'p', 'control'), 5)).toBe(exception);
  });

  it('out of range gets the exception that the site chose', async () => {
    const { server, client } = await start(three, { rangeException: 4 });
    server.controls.script = () => refusal('RANGE');
    expect(await client.write(server.entry('a', 'p', 'control'), 5)).toBe(4);
    expect(await client.write(server.entry('a', 'p', 'control'), 500)).toBe(4);
  });

  it('without a bus is busy at once', async () => {
    const { server, client } = await start(three);
    server.controls.script = () => ({ decided: { kind: 'unanswered' }, ended: new Promise<End>(() => undefined) });
    expect(await client.write(server.entry('a', 'p', 'control'), 5)).toBe(6);
  });

  it('that is still under way at the limit is acknowledged, and answered once', async () => {
    const { server, client } = await start(three);
    let end = (_: End): void => undefined;
    server.controls.script = () => ending(new Promise<End>((resolve) => (end = resolve)));
    const answer = client.write(server.entry('a', 'p', 'control'), 5);
    await vi.waitFor(() => expect(server.controls.wishes).toHaveLength(1), WAIT);
    await server.time.advance(899);
    let isAnswered = false;
    void answer.then(() => (isAnswered = true));
    expect(isAnswered).toBe(false);
    await server.time.advance(1);
    expect(await answer).toBe(5);
    end({ kind: 'executed', verified: true, written: true, clamped: false });
    expect(await client.octets(3, 0, 2)).toHaveLength(4);
    expect(server.time.pendingCount).toBe(0);
  });

  it('holds back what the same client asks after it, and nobody else', async () => {
    const { server, client } = await start(three);
    let end = (_: End): void => undefined;
    server.controls.script = () => ending(new Promise<End>((resolve) => (end = resolve)));
    const order: string[] = [];
    const write = client.write(server.entry('a', 'p', 'control'), 5).then(() => order.push('write'));
    const read = client.octets(3, 0, 2).then(() => order.push('read'));
    const other = await TestModbusClient.connect(server.port);
    opened.at(-1)?.clients.push(other);
    expect(await other.octets(3, 0, 2)).toHaveLength(4);
    expect(order).toEqual([]);
    end({ kind: 'executed', verified: true, written: true, clamped: false });
    await Promise.all([write, read]);
    expect(order).toEqual(['write', 'read']);
  });
});

describe('single writes to one value', () => {
  const config = { assemble: '200ms' };
  const high = [6, 0, 0, 0x42, 0x48] as const;
  const low = [6, 0, 1, 0, 0] as const;

  it('are joined in order within the pause, and asked for once', async () => {
    const { server, client } = await start(three, config);
    expect([...(await client.ask(...high))]).toEqual([...high]);
    await server.time.advance(200);
    server.controls.script = () => refusal('HELD');
    expect(exceptionOf(await client.ask(...low))).toBe(6);
    expect(server.controls.wishes.map(({ items }) => items.map(({ value }) => value))).toEqual([[50]]);
    expect(exceptionOf(await client.ask(...low))).toBe(3);
  });

  it.each([
    ['too late', undefined, 201],
    ['after another register', [6, 0, 2, 0, 0], 0],
    ['after another write', [16, 0, 2, 0, 2, 4, 0, 0, 0, 0], 0],
  ])('are not joined %s', async (_what, between, ms) => {
    const { server, client } = await start(three, config);
    expect(exceptionOf(await client.ask(...high))).toBe(0);
    if (between) await client.ask(...between);
    await server.time.advance(ms);
    const before = server.controls.wishes.length;
    expect(exceptionOf(await client.ask(...low))).toBe(3);
    expect(server.controls.wishes).toHaveLength(before);
  });

  it('are not joined over two links, nor in the wrong order', async () => {
    const { server, client } = await start(three, config);
    const other = await TestModbusClient.connect(server.port);
    opened.at(-1)?.clients.push(other);
    expect(exceptionOf(await client.ask(...high))).toBe(0);
    expect(exceptionOf(await other.ask(...low))).toBe(3);
    expect(exceptionOf(await other.ask(...high))).toBe(0);
    expect(server.controls.wishes).toEqual([]);
  });
});

describe('a write that reads too', () => {
  const word = [pointRow('w', { type: 'int', access: 'rw' }, { type: 'uint16' }), setpoint('p')];

  it('masks the feedback, and is refused where there is no good one', async () => {
    const { server, client } = await start(word);
    server.set({ asset: 'a', point: 'w', value: 0x12 });
    expect([...(await client.ask(22, 0, 0, 0, 0xf2, 0, 0x25))]).toEqual([22, 0, 0, 0, 0xf2, 0, 0x25]);
    expect(server.controls.wishes[0]?.items).toEqual([{ slot: server.slot('a', 'w', 'control'), value: 0x17 }]);
    server.set({ asset: 'a', point: 'w', value: 0x12, quality: uncertain('stale') });
    expect(exceptionOf(await client.ask(22, 0, 0, 0, 0xf2, 0, 0x25))).toBe(4);
    expect(server.controls.wishes).toHaveLength(1);
  });

  it('writes first, then reads what is fed back by then', async () => {
    const { server, client } = await start(word);
    server.controls.script = () => {
      server.set({ asset: 'a', point: 'p', value: 8 });
      return ending({ kind: 'executed', verified: true, written: true, clamped: false });
    };
    const reply = await client.ask(23, 0, 0, 0, 3, 0, 1, 0, 2, 4, 0x41, 0, 0, 0);
    expect([...reply]).toEqual([23, 6, 0xff, 0xff, 0x41, 0, 0, 0]);
    server.controls.script = () => refusal('HELD');
    expect([...(await client.ask(23, 0, 0, 0, 3, 0, 1, 0, 2, 4, 0x41, 0, 0, 0))]).toEqual([0x97, 6]);
  });
});

describe('the result block', () => {
  const serviceOf = (server: TestServer<ModbusServerConfig>, service: string) =>
    server.plan.entries.find((entry) => entry.service === service)?.address ?? -1;

  async function result(server: TestServer<ModbusServerConfig>, client: TestModbusClient): Promise<number[]> {
    const first = serviceOf(server, 'result.sequence');
    const octets = await client.octets(4, first, 5);
    if (typeof octets === 'number') throw new Error(`exception ${octets}`);
    return [0, 2, 4, 6, 8].map((at) => octets.readUInt16BE(at));
  }

  it('tells what became of the last write: number, end, rule, address, age', async () => {
    const { server, client } = await start(three);
    expect(await result(server, client)).toEqual([0, 0, 0, 0, 65_535]);
    await client.write(server.entry('a', 'q', 'control'), 5);
    await server.time.advance(7_000);
    expect(await result(server, client)).toEqual([1, 1, 0, 2, 7]);
    server.controls.script = () => refusal('HELD');
    await client.write(server.entry('a', 'p', 'control'), 5);
    expect(await result(server, client)).toEqual([2, 2, 2111, 0, 0]);
    server.controls.script = () => ending({ kind: 'failed', effect: 'written', reason: 'FEEDBACK' });
    await client.write(server.entry('a', 'r', 'control'), 5);
    expect(await result(server, client)).toEqual([3, 5, 2120, 4, 0]);
  });

  it('names the item that was beyond the limits of its row, and nothing was asked', async () => {
    const { server, client } = await start(three.map((row) => ({ ...row, control: { limits: [0, 100] as const } })));
    const octets = [10, 20, 200].flatMap((value) => [...encoded(server.entry('a', 'p', 'control'), value)]);
    expect(exceptionOf(await client.ask(16, 0, 0, 0, 6, 12, ...octets))).toBe(3);
    expect(server.controls.wishes).toEqual([]);
    expect(await result(server, client)).toEqual([1, 2, 2105, 4, 0]);
  });

  it('names the item that the arbiter refused', async () => {
    const { server, client } = await start(three);
    server.controls.script = () => refusal('RANGE', 'a/q');
    const octets = [10, 20, 30].flatMap((value) => [...encoded(server.entry('a', 'p', 'control'), value)]);
    expect(exceptionOf(await client.ask(16, 0, 0, 0, 6, 12, ...octets))).toBe(3);
    expect(await result(server, client)).toEqual([1, 2, 2105, 2, 0]);
  });

  it('tells the end that came after the answer, to the next link of the same client, and to no other', async () => {
    const clients = ['127.0.0.1', '127.0.0.2'].map((address) => {
      return { name: address, addresses: [address], group: address, control: true };
    });
    const { server, client } = await start(three, {}, { clients, site: siteOf(three) });
    let end = (_: End): void => undefined;
    server.controls.script = () => ending(new Promise<End>((resolve) => (end = resolve)));
    const answer = client.write(server.entry('a', 'p', 'control'), 5);
    await vi.waitFor(() => expect(server.controls.wishes).toHaveLength(1), WAIT);
    await server.time.advance(900);
    expect(await answer).toBe(5);
    expect(await result(server, client)).toEqual([1, 7, 0, 0, 0]);
    client.close();
    await vi.waitFor(() => expect(server.listening.clients()).toEqual([]), WAIT);
    end({ kind: 'unknown', reason: 'NO_ANSWER' });
    const [again, other] = [
      await TestModbusClient.connect(server.port),
      await TestModbusClient.connect(server.port, '127.0.0.2'),
    ];
    opened.at(-1)?.clients.push(again, other);
    expect(await result(server, again)).toEqual([1, 6, 2121, 0, 0]);
    expect(await result(server, other)).toEqual([0, 0, 0, 0, 65_535]);
  });
});
