import type { ControlDirectory } from '@busbar/arbitration';
import type { TableView } from '@busbar/bus';
import { type ControlRequest, decodeJson, encodeJson, type Hold, OFFICE_KEY } from '@busbar/events';
import { ControlEntry } from '@busbar/service-kit';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { compileDirectory } from './control-directory.js';
import { Office } from './office.js';
import { OfficeBench, silentLog } from './testing/office-bench.js';
import { generation, policy } from './testing/sample-site.js';

vi.setConfig({ testTimeout: 30_000 });

const EXECUTED = { kind: 'executed', verified: true, written: true, clamped: false } as const;

let bench: OfficeBench;
let changed: TableView;
let held: TableView;
let directory: ControlDirectory;
let isLeased: boolean;
let overtaken: number;
let offices: Office[];

beforeEach(async () => {
  bench = await OfficeBench.open();
  changed = bench.bus.table('connections.changed.v1');
  held = bench.bus.table('control.held.v1');
  directory = compileDirectory(generation(1));
  isLeased = true;
  overtaken = 0;
  offices = [];
});

afterEach(async () => {
  vi.restoreAllMocks();
  await Promise.all(offices.map((office) => office.end()));
  await bench.close();
});

function newOffice(): Office {
  const office = new Office({
    bus: bench.bus,
    clock: bench.clock,
    log: silentLog,
    identity: { service: 'arbiter', bootId: 'boot', instance: `arbiter-${offices.length}` },
    changed,
    held,
    directory: () => directory,
    isLeased: () => isLeased,
    overtaken: () => {
      overtaken += 1;
    },
    decided: () => undefined,
  });
  offices.push(office);
  return office;
}

async function inOffice(): Promise<Office> {
  const office = newOffice();
  await office.take();
  return office;
}

function officeRecord() {
  const record = held.get(OFFICE_KEY);
  return record && { term: record.offset, value: decodeJson('control.held.v1', record.value as Uint8Array) };
}

describe('an office', () => {
  it('grants a request to the executor of the connection, under its term', async () => {
    await bench.executor('line', 'e1');
    await inOffice();
    const request = await bench.ask('r1', 50);
    expect(await bench.grantOf('r1')).toMatchObject({
      request,
      executor: { connection: 'line', epoch: 'e1' },
      term: officeRecord()?.term,
      generation: 1,
      writes: [{ device: 'd1', tag: 2, value: 5 }],
    });
  });

  it('publishes the hold that a grant gives, and its end', async () => {
    await bench.executor('line', 'e1');
    await inOffice();
    await bench.ask('r1', 50);
    await bench.say(await bench.grantOf('r1'), EXECUTED);
    const hold = await vi.waitUntil(() => held.get('inv-1/Limit'));
    expect(decodeJson('control.held.v1', hold.value as Uint8Array)).toMatchObject({
      kind: 'holds',
      holds: [{ point: 'inv-1/Limit', source: 'operator', value: 50 }],
    });
    await bench.ask('r2', 0, { act: 'release', items: [{ point: 'inv-1/Limit', value: null }] });
    await vi.waitUntil(() => held.get('inv-1/Limit') === undefined);
  });

  it.each([
    ['without an executor', 50, 'NOT_CONNECTED'],
    ['out of range', 101, 'RANGE'],
  ])('refuses what is %s', async (_why, value, rule) => {
    if (rule === 'RANGE') await bench.executor('line', 'e1');
    await inOffice();
    await bench.ask('r1', value);
    expect(await bench.endOf('r1')).toMatchObject({ kind: 'refused', rule });
    expect(await bench.all('control.granted.v1')).toEqual([]);
  });

  it('follows a change of executor, and its sign-off', async () => {
    await bench.executor('line', 'e1');
    await inOffice();
    await bench.executor('line', 'e2');
    await bench.ask('r1', 50);
    const grant = await bench.grantOf('r1');
    expect(grant.executor.epoch).toBe('e2');
    await bench.say(grant, EXECUTED);
    await bench.executor('line', null);
    await bench.ask('r2', 60);
    expect(await bench.endOf('r2')).toMatchObject({ rule: 'NOT_CONNECTED' });
  });

  it('decides by the configuration in force', async () => {
    await bench.executor('line', 'e1');
    const office = await inOffice();
    directory = compileDirectory(generation(2, { policies: [] }));
    office.configured();
    await bench.ask('r1', 50);
    expect(await bench.endOf('r1')).toMatchObject({ rule: 'NOT_CONTROLLABLE' });
  });

  it('gives up a grant that nobody starts', async () => {
    await bench.executor('line', 'e1');
    const office = await inOffice();
    await bench.ask('r1', 50);
    await bench.grantOf('r1');
    bench.clock.aheadMs += 5_001;
    office.configured();
    expect(await bench.endOf('r1')).toEqual({ kind: 'expired', reason: 'PERMIT' });
  });

  it('ends a started write as unknown when its executor is gone', async () => {
    await bench.executor('line', 'e1');
    const office = await inOffice();
    await bench.ask('r1', 50);
    const grant = await bench.grantOf('r1');
    await bench.put('control.started.v1', { grant, startedAt: 0 });
    await bench.executor('line', 'e2');
    bench.clock.aheadMs += 1_001;
    office.configured();
    expect(await bench.endOf('r1')).toEqual({ kind: 'unknown', reason: 'EXECUTOR_LOST' });
  });

  it('goes on after a record that cannot be read, and a decision that fails', async () => {
    await bench.executor('line', 'e1');
    await inOffice();
    await bench.bus.publish([{ topic: 'control.requested.v1', key: 'k', value: new Uint8Array([1]) }]);
    const { point } = directory;
    directory = {
      ...directory,
      point: (path) => {
        if (path === 'defect') throw new Error('a defect');
        return point(path);
      },
    };
    await bench.ask('r1', 50, { items: [{ point: 'defect', value: 1 }] });
    await bench.ask('r2', 50);
    await bench.grantOf('r2');
  });

  it('publishes its decisions until they are durable, in their order', async () => {
    await bench.executor('line', 'e1');
    await inOffice();
    const publish = bench.bus.publish.bind(bench.bus);
    let refusals = 2;
    vi.spyOn(bench.bus, 'publish').mockImplementation((records) => {
      const isDecision = records.some(({ topic }) => topic !== 'control.requested.v1');
      return isDecision && refusals-- > 0 ? Promise.reject(new Error('full')) : publish(records);
    });
    await bench.ask('r1', 50);
    await bench.ask('r2', 101);
    await bench.grantOf('r1');
    expect(await bench.endOf('r2')).toMatchObject({ rule: 'RANGE' });
  });

  it('stops deciding at its end', async () => {
    await bench.executor('line', 'e1');
    const office = await inOffice();
    await office.end();
    await bench.ask('r1', 50);
    expect(await bench.all('control.granted.v1')).toEqual([]);
    expect(await bench.endsOf('r1')).toEqual([]);
  });
});

describe('a selected point', () => {
  const LIMIT = 'inv-1/Limit';
  const OTHER = { source: 'operator', kind: 'operator' as const, category: 3, who: 'bo', link: 'y' };

  beforeEach(async () => {
    const select = { mode: 'required', timeoutMs: 10_000 } as const;
    directory = compileDirectory(generation(1, { policies: [policy({ select })] }));
    await bench.executor('line', 'e1');
  });

  function holdsNow(): readonly Hold[] {
    const record = held.get(LIMIT);
    const payload = record && decodeJson('control.held.v1', record.value as Uint8Array);
    return payload?.kind === 'holds' ? payload.holds : [];
  }

  function select(id: string, change: Partial<ControlRequest> = {}): Promise<ControlRequest> {
    return bench.ask(id, 50, { act: 'select', ...change });
  }

  it('is announced, kept from other links, and granted once to the link that selected it', async () => {
    await inOffice();
    await select('r1');
    expect(await bench.endOf('r1')).toMatchObject({ kind: 'executed', written: false });
    await vi.waitUntil(() => holdsNow().length === 1);
    expect(holdsNow()).toMatchObject([{ kind: 'select', source: 'operator', link: 'x', value: 50 }]);
    await bench.ask('r2', 50, { origin: OTHER });
    expect(await bench.endOf('r2')).toMatchObject({ rule: 'SELECTED', holder: { link: 'x' } });
    await bench.ask('r3', 50);
    await bench.say(await bench.grantOf('r3'), EXECUTED);
    await vi.waitUntil(() => holdsNow().every(({ kind }) => kind === 'value'));
    await bench.ask('r4', 50);
    expect(await bench.endOf('r4')).toMatchObject({ rule: 'NOT_SELECTED' });
  });

  it('is free again after its time, without a further request', async () => {
    const office = await inOffice();
    await select('r1');
    await vi.waitUntil(() => holdsNow().length === 1);
    bench.clock.aheadMs += 10_000;
    office.configured();
    await vi.waitUntil(() => held.get(LIMIT) === undefined);
    await bench.ask('r2', 50);
    expect(await bench.endOf('r2')).toMatchObject({ rule: 'NOT_SELECTED' });
  });

  it('is free again once its link is lost', async () => {
    await inOffice();
    const identity = { service: 'api' as const, bootId: 'boot', instance: 'i' };
    const entry = new ControlEntry(bench.bus, bench.clock, identity);
    const origin = { ...OTHER, link: 'lost' };
    const items = [{ point: LIMIT, value: 50 }];
    const { decided, ended } = await entry.submit({ act: 'select', origin, items }, 'k');
    expect(await decided).toEqual({ kind: 'granted' });
    expect((await ended).end).toMatchObject({ kind: 'executed', written: false });
    await vi.waitUntil(() => holdsNow().length === 1);
    entry.linkLost('lost');
    await vi.waitUntil(() => held.get(LIMIT) === undefined);
    await bench.ask('r1', 50);
    expect(await bench.endOf('r1')).toMatchObject({ rule: 'NOT_SELECTED' });
    await entry.stop();
  });

  it('is selected no more for a new office, and that is announced; its value stays held', async () => {
    const before = await inOffice();
    await select('r1');
    await bench.endOf('r1');
    await bench.ask('r2', 50);
    await bench.say(await bench.grantOf('r2'), EXECUTED);
    await select('r3');
    await vi.waitUntil(() => holdsNow().length === 2);
    await before.end();
    await inOffice();
    await vi.waitUntil(() => holdsNow().length === 1);
    expect(holdsNow()).toMatchObject([{ kind: 'value', value: 50 }]);
    await bench.ask('r4', 50);
    expect(await bench.endOf('r4')).toMatchObject({ rule: 'NOT_SELECTED' });
  });
});

describe('a new office', () => {
  it('has a higher term than the one before', async () => {
    await (await inOffice()).end();
    const before = officeRecord()?.term as number;
    await inOffice();
    expect(officeRecord()?.term).toBeGreaterThan(before);
    expect(officeRecord()?.value).toMatchObject({ kind: 'office', arbiter: 'arbiter-1' });
  });

  it('refuses as RESTARTED what was asked before and not granted', async () => {
    await bench.executor('line', 'e1');
    await bench.ask('r1', 50);
    await inOffice();
    expect(await bench.endOf('r1')).toMatchObject({ kind: 'refused', rule: 'RESTARTED' });
    expect(await bench.all('control.granted.v1')).toEqual([]);
  });

  it('decides once what is asked while it takes office', async () => {
    await bench.executor('line', 'e1');
    const taking = newOffice().take();
    const asked: Promise<unknown>[] = [];
    for (let i = 0; i < 50; i++) {
      asked.push(bench.ask(`r${i}`, 50, { dryRun: true }));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all([taking, ...asked]);
    for (let i = 0; i < 50; i++) {
      await bench.endOf(`r${i}`);
      expect(await bench.endsOf(`r${i}`)).toHaveLength(1);
    }
  });

  it('adopts what was granted: its end is heard, and the point is in flight until then', async () => {
    await bench.executor('line', 'e1');
    const before = await inOffice();
    await bench.ask('r1', 50);
    const grant = await bench.grantOf('r1');
    await before.end();
    await inOffice();
    await bench.ask('r2', 60);
    await new Promise((resolve) => setImmediate(resolve));
    expect(await bench.all('control.granted.v1')).toHaveLength(1);
    await bench.say(grant, EXECUTED);
    const next = await bench.grantOf('r2');
    expect(next.term).toBe(officeRecord()?.term);
    expect(await bench.endsOf('r1')).toEqual([EXECUTED]);
  });

  it('keeps the holds', async () => {
    await bench.executor('line', 'e1');
    const before = await inOffice();
    await bench.ask('r1', 50);
    await bench.say(await bench.grantOf('r1'), EXECUTED);
    await before.end();
    await inOffice();
    const origin = { source: 'app:ems', kind: 'app' as const, category: 3, who: 'ems', link: 'y' };
    await bench.ask('r2', 60, { origin });
    expect(await bench.endOf('r2')).toMatchObject({ rule: 'HELD', holder: { source: 'operator' } });
  });

  it('answers a repeat from the log', async () => {
    await bench.executor('line', 'e1');
    const before = await inOffice();
    const origin = {
      source: 'operator',
      kind: 'operator' as const,
      category: 3,
      who: 'ada',
      link: 'x',
      externalId: '7',
    };
    await bench.ask('r1', 50, { origin });
    await bench.say(await bench.grantOf('r1'), EXECUTED);
    await before.end();
    await inOffice();
    await bench.ask('r2', 50, { origin });
    expect(await bench.endOf('r2')).toEqual(EXECUTED);
    expect(await bench.all('control.granted.v1')).toHaveLength(1);
  });
});

describe('without the lease', () => {
  it('no office is taken', async () => {
    isLeased = false;
    await expect(newOffice().take()).rejects.toThrow('lease');
    expect(officeRecord()).toBeUndefined();
  });

  it('nothing is decided until it holds again', async () => {
    await bench.executor('line', 'e1');
    await inOffice();
    isLeased = false;
    await bench.ask('r1', 50);
    await bench.ask('r2', 101);
    await new Promise((resolve) => setImmediate(resolve));
    expect([await bench.all('control.granted.v1'), await bench.endsOf('r2')]).toEqual([[], []]);
    isLeased = true;
    await bench.grantOf('r1');
    expect(await bench.endOf('r2')).toMatchObject({ rule: 'RANGE' });
  });

  it('a request that waited too long is not granted', async () => {
    await bench.executor('line', 'e1');
    await inOffice();
    isLeased = false;
    await bench.ask('r1', 50);
    bench.clock.aheadMs += 2_000;
    isLeased = true;
    expect(await bench.endOf('r1')).toEqual({ kind: 'expired', reason: 'DECISION' });
  });
});

describe('another arbiter', () => {
  it('that announces itself later is noticed', async () => {
    await inOffice();
    expect(overtaken).toBe(0);
    const value = encodeJson('control.held.v1', { kind: 'office', arbiter: 'zombie', at: 0 });
    await bench.bus.publish([{ topic: 'control.held.v1', key: OFFICE_KEY, value }]);
    await vi.waitUntil(() => overtaken === 1);
  });

  it('is not announced by one that was ended before it stood ready', async () => {
    const office = newOffice();
    const taking = office.take();
    await office.end();
    await taking;
    expect(officeRecord()).toBeUndefined();
  });
});
