import { encodeLiveFrame, LIVE_CLOSE_UNAUTHORIZED, type ServerMessage } from '@busbar/api-schema';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LiveMachine, type LiveObserver } from './live-machine.js';

/** A socket and a clock in the hand of the test. */
function bench(random = 0.5) {
  let now = 1000;
  const sent: Record<string, unknown>[] = [];
  const acts: string[] = [];
  let wakeAt = Number.POSITIVE_INFINITY;
  const port = {
    connect: () => acts.push('connect'),
    disconnect: () => acts.push('disconnect'),
    send: (text: string) => sent.push(JSON.parse(text)),
    wake: (afterMs: number) => {
      wakeAt = now + afterMs;
    },
  };
  const clock = { monotonicMs: () => now, wallMs: () => 5_000_000 + now };
  const live = new LiveMachine(port, clock, () => random);
  const say = (message: ServerMessage) => live.received(JSON.stringify(message));
  return {
    live,
    sent,
    acts,
    say,
    take: () => sent.splice(0),
    /** Time goes on, with every wake-up on its way. */
    pass(ms: number) {
      const end = now + ms;
      while (wakeAt <= end) {
        now = Math.max(now, wakeAt);
        wakeAt = Number.POSITIVE_INFINITY;
        live.woke();
      }
      now = end;
    },
    up() {
      live.start();
      live.socketOpened();
      say({ t: 'hello', session: 's1', clock: 9_000_000, generation: 14 });
    },
  };
}

function observer() {
  const heard: unknown[] = [];
  const one: LiveObserver = {
    message: (message) => heard.push(message.t),
    frame: (frame) => heard.push(frame.seq),
    lost: () => heard.push('lost'),
  };
  return { heard, one };
}

const frame = (subscription: number, seq: number) =>
  encodeLiveFrame({ subscription, seq, rows: [0], values: [1], times: [5], quality: [0], texts: new Map() });

describe('LiveMachine', () => {
  it('says hello, opens what is wanted, and acknowledges each frame', () => {
    const b = bench();
    const { heard, one } = observer();
    b.live.subscribe({ kind: 'points', query: { text: 'inv' }, count: 60, hz: 5 }, one);
    b.up();
    expect(b.take()).toEqual([
      { t: 'hello' },
      { t: 'open', id: 1, kind: 'points', query: { text: 'inv' }, from: 0, count: 60, hz: 5 },
    ]);
    b.say({ t: 'opened', id: 1, total: 0, from: 0, rows: [] });
    b.live.received(frame(1, 7));
    expect(heard).toEqual(['opened', 7]);
    expect(b.take()).toEqual([{ t: 'ack', seq: 7 }]);
    expect(b.live.state).toEqual({ phase: 'up', downSince: null, generation: 14 });
  });

  it('tells the time of the server, not of the browser', () => {
    const b = bench();
    b.up();
    b.pass(1500);
    expect(b.live.serverNow()).toBe(9_001_500);
    b.say({ t: 'tick', clock: 9_002_000 });
    expect(b.live.serverNow()).toBe(9_002_000);
  });

  it('comes back after a loss within 0.5 to 10 s, later each time, and opens all again', () => {
    for (const random of [0, 1]) {
      const b = bench(random);
      const { heard, one } = observer();
      b.live.subscribe({ kind: 'connections' }, one);
      b.up();
      b.pass(2000);
      b.live.socketClosed(1006);
      expect(heard).toEqual(['lost']);
      expect(b.live.state).toMatchObject({ phase: 'waiting', downSince: 9_000_000 });
      for (let i = 0; i < 12; i++) {
        b.acts.length = 0;
        b.pass(499);
        expect(b.acts).toEqual([]);
        b.pass(9501);
        expect(b.acts[0]).toBe('connect');
        b.live.socketClosed(1006);
      }
      b.pass(10_000);
      b.take();
      b.live.socketOpened();
      b.say({ t: 'hello', session: 's2', clock: 9_500_000, generation: 15 });
      expect(b.take()).toEqual([{ t: 'hello' }, { t: 'open', id: 2, kind: 'connections' }]);
      expect(b.live.state).toEqual({ phase: 'up', downSince: null, generation: 15 });
    }
  });

  it('gives up a link that is open and silent for 15 s', () => {
    const b = bench();
    b.up();
    b.pass(14_000);
    b.say({ t: 'tick', clock: 9_014_000 });
    b.pass(14_999);
    expect(b.live.state.phase).toBe('up');
    b.pass(1);
    expect(b.live.state).toMatchObject({ phase: 'waiting', downSince: 9_014_000 });
    expect(b.acts).toEqual(['connect', 'disconnect']);
  });

  it('gives up a try that is not answered', () => {
    const b = bench();
    b.live.start();
    b.pass(10_000);
    expect(b.acts).toEqual(['connect', 'disconnect']);
    expect(b.live.state.phase).toBe('waiting');
  });

  it('opens again on a new generation, under an id that no frame of the old one has', () => {
    const b = bench();
    const { heard, one } = observer();
    b.live.subscribe({ kind: 'points', count: 10 }, one);
    b.up();
    b.take();
    b.say({ t: 'stale', generation: 15 });
    expect(b.take()).toEqual([
      { t: 'close', id: 1 },
      { t: 'open', id: 2, kind: 'points', query: {}, from: 0, count: 10 },
    ]);
    b.live.received(frame(1, 3));
    expect(heard).toEqual([]);
    expect(b.live.state.generation).toBe(15);
  });

  it('asks for 1 Hz while hidden, closes after 60 s, and is back at once when looked at', () => {
    const b = bench();
    b.up();
    b.take();
    b.live.hidden();
    expect(b.take()).toEqual([{ t: 'rate', hz: 1 }]);
    for (let i = 0; i < 5; i++) {
      b.pass(11_999);
      b.say({ t: 'tick', clock: 9_000_000 });
    }
    expect(b.live.state.phase).toBe('up');
    b.pass(5);
    expect(b.live.state.phase).toBe('asleep');
    b.pass(3_600_000);
    expect(b.acts).toEqual(['connect', 'disconnect']);
    b.live.visible();
    expect(b.acts).toEqual(['connect', 'disconnect', 'connect']);
  });

  it('goes back to 5 Hz when the page is seen before it slept', () => {
    const b = bench();
    b.up();
    b.live.hidden();
    b.take();
    b.live.visible();
    expect(b.take()).toEqual([{ t: 'rate', hz: 5 }]);
  });

  it('does not come back by itself once the session has ended', () => {
    const b = bench();
    b.up();
    b.live.socketClosed(LIVE_CLOSE_UNAUTHORIZED);
    b.pass(600_000);
    expect(b.live.state.phase).toBe('denied');
    expect(b.acts).toEqual(['connect']);
  });

  it('sends at most one window per 100 ms, and always the last', () => {
    const b = bench();
    const { one } = observer();
    const open = b.live.subscribe({ kind: 'points', count: 50 }, one);
    b.up();
    b.take();
    for (let from = 1; from <= 30; from++) {
      open.window(from * 10, 50);
      b.pass(10);
    }
    b.pass(100);
    const windows = b.take();
    expect(windows.length).toBeLessThanOrEqual(4);
    expect(windows.at(-1)).toEqual({ t: 'window', id: 1, from: 300, count: 50 });
  });

  it('hears nothing more after close, which is safe twice', () => {
    const b = bench();
    const { heard, one } = observer();
    const open = b.live.subscribe({ kind: 'points' }, one);
    b.up();
    b.take();
    open.close();
    open.close();
    open.window(5, 5);
    b.live.received(frame(1, 1));
    expect(heard).toEqual([]);
    expect(b.take()).toEqual([
      { t: 'close', id: 1 },
      { t: 'ack', seq: 1 },
    ]);
  });

  it('starts over when a frame cannot be read, since nothing would come any more', () => {
    const b = bench();
    b.up();
    b.live.received(new Uint8Array([9, 9, 9]));
    expect(b.live.state.phase).toBe('waiting');
  });

  it('survives random octets and texts at any time', () => {
    const data = fc.oneof(fc.string(), fc.json(), fc.uint8Array({ maxLength: 60 }));
    const step = fc.oneof(data, fc.constantFrom('up', 'closed', 'hidden', 'visible', 'pass'));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const b = bench();
        const { one } = observer();
        b.live.subscribe({ kind: 'points' }, one);
        b.up();
        for (const one of steps) {
          if (one === 'up') b.live.socketOpened();
          else if (one === 'closed') b.live.socketClosed(1006);
          else if (one === 'hidden') b.live.hidden();
          else if (one === 'visible') b.live.visible();
          else if (one === 'pass') b.pass(3000);
          else b.live.received(one);
        }
        b.live.visible();
        b.pass(30_000);
        b.acts.length = 0;
        b.pass(30_000);
        expect(b.acts).toContain('connect');
      }),
    );
  });
});
