import { join } from 'node:path';
import type { RequestView } from '@busbar/api-schema';
import kafkajs from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CountingShape, cycleOf, decodeCounted, Tally } from '../harness/counting.js';
import { root } from '../harness/program.js';
import { SampledCounter } from '../harness/sampled-counter.js';
import { CLUSTER_PROGRAMS, type Servers, startServers } from '../harness/servers.js';
import { Site } from '../harness/site.js';
import { until } from '../harness/until.js';

const { Kafka, logLevel } = kafkajs;

const SHAPE: CountingShape = { devices: 24, tags: 50 };
const PHASE_MS = 20_000;
/** A scan, and what it takes from the device's answer to the bus's acknowledgement. */
const SCAN_MS = 1_500;
/**
 * So long after a kill connections may still change hands: the dead member is missed after 6 s, the rebalance takes up to
 * 10 s, and one that was killed while it joined makes another. A read under way at a hand-over is not taken.
 */
const PAUSE_MS = 35_000;

interface Read {
  readonly n: number;
  readonly tag: number;
  readonly count: number;
  readonly value: number;
  readonly time: number;
}

interface CloudValue {
  readonly n: number;
  readonly id: string;
  readonly value: number;
  readonly time: number;
}

let servers: Servers;
let site: Site;
let counter: SampledCounter;
const kills: { readonly name: string; readonly at: number }[] = [];
const asked = new Map<number, { readonly device: number; end: string }>();
const reads = new Map<number, Read[]>();
let brokerDown: { from: number; to: number } | undefined;

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const pick = <T>(list: readonly T[]): T => list[Math.floor(Math.random() * list.length)] as T;

beforeAll(async () => {
  servers = await startServers();
  const env = { ...servers.env, BUSBAR_SIMULATOR_COUNTING: '24x50', BUSBAR_CLOUD_COUNTING: 'true' };
  site = await Site.start({ package: join(root, 'e2e', 'counting'), programs: CLUSTER_PROGRAMS, env });
  counter = new SampledCounter(servers.kafka.brokers, SHAPE);
  await counter.start();
  await until('values of all 24 devices are in the cloud', async () => {
    const { body } = await site.cloud<{ assets: Record<string, { received: number }> }>('/summary');
    return Object.values(body.assets).filter(({ received }) => received > 50).length >= 24;
  });
});

afterAll(async () => {
  await site?.stop();
  await servers?.stop();
});

/** Kills one of the programs every few seconds, each back after less than a second. */
async function killAtRandom(names: readonly string[], forMs: number): Promise<void> {
  const end = Date.now() + forMs;
  while (Date.now() < end) {
    await sleep(1000 + Math.random() * 3000);
    const name = pick(names);
    kills.push({ name, at: Date.now() });
    await site.program(name).kill();
    await sleep(Math.random() * 800);
    site.program(name).start();
  }
}

/** Every device was read at least twice within 2.5 s, and what was read reaches the cloud. */
async function untilFullRate(): Promise<void> {
  const figures = async () => {
    const { body } = await site.simulator<{ devices: { id: string; reads: number }[] }>('/devices');
    const { received } = (await site.cloud<{ received: number }>('/summary')).body;
    return { reads: body.devices.map(({ reads: count }) => count), received };
  };
  await until(
    'every device is read at full rate',
    async () => {
      const before = await figures();
      await sleep(2_500);
      const after = await figures();
      const isRead = after.reads.every((count, i) => count - (before.reads[i] as number) >= 2);
      return isRead && after.received - before.received > SHAPE.devices * SHAPE.tags;
    },
    60_000,
  );
}

/** Both collectors are members of their group, and nobody else is. */
async function collectorsAreSettled(): Promise<boolean> {
  const kafka = new Kafka({ clientId: 'kills', brokers: servers.kafka.brokers.split(','), logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  try {
    const { groups } = await admin.describeGroups(['collector.all']);
    return groups[0]?.state === 'Stable' && groups[0].members.length === 2;
  } finally {
    await admin.disconnect();
  }
}

let commanding = true;

/** Commands with a value of its own each, so that a second write of one would show. */
async function command(): Promise<void> {
  for (let n = 1; commanding; n++) {
    const device = n % SHAPE.devices;
    asked.set(n, { device, end: 'unanswered' });
    const ask = { id: `kill-${n}`, point: `d${device}/command`, value: n, expiresMs: 8_000 };
    void site
      .api<RequestView>('/control/requests?wait=20000', { method: 'POST', body: JSON.stringify(ask) })
      .then(({ body }) => {
        asked.set(n, { device, end: body.end?.kind ?? 'pending' });
      })
      .catch(() => undefined);
    await sleep(300);
  }
}

async function pages<T extends { readonly n: number }>(
  ask: (after: number) => Promise<{ readonly items: readonly T[]; readonly next: number }>,
): Promise<T[]> {
  const all: T[] = [];
  for (let after = 0; ; ) {
    const { items, next } = await ask(after);
    all.push(...items);
    if (items.length === 0 || next === after) return all;
    after = next;
  }
}

function readsOf(device: number): Promise<Read[]> {
  return pages(async (after) => {
    const { body } = await site.simulator<{ reads: Read[]; next: number }>(`/devices/d${device}/reads?after=${after}`);
    return { items: body.reads, next: body.next };
  });
}

function valuesOf(device: number): Promise<CloudValue[]> {
  return pages(async (after) => {
    const { body } = await site.cloud<{ values: CloudValue[]; next: number }>(
      `/devices/d${device}/values?after=${after}`,
    );
    return { items: body.values, next: body.next };
  });
}

/** What the cloud has, and how many of its values no read of that point can have made. */
async function cloudTally(): Promise<{ readonly tally: Tally; readonly wrong: number }> {
  const tally = new Tally(SHAPE);
  let wrong = 0;
  for (let device = 0; device < SHAPE.devices; device++) {
    for (const { id, value } of await valuesOf(device)) {
      const decoded = decodeCounted(value, SHAPE);
      if (decoded?.device === device && id === `t${decoded.tag}`) tally.add(decoded);
      else wrong++;
    }
  }
  return { tally, wrong };
}

describe('a minute of kills', () => {
  it('runs: services at random, then the broker for 20 s, then services again', async () => {
    const working = command();
    const services = ['collector-1', 'collector-2', 'mapper-1', 'mapper-2', 'uploader'];
    await killAtRandom(services, PHASE_MS);
    // Everything at full rate before the broker goes, since nobody can take over while it is away; and the collectors'
    // group settled: a killed member is missed 6 s later, and its partitions are shared out anew then.
    await until('the collectors are settled', collectorsAreSettled, 90_000);
    await untilFullRate();
    await until('the collectors are settled', collectorsAreSettled, 90_000);
    if (servers.kafka.kill && servers.kafka.restart) {
      const from = Date.now();
      await servers.kafka.kill();
      await killAtRandom(['mapper-1', 'mapper-2', 'uploader'], PHASE_MS - 2000);
      brokerDown = { from, to: Date.now() };
      await servers.kafka.restart();
      await untilFullRate();
    }
    await killAtRandom(services, PHASE_MS);
    await untilFullRate();
    commanding = false;
    await working;
    // Values go on flowing: from here on no more are counted.
    await counter.stop();
    for (let device = 0; device < SHAPE.devices; device++) reads.set(device, await readsOf(device));
    expect(kills.length).toBeGreaterThan(15);
  });

  it('loses no counted value, and delivers none that is wrong', async () => {
    await until(
      'the cloud has all that was counted',
      async () => counter.counted.without((await cloudTally()).tally).length === 0,
      90_000,
    ).catch(() => undefined);
    const { tally, wrong } = await cloudTally();
    const missing = counter.counted.without(tally);
    const lines = [
      `kills ${kills.length}, broker down ${brokerDown ? `${((brokerDown.to - brokerDown.from) / 1000).toFixed(0)} s` : 'never'}`,
      `counted ${counter.counted.size} (${counter.counted.repeats} repeats), in the cloud ${tally.size} (${tally.repeats} repeats)`,
      `missing ${missing.length}, wrong ${wrong + counter.wrong}`,
    ];
    process.stdout.write(`${lines.map((line) => `REPORT ${line}`).join('\n')}\n`);
    expect(counter.counted.size).toBeGreaterThan(50_000);
    expect(wrong + counter.wrong).toBe(0);
    expect(missing.slice(0, 20)).toEqual([]);
  });

  it('counts nothing that no read of the simulator made', () => {
    const served = new Tally(SHAPE);
    for (const [device, list] of reads) {
      for (const { tag, count, value } of list) {
        const first = decodeCounted(value, SHAPE);
        for (let i = 0; first && i < count; i++) served.add({ device, tag: tag + i, read: first.read });
      }
    }
    process.stdout.write(`REPORT read ${served.size} at the simulator, until after the counting ended\n`);
    expect(served.size).toBeGreaterThanOrEqual(counter.counted.size);
    expect(counter.counted.without(served).slice(0, 20)).toEqual([]);
  });

  it('leaves untaken only what was read within a scan of a kill, or in a pause', () => {
    const cycle = cycleOf(SHAPE);
    const untaken: { device: number; time: number }[] = [];
    for (const [device, list] of reads) {
      // The newest may be on their way still.
      const last = list[list.length - 1]?.time ?? 0;
      for (const { tag, count, value, time } of list) {
        const first = decodeCounted(value, SHAPE);
        if (!first || time > last - SCAN_MS) continue;
        for (let i = 0; i < count; i++) {
          if (!counter.counted.has({ device, tag: tag + i, read: first.read % cycle })) untaken.push({ device, time });
        }
      }
    }
    const explained = untaken.filter(({ time }) =>
      kills.some(({ name, at }) => name.startsWith('collector') && time >= at - SCAN_MS && time <= at + PAUSE_MS),
    );
    process.stdout.write(`REPORT not taken ${untaken.length}, of them ${explained.length} near a kill\n`);
    expect(untaken.length - explained.length).toBe(0);
  });

  it('reads every device at full rate while the broker is away', () => {
    if (!brokerDown) {
      process.stdout.write('REPORT the broker was given by address and was not killed\n');
      return;
    }
    const { from, to } = brokerDown;
    const wanted = Math.floor((to - from) / 1000) - 1;
    const slow = [...reads].flatMap(([device, list]) => {
      const seen = list.filter(({ tag, time }) => tag === 0 && time >= from && time <= to).length;
      return seen >= wanted ? [] : [`d${device}: ${seen} of ${wanted}`];
    });
    const said = (name: string) => site.program(name).output.slice(-3_000);
    if (slow.length > 0) process.stdout.write(`REPORT ${['collector-1', 'collector-2'].map(said).join('\n')}\n`);
    expect(slow).toEqual([]);
  });

  it('executes no command twice, and each that it calls executed once', async () => {
    const written = new Map<number, number>();
    for (let device = 0; device < SHAPE.devices; device++) {
      const { body } = await site.simulator<{ writes: { value: number }[] }>(`/devices/d${device}/writes?after=0`);
      for (const { value } of body.writes) written.set(value, (written.get(value) ?? 0) + 1);
    }
    const twice = [...written].filter(([, times]) => times > 1);
    const ends = new Map<string, number>();
    for (const { end } of asked.values()) ends.set(end, (ends.get(end) ?? 0) + 1);
    process.stdout.write(`REPORT commands ${asked.size}: ${[...ends].map(([end, n]) => `${n} ${end}`).join(', ')}\n`);
    expect(twice).toEqual([]);
    const executed = [...asked].filter(([, { end }]) => end === 'executed').map(([n]) => n);
    expect(executed.length).toBeGreaterThan(20);
    expect(executed.filter((n) => !written.has(n))).toEqual([]);
  });

  it('reports how long each connection paused', () => {
    const pauses = [...reads].map(([device, list]) => {
      const times = list.filter(({ tag }) => tag === 0).map(({ time }) => time);
      return { device, longest: Math.max(0, ...times.slice(1).map((time, i) => time - (times[i] as number))) };
    });
    const sorted = pauses.map(({ longest }) => longest).sort((a, b) => a - b);
    const at = (q: number) => ((sorted[Math.floor(q * (sorted.length - 1))] as number) / 1000).toFixed(1);
    process.stdout.write(
      `REPORT longest pause of a connection: median ${at(0.5)} s, most ${at(1)} s (aim 10 s after a kill)\n`,
    );
    expect(pauses).toHaveLength(SHAPE.devices);
  });
});
