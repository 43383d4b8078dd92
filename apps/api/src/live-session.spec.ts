import { decodeLiveFrame, type LiveFrame, type ServerMessage, serverMessageSchema } from '@busbar/api-schema';
import { bad } from '@busbar/model';
import { beforeEach, describe, expect, it } from 'vitest';
import { LiveSession } from './live-session.js';
import { LiveValues } from './live-values.js';
import { PointDirectory } from './point-directory.js';
import { batchOf, sampleSite } from './test-site.js';

function setUp(inverters = 2) {
  let nowMs = 0;
  let canTake = true;
  let values = new LiveValues(new PointDirectory(1, sampleSite(inverters)));
  const sent: (ServerMessage | LiveFrame)[] = [];
  const closed: number[] = [];
  const session = new LiveSession({
    id: 's1',
    clock: { monotonicMs: () => nowMs, wallMs: () => 5_000_000 + nowMs },
    source: { values: () => values, connections: () => [], requests: () => [] },
    outlet: {
      text: (message) => sent.push(serverMessageSchema.parse(JSON.parse(message))),
      binary: (bytes) => sent.push(decodeLiveFrame(bytes) as never),
      canTake: () => canTake,
      close: (code) => closed.push(code),
    },
  });
  const frames = () => sent.filter((item): item is LiveFrame => 'seq' in item);
  return {
    session,
    sent,
    closed,
    frames,
    say: (message: object) => session.receive(JSON.stringify(message)),
    texts: (t: string) => sent.filter((item) => 't' in item && item.t === t),
    put: (asset: string, samples: Parameters<typeof batchOf>[1]) => values.apply(batchOf(asset, samples)),
    pass: (ms: number) => {
      nowMs += ms;
      session.tick();
    },
    block: (blocked: boolean) => {
      canTake = !blocked;
    },
    replace: (next: LiveValues) => {
      values = next;
    },
  };
}

let t: ReturnType<typeof setUp>;

beforeEach(() => {
  t = setUp();
});

describe('hello and open', () => {
  it('answers hello with clock and generation', () => {
    t.say({ t: 'hello' });
    expect(t.sent).toEqual([{ t: 'hello', session: 's1', clock: 5_000_000, generation: 1 }]);
  });

  it('sends rows of the window and then all of its values', () => {
    t.put('inv-01', [[1, 50]]);
    t.say({ t: 'open', id: 4, kind: 'points', from: 0, count: 3 });
    expect(t.sent[0]).toMatchObject({ t: 'opened', id: 4, total: 9, from: 0 });
    expect((t.sent[0] as { rows: unknown[] }).rows).toHaveLength(3);
    expect(t.sent[1]).toMatchObject({ subscription: 4, seq: 1, rows: [0, 1, 2], values: [50, Number.NaN, Number.NaN] });
  });

  it('narrows rows to the query', () => {
    t.say({ t: 'open', id: 1, kind: 'points', query: { asset: 'mtr' }, count: 50 });
    expect(t.sent[0]).toMatchObject({ total: 1, rows: [{ path: 'mtr/Energy' }] });
  });

  it('refuses what is no message, without ending the session', () => {
    t.session.receive('{"t":"open"');
    t.say({ t: 'open', id: 0, kind: 'points' });
    t.say({ t: 'open', id: 1, kind: 'points', count: 501 });
    expect(t.texts('error')).toHaveLength(3);
    expect(t.closed).toEqual([]);
  });

  it('opens at most 16 subscriptions', () => {
    for (let id = 1; id <= 17; id++) t.say({ t: 'open', id, kind: id % 2 ? 'points' : 'requests', count: 1 });
    expect(t.texts('error')).toEqual([expect.objectContaining({ id: 17, code: 'LIVE_LIMIT' })]);
    t.say({ t: 'close', id: 3 });
    t.say({ t: 'open', id: 17, kind: 'points', count: 1 });
    expect(t.texts('error')).toHaveLength(1);
  });

  it('ends a session that floods it', () => {
    for (let i = 0; i < 300; i++) t.say({ t: 'hello' });
    expect(t.closed).toContain(1008);
    expect(t.texts('hello').length).toBeLessThanOrEqual(200);
  });
});

describe('values', () => {
  it('sends only rows that changed since the last frame', () => {
    t.say({ t: 'open', id: 1, kind: 'points', count: 9 });
    t.put('inv-02', [[7, 60]]);
    t.pass(200);
    expect(t.frames().at(-1)).toMatchObject({ seq: 2, rows: [5], values: [60] });
    t.pass(200);
    expect(t.frames()).toHaveLength(2);
  });

  it('sends no more than five frames a second, fewer if asked', () => {
    t.say({ t: 'open', id: 1, kind: 'points', count: 9, hz: 2 });
    for (let i = 0; i < 20; i++) {
      t.put('inv-01', [[1, i]]);
      t.pass(100);
      t.say({ t: 'ack', seq: 100 });
    }
    expect(t.frames().length).toBeLessThanOrEqual(5);
    expect(t.frames().length).toBeGreaterThanOrEqual(4);
  });

  it('slows down while the page is hidden', () => {
    t.say({ t: 'open', id: 1, kind: 'points', count: 9 });
    t.say({ t: 'rate', hz: 1 });
    for (let i = 0; i < 10; i++) {
      t.put('inv-01', [[1, i]]);
      t.pass(200);
      t.say({ t: 'ack', seq: 100 });
    }
    expect(t.frames().length).toBeLessThanOrEqual(3);
  });

  it('lets newer values replace older ones while two frames are unacknowledged', () => {
    t.say({ t: 'open', id: 1, kind: 'points', count: 9 });
    for (let i = 1; i <= 10; i++) {
      t.put('inv-01', [[1, i]]);
      t.pass(200);
    }
    expect(t.frames().map((frame) => frame.seq)).toEqual([1, 2]);
    t.say({ t: 'ack', seq: 1 });
    t.pass(200);
    expect(t.frames().at(-1)).toMatchObject({ seq: 3, rows: [0], values: [10] });
  });

  it('counts the unacknowledged frames of each subscription by itself', () => {
    t.say({ t: 'open', id: 1, kind: 'points', query: { asset: 'inv-01' }, count: 4 });
    t.say({ t: 'open', id: 2, kind: 'points', query: { asset: 'inv-02' }, count: 4 });
    for (let i = 1; i <= 5; i++) {
      t.put('inv-01', [[1, i]]);
      t.pass(200);
    }
    t.put('inv-02', [[1, 99]]);
    t.pass(200);
    expect(t.frames().at(-1)).toMatchObject({ subscription: 2, values: [99] });
  });

  it('sends all of a moved window', () => {
    t.say({ t: 'open', id: 1, kind: 'points', count: 2 });
    t.say({ t: 'window', id: 1, from: 7, count: 10 });
    expect(t.texts('rows')).toMatchObject([{ from: 7, rows: [{ path: 'inv-02/Serial' }, { path: 'mtr/Energy' }] }]);
    expect(t.frames().at(-1)?.rows).toEqual([0, 1]);
  });

  it('sends the last good value before the frame that says bad', () => {
    t.put('inv-01', [[1, 50]]);
    t.say({ t: 'open', id: 1, kind: 'points', count: 2 });
    t.put('inv-01', [[1, Number.NaN, bad('not-connected')]]);
    t.pass(200);
    const [lastGood, frame] = t.sent.slice(-2);
    expect(lastGood).toEqual({ t: 'lastGood', id: 1, items: [{ row: 0, value: 50, sourceTime: 1_000_000 }] });
    expect(frame).toMatchObject({ rows: [0], values: [Number.NaN], quality: [bad('not-connected')] });
  });

  it('tells rows that join or leave the abnormal ones', () => {
    t.say({ t: 'open', id: 1, kind: 'points', query: { abnormal: true }, count: 50 });
    expect(t.texts('opened')).toMatchObject([{ total: 9 }]);
    t.put('inv-01', [
      [1, 50],
      [7, 1],
      [3, 1],
      [9, 'a'],
    ]);
    t.pass(500);
    expect(t.texts('rows')).toEqual([]);
    t.pass(600);
    expect(t.texts('rows')).toMatchObject([{ total: 5, from: 0 }]);
    t.put('inv-01', [[1, 50, bad('sensor')]]);
    t.pass(1_100);
    expect(t.texts('rows').at(-1)).toMatchObject({ total: 6 });
  });

  it('hands nothing to a client that does not read', () => {
    t.say({ t: 'open', id: 1, kind: 'points', count: 9 });
    t.block(true);
    t.put('inv-01', [[1, 1]]);
    t.pass(200);
    expect(t.frames()).toHaveLength(1);
    t.block(false);
    t.pass(200);
    expect(t.frames()).toHaveLength(2);
  });

  it('gives a sign of life', () => {
    t.pass(4_999);
    expect(t.texts('tick')).toEqual([]);
    t.pass(1);
    expect(t.texts('tick')).toHaveLength(1);
  });

  it('asks to open again after a new generation, and sends no row of the old one', () => {
    t.say({ t: 'open', id: 1, kind: 'points', count: 9 });
    t.replace(new LiveValues(new PointDirectory(2, sampleSite(1))));
    t.session.stale(2);
    expect(t.sent.at(-1)).toEqual({ t: 'stale', generation: 2 });
    t.put('inv-01', [[1, 1]]);
    t.pass(200);
    t.say({ t: 'window', id: 1, from: 0, count: 1 });
    expect(t.sent.at(-1)).toEqual({ t: 'stale', generation: 2 });
  });
});

describe('ordered kinds', () => {
  const view = (id: string) => ({
    id,
    request: id,
    source: 'operator',
    who: 'admin',
    items: [],
    expiresAt: 1,
    stages: [],
    connection: null,
    results: [],
    end: null,
  });

  it('begins with all, then sends each change in order', () => {
    t.say({ t: 'open', id: 1, kind: 'requests' });
    t.session.requestChanged(view('a'));
    t.session.requestChanged(view('b'));
    expect(t.texts('requests')).toMatchObject([
      { reset: true },
      { reset: false, items: [{ id: 'a' }] },
      { reset: false, items: [{ id: 'b' }] },
    ]);
  });

  it('skips none for a slow client', () => {
    t.say({ t: 'open', id: 1, kind: 'requests' });
    t.block(true);
    for (let i = 0; i < 1_000; i++) t.session.requestChanged(view(String(i)));
    t.block(false);
    t.pass(200);
    expect(t.texts('requests')).toHaveLength(1_001);
  });

  it('begins anew for a client that is too far behind', () => {
    t.say({ t: 'open', id: 1, kind: 'requests' });
    t.block(true);
    for (let i = 0; i < 1_001; i++) t.session.requestChanged(view(String(i)));
    t.block(false);
    t.pass(200);
    expect(t.texts('requests')).toMatchObject([{ reset: true }, { reset: true }]);
  });
});
