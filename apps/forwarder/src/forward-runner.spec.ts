import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeBatch } from '@busbar/batch';
import { type Bus, openEmbeddedBus } from '@busbar/bus';
import { BusbarError } from '@busbar/errors';
import { GOOD, uncertain } from '@busbar/model';
import type { Listening, Replan, ServerHost, ServerSpec } from '@busbar/server-sdk';
import type { ConnectionReport, Logger } from '@busbar/service-kit';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ControlDesk } from './control-desk.js';
import { ForwardRunner } from './forward-runner.js';
import type { ForwardTarget } from './forward-target.js';
import { batchOf, joinedPlan } from './test-plan.js';

const clock = { monotonicMs: () => performance.now(), wallMs: () => Date.now() };
const quiet = () => undefined;
const log = { info: quiet, warn: quiet, error: quiet, debug: quiet, child: () => log } as unknown as Logger;
const desk = { portOf: () => ({ submit: quiet, linkLost: quiet }) } as unknown as ControlDesk;

let folder: string;
let bus: Bus;
let runner: ForwardRunner | undefined;
let hosts: ServerHost<unknown>[];
let applied: number[];
let replans: Replan[];
let closed: number;
let report: ConnectionReport | undefined;
let listen: (host: ServerHost<unknown>) => Promise<Listening>;

function target(digest: string, ...ids: string[]): ForwardTarget {
  const joined = joinedPlan(...ids);
  return {
    connection: 'dispatch',
    server: 'test',
    site: 'demo',
    generation: 1,
    config: {},
    clients: [{ name: 'one', addresses: [], group: 'one', control: true, source: 'dispatch' }],
    control: true,
    plan: joined.plan,
    joined,
    assets: ['a'],
    withoutFeedback: new Set(['a/limit']),
    digest,
    listener: '',
  };
}

function start(first = target('1', 'a/power', 'a/state')): ForwardRunner {
  const spec: ServerSpec = {
    id: 'test',
    version: '1.0.0',
    title: '',
    summary: '',
    stability: 'beta',
    config: {} as ServerSpec['config'],
    addressing: 'iec104',
    listen: (host) => {
      hosts.push(host);
      return listen(host);
    },
  };
  const counts = { clientRefused: quiet, request: quiet };
  const secret = async () => '';
  const tell = (next: ConnectionReport) => {
    report = next;
  };
  runner = new ForwardRunner({ bus, clock, log, spec, desk, counts, secret, report: tell }, first);
  runner.start();
  return runner;
}

async function publish(
  topic: 'points.updated.v1' | 'assets.imaged.v1',
  batch: ReturnType<typeof batchOf>,
): Promise<void> {
  await bus.publish([{ topic, key: batch.key, value: encodeBatch(batch), object: batch }]);
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'busbar-forward-'));
  bus = await openEmbeddedBus({ folder, clock, log });
  await bus.ensureTopics([
    'points.updated.v1',
    'assets.imaged.v1',
    'changes.queued.v1',
    'control.granted.v1',
    'control.executed.v1',
  ]);
  [hosts, applied, replans, closed, report] = [[], [], [], 0, undefined];
  listen = async () => ({
    port: 2404,
    apply: (slots, count) => void applied.push(...slots.subarray(0, count)),
    replan: (next) => {
      replans.push(next);
      return true;
    },
    clients: () => [],
    close: async () => void closed++,
  });
});

afterEach(async () => {
  await runner?.stop();
  await bus.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('a forwarding connection', () => {
  it('listens with the last known values in its image, marked as stale', async () => {
    await publish('assets.imaged.v1', batchOf('a', ['power', 7, 100]));
    start();
    await vi.waitFor(() => expect(hosts).toHaveLength(1));
    expect(hosts[0]?.image.value[0]).toBe(7);
    expect(hosts[0]?.image.quality[0]).toBe(uncertain('stale'));
    await vi.waitFor(() => expect(report).toMatchObject({ state: 'idle', server: { port: 2404, points: 2 } }));
  });

  it('shows what is published, and tells the server which slots changed', async () => {
    start();
    await vi.waitFor(() => expect(report?.server?.port).toBe(2404));
    await publish('points.updated.v1', batchOf('a', ['power', 8, 200], ['state', 1, 200]));
    await vi.waitFor(() => expect(applied).toEqual(expect.arrayContaining([0, 1])));
    expect(hosts[0]?.image.quality[0]).toBe(GOOD);
  });

  it('queues every change of a point that wants them, for a master that is not there yet', async () => {
    start();
    await vi.waitFor(() => expect(hosts).toHaveLength(1));
    for (let n = 0; n < 5; n++) await publish('points.updated.v1', batchOf('a', ['state', n % 2, 100 + n]));
    const cursor = hosts[0]?.queue.cursor('one');
    const seen: number[] = [];
    await vi.waitFor(() => {
      const slice = cursor?.take(10);
      seen.push(...(slice?.timeMs ?? []));
      cursor?.confirm(slice?.count ?? 0);
      expect(seen).toEqual([100, 101, 102, 103, 104]);
    });
  });

  it('says why it cannot listen, tries again, and serves nothing empty', async () => {
    const working = listen;
    let failures = 0;
    listen = async (host) => {
      if (failures++ === 0) throw new BusbarError('PORT_IN_USE', { address: '127.0.0.1:2404', setting: 'port' });
      return working(host);
    };
    start();
    await vi.waitFor(() => expect(report).toMatchObject({ state: 'degraded', diagnosis: { code: 'PORT_IN_USE' } }));
    await vi.waitFor(() => expect(report).toMatchObject({ state: 'idle', diagnosis: null }), 5_000);
    await runner?.stop();
    start(target('empty'));
    await vi.waitFor(() => expect(report).toMatchObject({ diagnosis: { code: 'FORWARD_EMPTY' } }));
  });

  it('shows why a client was not let in, and listens on', async () => {
    start();
    await vi.waitFor(() => expect(report?.server?.port).toBe(2404));
    const params = { address: '10.9.0.7', connection: 'dispatch', reason: 'it shows no certificate' };
    hosts[0]?.notice(new BusbarError('FORWARD_HANDSHAKE', params).diagnosis);
    expect(report).toMatchObject({ state: 'idle', diagnosis: { code: 'FORWARD_HANDSHAKE', params } });
  });

  it('never serves the image of a generation that went while it began to listen', async () => {
    const working = listen;
    let open: () => void = () => undefined;
    const isHeld = new Promise<void>((resolve) => {
      open = resolve;
    });
    listen = async (host) => {
      if (hosts.length === 1) await isHeld;
      return working(host);
    };
    const running = start();
    await vi.waitFor(() => expect(hosts).toHaveLength(1));
    running.apply(target('2', 'a/power'));
    open();
    await vi.waitFor(() => expect(report?.server?.port).toBe(2404));
    expect(closed).toBe(1);
    expect(hosts[1]?.plan.entries).toHaveLength(1);
  });

  it('goes on with the same listener when points come, and with a new one when it must', async () => {
    const running = start();
    await vi.waitFor(() => expect(report?.server?.port).toBe(2404));
    running.apply(target('2', 'a/power', 'a/state', 'a/limit'));
    expect(replans).toHaveLength(1);
    expect(replans[0]?.image.slots).toBe(3);
    running.apply({ ...target('3', 'a/power'), listener: 'another port' });
    await vi.waitFor(() => expect(hosts).toHaveLength(2));
    expect(closed).toBe(1);
    expect(hosts[1]?.plan.entries).toHaveLength(1);
  });
});
