import { isBusbarError } from '@busbar/errors';
import { type ServerSpec, toWire } from '@busbar/server-sdk';
import fc from 'fast-check';
import { expect, it, vi } from 'vitest';
import type { ClientSimulator, SimulatedClient } from './client-simulator.js';
import { heapBytes } from './heap.js';
import { serverBench, WAIT } from './server-bench.js';
import { type TestServer, testServerHost } from './test-server.js';

/** A stalled link is given up within this. */
const PATIENCE_MS = 120_000;
/** What server and master together may hold for a link that takes nothing. */
const HELD_BYTES = 8 * 1024 * 1024;

export function describeLinks<Config>(spec: ServerSpec<Config>, simulator: ClientSimulator): void {
  const { start, connect } = serverBench(spec, simulator);

  const isServed = async (server: TestServer<Config>, client: SimulatedClient, value: number) => {
    server.set({ asset: 'inv-01', point: 'power', value });
    const entry = server.entry('inv-01', 'power');
    expect((await client.read(entry)).value).toBeCloseTo(toWire(entry, value).value, 2);
  };

  it('lists who is connected, and tells of each change', async () => {
    const server = await start();
    expect(server.listening.clients()).toEqual([]);
    const client = await connect(server);
    await vi.waitFor(() => expect(server.listening.clients()).toHaveLength(1), WAIT);
    expect(server.listening.clients()[0]).toMatchObject({ name: 'ems', address: expect.stringMatching(/^127\./) });
    await isServed(server, client, 1);
    expect(server.listening.clients()[0]?.received).toBeGreaterThan(0);
    expect(server.listening.clients()[0]?.sent).toBeGreaterThan(0);
    const before = server.changes;
    client.close();
    await vi.waitFor(() => expect(server.listening.clients()).toEqual([]), WAIT);
    expect(server.changes).toBeGreaterThan(before);
  });

  it('closes who is not listed at once, and serves the others', async () => {
    const listed = { name: 'ems', addresses: ['127.0.0.2'], group: 'ems', control: true };
    const server = await start({ clients: [listed] });
    const stranger = await connect(server, '127.0.0.1').catch(() => undefined);
    await stranger?.closed;
    await vi.waitFor(() => expect(server.refused).toContain('address'), WAIT);
    await isServed(server, await connect(server, '127.0.0.2'), 2);
  });

  it('drops who is no longer listed, and nobody else', async () => {
    const one = { name: 'one', addresses: ['127.0.0.1'], group: 'one', control: true };
    const two = { name: 'two', addresses: ['127.0.0.2'], group: 'two', control: true };
    const server = await start({ clients: [one, two] });
    const [first, second] = [await connect(server, '127.0.0.1'), await connect(server, '127.0.0.2')];
    expect(server.replan({ clients: [two] })).toBe(true);
    await first.closed;
    await isServed(server, second, 3);
  });

  it('survives any octets, and drops alone who sends them', async () => {
    const server = await start();
    const good = await connect(server);
    const corpus = fc.sample(fc.uint8Array({ minLength: 1, maxLength: 400 }), { numRuns: 60, seed: 7 });
    for (const [n, octets] of corpus.entries()) {
      const hostile = await connect(server);
      hostile.garbage(octets);
      if (n % 10 === 0) await isServed(server, good, n);
      hostile.close();
    }
    await isServed(server, good, 4);
    expect(server.lost).toEqual([]);
    expect(server.controls.wishes).toEqual([]);
  });

  it('bounds what it keeps for a master that does not read, drops it alone, and serves the others', async () => {
    const server = await start();
    const good = await connect(server);
    const deaf = await connect(server);
    const before = heapBytes();
    await deaf.flood();
    await isServed(server, good, 5);
    expect(heapBytes() - before).toBeLessThan(HELD_BYTES);
    await server.time.advance(PATIENCE_MS);
    await vi.waitFor(() => expect(server.listening.clients().length).toBeLessThanOrEqual(1), WAIT);
    await isServed(server, await connect(server), 6);
  }, 30_000);

  it('frees its port and every link when it closes, twice too', async () => {
    const server = await start();
    const client = await connect(server);
    const { port } = server;
    await server.close();
    await server.close();
    await client.closed;
    expect(server.time.pendingCount).toBe(0);
    await server.listen({ port });
    await isServed(server, await connect(server), 7);
  });

  it('says that its port is taken', async () => {
    const server = await start();
    const second = testServerHost(spec, { config: { ...simulator.config, port: server.port } });
    const error: unknown = await second.listen().catch((reason: unknown) => reason);
    expect(isBusbarError(error, 'PORT_IN_USE')).toBe(true);
  });

  it('does not listen when it is told to stop before', async () => {
    const server = await start();
    const { port } = server;
    await server.close();
    await expect(spec.listen(server.host({ port }), AbortSignal.abort())).rejects.toThrow();
    await server.listen({ port });
    expect(server.port).toBe(port);
  });
}
