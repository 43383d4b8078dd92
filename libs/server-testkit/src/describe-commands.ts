import { type ServerSpec, toWire } from '@busbar/server-sdk';
import { expect, it, vi } from 'vitest';
import type { ClientSimulator } from './client-simulator.js';
import { serverBench, WAIT } from './server-bench.js';
import { ending, refusal } from './test-controls.js';
import type { TestServer } from './test-server.js';

export function describeCommands<Config>(spec: ServerSpec<Config>, simulator: ClientSimulator): void {
  const { start, connect } = serverBench(spec, simulator);

  const limit = (server: TestServer<Config>, value: number) => {
    const entry = server.entry('inv-01', 'limit', 'control');
    return { entry, value: toWire(entry, value).value };
  };

  it('passes a command on in units of the point, and says done when it was executed', async () => {
    const server = await start();
    const client = await connect(server);
    expect((await client.command(limit(server, 62))).kind).toBe('done');
    const operated = server.controls.wishes.filter(({ act }) => act === 'operate');
    expect(operated).toHaveLength(1);
    expect(operated[0]).toMatchObject({ client: 'ems', isTest: false });
    expect(operated[0]?.items).toHaveLength(1);
    expect(operated[0]?.items[0]?.slot).toBe(server.slot('inv-01', 'limit', 'control'));
    expect(operated[0]?.items[0]?.value).toBeCloseTo(62, 2);
    expect(operated[0]?.link).toBe(server.listening.clients()[0]?.link);
  });

  it('passes a switch on too', async () => {
    const server = await start();
    const client = await connect(server);
    const entry = server.entry('inv-02', 'enabled', 'control');
    for (const on of [true, false]) {
      expect((await client.command({ entry, value: toWire(entry, on).value })).kind).toBe('done');
    }
    const values = server.controls.wishes.filter(({ act }) => act === 'operate').map(({ items }) => items[0]?.value);
    expect(values.map(Number)).toEqual([1, 0]);
  });

  it('says no when the arbiter refuses', async () => {
    const server = await start();
    const client = await connect(server);
    for (const rule of ['RANGE', 'HELD', 'INTERLOCK', 'MAINTENANCE'] as const) {
      server.controls.script = () => refusal(rule);
      expect((await client.command(limit(server, 50))).kind, rule).toBe('refused');
    }
    server.controls.script = () => refusal('NOT_CONNECTED');
    expect(['refused', 'unknown']).toContain((await client.command(limit(server, 50))).kind);
  });

  it('never says done of what failed, and not no of what nobody knows', async () => {
    const server = await start();
    const client = await connect(server);
    server.controls.script = () => ending({ kind: 'failed', effect: 'none', reason: 'DEVICE_REFUSED' });
    expect((await client.command(limit(server, 50))).kind).toBe('refused');
    server.controls.script = () => ending({ kind: 'unknown', reason: 'NO_ANSWER' });
    expect(['unknown', 'pending']).toContain((await client.command(limit(server, 50))).kind);
  });

  it('refuses every command where the connection takes none', async () => {
    const taking = await start();
    const command = limit(taking, 50);
    const server = await start({ control: false });
    const client = await connect(server);
    expect((await client.command(command)).kind).toBe('refused');
    expect(server.controls.wishes).toEqual([]);
  });

  it('refuses every command of a master that may only read', async () => {
    const server = await start({ clients: [{ name: 'reader', addresses: [], group: 'reader', control: false }] });
    const client = await connect(server);
    expect((await client.command(limit(server, 50))).kind).toBe('refused');
    expect(server.controls.wishes).toEqual([]);
    expect(server.refused).toContain('control');
  });

  it('never commands what is only measured', async () => {
    const server = await start();
    const client = await connect(server);
    await client.command({ entry: server.entry('inv-01', 'power'), value: 1 });
    // Its number may be that of a command too, where areas have addresses of their own.
    for (const { items } of server.controls.wishes) {
      expect(server.plan.entries[items[0]?.slot ?? -1]).toMatchObject({ role: 'control' });
      expect(server.plan.entries[items[0]?.slot ?? -1]?.point).not.toBe('power');
    }
  });

  it('shows the feedback and never the wish', async () => {
    const server = await start();
    server.set({ asset: 'inv-01', point: 'limit', value: 80 });
    const client = await connect(server);
    await client.command(limit(server, 20));
    const entry = server.entry('inv-01', 'limit');
    expect((await client.read(entry)).value).toBeCloseTo(toWire(entry, 80).value, 2);
  });

  it('tells that a link is gone, so that its selections end', async () => {
    const server = await start();
    const client = await connect(server);
    const link = server.listening.clients()[0]?.link;
    client.close();
    await vi.waitFor(() => expect(server.controls.lostLinks).toEqual([link]), WAIT);
  });
}
