import type { PlanEntry } from '@busbar/address-plan';
import { bad, uncertain } from '@busbar/model';
import { type ServerSpec, toWire } from '@busbar/server-sdk';
import { expect, it, vi } from 'vitest';
import type { ClientSimulator, ClientValue, SimulatedClient } from './client-simulator.js';
import { serverBench, WAIT } from './server-bench.js';
import type { TestServer } from './test-server.js';
import { testSite } from './test-site.js';

const VALUES: readonly (readonly [point: string, value: number])[] = [
  ['power', 412.5],
  ['running', 1],
  ['energy', 123_456_789],
  ['temperature', -17],
  ['limit', 60],
  ['enabled', 0],
];
const EARLIER_MS = 90_000;

/** Equal to what a float of 32 bits, or a fraction of 16, keeps of it. */
function expectValue(shown: ClientValue, entry: PlanEntry, value: number): void {
  const sent = toWire(entry, value).value;
  expect(Math.abs((shown.value ?? Number.NaN) - sent), entry.id).toBeLessThanOrEqual(Math.abs(sent) * 1e-6 + 2 ** -15);
}

export function describeValues<Config>(spec: ServerSpec<Config>, simulator: ClientSimulator): void {
  const { start, connect } = serverBench(spec, simulator);

  const reads = async (server: TestServer<Config>, client: SimulatedClient, asset: string) => {
    const shown: [string, ClientValue][] = [];
    for (const [point] of VALUES) shown.push([point, await client.read(server.entry(asset, point))]);
    return new Map(shown);
  };

  it('answers with value, quality and source time', async () => {
    const server = await start();
    const timeMs = server.time.wallMs() - EARLIER_MS;
    for (const asset of ['inv-01', 'inv-02']) {
      server.set(...VALUES.map(([point, value]) => ({ asset, point, value, timeMs })));
    }
    const client = await connect(server);
    for (const asset of ['inv-01', 'inv-02']) {
      const shown = await reads(server, client, asset);
      for (const [point, value] of VALUES) {
        const one = shown.get(point) as ClientValue;
        expectValue(one, server.entry(asset, point), value);
        expect(one.quality ?? 'good', point).toBe('good');
        expect(one.timeMs ?? timeMs, point).toBe(timeMs);
      }
    }
  });

  it('never takes what was not read for a value', async () => {
    const server = await start();
    const client = await connect(server);
    server.set({ asset: 'inv-01', point: 'power', value: Number.NaN, quality: bad('not-a-number') });
    const shown = await reads(server, client, 'inv-01');
    for (const [point, { value, quality }] of shown) {
      // A bit has no third state: where there are no quality bits, it is 0.
      if (quality === undefined && ['running', 'enabled'].includes(point)) expect(value).toBe(0);
      else expect(value === undefined || quality === 'bad', point).toBe(true);
    }
  });

  it('shows that a device is lost on its values and on no others', async () => {
    const server = await start();
    const both = ['inv-01', 'inv-02'];
    for (const asset of both) server.set(...VALUES.map(([point, value]) => ({ asset, point, value })));
    const client = await connect(server);
    const quality = bad('not-connected');
    server.set(...VALUES.map(([point]) => ({ asset: 'inv-01', point, value: Number.NaN, quality })));
    const lost = (await reads(server, client, 'inv-01')).get('power') as ClientValue;
    expect(lost.value === undefined || lost.quality === 'bad').toBe(true);
    const other = await reads(server, client, 'inv-02');
    for (const [point, value] of VALUES) {
      expectValue(other.get(point) as ClientValue, server.entry('inv-02', point), value);
      expect(other.get(point)?.quality ?? 'good').toBe('good');
    }
  });

  it('clamps what its type cannot hold, and never wraps it', async () => {
    const server = await start();
    const client = await connect(server);
    const entry = server.entry('inv-01', 'temperature');
    for (const value of [1e12, -1e12]) {
      server.set({ asset: 'inv-01', point: 'temperature', value, quality: uncertain('out-of-range') });
      const shown = await client.read(entry);
      // Its type's end is the one number that means "none" for some: no value is right too, another number is not.
      if (shown.value !== undefined) expectValue(shown, entry, value);
    }
  });

  it('shows the newest value, whoever reads', async () => {
    const server = await start();
    const clients = [await connect(server), await connect(server), await connect(server)];
    const entry = server.entry('inv-01', 'power');
    for (let value = 0; value < 20; value++) {
      server.set({ asset: 'inv-01', point: 'power', value });
      for (const client of clients) expectValue(await client.read(entry), entry, value);
    }
  });

  it('after a restart has the same addresses and the last values with their age', async () => {
    const server = await start();
    const timeMs = server.time.wallMs() - EARLIER_MS;
    server.set(...VALUES.map(([point, value]) => ({ asset: 'inv-01', point, value, timeMs })));
    await server.restart();
    const shown = await reads(server, await connect(server), 'inv-01');
    for (const [point, value] of VALUES) {
      const one = shown.get(point) as ClientValue;
      expectValue(one, server.entry('inv-01', point), value);
      expect(one.timeMs ?? timeMs).toBe(timeMs);
      expect(one.quality ?? 'uncertain').not.toBe('bad');
    }
  });

  it('sends changes once, in order, with their stamps', async ({ skip }) => {
    const server = await start();
    server.events('ems');
    const client = await connect(server);
    if (!client.events) return skip('the protocol has no events');
    const { station, address } = server.entry('inv-01', 'running');
    const first = server.time.wallMs();
    for (let n = 0; n < 500; n++) {
      server.set({ asset: 'inv-01', point: 'running', value: n % 2, timeMs: first + n });
    }
    const own = () => (client.events ?? []).filter((one) => one.station === station && one.address === address);
    await vi.waitFor(() => expect(own().length).toBeGreaterThanOrEqual(500), WAIT);
    const numbered = Array.from({ length: 500 }, (_, n) => n);
    expect(own().map(({ value }) => value)).toEqual(numbered.map((n) => n % 2));
    expect(own().map(({ timeMs }) => timeMs)).toEqual(numbered.map((n) => first + n));
  });

  it('sends what was not confirmed again over the next link', async ({ skip }) => {
    const server = await start();
    server.events('ems');
    const first = await connect(server);
    if (!first.events || !first.setConfirming) return skip('the protocol confirms no events');
    first.setConfirming(false);
    const startMs = server.time.wallMs();
    for (let n = 0; n < 40; n++) {
      server.set({ asset: 'inv-01', point: 'running', value: n % 2, timeMs: startMs + n });
    }
    await vi.waitFor(() => expect(first.events?.length).toBeGreaterThan(0), WAIT);
    first.close();
    await vi.waitFor(() => expect(server.listening.clients()).toEqual([]), WAIT);
    const second = await connect(server);
    await vi.waitFor(() => expect(second.events?.length).toBeGreaterThanOrEqual(40), WAIT);
    expect(second.events?.map(({ timeMs }) => timeMs)).toEqual(Array.from({ length: 40 }, (_, n) => startMs + n));
  });

  it('takes further devices without a change of address and without dropping anybody', async () => {
    const server = await start();
    server.set({ asset: 'inv-01', point: 'power', value: 5 });
    const client = await connect(server);
    const before = server.entry('inv-01', 'power');
    expect(server.replan({ site: testSite(3) })).toBe(true);
    expect(server.entry('inv-01', 'power')).toMatchObject({ address: before.address, station: before.station });
    server.set({ asset: 'inv-03', point: 'power', value: 7 });
    expectValue(await client.read(before), before, 5);
    const added = server.entry('inv-03', 'power');
    expectValue(await client.read(added), added, 7);
    server.set({ asset: 'inv-01', point: 'power', value: 6 });
    expectValue(await client.read(before), before, 6);
  });
}
