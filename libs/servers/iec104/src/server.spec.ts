import { bad, GOOD, uncertain } from '@busbar/model';
import {
  EXECUTED,
  ending,
  refusal,
  type TestServer,
  type TestServerOptions,
  testServerHost,
} from '@busbar/server-testkit';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Iec104Config } from './config.js';
import server from './server.js';
import { commandOctets, type RawMaster, rawMaster } from './test-master.js';

const servers: TestServer<Iec104Config>[] = [];
const masters: RawMaster[] = [];

afterEach(async () => {
  for (const master of masters.splice(0)) {
    master.close();
    expect(master.faults).toEqual([]);
  }
  await Promise.all(servers.splice(0).map((one) => one.close()));
});

type Options = Partial<TestServerOptions>;

async function start({ config, ...options }: Options = {}): Promise<TestServer<Iec104Config>> {
  const host = testServerHost(server, {
    config: { address: '127.0.0.1', port: 0, timezone: 'UTC', ...config },
    ...options,
  });
  servers.push(host);
  await host.listen();
  return host;
}

async function connect(host: TestServer<Iec104Config>, localAddress = '127.0.0.1'): Promise<RawMaster> {
  const master = await rawMaster(host.port, { localAddress });
  masters.push(master);
  return master.start();
}

const interrogate = (master: RawMaster, qualifier = 20, station = 1) =>
  master.ask({ type: 100, cause: 6, station, more: [qualifier] });

/** Everything up to the termination of the interrogation. */
async function interrogated(master: RawMaster, qualifier = 20) {
  const from = master.received.length;
  interrogate(master, qualifier);
  await master.next(from, ({ type, cause }) => type === 100 && cause === 10);
  return master.received.slice(from);
}

describe('an interrogation', () => {
  it('is confirmed, answered by every point with its cause and without times, and terminated', async () => {
    const host = await start();
    host.set({ asset: 'inv-01', point: 'power', value: 42.5 });
    const all = await interrogated(await connect(host));
    const data = all.filter(({ type }) => type < 45);
    const expected = host.plan.entries.filter(
      ({ role, type }) => (role === 'value' || role === 'service') && type.startsWith('M_') && type !== 'M_IT',
    );
    expect(
      data
        .filter(({ cause }) => cause === 20)
        .map(({ address }) => address)
        .sort(),
    ).toEqual(expected.map(({ address }) => address).sort());
    expect(data.filter(({ cause }) => cause === 20).every(({ type }) => type < 30)).toBe(true);
    const [first] = all.filter(({ cause }) => cause === 7);
    expect(all.indexOf(first as (typeof all)[0])).toBe(0);
    expect(all.at(-1)).toMatchObject({ type: 100, cause: 10 });
  });

  it('shows a point that was never read as not topical and invalid', async () => {
    const host = await start();
    const entry = host.entry('inv-01', 'power');
    const all = await interrogated(await connect(host));
    const found = all.find(({ address, cause }) => address === entry.address && cause === 20);
    expect(found?.element.at(-1)).toBe(0xc0);
  });

  it('of a group without rows sends nothing, of an unknown qualifier is refused', async () => {
    const host = await start();
    const master = await connect(host);
    expect((await interrogated(master, 36)).filter(({ cause }) => cause === 36)).toEqual([]);
    const from = master.received.length;
    interrogate(master, 19);
    expect(await master.next(from, ({ type }) => type === 100)).toMatchObject({ cause: 7, isNegative: true });
  });

  it('of all stations is answered under the own address', async () => {
    const master = await connect(await start());
    const from = master.received.length;
    interrogate(master, 20, 65_535);
    expect(await master.next(from, ({ cause }) => cause === 10)).toMatchObject({ station: 1 });
  });

  it('that overlaps another is served after it, a third one is refused, and a deactivation ends them', async () => {
    const host = await start({ config: { k: 1 } });
    const master = await connect(host);
    master.setConfirming(false);
    await vi.waitFor(() => expect(master.received.length).toBeGreaterThan(0));
    for (let i = 0; i < 3; i++) interrogate(master);
    master.ask({ type: 100, cause: 8, more: [20] });
    master.setConfirming(true);
    const isNegative = (one: { type: number; isNegative: boolean }) => one.type === 100 && one.isNegative;
    await master.next(0, isNegative);
    await master.next(0, ({ type, cause }) => type === 100 && cause === 9);
    expect(master.received.filter(isNegative)).toHaveLength(1);
  });
});

describe('quality', () => {
  it.each([
    [GOOD, 0],
    [uncertain('stale'), 0x40],
    [uncertain('out-of-range'), 0x01],
    [uncertain('substituted'), 0x20],
    [uncertain('maintenance'), 0x10],
    [bad('not-connected'), 0xc0],
    [bad('sensor'), 0x80],
  ])('%d is the bits %d', async (quality, bits) => {
    const host = await start();
    const master = await connect(host);
    host.set({ asset: 'inv-01', point: 'power', value: 1, quality });
    const { address } = host.entry('inv-01', 'power');
    const event = await master.next(0, (one) => one.address === address && one.cause === 3);
    expect(event.element.readUInt8(4)).toBe(bits);
  });

  it('of no number is invalid with value 0', async () => {
    const host = await start();
    const master = await connect(host);
    host.set({ asset: 'inv-01', point: 'power', value: Number.NaN });
    const { address } = host.entry('inv-01', 'power');
    const event = await master.next(0, (one) => one.address === address && one.cause === 3);
    expect(event.element.readFloatLE(0)).toBe(0);
    expect(event.element.readUInt8(4) & 0x80).toBe(0x80);
  });
});

describe('what is not understood', () => {
  it('is mirrored with its cause', async () => {
    const host = await start();
    const master = await connect(host);
    const answers = async (asdu: Parameters<RawMaster['ask']>[0]) => {
      const from = master.received.length;
      master.ask(asdu);
      const { cause, isNegative } = await master.next(from, ({ type }) => type === asdu.type);
      return [cause, isNegative];
    };
    expect(await answers({ type: 45, cause: 6, address: 99_999, more: [1] })).toEqual([47, true]);
    expect(await answers({ type: 45, cause: 6, station: 9, address: 1, more: [1] })).toEqual([46, true]);
    const { address } = host.entry('inv-01', 'limit', 'control');
    expect(await answers({ type: 50, cause: 3, address, more: commandOctets(50, 1) })).toEqual([45, true]);
    expect(await answers({ type: 45, cause: 6, address, more: [1] })).toEqual([44, true]);
    expect(await answers({ type: 105, cause: 6, more: [1] })).toEqual([7, true]);
    expect(await answers({ type: 102, cause: 5, address: 99_999 })).toEqual([47, true]);
  });
});

describe('commands', () => {
  const limit = (host: TestServer<Iec104Config>) => host.entry('inv-01', 'limit', 'control');

  it('are confirmed when granted and terminated when executed, with the feedback as return information', async () => {
    const host = await start();
    const master = await connect(host);
    const outcome = await master.command({ entry: limit(host), value: 50 });
    expect(outcome).toEqual({ kind: 'done', words: 'cause 10' });
    expect(host.controls.wishes[0]).toMatchObject({ act: 'operate', items: [{ value: 50 }], isTest: false });
    host.set({ asset: 'inv-01', point: 'limit', value: 50 });
    // Of a measured value 11 is no cause.
    const measured = host.entry('inv-01', 'limit').address;
    expect(await master.next(0, (one) => one.address === measured && one.cause !== 20)).toMatchObject({ cause: 3 });
    await master.command({ entry: host.entry('inv-01', 'enabled', 'control'), value: 1 });
    host.set({ asset: 'inv-01', point: 'enabled', value: 1 });
    const { address } = host.entry('inv-01', 'enabled');
    expect(await master.next(0, (one) => one.address === address && one.cause === 11)).toBeDefined();
  });

  it('with the select bit are selections, which end with their confirmation', async () => {
    const host = await start();
    const master = await connect(host);
    const { address } = limit(host);
    const from = master.received.length;
    master.ask({ type: 50, cause: 6, address, more: commandOctets(50, 50, true) });
    expect(await master.next(from, ({ type }) => type === 50)).toMatchObject({ cause: 7, isNegative: false });
    expect(host.controls.wishes[0]).toMatchObject({ act: 'select' });
    master.ask({ type: 50, cause: 8, address, more: commandOctets(50, 50) });
    expect(await master.next(from, ({ cause }) => cause === 9)).toMatchObject({ isNegative: false });
    expect(host.controls.wishes[1]).toMatchObject({ act: 'cancel' });
  });

  it('with the test bit are judged and never written, and answered with the bit', async () => {
    const host = await start();
    const master = await connect(host);
    const from = master.received.length;
    master.ask({ type: 50, cause: 0x86, address: limit(host).address, more: commandOctets(50, 50) });
    expect(await master.next(from, ({ type }) => type === 50)).toMatchObject({ cause: 7, isTest: true });
    expect(host.controls.wishes[0]?.isTest).toBe(true);
  });

  it('that are refused, and those whose end nobody knows, are said in the words of the protocol', async () => {
    const host = await start();
    const master = await connect(host);
    host.controls.script = () => refusal('HELD');
    expect((await master.command({ entry: limit(host), value: 1 })).words).toBe('cause 7 negative');
    host.controls.script = () => refusal('READ_ONLY');
    expect((await master.command({ entry: limit(host), value: 1 })).words).toBe('cause 47 negative');
    host.controls.script = () => ending({ kind: 'unknown', reason: 'NO_ANSWER' });
    expect((await master.command({ entry: limit(host), value: 1 })).kind).toBe('pending');
    // Waits behind another write: told no, a master would not expect that it is carried out.
    host.controls.script = () => ({ ...ending(EXECUTED), decided: { kind: 'pending' } });
    expect((await master.command({ entry: limit(host), value: 1 })).kind).toBe('done');
    host.controls.script = () => ending({ kind: 'failed', effect: 'none', reason: 'DEVICE_REFUSED' });
    expect((await master.command({ entry: limit(host), value: 1 })).kind).toBe('refused');
  });
});

describe('the clock of a master', () => {
  it('is never taken: the confirmation carries ours', async () => {
    const host = await start();
    const master = await connect(host);
    const from = master.received.length;
    master.ask({ type: 103, cause: 6, more: [0x31, 0x10, 0x17, 0x08, 0x84, 0x07, 0x0d] });
    const answer = await master.next(from, ({ type }) => type === 103);
    const now = new Date(host.time.wallMs());
    expect(answer.element.readUInt16LE(0)).toBe(now.getUTCSeconds() * 1000 + now.getUTCMilliseconds());
    expect(answer.element.readUInt8(6)).toBe(now.getUTCFullYear() - 2000);
  });
});

describe('two connections of one group', () => {
  it.each([
    ['stop-old', 'standby'],
    ['close-old', undefined],
    ['refuse', 'started'],
  ] as const)('%s: the first is %s afterwards', async (secondStart, first) => {
    const host = await start({ config: { secondStart } });
    const one = await connect(host);
    await connect(host).catch(() => undefined);
    await vi.waitFor(() => {
      const states = host.listening.clients().map(({ state }) => state);
      expect(states).toEqual(secondStart === 'stop-old' ? ['standby', 'started'] : ['started']);
    });
    if (first === undefined) await one.closed;
  });
});

describe('the window', () => {
  it('stops after k frames and goes on with the acknowledgement', async () => {
    const host = await start({ config: { k: 3 } });
    const master = await connect(host);
    await vi.waitFor(() => expect(master.received.some(({ type }) => type === 70)).toBe(true));
    master.setConfirming(false);
    const before = master.received.length;
    for (let n = 0; n < 10; n++) master.ask({ type: 102, cause: 5, address: host.entry('inv-01', 'power').address });
    await vi.waitFor(() => expect(master.received.length).toBe(before + 3));
    master.setConfirming(true);
    await vi.waitFor(() => expect(master.received.length).toBe(before + 10));
  });
});
