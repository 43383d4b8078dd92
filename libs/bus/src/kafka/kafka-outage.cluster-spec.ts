import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type OwnKafka, startKafka } from '../../../../tools/servers/kafka.mjs';
import type { Bus, OutRecord } from '../port.js';
import { openKafkaBus } from './kafka-bus.js';

const POINTS = 'points.updated.v1';
const TABLE = 'connections.configured.v1';
const HELD = 'control.held.v1';
const CONTROL = 'control.requested.v1';
const TOPICS_USED = [POINTS, TABLE, HELD, CONTROL] as const;
const CLOCK = { monotonicMs: () => performance.now(), wallMs: () => Date.now() };
const WAIT = { timeout: 60_000, interval: 20 };

describe('tables and followers over an outage of the broker', () => {
  let folder: string;
  let server: OwnKafka;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'busbar-outage-'));
    server = await startKafka(join(folder, 'kafka'));
  }, 120_000);

  afterAll(async () => {
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  function open(lines: string[]): Promise<Bus> {
    const say = (level: string) => (_fields: object, message: string) => void lines.push(`${level} ${message}`);
    const log = { info: say('info'), warn: say('warn'), error: say('error') };
    return openKafkaBus({ brokers: server.brokers.split(','), clientId: 'outage', clock: CLOCK, log });
  }

  it('go on where they were: nothing is missed or told twice, and little is said', async () => {
    const lines: string[] = [];
    const bus = await open(lines);
    await bus.ensureTopics(TOPICS_USED);
    const told = new Map<string, number[]>();
    const teller = (name: string) => {
      const numbers: number[] = [];
      told.set(name, numbers);
      return ({ value }: { readonly value: Uint8Array | null }) =>
        void numbers.push(Number(Buffer.from(value ?? []).toString()));
    };
    const tables = ([TABLE, TABLE, HELD] as const).map((topic) => bus.table(topic));
    const followings = ([CONTROL, CONTROL, POINTS] as const).map((topic, i) =>
      bus.follow(topic, teller(`${topic} ${i}`)),
    );
    await Promise.all([...tables, ...followings].map(({ ready }) => ready));
    for (const [i, table] of tables.entries()) table.onChange(teller(`table ${i}`));
    let next = 0;
    const publishSome = (count: number) =>
      Promise.all(
        Array.from({ length: count }, () => {
          const value = Buffer.from(String(next++));
          return bus.publish(TOPICS_USED.map((topic): OutRecord => ({ topic, key: 'a', value })));
        }),
      );
    const allTold = () => {
      const all = Array.from({ length: next }, (_, i) => i);
      for (const numbers of told.values()) expect(numbers).toEqual(all);
    };
    await publishSome(50);
    await vi.waitFor(allTold, WAIT);
    for (let outage = 0; outage < 2; outage++) {
      await server.kill();
      const during = publishSome(50);
      await vi.waitFor(() => expect(bus.health().state).toBe('down'), WAIT);
      await server.restart();
      await during;
      await publishSome(50);
      await vi.waitFor(allTold, WAIT);
    }
    expect(told.size).toBe(6);
    expect(lines.filter((line) => line.includes('tables')).length).toBeLessThanOrEqual(4);
    expect(lines.filter((line) => !line.startsWith('info'))).toEqual([]);
    await bus.close();
  }, 180_000);

  it('end within their time while the broker is away, and wait for it without a storm when asked for then', async () => {
    const lines: string[] = [];
    const bus = await open(lines);
    await bus.ensureTopics(TOPICS_USED);
    await bus.table(TABLE).ready;
    await server.kill();
    await vi.waitFor(() => expect(bus.health().state).toBe('down'), WAIT);
    const late = await open(lines);
    const view = late.table(TABLE);
    const following = late.follow(POINTS, () => undefined);
    const before = performance.now();
    await bus.close();
    expect(performance.now() - before).toBeLessThan(5_000);
    await server.restart();
    await Promise.all([view.ready, following.ready]);
    expect(view.get('a')).toBeDefined();
    await late.close();
    expect(lines.length).toBeLessThanOrEqual(4);
  }, 120_000);
});
