import {
  type ControlRequest,
  type Deadline,
  decodeJson,
  type End,
  type Executed,
  encodeJson,
  type Grant,
  type Origin,
} from '@busbar/events';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  type ControlDecision,
  ControlEntry,
  type ControlOutcome,
  type ControlWish,
  type Submitted,
} from './control-entry.js';
import { FakeBus } from './testing/fake-bus.js';

const origin: Origin = { source: 'operator', kind: 'operator', category: 3, who: 'ada', link: 'console-1' };
const wish: ControlWish = { origin, items: [{ point: 'inv-01/INV.PowerLimit', value: 60 }] };
const WALL_MS = 1_793_586_600_000;

let bus: FakeBus;
let nowMs: number;
let entry: ControlEntry;

beforeEach(() => {
  bus = new FakeBus();
  nowMs = 1000;
  entry = new ControlEntry(
    bus,
    { monotonicMs: () => nowMs, wallMs: () => WALL_MS },
    { service: 'api', bootId: 'boot', instance: 'i' },
  );
});

function lastRequest(): ControlRequest {
  const record = bus.published.at(-1);
  return decodeJson('control.requested.v1', record?.value as Uint8Array);
}

/** The outcome if it is there by now. */
async function settledOf({ ended }: Submitted): Promise<ControlOutcome | 'open'> {
  return Promise.race([ended, new Promise<'open'>((resolve) => setImmediate(() => resolve('open')))]);
}

/** The decision if it is there by now. */
async function decisionOf({ decided }: Submitted): Promise<ControlDecision | 'open'> {
  return Promise.race([decided, new Promise<'open'>((resolve) => setImmediate(() => resolve('open')))]);
}

function grant(request: ControlRequest): void {
  const executor = { connection: 'line', epoch: 'e' };
  const times = { permitUntil: request.expiresAt, grantedAt: WALL_MS };
  const granted: Grant = { request, executor, term: 1, generation: 1, ...times, writes: [] };
  bus.put('control.granted.v1', 'line', encodeJson('control.granted.v1', granted));
}

function requests(): ControlRequest[] {
  return bus.published.map(({ value }) => decodeJson('control.requested.v1', value as Uint8Array));
}

function refuse(request: ControlRequest, end: End): void {
  bus.put('control.refused.v1', request.id, encodeJson('control.refused.v1', { request, end, at: WALL_MS }));
}

function report(result: Executed): void {
  bus.put('control.executed.v1', result.id, encodeJson('control.executed.v1', result));
}

const executed: End = { kind: 'executed', verified: true, written: true, clamped: false };
const held: End = { kind: 'refused', rule: 'HELD', also: [], facts: [] };

function ended(id: string, end: End, late = false): Executed {
  return {
    kind: 'ended',
    id,
    end,
    items: [{ point: 'inv-01/INV.PowerLimit', outcome: 'executed' }],
    late,
    at: WALL_MS,
  };
}

describe('a wish', () => {
  it('becomes one request with an id, a time to decide and an expiry', async () => {
    const { request } = await entry.submit(wish, 'demo');
    expect(bus.published).toHaveLength(1);
    expect(bus.published[0]).toMatchObject({ topic: 'control.requested.v1', key: 'demo' });
    expect(lastRequest()).toEqual(request);
    expect(request.id).toMatch(/^[0-9A-HJKMNP-TV-Z]{26}$/);
    const at = (ms: number): Deadline => ({ bootId: 'boot', monotonicMs: nowMs + ms, wallMs: WALL_MS + ms });
    expect(request).toMatchObject({
      act: 'operate',
      dryRun: false,
      requestedAt: WALL_MS,
      decideBy: at(2000),
      expiresAt: at(30_000),
    });
  });

  it('that asks for longer than 300 s is cut to that, and a shorter one is kept', async () => {
    await entry.submit({ ...wish, expiresInMs: 400_000 }, 'demo');
    expect(lastRequest().expiresAt.monotonicMs).toBe(nowMs + 300_000);
    await entry.submit({ ...wish, expiresInMs: 500 }, 'demo');
    expect(lastRequest().expiresAt.monotonicMs).toBe(nowMs + 500);
  });

  it('carries what it asks for and nothing that it does not', async () => {
    await entry.submit({ ...wish, act: 'select', priority: 12, holdMs: 5000, dryRun: true }, 'demo');
    expect(lastRequest()).toMatchObject({ act: 'select', priority: 12, holdMs: 5000, dryRun: true });
    await entry.submit({ ...wish, sourceAt: 17 }, 'demo');
    expect(lastRequest()).toMatchObject({ sourceAt: 17 });
    await entry.submit(wish, 'demo');
    for (const field of ['priority', 'holdMs', 'sourceAt']) expect(Object.keys(lastRequest())).not.toContain(field);
  });

  it('is not taken while the bus is down, and nothing is left of it', async () => {
    bus.state = 'down';
    await expect(entry.submit(wish, 'demo')).rejects.toMatchObject({ code: 'CONTROL_NO_BUS' });
    expect(bus.published).toHaveLength(0);
  });

  it('is not taken when the bus refuses it, with the cause', async () => {
    bus.publishError = new Error('full');
    await expect(entry.submit(wish, 'demo')).rejects.toMatchObject({
      code: 'CONTROL_NO_BUS',
      cause: bus.publishError,
    });
  });

  it('has an id of its own each time', async () => {
    const all = await Promise.all(Array.from({ length: 50 }, () => entry.submit(wish, 'demo')));
    expect(new Set(all.map(({ request }) => request.id)).size).toBe(50);
  });
});

describe('the decision', () => {
  const acknowledged = (id: string): Executed => ({
    kind: 'acknowledged',
    id,
    connection: 'line',
    epoch: 'e',
    items: [],
    at: WALL_MS,
  });

  it('is there with the grant, before the end', async () => {
    const submitted = await entry.submit(wish, 'demo');
    expect(await decisionOf(submitted)).toBe('open');
    grant(submitted.request);
    expect(await decisionOf(submitted)).toEqual({ kind: 'granted' });
    expect(await settledOf(submitted)).toBe('open');
    report(ended(submitted.request.id, executed));
    expect(await settledOf(submitted)).toMatchObject({ end: executed });
  });

  it('goes to the one who asked, though several wait', async () => {
    const [a, b] = [await entry.submit(wish, 'demo'), await entry.submit(wish, 'demo')];
    grant(b.request);
    expect([await decisionOf(a), await decisionOf(b)]).toEqual(['open', { kind: 'granted' }]);
  });

  it('is the refusal, with rule and holder', async () => {
    const submitted = await entry.submit(wish, 'demo');
    const until: Deadline = { bootId: 'boot', monotonicMs: 1, wallMs: 1 };
    const holder = { point: 'p', kind: 'value' as const, source: 'operator', priority: 8, value: 1, until };
    refuse(submitted.request, { ...held, holder } as End);
    expect(await decisionOf(submitted)).toEqual({ ...held, holder });
  });

  it('is told by what comes after the grant, when that is heard first', async () => {
    const submitted = await entry.submit(wish, 'demo');
    report(acknowledged(submitted.request.id));
    expect(await decisionOf(submitted)).toEqual({ kind: 'granted' });
  });

  it.each<[End, ControlDecision]>([
    [executed, { kind: 'granted' }],
    [{ kind: 'failed', effect: 'none', reason: 'DEVICE_REFUSED' }, { kind: 'granted' }],
    [{ kind: 'unknown', reason: 'NO_ANSWER' }, { kind: 'granted' }],
    [{ kind: 'expired', reason: 'PERMIT' }, { kind: 'granted' }],
    [
      { kind: 'expired', reason: 'DECISION' },
      { kind: 'expired', reason: 'DECISION' },
    ],
    [
      { kind: 'expired', reason: 'DEADLINE' },
      { kind: 'expired', reason: 'DEADLINE' },
    ],
  ])('is told by the end %j, when that is all that is heard', async (end, decision) => {
    const submitted = await entry.submit(wish, 'demo');
    report(ended(submitted.request.id, end));
    expect(await decisionOf(submitted)).toEqual(decision);
    expect(await settledOf(submitted)).toMatchObject({ end });
  });
});

describe('a wish of a third party', () => {
  const originOf = (client: string, link = '1'): Origin =>
    entry.externalOrigin({ connection: 'scada', source: 'dispatch', client, link });
  const ask = (act: ControlWish['act'], point: string, link = '1'): ControlWish => ({
    origin: originOf('center-a', link),
    items: [{ point, value: 1, qualifier: '46 QU 1' }],
    ...(act === undefined ? {} : { act }),
  });

  it('says through which connection, as whom and over which link it came', async () => {
    await entry.submit(ask('select', 'a/B'), 'demo');
    expect(lastRequest().origin).toEqual({
      source: 'external:dispatch',
      kind: 'external',
      category: 3,
      who: 'center-a',
      link: 'i/scada/1',
    });
    expect(lastRequest().items).toEqual([{ point: 'a/B', value: 1, qualifier: '46 QU 1' }]);
  });

  it('comes over another link after a restart, whatever the server calls it', () => {
    const identity = { service: 'forwarder', bootId: 'boot', instance: 'j' };
    const later = new ControlEntry(bus, { monotonicMs: () => nowMs, wallMs: () => WALL_MS }, identity);
    const client = { connection: 'scada', source: 'dispatch', client: 'center-a', link: '1' };
    expect(later.externalOrigin(client).link).not.toBe(originOf('center-a').link);
  });

  it('names its client in 64 octets at most, never in half a character', () => {
    expect(originOf('调'.repeat(30)).who).toBe('调'.repeat(21));
    expect(originOf('x'.repeat(65)).who).toBe('x'.repeat(64));
  });

  it('whose link is lost frees what the link had selected, and not what others had', async () => {
    await entry.submit(ask('select', 'a/B'), 'demo');
    await entry.submit(ask('select', 'a/C'), 'demo');
    await entry.submit(ask('select', 'a/D', '2'), 'demo');
    entry.linkLost('i/scada/1');
    await new Promise((resolve) => setImmediate(resolve));
    expect(bus.published).toHaveLength(4);
    expect(bus.published[3]).toMatchObject({ topic: 'control.requested.v1', key: 'demo' });
    expect(lastRequest()).toMatchObject({
      act: 'cancel',
      origin: { source: 'external:dispatch', who: 'center-a', link: 'i/scada/1' },
      items: [
        { point: 'a/B', value: null },
        { point: 'a/C', value: null },
      ],
    });
  });

  it.each(['operate', undefined, 'cancel'] as const)('has nothing to free after its own %s', async (act) => {
    await entry.submit(ask('select', 'a/B'), 'demo');
    await entry.submit(ask(act, 'a/B'), 'demo');
    entry.linkLost('i/scada/1');
    await new Promise((resolve) => setImmediate(resolve));
    expect(bus.published).toHaveLength(2);
  });

  it('has selected nothing by a dry run, and still what it selected after one', async () => {
    await entry.submit({ ...ask('select', 'a/B'), dryRun: true }, 'demo');
    entry.linkLost('i/scada/1');
    await entry.submit(ask('select', 'a/B'), 'demo');
    await entry.submit({ ...ask('operate', 'a/B'), dryRun: true }, 'demo');
    expect(bus.published).toHaveLength(3);
    entry.linkLost('i/scada/1');
    entry.linkLost('i/scada/1');
    await new Promise((resolve) => setImmediate(resolve));
    expect(requests().map(({ act }) => act)).toEqual(['select', 'select', 'operate', 'cancel']);
  });

  it('whose link is lost while its select is on its way frees it all the same', async () => {
    const selecting = entry.submit(ask('select', 'a/B'), 'demo');
    entry.linkLost('i/scada/1');
    await selecting;
    await new Promise((resolve) => setImmediate(resolve));
    expect(requests().map(({ act }) => act)).toEqual(['select', 'cancel']);
  });

  it('whose link is lost without the bus is forgotten in silence', async () => {
    await entry.submit(ask('select', 'a/B'), 'demo');
    bus.state = 'down';
    entry.linkLost('i/scada/1');
    bus.state = 'up';
    entry.linkLost('i/scada/1');
    await new Promise((resolve) => setImmediate(resolve));
    expect(bus.published).toHaveLength(1);
  });
});

describe('the end', () => {
  it('is the refusal of the arbiter', async () => {
    const submitted = await entry.submit(wish, 'demo');
    refuse(submitted.request, held);
    expect(await settledOf(submitted)).toEqual({ end: held, items: [] });
  });

  it('is the result, with its items', async () => {
    const submitted = await entry.submit(wish, 'demo');
    report(ended(submitted.request.id, executed));
    expect(await settledOf(submitted)).toMatchObject({ end: executed, items: [{ outcome: 'executed' }] });
  });

  it('goes to the one who asked, though several wait', async () => {
    const [a, b] = [await entry.submit(wish, 'demo'), await entry.submit(wish, 'demo')];
    report(ended(b.request.id, executed));
    expect(await settledOf(a)).toBe('open');
    expect(await settledOf(b)).toMatchObject({ end: executed });
    refuse(a.request, held);
    expect(await settledOf(a)).toMatchObject({ end: held });
  });

  it('is not what the device acknowledged, nor what is noted late', async () => {
    const submitted = await entry.submit(wish, 'demo');
    const { id } = submitted.request;
    report({ kind: 'acknowledged', id, connection: 'line', epoch: 'e', items: [], at: WALL_MS });
    report(ended(id, executed, true));
    expect(await settledOf(submitted)).toBe('open');
  });

  it('is the first of two', async () => {
    const submitted = await entry.submit(wish, 'demo');
    const expired: End = { kind: 'expired', reason: 'PERMIT' };
    report(ended(submitted.request.id, expired));
    report(ended(submitted.request.id, executed));
    expect(await settledOf(submitted)).toMatchObject({ end: expired });
  });

  it('may come before the publication is acknowledged', async () => {
    const publish = bus.publish.bind(bus);
    bus.publish = async (records) => {
      const positions = await publish(records);
      report(ended(lastRequest().id, executed));
      return positions;
    };
    expect(await settledOf(await entry.submit(wish, 'demo'))).toMatchObject({ end: executed });
  });

  it('is forgotten when nobody can want it any more', async () => {
    const submitted = await entry.submit(wish, 'demo');
    nowMs += 600_001;
    await entry.submit(wish, 'demo');
    report(ended(submitted.request.id, executed));
    expect(await settledOf(submitted)).toBe('open');
  });

  it('is not heard after the stop', async () => {
    const submitted = await entry.submit(wish, 'demo');
    await entry.stop();
    report(ended(submitted.request.id, executed));
    expect(await settledOf(submitted)).toBe('open');
  });
});
