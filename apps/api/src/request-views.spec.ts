import type { Bus } from '@busbar/bus';
import { type ControlRequest, type End, encodeJson, type JsonPayload, type TopicName } from '@busbar/events';
import { ControlEntry } from '@busbar/service-kit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ControlDesk } from './control-desk.js';
import { RequestViews } from './request-views.js';
import { eventually, openTestBus, testClock } from './test-bus.js';

const caller = { who: 'admin', role: 'admin', until: null, link: 'key' };
const executed: End = { kind: 'executed', verified: true, written: true, clamped: false };

describe('control requests', () => {
  let test: Awaited<ReturnType<typeof openTestBus>>;
  let bus: Bus;
  let views: RequestViews;
  let entry: ControlEntry;
  let desk: ControlDesk;

  beforeEach(async () => {
    test = await openTestBus();
    bus = test.bus;
    views = new RequestViews(bus, testClock);
    views.start();
    entry = new ControlEntry(bus, testClock, { service: 'api', bootId: 'boot', instance: 'one' });
    desk = new ControlDesk(entry, views, () => 'demo');
    await views.ready;
  });

  afterEach(async () => {
    desk.stop();
    await views.stop();
    await entry.stop();
    await test.dispose();
  });

  function tell<Topic extends TopicName>(topic: Topic, key: string, payload: JsonPayload<Topic>) {
    return bus.publish([{ topic, key, value: encodeJson(topic, payload) }]);
  }

  function end(id: string, what: End = executed) {
    const items = [{ point: 'inv-01/PowerLimit', outcome: 'executed' as const, readBack: 60 }];
    return tell('control.executed.v1', id, { kind: 'ended', id, end: what, items, late: false, at: Date.now() });
  }

  function requested(): Promise<ControlRequest> {
    return new Promise((resolve) => {
      const unsubscribe = views.onChange((view) => {
        unsubscribe();
        resolve((views.find('operator', view.id) as { request: ControlRequest }).request);
      });
    });
  }

  it('publishes the wish as operator of this caller, with deadlines', async () => {
    await desk.ask({ id: 'a', point: 'inv-01/PowerLimit', value: 60, expiresMs: 5_000, holdMs: 9_000 }, caller, 0);
    const [record] = await bus.range('control.requested.v1', null, { fromMs: 0, toMs: Date.now() + 1_000 });
    const request = JSON.parse(new TextDecoder().decode(record?.value as Uint8Array)) as ControlRequest;
    expect(record?.key).toBe('demo');
    expect(request).toMatchObject({
      act: 'operate',
      origin: { source: 'operator', kind: 'operator', who: 'admin', link: 'key', externalId: 'a' },
      items: [{ point: 'inv-01/PowerLimit', value: 60 }],
      holdMs: 9_000,
      dryRun: false,
    });
    const expiryMs = request.expiresAt.wallMs - request.requestedAt;
    expect(expiryMs).toBeGreaterThanOrEqual(5_000);
    expect(expiryMs).toBeLessThan(6_000);
  });

  it('answers with the end when it comes in time', async () => {
    const asked = requested();
    const answer = desk.ask({ id: 'a', point: 'inv-01/PowerLimit', value: 60 }, caller, 30_000);
    await end((await asked).id);
    expect(await answer).toMatchObject({ id: 'a', end: executed, results: [{ readBack: 60 }] });
  });

  it('answers with what is known when the time is over', async () => {
    const view = await desk.ask({ id: 'a', point: 'inv-01/PowerLimit', value: 60 }, caller, 20);
    expect(view).toMatchObject({ id: 'a', end: null, stages: [{ stage: 'requested' }] });
  });

  it('lets those who wait go when the service stops', async () => {
    const asked = requested();
    const answer = desk.ask({ id: 'a', point: 'inv-01/PowerLimit', value: 60 }, caller, 300_000);
    await asked;
    desk.stop();
    expect((await answer).end).toBeNull();
  });

  it('takes the same id with the same content as the same request', async () => {
    const ask = { id: 'a', point: 'inv-01/PowerLimit', value: 60 };
    const first = await desk.ask(ask, caller, 0);
    await end(first.request);
    const again = await desk.ask(ask, caller, 5_000);
    expect(again).toMatchObject({ request: first.request, end: executed });
    expect(await bus.range('control.requested.v1', null, { fromMs: 0, toMs: Date.now() + 1_000 })).toHaveLength(1);
  });

  it('leaves it to the arbiter when the same id has another content, and keeps showing the first', async () => {
    const first = await desk.ask({ id: 'a', point: 'inv-01/PowerLimit', value: 60 }, caller, 0);
    const second = await desk.ask({ id: 'a', point: 'inv-01/PowerLimit', value: 61 }, caller, 0);
    expect(second.request).not.toBe(first.request);
    expect(views.find('operator', 'a')?.view.request).toBe(first.request);
  });

  it('shows the stages in their order, whichever topic comes first', async () => {
    const view = await desk.ask({ id: 'a', point: 'inv-01/PowerLimit', value: 60 }, caller, 0);
    const { request } = views.find('operator', 'a') as { request: ControlRequest };
    const grant = {
      request,
      executor: { connection: 'ring', epoch: 'e' },
      term: 1,
      generation: 1,
      permitUntil: request.decideBy,
      grantedAt: 20,
      writes: [],
    };
    await tell('control.started.v1', 'ring', { grant, startedAt: 30 });
    const items = [{ point: 'inv-01/PowerLimit', outcome: 'executed' as const }];
    await tell('control.executed.v1', view.request, {
      kind: 'acknowledged',
      id: view.request,
      connection: 'ring',
      epoch: 'e',
      items,
      at: 40,
    });
    await tell('control.granted.v1', 'ring', grant);
    await end(view.request);
    await eventually(() => views.find('operator', 'a')?.view.stages.map((stage) => stage.stage)).toEqual([
      'requested',
      'granted',
      'started',
      'acknowledged',
      'ended',
    ]);
    expect(views.find('operator', 'a')?.view.connection).toBe('ring');
  });

  it('keeps the first end, and none that came late', async () => {
    const view = await desk.ask({ id: 'a', point: 'inv-01/PowerLimit', value: 60 }, caller, 0);
    await end(view.request, { kind: 'unknown', reason: 'LINK_LOST' });
    const at = Date.now();
    await tell('control.executed.v1', view.request, {
      kind: 'ended',
      id: view.request,
      end: executed,
      items: [],
      late: true,
      at,
    });
    await end(view.request);
    await desk.ask({ id: 'b', point: 'inv-01/PowerLimit', value: 1 }, caller, 0);
    expect(views.find('operator', 'a')?.view.end).toEqual({ kind: 'unknown', reason: 'LINK_LOST' });
  });

  it('knows after a restart what happened before', async () => {
    const view = await desk.ask({ id: 'a', point: 'inv-01/PowerLimit', value: 60 }, caller, 0);
    await end(view.request);
    const later = new RequestViews(bus, testClock);
    later.start();
    await later.ready;
    expect(later.find('operator', 'a')?.view).toMatchObject({ request: view.request, end: executed });
    expect(later.list()).toHaveLength(1);
    await later.stop();
  });

  it('says so when the bus does not take it', async () => {
    await bus.close();
    await expect(desk.ask({ id: 'a', point: 'inv-01/PowerLimit', value: 60 }, caller, 0)).rejects.toMatchObject({
      code: 'CONTROL_NO_BUS',
    });
  });
});
