import {
  type ControlRequest,
  type Deadline,
  decodeJson,
  type End,
  type Executed,
  encodeJson,
  type Origin,
} from '@busbar/events';
import { beforeEach, describe, expect, it } from 'vitest';
import { ControlEntry, type ControlOutcome, type ControlWish, type Submitted } from './control-entry.js';
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
    await entry.submit(wish, 'demo');
    expect(Object.keys(lastRequest())).not.toContain('priority');
    expect(Object.keys(lastRequest())).not.toContain('holdMs');
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
