import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Bus, type InRecord, openEmbeddedBus } from '@busbar/bus';
import type { Reading, WriteReport, WriteTarget } from '@busbar/driver-host';
import { decodeJson, type Executed, encodeJson, type Grant, OFFICE_KEY, type TagWrite } from '@busbar/events';
import { createLogger } from '@busbar/service-kit';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { GrantExecutor } from './grant-executor.js';

vi.setConfig({ testTimeout: 30_000 });

const log = createLogger('collector', 'silent');
const FEEDBACK = { tag: 2, expected: [50], tolerance: 0.5, withinMs: 1_000 };

let folder: string;
let bus: Bus;
let executor: GrantExecutor;
let nowMs: number;
let epochs: Map<string, string>;
let isLeased: boolean;
let isUnchanged: boolean;
let written: WriteTarget[];
let counted: Record<string, number>;
/** What the device says to each write, in order; then `done`. */
let reports: (WriteReport | Promise<WriteReport>)[];
/** Called before the gate of a write is asked. */
let beforeGate: () => void;
let readings: number[];
/** In the order of their happening. */
let history: string[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'busbar-collector-'));
  bus = await openEmbeddedBus({
    folder,
    clock: { monotonicMs: () => performance.now(), wallMs: () => Date.now() },
    log,
  });
  nowMs = 1_000_000;
  epochs = new Map([['line', 'e1']]);
  isLeased = true;
  isUnchanged = true;
  written = [];
  counted = {};
  reports = [];
  beforeGate = () => undefined;
  readings = [];
  history = [];
  executor = newExecutor();
  await executor.ready;
});

afterEach(async () => {
  vi.restoreAllMocks();
  await executor.stop();
  await bus.close();
  rmSync(folder, { recursive: true, force: true });
});

function newExecutor(): GrantExecutor {
  return new GrantExecutor({
    bus,
    clock: { monotonicMs: () => nowMs, wallMs: () => nowMs },
    log,
    identity: { service: 'collector', bootId: 'boot', instance: 'one' },
    epochOf: (connection) => epochs.get(connection) ?? null,
    isLeased: () => isLeased,
    isUnchanged: () => isUnchanged,
    write: async (target, gate) => {
      beforeGate();
      if (!gate()) return { outcome: 'not-sent', reason: 'GATE' };
      written.push(target);
      history.push(`write ${target.value}`);
      return reports.shift() ?? { outcome: 'done' };
    },
    readNow: async (): Promise<Reading> => {
      nowMs += 100;
      const value = readings.length > 1 ? (readings.shift() as number) : (readings[0] ?? 0);
      const quality = Number.isNaN(value) ? 0x88 : 0;
      return { value, quality: quality as Reading['quality'], collectedMs: nowMs, collectedMonotonicMs: nowMs };
    },
    counted: (event) => {
      counted[event] = (counted[event] ?? 0) + 1;
    },
  });
}

function deadline(ms: number) {
  return { bootId: 'boot', monotonicMs: nowMs + ms, wallMs: nowMs + ms };
}

function write(value: number, change: Partial<TagWrite> = {}): TagWrite {
  return { point: `a/P${value}`, device: 'd1', tag: 1, value, ...change };
}

function grantOf(id: string, change: Partial<Grant> = {}): Grant {
  const origin = { source: 'operator', kind: 'operator' as const, category: 3, who: 'ada', link: 'x' };
  return {
    request: {
      id,
      act: 'operate',
      origin,
      items: [{ point: 'a/P50', value: 50 }],
      dryRun: false,
      requestedAt: nowMs,
      decideBy: deadline(2_000),
      expiresAt: deadline(30_000),
    },
    executor: { connection: 'line', epoch: 'e1' },
    term: 4,
    generation: 1,
    permitUntil: deadline(2_000),
    grantedAt: nowMs,
    writes: [write(50)],
    ...change,
  };
}

async function give(grant: Grant): Promise<void> {
  const value = encodeJson('control.granted.v1', grant);
  await bus.publish([{ topic: 'control.granted.v1', key: grant.executor.connection, value }]);
}

function all(topic: 'control.started.v1' | 'control.executed.v1'): Promise<InRecord[]> {
  return bus.range(topic, null, { fromMs: 0, toMs: Date.now() + 1_000 });
}

async function results(id: string): Promise<Executed[]> {
  const records = await all('control.executed.v1');
  return records.map(({ value }) => decodeJson('control.executed.v1', value as Uint8Array)).filter((e) => e.id === id);
}

async function endOf(id: string): Promise<Extract<Executed, { kind: 'ended' }>> {
  return vi.waitUntil(async () => (await results(id)).find((result) => result.kind === 'ended'), { timeout: 10_000 });
}

/** Everything given before is through. */
async function through(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  await executor.settled('line');
}

describe('a grant', () => {
  it('is written after its intent is durable, and ends executed', async () => {
    const publish = bus.publish.bind(bus);
    vi.spyOn(bus, 'publish').mockImplementation(async (records) => {
      const positions = await publish(records);
      for (const { topic } of records) history.push(topic);
      return positions;
    });
    await give(grantOf('r1'));
    expect(await endOf('r1')).toMatchObject({
      end: { kind: 'executed', verified: false, written: true, clamped: false },
      connection: 'line',
      epoch: 'e1',
      items: [{ point: 'a/P50', outcome: 'executed' }],
      late: false,
    });
    expect(written).toEqual([{ connection: 'line', device: 'd1', tag: 1, value: 50 }]);
    expect(history.slice(0, 3)).toEqual(['control.granted.v1', 'control.started.v1', 'write 50']);
    const [started] = await all('control.started.v1');
    expect(decodeJson('control.started.v1', started?.value as Uint8Array).grant).toEqual(grantOf('r1'));
  });

  it('is not written when its intent cannot be recorded', async () => {
    const publish = bus.publish.bind(bus);
    vi.spyOn(bus, 'publish').mockImplementation((records) =>
      records[0]?.topic === 'control.started.v1' ? Promise.reject(new Error('disk full')) : publish(records),
    );
    await give(grantOf('r1'));
    expect((await endOf('r1')).end).toEqual({ kind: 'failed', effect: 'none', reason: 'NO_RECORD' });
    expect(written).toEqual([]);
  });

  it('is carried out once, however often it comes', async () => {
    await Promise.all([give(grantOf('r1')), give(grantOf('r1'))]);
    await give(grantOf('r1'));
    await through();
    expect(written).toHaveLength(1);
    expect(counted.fenced).toBe(2);
    expect(await all('control.started.v1')).toHaveLength(1);
  });

  it('of another epoch is dropped without a word, and counted', async () => {
    await give(grantOf('r1', { executor: { connection: 'line', epoch: 'e0' } }));
    await through();
    expect(written).toEqual([]);
    expect(counted.fenced).toBe(1);
    expect(await results('r1')).toEqual([]);
  });

  it('for a connection that is not ours is nobody’s business here', async () => {
    await give(grantOf('r1', { executor: { connection: 'other', epoch: 'e1' } }));
    await through();
    expect([written, counted]).toEqual([[], {}]);
  });

  it('of a lower term is dropped once a higher one was seen', async () => {
    await give(grantOf('r1', { term: 5 }));
    await give(grantOf('r2', { term: 4 }));
    await through();
    expect(written).toHaveLength(1);
    expect(await results('r2')).toEqual([]);
  });

  it('of a lower term is dropped by an executor that started after the new arbiter', async () => {
    const value = encodeJson('control.held.v1', { kind: 'office', arbiter: 'b', at: 0 });
    const office = { topic: 'control.held.v1' as const, key: OFFICE_KEY, value };
    const positions = await bus.publish([office, office, office]);
    await executor.stop();
    executor = newExecutor();
    await executor.ready;
    const term = positions[2]?.offset as number;
    await give(grantOf('r1', { term: term - 1 }));
    await give(grantOf('r2', { term }));
    expect((await endOf('r2')).end.kind).toBe('executed');
    expect(await results('r1')).toEqual([]);
  });

  it('is not written without the lease; the arbiter gives its end', async () => {
    isLeased = false;
    await give(grantOf('r1'));
    await through();
    expect(written).toEqual([]);
    expect(await all('control.started.v1')).toEqual([]);
    expect(await results('r1')).toEqual([]);
  });

  it('ends expired when its permit is over, without a byte', async () => {
    const grant = grantOf('r1');
    nowMs += 2_000;
    await give(grant);
    expect((await endOf('r1')).end).toEqual({ kind: 'expired', reason: 'PERMIT' });
    expect(written).toEqual([]);
  });

  it('ends failed when tag numbers of its generation may mean something else', async () => {
    isUnchanged = false;
    await give(grantOf('r1'));
    expect((await endOf('r1')).end).toEqual({ kind: 'failed', effect: 'none', reason: 'NOT_SENT' });
    expect(await all('control.started.v1')).toEqual([]);
  });

  it('that cannot be read is left alone', async () => {
    await bus.publish([{ topic: 'control.granted.v1', key: 'line', value: new Uint8Array([1]) }]);
    await give(grantOf('r1'));
    expect((await endOf('r1')).end.kind).toBe('executed');
  });
});

describe('in the turn of the write', () => {
  it.each([
    ['the permit is over', () => (nowMs += 2_000), { kind: 'expired', reason: 'PERMIT' }],
    ['the lease is lost', () => (isLeased = false), { kind: 'expired', reason: 'EPOCH' }],
    ['the connection is no more ours', () => epochs.clear(), { kind: 'expired', reason: 'EPOCH' }],
    ['the table changed', () => (isUnchanged = false), { kind: 'failed', effect: 'none', reason: 'NOT_SENT' }],
  ])('nothing is sent when %s', async (_what, change, end) => {
    beforeGate = change;
    await give(grantOf('r1'));
    expect((await endOf('r1')).end).toEqual(end);
    expect(written).toEqual([]);
  });
});

describe('the items of a request that was begun', () => {
  const writes = [write(1), write(2), write(3)];

  it('are written in order though the permit, which was for the start, is over', async () => {
    beforeGate = () => (nowMs += 1_500);
    await give(grantOf('r1', { writes }));
    expect((await endOf('r1')).end).toMatchObject({ kind: 'executed', written: true });
    expect(written.map(({ value }) => value)).toEqual([1, 2, 3]);
  });

  it.each([
    ['the request has expired', () => (nowMs += 20_000)],
    ['the lease is lost', () => (isLeased = written.length === 0)],
    ['the connection is no more ours', () => written.length > 0 && epochs.clear()],
    ['the table changed', () => (isUnchanged = written.length === 0)],
  ])('are not written once %s', async (_what, change) => {
    beforeGate = change;
    await give(grantOf('r1', { writes, permitUntil: deadline(25_000) }));
    const { end, items } = await endOf('r1');
    expect(end).toEqual({ kind: 'failed', effect: 'written', reason: 'NOT_SENT' });
    expect(items.map(({ outcome }) => outcome)).toEqual(['executed', 'not-started', 'not-started']);
    expect(written.map(({ value }) => value)).toEqual([1]);
  });
});

describe('what the device says', () => {
  it.each([
    [
      { outcome: 'refused', answer: 'exception 3' },
      { kind: 'failed', effect: 'none', reason: 'DEVICE_REFUSED' },
      'failed',
    ],
    [{ outcome: 'unknown', reason: 'NO_ANSWER' }, { kind: 'unknown', reason: 'NO_ANSWER' }, 'unknown'],
    [{ outcome: 'unknown', reason: 'LINK_LOST' }, { kind: 'unknown', reason: 'LINK_LOST' }, 'unknown'],
    [
      { outcome: 'not-sent', reason: 'NOT_CONNECTED' },
      { kind: 'failed', effect: 'none', reason: 'NOT_CONNECTED' },
      'not-started',
    ],
    [
      { outcome: 'not-sent', reason: 'STOPPING' },
      { kind: 'failed', effect: 'none', reason: 'STOPPING' },
      'not-started',
    ],
    [
      { outcome: 'not-sent', reason: 'OUT_OF_RANGE' },
      { kind: 'failed', effect: 'none', reason: 'OUT_OF_RANGE' },
      'not-started',
    ],
  ] as const)('%j is that end, and nothing is written again', async (report, end, outcome) => {
    reports = [report];
    await give(grantOf('r1'));
    const ended = await endOf('r1');
    expect(ended.end).toEqual(end);
    expect(ended.items).toMatchObject([{ point: 'a/P50', outcome }]);
    expect(written).toHaveLength(1);
    expect(await results('r1')).toHaveLength(1);
  });

  it('stops at the first item that is not executed', async () => {
    reports = [{ outcome: 'done' }, { outcome: 'refused', answer: 'exception 2' }];
    await give(grantOf('r1', { writes: [write(1), write(2), write(3)] }));
    const { end, items } = await endOf('r1');
    expect(end).toEqual({ kind: 'failed', effect: 'written', reason: 'DEVICE_REFUSED' });
    expect(items).toEqual([
      { point: 'a/P1', outcome: 'executed' },
      { point: 'a/P2', outcome: 'failed', answer: 'exception 2' },
      { point: 'a/P3', outcome: 'not-started' },
    ]);
    expect(written.map(({ value }) => value)).toEqual([1, 2]);
  });

  it('that nobody can say of one item leaves the rest not started', async () => {
    reports = [{ outcome: 'done' }, { outcome: 'unknown', reason: 'NO_ANSWER' }];
    await give(grantOf('r1', { writes: [write(1), write(2), write(3)] }));
    const { end, items } = await endOf('r1');
    expect(end).toEqual({ kind: 'unknown', reason: 'NO_ANSWER' });
    expect(items.map(({ outcome }) => outcome)).toEqual(['executed', 'unknown', 'not-started']);
    expect(written.map(({ value }) => value)).toEqual([1, 2]);
  });

  it('comes before the next grant of the connection goes', async () => {
    let say: (report: WriteReport) => void = () => undefined;
    reports = [
      new Promise((resolve) => {
        say = resolve;
      }),
    ];
    await give(grantOf('r1', { writes: [write(1)] }));
    await vi.waitUntil(() => written.length === 1);
    await give(grantOf('r2', { writes: [write(2)] }));
    await new Promise((resolve) => setImmediate(resolve));
    expect(written).toHaveLength(1);
    say({ outcome: 'done' });
    await endOf('r2');
    expect(written.map(({ value }) => value)).toEqual([1, 2]);
  });

  it('is published until it is durable', async () => {
    const publish = bus.publish.bind(bus);
    let refusals = 2;
    vi.spyOn(bus, 'publish').mockImplementation((records) => {
      if (records[0]?.topic !== 'control.executed.v1' || refusals-- <= 0) return publish(records);
      return Promise.reject(new Error('full'));
    });
    await give(grantOf('r1'));
    expect((await endOf('r1')).end.kind).toBe('executed');
    expect(written).toHaveLength(1);
  });
});

describe('feedback', () => {
  const verified = (id: string, change: Partial<TagWrite> = {}) =>
    grantOf(id, { writes: [write(50, { feedback: FEEDBACK, ...change })] });

  it('that agrees makes it verified, after the device’s yes was published', async () => {
    readings = [10, 49.6];
    await give(verified('r1'));
    const { end, items } = await endOf('r1');
    expect(end).toEqual({ kind: 'executed', verified: true, written: true, clamped: false });
    expect(items).toEqual([{ point: 'a/P50', outcome: 'executed', readBack: 49.6 }]);
    expect((await results('r1')).map(({ kind }) => kind)).toEqual(['acknowledged', 'ended']);
  });

  it('that does not follow in time makes it failed, and nothing is written again', async () => {
    readings = [12];
    await give(verified('r1'));
    const { end, items } = await endOf('r1');
    expect(end).toEqual({ kind: 'failed', effect: 'written', reason: 'FEEDBACK' });
    expect(items).toEqual([{ point: 'a/P50', outcome: 'failed', readBack: 12 }]);
    expect(written).toHaveLength(1);
  });

  it('of bad quality does not count', async () => {
    readings = [Number.NaN, 50];
    await give(verified('r1'));
    expect((await endOf('r1')).items[0]?.readBack).toBe(50);
  });

  it('compares switches and texts as what they are', async () => {
    readings = [1];
    await give(verified('r1', { value: true, feedback: { ...FEEDBACK, expected: [true], tolerance: 0 } }));
    expect((await endOf('r1')).end).toMatchObject({ verified: true });
    await give(verified('r2', { value: '7', feedback: { ...FEEDBACK, expected: ['1'], tolerance: 0 } }));
    expect((await endOf('r2')).end).toMatchObject({ verified: true });
  });

  it('does not hold up the next grant, which ends the reading back; the arbiter gave that its end', async () => {
    readings = [12];
    const slow = { ...FEEDBACK, withinMs: 1_000_000 };
    await give(verified('r1', { feedback: slow }));
    await vi.waitUntil(async () => (await results('r1')).length === 1);
    await give(grantOf('r2'));
    expect((await endOf('r2')).end.kind).toBe('executed');
    await executor.stop();
    expect((await results('r1')).map(({ kind }) => kind)).toEqual(['acknowledged']);
  });

  it.each([
    ['goes', () => executor.settled('line')],
    ['stops', () => executor.stop()],
  ])('that is not there when the connection %s leaves it executed, not verified', async (_what, leave) => {
    readings = [12];
    await give(verified('r1', { feedback: { ...FEEDBACK, withinMs: 1_000_000 } }));
    await vi.waitUntil(async () => (await results('r1')).length === 1);
    await leave();
    const last = (await results('r1')).at(-1);
    expect(last).toMatchObject({ kind: 'ended', end: { kind: 'executed', verified: false } });
  });

  it('of another connection goes on when one goes', async () => {
    epochs.set('other', 'e9');
    readings = [12];
    const feedback = { ...FEEDBACK, withinMs: 1_000_000 };
    const executorOf = { connection: 'other', epoch: 'e9' };
    await give(grantOf('r1', { executor: executorOf, writes: [write(50, { feedback })] }));
    await vi.waitUntil(async () => (await results('r1')).length === 1);
    await executor.settled('line');
    readings = [50];
    expect((await endOf('r1')).end).toMatchObject({ verified: true });
  });
});
