import { createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Bus } from '../port.js';
import { openKafkaBus } from './kafka-bus.js';

const POINTS = 'points.updated.v1';
const SILENT = { info: () => undefined, warn: () => undefined, error: () => undefined };
const CLOCK = { monotonicMs: () => performance.now(), wallMs: () => Date.now() };

async function closedPort(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return `127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
}

describe('without a broker', () => {
  let bus: Bus;
  let broker: string;

  beforeEach(async () => {
    broker = await closedPort();
    bus = await openKafkaBus({ brokers: [broker], clientId: 'alone', clock: CLOCK, log: SILENT });
  });

  afterEach(() => bus.close());

  it('opens at once and says that no broker answers, and where it was looked for', () => {
    expect(bus.health()).toMatchObject({
      state: 'down',
      diagnosis: { code: 'BUS_UNREACHABLE', params: { brokers: broker } },
    });
  });

  it('keeps what is published up to its bound and refuses the rest at once; close rejects what waits', async () => {
    const value = Buffer.alloc(1024 * 1024);
    const outcomes: string[] = [];
    for (let i = 0; i < 70; i++) {
      bus.publish([{ topic: POINTS, key: String(i), value }]).then(
        () => outcomes.push('published'),
        (error: { code?: string }) => outcomes.push(error.code ?? 'unknown'),
      );
    }
    await vi.waitFor(() => expect(outcomes.length).toBeGreaterThan(0));
    expect(new Set(outcomes)).toEqual(new Set(['BUS_FULL']));
    expect(outcomes.length).toBe(7);
    expect(bus.health().waitingBytes).toBeGreaterThan(60 * 1024 * 1024);
    await bus.close();
    await vi.waitFor(() => expect(outcomes.length).toBe(70));
    expect(outcomes.slice(7).every((outcome) => outcome === 'BUS_CLOSED')).toBe(true);
    expect(bus.health().waitingBytes).toBe(0);
  }, 30_000);

  it('lets consumers, views and owners wait, without a lease, and closes within its bounds', async () => {
    let isReady = false;
    const consumption = bus.consume(POINTS, 'g', async () => undefined);
    const view = bus.table('connections.configured.v1');
    const ownership = bus.own('connections.configured.v1', 'collector.all', {
      gained: () => undefined,
      lost: async () => undefined,
    });
    const following = bus.follow('control.requested.v1', () => undefined);
    for (const { ready } of [consumption, view, ownership, following]) void ready.then(() => (isReady = true));
    expect(ownership.lease('read')).toBe(false);
    expect(ownership.owns('a')).toBe(false);
    expect(consumption.lag()).toEqual({ records: 0, oldestMs: null });
    expect(
      await ownership.isGone('somebody').then(
        () => isReady,
        () => isReady,
      ),
    ).toBe(false);
    const before = performance.now();
    await bus.close();
    expect(performance.now() - before).toBeLessThan(10_000);
  }, 30_000);
});
