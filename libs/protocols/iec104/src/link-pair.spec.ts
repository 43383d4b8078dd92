import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Link, type LinkEffect, type LinkRole, type LinkSettings } from './link.js';

/** One end of a connection: its machine, its octets on the way to the other end, what it saw. */
class Station {
  readonly link: Link;
  readonly wire: number[] = [];
  readonly delivered: number[] = [];
  readonly events: string[] = [];
  sent = 0;
  acknowledged = 0;

  constructor(role: LinkRole, settings: LinkSettings) {
    this.link = new Link(role, settings, 0);
  }

  run(effects: readonly LinkEffect[]): void {
    for (const effect of effects) {
      if (effect.kind === 'send') this.wire.push(...effect.octets);
      else if (effect.kind === 'deliver') this.delivered.push(serial(effect.asdu));
      else if (effect.kind === 'acknowledged') this.acknowledged = effect.upTo;
      else this.events.push(effect.kind === 'close' ? effect.reason : effect.kind);
    }
  }

  send(nowMs: number): void {
    if (this.link.sendable === 0) return;
    this.run(this.link.send(numbered(this.sent++), nowMs));
  }

  /** Takes up to `octets` of what the other end has sent. */
  receive(other: Station, octets: number, nowMs: number): void {
    const chunk = Uint8Array.from(other.wire.splice(0, octets));
    if (chunk.length > 0) this.run(this.link.received(chunk, nowMs));
  }
}

/** An ASDU of the link layer's eyes: any octets, here a number and a length that changes. */
function numbered(number: number): Uint8Array {
  const asdu = new Uint8Array(4 + (number % 246));
  new DataView(asdu.buffer).setUint32(0, number);
  return asdu;
}

function serial(asdu: Uint8Array): number {
  return new DataView(asdu.buffer, asdu.byteOffset).getUint32(0);
}

const someSettings: fc.Arbitrary<LinkSettings> = fc.record({
  t0Ms: fc.constant(30_000),
  t1Ms: fc.constant(15_000),
  t2Ms: fc.integer({ min: 1, max: 10_000 }),
  t3Ms: fc.integer({ min: 1000, max: 20_000 }),
  k: fc.integer({ min: 1, max: 20 }),
  w: fc.integer({ min: 1, max: 20 }),
});

type Step =
  | { readonly act: 'send' | 'switch'; readonly side: 0 | 1 }
  | { readonly act: 'receive'; readonly side: 0 | 1; readonly octets: number }
  | { readonly act: 'wait'; readonly ms: number };

const side = fc.constantFrom(0 as const, 1 as const);
const someSteps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ act: fc.constant('send' as const), side }) },
    {
      weight: 8,
      arbitrary: fc.record({ act: fc.constant('receive' as const), side, octets: fc.integer({ min: 1, max: 600 }) }),
    },
    { weight: 2, arbitrary: fc.record({ act: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 12_000 }) }) },
    { weight: 1, arbitrary: fc.record({ act: fc.constant('switch' as const), side: fc.constant(1 as const) }) },
  ),
  { minLength: 20, maxLength: 300, size: 'max' },
);

class Conversation {
  nowMs = 0;
  private readonly ends: readonly [Station, Station];

  constructor(
    readonly server: Station,
    readonly master: Station,
  ) {
    this.ends = [server, master];
    master.run(master.link.connected(0));
  }

  step(step: Step): void {
    if (step.act === 'wait') {
      this.wait(step.ms);
      return;
    }
    const end = this.ends[step.side];
    if (step.act === 'send') end.send(this.nowMs);
    else if (step.act === 'receive') end.receive(this.ends[1 - step.side] as Station, step.octets, this.nowMs);
    else if (end.link.state === 'stopped') end.run(end.link.start(this.nowMs));
    else if (end.link.state === 'started') end.run(end.link.stop(this.nowMs));
  }

  /** Time passes from timeout to timeout; the network is quicker than any of them. */
  wait(ms: number): void {
    const until = this.nowMs + ms;
    for (;;) {
      this.settle();
      const next = Math.min(this.server.link.nextTimeoutAt, this.master.link.nextTimeoutAt);
      if (next > until) break;
      this.nowMs = Math.max(next, this.nowMs);
      for (const { link } of this.ends) expect(link.nextTimeoutAt).toBeGreaterThanOrEqual(this.nowMs);
      for (const end of this.ends) end.run(end.link.tick(this.nowMs));
    }
    this.nowMs = until;
  }

  settle(): void {
    while (this.server.wire.length + this.master.wire.length > 0) {
      this.master.receive(this.server, 997, this.nowMs);
      this.server.receive(this.master, 997, this.nowMs);
    }
  }

  check(): void {
    for (const [end, other] of [this.ends, [this.master, this.server]] as [Station, Station][]) {
      // In order, none twice, none missing; acknowledged is never ahead of delivered.
      const { length } = other.delivered;
      const isSound =
        end.link.state !== 'closed' &&
        length <= end.sent &&
        end.acknowledged <= length &&
        (other.delivered.at(-1) ?? -1) === length - 1;
      if (!isSound) {
        expect({ state: end.link.state, events: end.events, delivered: other.delivered }).toBe('sound');
      }
    }
  }
}

describe('two stations on one pipe', () => {
  it('never break a rule in the eyes of the other, and lose nothing, whatever the schedule', () => {
    const met = { sent: 0, stops: 0 };
    fc.assert(
      fc.property(someSettings, someSettings, someSteps, (serverSettings, masterSettings, steps) => {
        const server = new Station('controlled', serverSettings);
        const master = new Station('controlling', masterSettings);
        const talk = new Conversation(server, master);
        talk.step({ act: 'switch', side: 1 });
        for (const step of steps) {
          talk.step(step);
          talk.check();
        }
        talk.wait(40_000);
        talk.check();
        for (const [end, other] of [
          [server, master],
          [master, server],
        ] as const) {
          expect(other.delivered).toEqual(Array.from({ length: end.sent }, (_, number) => number));
          expect(end.acknowledged).toBe(end.sent);
        }
        expect(server.link.state).toBe(master.link.state);
        expect(server.events).toEqual(master.events);
        met.sent += server.sent + master.sent;
        met.stops += server.events.filter((event) => event === 'stopped').length;
      }),
      { numRuns: 150 },
    );
    expect(met.sent).toBeGreaterThan(1000);
    expect(met.stops).toBeGreaterThan(50);
  }, 30_000);
});
