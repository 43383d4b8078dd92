import { faultOf, settle } from '@busbar/driver-testkit';
import { describe, expect, it } from 'vitest';
import { deviceConfig, MemorySite, tagConfig } from './testing/memory-site.js';

const yes = (): boolean => true;
const target = (tag: number, value: number | string | boolean) => ({ connection: 'c1', device: 'd1', tag, value });

describe('writing', () => {
  it('sends the raw value of a value in tag units', async () => {
    const site = new MemorySite();
    await site.run([tagConfig(1, { type: 'uint16', scale: 0.1, writeMode: 'single' })]);
    expect(await site.host.write(target(1, 49.8), yes)).toEqual({ outcome: 'done' });
    expect(site.device.writes).toMatchObject([
      { device: { unit: 1 }, address: 1, type: 'uint16', count: 1, order: 'ABCD', writeMode: 'single', value: 498 },
    ]);
  });

  it('goes ahead of reads that wait, one at a time', async () => {
    const site = new MemorySite();
    const order: string[] = [];
    let release = (): void => {};
    site.device.blockSize = 1;
    await site.run([tagConfig(1), tagConfig(2)]);
    site.device.reading = (request) => {
      order.push(`read ${request.addresses[0]}`);
      return new Promise((resolve) => {
        release = () => resolve(undefined);
      });
    };
    site.device.writing = (command) => {
      order.push(`write ${command.value}`);
      return { outcome: 'done' };
    };
    await site.time.advance(1_000);
    const writes = [site.host.write(target(1, 5), yes), site.host.write(target(1, 6), yes)];
    await settle();
    expect(order).toEqual(['read 1']);
    release();
    await Promise.all(writes);
    await settle();
    expect(order).toEqual(['read 1', 'write 5', 'write 6', 'read 2']);
  });

  it('asks the gate once, in the turn in which the driver is called, and sends nothing if it says no', async () => {
    const site = new MemorySite();
    await site.run([tagConfig(1)]);
    let isSameTurn = false;
    let asked = 0;
    site.device.writing = () => {
      expect(isSameTurn).toBe(true);
      return { outcome: 'done' };
    };
    const gate = (): boolean => {
      asked++;
      isSameTurn = true;
      queueMicrotask(() => {
        isSameTurn = false;
      });
      return true;
    };
    expect(await site.host.write(target(1, 5), gate)).toEqual({ outcome: 'done' });
    expect(asked).toBe(1);
    expect(await site.host.write(target(1, 5), () => false)).toEqual({ outcome: 'not-sent', reason: 'GATE' });
    site.isWriteLeased = false;
    expect(await site.host.write(target(1, 5), gate)).toEqual({ outcome: 'not-sent', reason: 'GATE' });
    expect(asked).toBe(1);
    expect(site.device.writes.length).toBe(1);
  });

  it.each([
    [
      { outcome: 'refused', answer: 'exception 2' },
      { outcome: 'refused', answer: 'exception 2' },
    ],
    [{ outcome: 'not-sent' }, { outcome: 'not-sent', reason: 'DRIVER' }],
    [{ outcome: 'unknown' }, { outcome: 'unknown', reason: 'NO_ANSWER' }],
    [
      { outcome: 'unknown', reason: 'LINK_LOST', sessionEnded: true },
      { outcome: 'unknown', reason: 'LINK_LOST' },
    ],
  ] as const)('reports %o once and repeats nothing', async (result, report) => {
    const site = new MemorySite();
    await site.run([tagConfig(1)]);
    site.device.writing = () => result;
    expect(await site.host.write(target(1, 5), yes)).toEqual(report);
    await site.time.advance(60_000);
    expect(site.device.writes.length).toBe(1);
    site.take();
    await site.time.advance(1_000);
    expect(site.take()).toMatchObject([{ value: 1, quality: 'good' }]);
  });

  it('reports unknown when the driver throws, since octets may have left', async () => {
    const site = new MemorySite();
    await site.run([tagConfig(1)]);
    site.device.writing = () => {
      throw faultOf({ kind: 'connection-lost', reason: 'cut' });
    };
    expect(await site.host.write(target(1, 5), yes)).toMatchObject({ outcome: 'unknown', reason: 'LINK_LOST' });
    await site.time.advance(2_000);
    site.device.writing = () => {
      throw new TypeError('oops');
    };
    expect(await site.host.write(target(1, 5), yes)).toMatchObject({ outcome: 'unknown', reason: 'NO_ANSWER' });
    expect(site.device.writes.length).toBe(2);
  });

  it.each([
    ['out of the range of the type', target(1, 70_000), 'OUT_OF_RANGE'],
    ['outside min and max', target(2, 101), 'OUT_OF_RANGE'],
    ['an invalid code', target(3, 65_535), 'OUT_OF_RANGE'],
    ['no number', target(1, 'x'), 'OUT_OF_RANGE'],
    ['a tag that is read only', target(4, 1), 'NOT_SENT'],
    ['a tag that is not there', target(99, 1), 'NOT_SENT'],
    ['a device that is not there', { ...target(1, 1), device: 'd9' }, 'NOT_SENT'],
    ['a connection that is not there', { ...target(1, 1), connection: 'c9' }, 'NOT_SENT'],
  ])('sends nothing for %s', async (_what, wanted, reason) => {
    const site = new MemorySite();
    await site.run([
      tagConfig(1, { type: 'uint16' }),
      tagConfig(2, { min: 0, max: 100 }),
      tagConfig(3, { type: 'uint16', invalid: [65535] }),
      tagConfig(4, { access: 'r' }),
    ]);
    expect(await site.host.write(wanted, yes)).toMatchObject({ outcome: 'not-sent', reason });
    expect(site.device.writes).toEqual([]);
  });

  it('sends nothing on a read-only connection, and tells the driver that it is one', async () => {
    const site = new MemorySite();
    await site.run([tagConfig(1)], [deviceConfig('d1')], { readOnly: true });
    expect(await site.host.write(target(1, 5), yes)).toEqual({ outcome: 'not-sent', reason: 'READ_ONLY' });
    expect(site.device.context?.readOnly).toBe(true);
  });

  it('sends nothing while the link is gone, and nothing later either', async () => {
    const site = new MemorySite();
    await site.run([tagConfig(1)]);
    const cut = (): never => {
      throw faultOf({ kind: 'connection-lost', reason: 'cut' });
    };
    site.device.reading = cut;
    site.device.connecting = cut;
    await site.time.advance(1_000);
    expect(await site.host.write(target(1, 5), yes)).toEqual({ outcome: 'not-sent', reason: 'NOT_CONNECTED' });
    site.device.connecting = () => {};
    site.device.reading = () => undefined;
    await site.time.advance(60_000);
    expect(site.device.writes).toEqual([]);
  });

  it('ends what waits when the link goes', async () => {
    const site = new MemorySite();
    await site.run([tagConfig(1)]);
    let fail = (): void => {};
    site.device.reading = () =>
      new Promise((_resolve, reject) => {
        fail = () => reject(faultOf({ kind: 'connection-lost', reason: 'cut' }));
      });
    site.device.connecting = () => {
      throw faultOf({ kind: 'connection-lost', reason: 'cut' });
    };
    await site.time.advance(1_000);
    const writing = site.host.write(target(1, 5), yes);
    fail();
    expect(await writing).toEqual({ outcome: 'not-sent', reason: 'NOT_CONNECTED' });
  });

  it('writes with the power of ten that was read', async () => {
    const site = new MemorySite();
    site.device.value = (address) => (address === 2 ? -2 : 0);
    await site.run([tagConfig(1, { type: 'uint16', scaleBy: 2 }), tagConfig(2, { type: 'int16' })]);
    await site.host.write(target(1, 12.34), yes);
    expect(site.device.writes[0]?.value).toBe(1234);
  });
});

describe('reading out of turn', () => {
  it('gives the value with the time before it was asked for', async () => {
    const site = new MemorySite();
    await site.run([tagConfig(1, { scale: 0.1, type: 'uint16' })]);
    site.device.value = () => 498;
    site.device.reading = () =>
      new Promise((resolve) => {
        site.time.after(200, () => resolve(undefined));
      });
    await site.time.advance(300);
    site.take();
    const before = site.time.monotonicMs();
    const reading = site.host.readNow({ connection: 'c1', device: 'd1', tag: 1 });
    await site.time.advance(300);
    expect(await reading).toMatchObject({ value: 49.8, quality: 0, collectedMonotonicMs: before });
    expect(site.take()).toEqual([]);
  });

  it('goes before scans and after writes', async () => {
    const site = new MemorySite();
    site.device.blockSize = 1;
    const order: string[] = [];
    const releases: (() => void)[] = [];
    await site.run([tagConfig(1), tagConfig(2), tagConfig(3)]);
    site.device.reading = (request) => {
      order.push(`read ${request.addresses[0]}`);
      return new Promise((resolve) => {
        releases.push(() => resolve(undefined));
      });
    };
    site.device.writing = () => {
      order.push('write');
      return { outcome: 'done' };
    };
    await site.time.advance(1_000);
    const reading = site.host.readNow({ connection: 'c1', device: 'd1', tag: 3 });
    void site.host.write(target(1, 5), yes);
    releases.shift()?.();
    await settle();
    releases.shift()?.();
    await reading;
    expect(order.slice(0, 3)).toEqual(['read 1', 'write', 'read 3']);
  });

  it('is bad when there is no answer, no link or no such tag', async () => {
    const site = new MemorySite();
    await site.run([tagConfig(1)]);
    expect(await site.host.readNow({ connection: 'c1', device: 'd1', tag: 9 })).toMatchObject({
      value: null,
      quality: 0x80 | 13,
    });
    site.device.reading = () => {
      throw faultOf({ kind: 'no-answer', timeoutMs: 1, sessionEnded: false });
    };
    expect(await site.host.readNow({ connection: 'c1', device: 'd1', tag: 1 })).toMatchObject({
      value: null,
      quality: 0x80 | 8,
    });
  });

  it('takes a refused address for bad', async () => {
    const site = new MemorySite();
    await site.run([tagConfig(1)]);
    site.device.reading = () => ({ kind: 'refused', reason: 'illegal data address' });
    expect(await site.host.readNow({ connection: 'c1', device: 'd1', tag: 1 })).toMatchObject({
      value: null,
      quality: 0x80 | 15,
    });
  });
});
