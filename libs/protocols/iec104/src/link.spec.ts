import { describe, expect, it } from 'vitest';
import { type Apdu, encodeApdu, type UFunction } from './apci.js';
import { DEFAULT_LINK_SETTINGS, Link, type LinkEffect, type LinkSettings } from './link.js';
import { hex, oneFrame, toHex } from './test-frames.js';

const asdu = hex('64 01 06 00 0A 00 00 00 00 14');
const { k, w, t0Ms, t1Ms, t2Ms, t3Ms } = DEFAULT_LINK_SETTINGS;

function u(name: UFunction): Uint8Array {
  return encodeApdu({ format: 'U', function: name });
}

function s(received: number): Uint8Array {
  return encodeApdu({ format: 'S', received });
}

function i(sent: number, received: number): Uint8Array {
  return encodeApdu({ format: 'I', sent, received, asdu });
}

/** Effects in one word each: `U startdt-con`, `S 8`, `I 0/3` (N(S)/N(R)), `deliver`, `acknowledged 3`, `close …`. */
function words(effects: readonly LinkEffect[]): string[] {
  return effects.map((effect) => {
    if (effect.kind === 'send') return frameWord(oneFrame(effect.octets));
    if (effect.kind === 'acknowledged') return `acknowledged ${effect.upTo}`;
    return effect.kind === 'close' ? `close ${effect.reason}` : effect.kind;
  });
}

function frameWord(frame: Apdu): string {
  if (frame.format === 'U') return `U ${frame.function}`;
  return frame.format === 'S' ? `S ${frame.received}` : `I ${frame.sent}/${frame.received}`;
}

function controlled(settings: Partial<LinkSettings> = {}): Link {
  const link = new Link('controlled', { ...DEFAULT_LINK_SETTINGS, ...settings }, 0);
  expect(words(link.received(u('startdt-act'), 0))).toEqual(['U startdt-con', 'started']);
  return link;
}

function controlling(settings: Partial<LinkSettings> = {}): Link {
  const link = new Link('controlling', { ...DEFAULT_LINK_SETTINGS, ...settings }, 0);
  link.connected(0);
  expect(words(link.start(0))).toEqual(['U startdt-act']);
  expect(words(link.received(u('startdt-con'), 0))).toEqual(['started']);
  return link;
}

function sendMany(link: Link, count: number, nowMs = 0): void {
  for (let sent = 0; sent < count; sent++) link.send(asdu, nowMs);
}

describe('starting and stopping', () => {
  it('sends nothing before STARTDT and asks before data', () => {
    const link = new Link('controlled', DEFAULT_LINK_SETTINGS, 0);
    expect([link.state, link.sendable]).toEqual(['stopped', 0]);
    expect(() => link.send(asdu, 0)).toThrow(/stopped/);
    const master = new Link('controlling', DEFAULT_LINK_SETTINGS, 0);
    expect(() => master.start(0)).toThrow(/connecting/);
    expect(() => master.received(u('testfr-act'), 0)).toThrow(/before the connection/);
    master.connected(0);
    master.start(0);
    expect([master.state, master.sendable]).toEqual(['starting', 0]);
    expect(() => link.start(0)).toThrow(/controlled/);
    expect(() => link.stop(0)).toThrow(/controlled/);
  });

  it('confirms a repeated STARTDT and STOPDT without a second start or stop', () => {
    const link = controlled();
    expect(words(link.received(u('startdt-act'), 1))).toEqual(['U startdt-con']);
    expect(words(link.received(u('stopdt-act'), 2))).toEqual(['U stopdt-con', 'stopped']);
    expect(words(link.received(u('stopdt-act'), 3))).toEqual(['U stopdt-con']);
    expect(link.sendable).toBe(0);
  });

  it('confirms STOPDT only when all it sent is acknowledged, and acknowledges first what it has', () => {
    const link = controlled();
    link.received(i(0, 0), 0);
    sendMany(link, 2);
    link.received(i(1, 0), 1);
    expect(words(link.received(u('stopdt-act'), 1))).toEqual(['S 2']);
    expect([link.state, link.sendable]).toEqual(['stopping', 0]);
    expect(words(link.received(s(1), 2))).toEqual(['acknowledged 1']);
    expect(words(link.received(s(2), 3))).toEqual(['acknowledged 2', 'U stopdt-con', 'stopped']);
  });

  it('closes when STOPDT came and the acknowledgement does not', () => {
    const link = controlled();
    sendMany(link, 1, 5);
    link.received(u('stopdt-act'), 10);
    expect(link.nextTimeoutAt).toBe(5 + t1Ms);
    expect(words(link.tick(5 + t1Ms))).toEqual(['close t1-acknowledgement']);
  });

  it('takes data after its own STOPDT, acknowledges each at once, sends none', () => {
    const link = controlling();
    link.received(i(0, 0), 1);
    expect(words(link.stop(2))).toEqual(['S 1', 'U stopdt-act']);
    expect(link.sendable).toBe(0);
    expect(words(link.received(i(1, 0), 3))).toEqual(['deliver', 'S 2']);
    expect(words(link.received(u('stopdt-con'), 4))).toEqual(['stopped']);
    expect(words(link.received(i(2, 0), 5))).toEqual(['close data-while-stopped']);
  });

  it('counts on over a stop and a new start', () => {
    const link = controlled();
    link.received(i(0, 0), 0);
    sendMany(link, 1);
    link.received(s(1), 1);
    link.received(u('stopdt-act'), 1);
    link.received(u('startdt-act'), 2);
    expect(words(link.send(asdu, 3))).toEqual(['I 1/1']);
    expect(words(link.received(i(1, 2), 4))).toEqual(['acknowledged 2', 'deliver']);
  });

  it('falls silent for a successor, still takes acknowledgements, closes on data, starts again', () => {
    const link = controlled();
    sendMany(link, 2);
    link.received(i(0, 0), 0);
    expect(words(link.suspend())).toEqual(['S 1', 'stopped']);
    expect(link.suspend()).toEqual([]);
    expect(link.sendable).toBe(0);
    expect(words(link.received(s(1), 1))).toEqual(['acknowledged 1']);
    expect(words(link.received(u('testfr-act'), 2))).toEqual(['U testfr-con']);
    expect(words(link.received(u('startdt-act'), 3))).toEqual(['U startdt-con', 'started']);
    expect(link.sendable).toBe(k - 1);
    link.suspend();
    expect(words(link.received(i(1, 1), 4))).toEqual(['close data-while-stopped']);
    expect(controlling().suspend()).toEqual([]);
  });
});

describe('the send window', () => {
  it('stops at k and goes on with each acknowledgement', () => {
    const link = controlled();
    for (let sent = 0; sent < k; sent++) expect(words(link.send(asdu, 0))).toEqual([`I ${sent}/0`]);
    expect(link.sendable).toBe(0);
    expect(() => link.send(asdu, 0)).toThrow(/12 unacknowledged/);
    expect(words(link.received(s(5), 1))).toEqual(['acknowledged 5']);
    expect(link.sendable).toBe(5);
    expect(words(link.received(i(0, 12), 2))).toEqual(['acknowledged 12', 'deliver']);
    expect(link.sendable).toBe(k);
    expect([link.sentTotal, link.acknowledgedTotal]).toEqual([12, 12]);
  });

  it('repeats no acknowledgement', () => {
    const link = controlled();
    sendMany(link, 3);
    expect(words(link.received(s(2), 1))).toEqual(['acknowledged 2']);
    expect(words(link.received(s(2), 1))).toEqual([]);
  });

  it.each([
    { name: 'of a frame never sent', number: 4 },
    { name: 'before what was acknowledged', number: 1 },
    { name: 'half a circle away', number: 16_384 },
  ])('closes on an N(R) $name', ({ number }) => {
    for (const frame of [s(number), i(0, number)]) {
      const link = controlled();
      sendMany(link, 3);
      link.received(s(2), 1);
      expect(words(link.received(frame, 2))).toEqual(['close receive-number']);
      expect(link.state).toBe('closed');
    }
  });

  it.each([1, 2, 32_767])('closes on N(S) %i where 0 is expected, and delivers nothing', (number) => {
    expect(words(controlled().received(i(number, 0), 1))).toEqual(['close send-number']);
  });

  it('closes on a repeated N(S)', () => {
    const link = controlled();
    expect(words(link.received(Buffer.concat([i(0, 0), i(0, 0), i(1, 0)]), 1))).toEqual([
      'deliver',
      'close send-number',
    ]);
  });

  it.each([1, 12, 32_767])('wraps at 32768 with k = %i', (window) => {
    const link = controlled({ k: window });
    const wrong: string[] = [];
    const see = (effects: readonly LinkEffect[], expected: string) => {
      const seen = words(effects).join();
      if (seen !== expected) wrong.push(`${seen} instead of ${expected}`);
    };
    for (let sent = 0; sent < 70_000; ) {
      const burst = Math.min(link.sendable, 70_000 - sent);
      for (let turn = 0; turn < burst; turn++, sent++) see(link.send(asdu, sent), `I ${sent % 32_768}/0`);
      see(link.received(s(sent % 32_768), sent), `acknowledged ${sent}`);
    }
    expect(wrong).toEqual([]);
  });

  it('wraps the numbers received', () => {
    const link = controlled();
    for (let received = 0; received < 32_768; received++) link.received(i(received, 0), 1);
    expect(words(link.received(i(0, 0), 1))).toEqual(['deliver']);
    expect(words(link.send(asdu, 1))).toEqual(['I 0/1']);
  });
});

describe('acknowledging', () => {
  it('acknowledges at w, and not before', () => {
    const link = controlling();
    for (let received = 0; received < w - 1; received++) {
      expect(words(link.received(i(received, 0), 1))).toEqual(['deliver']);
    }
    expect(words(link.received(i(w - 1, 0), 1))).toEqual(['deliver', 'S 8']);
    expect(words(link.received(i(w, 0), 1))).toEqual(['deliver']);
  });

  it('acknowledges t2 after the first frame, though others follow', () => {
    const link = controlling();
    link.received(i(0, 0), 100);
    link.received(i(1, 0), 9_000);
    expect(link.nextTimeoutAt).toBe(100 + t2Ms);
    expect(words(link.tick(99 + t2Ms))).toEqual([]);
    expect(words(link.tick(100 + t2Ms))).toEqual(['S 2']);
    expect(words(link.tick(101 + t2Ms))).toEqual([]);
  });

  it('acknowledges by a frame of its own and owes nothing then', () => {
    const link = controlled();
    link.received(i(0, 0), 0);
    expect(words(link.send(asdu, 1))).toEqual(['I 0/1']);
    link.received(s(1), 2);
    expect(words(link.tick(t2Ms + 1))).toEqual([]);
  });

  it('bears a peer that acknowledges only when its window is full', () => {
    const link = controlled({ k: 12 });
    sendMany(link, 12);
    expect(words(link.received(s(12), 1000))).toEqual(['acknowledged 12']);
    sendMany(link, 12, 1000);
    expect(words(link.received(s(24), 2000))).toEqual(['acknowledged 24']);
  });
});

describe('timeouts', () => {
  it('t0: closes when the connection is not made', () => {
    const link = new Link('controlling', DEFAULT_LINK_SETTINGS, 1000);
    expect(link.nextTimeoutAt).toBe(1000 + t0Ms);
    expect(words(link.tick(999 + t0Ms))).toEqual([]);
    expect(words(link.tick(1000 + t0Ms))).toEqual(['close t0-connect']);
  });

  it('t1: closes when the oldest frame is not acknowledged', () => {
    const link = controlled();
    link.send(asdu, 1000);
    link.send(asdu, 4000);
    expect(link.nextTimeoutAt).toBe(1000 + t1Ms);
    link.received(s(1), 5000);
    expect(link.nextTimeoutAt).toBe(4000 + t1Ms);
    expect(words(link.tick(3999 + t1Ms))).toEqual([]);
    expect(words(link.tick(4000 + t1Ms))).toEqual(['close t1-acknowledgement']);
    expect(link.nextTimeoutAt).toBe(Number.POSITIVE_INFINITY);
    expect(link.tick(1e9)).toEqual([]);
  });

  it('t1: closes when STARTDT or STOPDT is not confirmed', () => {
    const link = new Link('controlling', DEFAULT_LINK_SETTINGS, 0);
    link.connected(0);
    link.start(10);
    expect(link.nextTimeoutAt).toBe(10 + t1Ms);
    expect(words(link.tick(10 + t1Ms))).toEqual(['close t1-start']);
    const other = controlling();
    other.stop(10);
    expect(words(other.tick(10 + t1Ms))).toEqual(['close t1-stop']);
  });

  it.each(['controlled', 'controlling'] as const)(
    't3: tests an idle link as %s station, also while stopped',
    (role) => {
      const link = new Link(role, DEFAULT_LINK_SETTINGS, 0);
      link.connected(0);
      expect(link.nextTimeoutAt).toBe(t3Ms);
      expect(words(link.tick(t3Ms))).toEqual(['U testfr-act']);
      expect(link.nextTimeoutAt).toBe(t3Ms + t1Ms);
      expect(words(link.received(u('testfr-con'), t3Ms + 5))).toEqual([]);
      expect(link.nextTimeoutAt).toBe(t3Ms + 5 + t3Ms);
    },
  );

  it('t3: every frame received puts the test off', () => {
    for (const frame of [u('testfr-act'), s(0), i(0, 0)]) {
      const link = controlled({ t2Ms: 14_999 });
      link.received(frame, 7000);
      expect(link.tick(6999 + t3Ms).filter(({ kind }) => kind !== 'send')).toEqual([]);
      expect(words(link.tick(7000 + t3Ms)).at(-1)).toBe('U testfr-act');
    }
  });

  it('t1: a test is answered by its confirmation alone', () => {
    const link = controlled();
    link.tick(t3Ms);
    link.received(i(0, 0), t3Ms + 100);
    link.received(u('testfr-act'), t3Ms + 200);
    expect(words(link.tick(t3Ms + t1Ms))).toEqual(['close t1-test']);
  });

  it('t1: a peer that talks but never confirms is tested once, then closed', () => {
    const link = controlled({ t3Ms: 1000, t2Ms: 14_000 });
    expect(words(link.tick(1000))).toEqual(['U testfr-act']);
    for (let received = 0; received < 5; received++) {
      link.received(i(received, 0), 1100 + received);
      expect(words(link.tick(4000 + received * 2000))).toEqual([]);
    }
    expect(words(link.tick(1000 + t1Ms))).toEqual(['close t1-test']);
  });

  it('answers TESTFR at any time', () => {
    const link = new Link('controlled', DEFAULT_LINK_SETTINGS, 0);
    expect(words(link.received(u('testfr-act'), 1))).toEqual(['U testfr-con']);
    expect(words(controlling().received(u('testfr-act'), 1))).toEqual(['U testfr-con']);
  });

  it('an answer that has come counts, though the timer is late', () => {
    const link = controlled();
    link.send(asdu, 0);
    expect(words(link.received(s(1), t1Ms + 1000))).toEqual(['acknowledged 1']);
    expect(words(link.tick(t1Ms + 1000))).toEqual([]);
  });
});

describe('violations', () => {
  it.each([
    { octets: '67', reason: 'frame-start' },
    { octets: '68 03', reason: 'frame-length' },
    { octets: '68 04 03 00 00 00', reason: 'frame-control' },
  ])('closes on $reason and does nothing afterwards', ({ octets, reason }) => {
    const link = controlled();
    expect(words(link.received(Buffer.concat([i(0, 0), hex(octets), i(1, 0)]), 1))).toEqual([
      'deliver',
      `close ${reason}`,
    ]);
    expect(link.received(i(1, 0), 2)).toEqual([]);
    expect(() => link.send(asdu, 2)).toThrow(/closed/);
    expect([link.state, link.sendable]).toEqual(['closed', 0]);
  });

  it('closes on data while stopped', () => {
    const link = new Link('controlled', DEFAULT_LINK_SETTINGS, 0);
    expect(words(link.received(i(0, 0), 1))).toEqual(['close data-while-stopped']);
    const master = new Link('controlling', DEFAULT_LINK_SETTINGS, 0);
    master.connected(0);
    master.start(0);
    expect(words(master.received(i(0, 0), 1))).toEqual(['close data-while-stopped']);
  });

  it('closes on data after the peer asked to stop', () => {
    const link = controlled();
    sendMany(link, 1);
    link.received(u('stopdt-act'), 1);
    expect(words(link.received(i(0, 1), 2))).toEqual(['close data-while-stopped']);
  });

  it.each(['startdt-act', 'stopdt-act', 'stopdt-con'] as const)(
    'closes a started controlling station on %s',
    (name) => {
      expect(words(controlling().received(u(name), 1))).toEqual(['close unexpected-function']);
    },
  );

  it.each(['startdt-con', 'stopdt-con'] as const)('closes a controlled station on %s', (name) => {
    expect(words(controlled().received(u(name), 1))).toEqual(['close unexpected-function']);
  });

  it('does nothing once the socket is gone', () => {
    const link = controlled();
    link.send(asdu, 0);
    link.closed();
    expect([link.tick(1e9), link.received(i(0, 0), 1), link.nextTimeoutAt]).toEqual([[], [], Number.POSITIVE_INFINITY]);
  });
});

describe('settings', () => {
  it.each([{ t2Ms: 15_000 }, { k: 0 }, { k: 32_768 }, { w: 0 }, { t3Ms: 0 }, { t1Ms: Number.NaN }])(
    'refuses %o',
    (change) => {
      expect(() => new Link('controlled', { ...DEFAULT_LINK_SETTINGS, ...change }, 0)).toThrow();
    },
  );

  it('deliver the ASDU octets as they came', () => {
    const [effect] = controlled().received(i(0, 0), 1);
    expect(effect?.kind === 'deliver' && toHex(effect.asdu)).toBe(toHex(asdu));
  });
});
