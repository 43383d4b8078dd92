import { ending, TestServer } from '@busbar/server-testkit';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ClientSession, type SessionLink } from './client-session.js';
import type { ModbusServerConfig } from './config.js';
import { RegisterBank } from './register-bank.js';
import { ResultBlock } from './result-block.js';
import { plant, pointRow } from './test-plant.js';

const ROWS = [
  pointRow('p', { access: 'rw' }, { type: 'float32' }),
  pointRow('s', { type: 'bool', kind: 'DI', access: 'rw' }),
];

/** A socket that takes nothing until it is told to. */
class TestLink implements SessionLink {
  readonly sent: Buffer[] = [];
  writableLength = 0;
  isPaused = false;
  isDestroyed = false;
  isDeaf = false;

  write(octets: Uint8Array): void {
    this.sent.push(Buffer.from(octets));
    if (this.isDeaf) this.writableLength += octets.length;
  }

  cork(): void {}

  uncork(): void {}

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  destroy(): void {
    this.isDestroyed = true;
  }
}

function begin(server: TestServer<ModbusServerConfig> = plant(ROWS)) {
  const host = server.host();
  const link = new TestLink();
  const { plan, image } = server;
  const rules = { lost: 'fill', isPerUnit: false, order: 'ABCD', mirror: false } as const;
  const bank = new RegisterBank({ plan, image, rules });
  const block = new ResultBlock(server.time);
  const session = new ClientSession(
    {
      link,
      id: 'ems-link-1',
      address: '127.0.0.1',
      host,
      bank: () => bank,
      isControlled: () => true,
      results: () => block,
    },
    server.clients[0] as (typeof server.clients)[number],
  );
  return { server, link, session };
}

function frame(transaction: number, ...pdu: number[]): Buffer {
  return Buffer.from([transaction >> 8, transaction & 0xff, 0, 0, 0, pdu.length + 1, 1, ...pdu]);
}
const read = (transaction: number) => frame(transaction, 3, 0, 0, 0, 2);
const write = (transaction: number) => frame(transaction, 16, 0, 0, 0, 2, 4, 0x42, 0, 0, 0);

/** Whole frames, or the test fails. */
function pdusOf(link: TestLink): { transaction: number; pdu: number[] }[] {
  return link.sent.map((adu) => {
    expect(adu.readUInt16BE(2)).toBe(0);
    expect(adu.readUInt16BE(4)).toBe(adu.length - 6);
    return { transaction: adu.readUInt16BE(0), pdu: [...adu.subarray(7)] };
  });
}

describe('a session', () => {
  it('answers requests in order however they are cut', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 20 }), (cuts) => {
        const { link, session } = begin();
        const stream = Buffer.concat(Array.from({ length: 12 }, (_, n) => read(n)));
        for (let at = 0, turn = 0; at < stream.length; turn++) {
          const end = at + (cuts[turn % cuts.length] as number);
          session.receive(stream.subarray(at, end));
          at = end;
        }
        expect(pdusOf(link).map(({ transaction }) => transaction)).toEqual(Array.from({ length: 12 }, (_, n) => n));
      }),
    );
  });

  it('survives any octets: what it answers is a whole reply to a frame that was there', () => {
    const frames = fc.tuple(fc.integer({ min: 0, max: 0xffff }), fc.uint8Array({ minLength: 1, maxLength: 253 }));
    const chunk = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      frames.map(([transaction, pdu]) => frame(transaction, ...pdu)),
      fc.constantFrom(read(1), write(2)),
    );
    fc.assert(
      fc.property(fc.array(chunk, { maxLength: 8 }), (chunks) => {
        const { link, session } = begin();
        for (const octets of chunks) session.receive(octets);
        for (const { pdu } of pdusOf(link)) {
          const [fc = 0, second = 0] = pdu;
          if (fc >= 0x80) expect([pdu.length, [1, 2, 3, 4, 5, 6, 10, 11].includes(second)]).toEqual([2, true]);
          else if (fc <= 4 || fc === 23) expect(pdu.length).toBe(2 + second);
          else expect(pdu.length).toBe(fc === 22 ? 7 : 5);
        }
        session.closed();
      }),
      { numRuns: 500 },
    );
  }, 30_000);

  it('never asks for a command by mutated reads', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 11 }), fc.integer({ min: 0, max: 255 }), (at, octet) => {
        const { server, session } = begin();
        const octets = read(1);
        octets[at] = octet;
        session.receive(octets);
        const isWrite = at === 7 && [5, 6].includes(octet);
        if (!isWrite) expect(server.controls.wishes).toEqual([]);
        session.closed();
      }),
    );
  });

  it.each([
    ['another protocol', Buffer.from([0, 1, 0, 1, 0, 6, 1, 3, 0, 0, 0, 2])],
    ['a length of nothing', Buffer.from([0, 1, 0, 0, 0, 1, 1])],
    ['a length beyond the limit', Buffer.from([0, 1, 0, 0, 1, 0, 1])],
  ])('closes a link that speaks %s', (_what, octets) => {
    const { server, link, session } = begin();
    session.receive(octets);
    expect(link.isDestroyed).toBe(true);
    expect(server.refused).toEqual(['protocol']);
    expect(link.sent).toEqual([]);
  });

  it('closes a link that leaves a frame half for 5 s, a trickle too', async () => {
    const { server, link, session } = begin();
    for (const octet of read(1).subarray(0, 10)) {
      session.receive(Uint8Array.of(octet));
      await server.time.advance(480);
    }
    expect(link.isDestroyed).toBe(false);
    await server.time.advance(200);
    expect(link.isDestroyed).toBe(true);
  });

  it('leaves a link alone that is silent between whole frames', async () => {
    const { server, link, session } = begin();
    session.receive(read(1).subarray(0, 5));
    await server.time.advance(4_000);
    session.receive(read(1).subarray(5));
    await server.time.advance(3_600_000);
    expect(link.isDestroyed).toBe(false);
    expect(server.time.pendingCount).toBe(0);
  });

  it('queues 16 requests behind a write, is busy for more, and then reads on', async () => {
    const server = plant(ROWS);
    let end = (_: { kind: 'unknown'; reason: 'NO_ANSWER' }): void => undefined;
    server.controls.script = () => ending(new Promise((resolve) => (end = resolve)));
    const { link, session } = begin(server);
    session.receive(Buffer.concat([write(100), ...Array.from({ length: 18 }, (_, n) => read(n))]));
    expect(pdusOf(link)).toEqual([16, 17].map((transaction) => ({ transaction, pdu: [0x83, 6] })));
    expect(link.isPaused).toBe(true);
    end({ kind: 'unknown', reason: 'NO_ANSWER' });
    await server.time.advance(0);
    const rest = pdusOf(link).slice(2);
    expect(rest.map(({ transaction }) => transaction)).toEqual([100, ...Array.from({ length: 16 }, (_, n) => n)]);
    expect(rest[0]?.pdu).toEqual([0x90, 11]);
    expect(link.isPaused).toBe(false);
  });

  it('does not blame a client for a half frame whose rest it does not read', async () => {
    const server = plant(ROWS, { answerWithin: '60s' });
    server.controls.script = () => ending(new Promise(() => undefined));
    const { link, session } = begin(server);
    session.receive(
      Buffer.concat([write(100), ...Array.from({ length: 16 }, (_, n) => read(n)), read(1).subarray(0, 3)]),
    );
    expect(link.isPaused).toBe(true);
    await server.time.advance(59_000);
    expect(link.isDestroyed).toBe(false);
    await server.time.advance(1_000);
    expect([link.isPaused, link.sent.length]).toEqual([false, 17]);
    await server.time.advance(5_000);
    expect(link.isDestroyed).toBe(true);
  });

  it('takes no more from a client that does not read, and gives it up after a while', async () => {
    const { server, link, session } = begin();
    link.isDeaf = true;
    for (let n = 0; n < 60_000 && !link.isPaused; n++) session.receive(read(n & 0xffff));
    expect(link.isPaused).toBe(true);
    expect(link.writableLength).toBeLessThan(300 * 1024);
    await server.time.advance(29_000);
    expect(link.isDestroyed).toBe(false);
    await server.time.advance(1_000);
    expect(link.isDestroyed).toBe(true);
  });

  it('goes on when a slow client has read', async () => {
    const { server, link, session } = begin();
    link.isDeaf = true;
    for (let n = 0; n < 60_000 && !link.isPaused; n++) session.receive(read(n & 0xffff));
    link.isDeaf = false;
    link.writableLength = 0;
    session.drained();
    expect(link.isPaused).toBe(false);
    await server.time.advance(60_000);
    expect(link.isDestroyed).toBe(false);
    session.receive(read(7));
    expect(pdusOf(link).at(-1)?.transaction).toBe(7);
  });

  it('says nothing any more once it is closed', async () => {
    const { server, link, session } = begin();
    server.controls.script = () => ending(new Promise(() => undefined));
    session.receive(write(1));
    session.closed();
    expect(server.time.pendingCount).toBe(0);
    session.closed();
    session.receive(read(2));
    await server.time.advance(10_000);
    expect(link.sent).toEqual([]);
    expect(server.controls.lostLinks).toEqual(['ems-link-1']);
  });
});
