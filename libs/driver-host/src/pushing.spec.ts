import { type AnyDriver, DriverFaultError, type SampleWriter } from '@busbar/driver-sdk';
import { GOOD } from '@busbar/model';
import { beforeEach, describe, expect, it } from 'vitest';
import { deviceConfig, MemorySite, tagConfig } from './testing/memory-site.js';

interface Subscription {
  readonly out: SampleWriter;
  readonly tags: readonly number[];
  readonly signal: AbortSignal;
  fail(error: unknown): void;
}

let site: MemorySite;
let subscriptions: Subscription[];

const last = () => subscriptions.at(-1) as Subscription;
const seen = () => site.take().map(({ tag, value, quality }) => [tag, value, quality]);
const put = (tag: number, value: number) => last().out.put(tag, value, GOOD, Number.NaN);

beforeEach(() => {
  site = new MemorySite();
  subscriptions = [];
  const driver = {
    ...site.device.driver,
    subscribe: (_session: unknown, input: { tags: { index: number }[] }, out: SampleWriter, signal: AbortSignal) =>
      new Promise<void>((resolve, reject) => {
        signal.addEventListener('abort', () => resolve());
        subscriptions.push({ out, tags: input.tags.map(({ index }) => index), signal, fail: reject });
      }),
  };
  site.driver = driver as unknown as AnyDriver;
});

async function run(): Promise<void> {
  const tags = [tagConfig(1, { group: 'own', scale: 0.1 }), tagConfig(2, { group: 'own' }), tagConfig(3)];
  await site.run(tags, [deviceConfig('d1', { groups: { own: 'event', fast: 1000 } })]);
  site.take();
}

describe('values that a device sends by itself', () => {
  it('are subscribed to by group, and never read', async () => {
    await run();
    expect(subscriptions.map(({ tags }) => tags)).toEqual([[0, 1]]);
    await site.time.advance(3_000);
    expect(site.device.reads.every(({ addresses }) => addresses.join() === '3')).toBe(true);
  });

  it('are converted and published together, soon', async () => {
    await run();
    put(0, 498);
    put(1, 7);
    expect(site.batches).toEqual([]);
    await site.time.advance(20);
    expect(site.batches).toHaveLength(1);
    expect(seen()).toEqual([
      [1, 49.8, 'good'],
      [2, 7, 'good'],
    ]);
  });

  it('lose no change of one tag, however fast they come', async () => {
    await run();
    for (const value of [1, 2, 3]) put(1, value);
    await site.time.advance(20);
    expect(seen()).toEqual([1, 2, 3].map((value) => [2, value, 'good']));
  });

  it('make the connection active though nothing is ever read', async () => {
    await site.run([tagConfig(1, { group: 'own' })], [deviceConfig('d1', { groups: { own: 'event' } })]);
    expect(site.state().state).toBe('starting');
    put(0, 1);
    await site.time.advance(20);
    expect(site.state()).toMatchObject({ state: 'active', devices: [{ state: 'active', tagsGood: 1 }] });
  });

  it('turn bad when the link is gone, and are subscribed to anew when it is back', async () => {
    await run();
    put(1, 7);
    const first = last();
    first.fail(new DriverFaultError({ kind: 'connection-lost', reason: 'cut' }));
    await site.time.advance(0);
    expect(seen()).toEqual(
      expect.arrayContaining([
        [2, 7, 'good'],
        [1, undefined, 'bad not-connected'],
        [2, undefined, 'bad not-connected'],
      ]),
    );
    await site.time.advance(200);
    expect(subscriptions).toHaveLength(2);
    first.out.put(1, 8, GOOD, Number.NaN);
    put(1, 9);
    await site.time.advance(20);
    expect(seen().filter(([tag]) => tag === 2)).toEqual([[2, 9, 'good']]);
  });

  it('of a device that does not answer turn bad at the second time, and it is tried again', async () => {
    await site.run([tagConfig(1, { group: 'own' })], [deviceConfig('d1', { groups: { own: 'event' } })]);
    const silent = () => last().fail(new DriverFaultError({ kind: 'no-answer', timeoutMs: 50, sessionEnded: false }));
    silent();
    await site.time.advance(400);
    expect(subscriptions).toHaveLength(1);
    expect(seen()).toEqual([]);
    await site.time.advance(300);
    expect(subscriptions).toHaveLength(2);
    silent();
    await site.time.advance(0);
    expect(seen()).toEqual([[1, undefined, 'bad not-connected']]);
    await site.time.advance(1_500);
    expect(subscriptions).toHaveLength(3);
    put(0, 5);
    await site.time.advance(20);
    expect(seen()).toEqual([[1, 5, 'good']]);
    expect(subscriptions).toHaveLength(3);
  });

  it('are not taken without the lease, and begin anew with it', async () => {
    await run();
    site.isReadLeased = false;
    put(1, 7);
    await site.time.advance(1_000);
    expect(seen()).toEqual([]);
    expect(last().signal.aborted).toBe(true);
    site.isReadLeased = true;
    await site.time.advance(1_000);
    expect(subscriptions).toHaveLength(2);
  });

  it('end with their device', async () => {
    await run();
    await site.host.stop();
    expect(last().signal.aborted).toBe(true);
    put(1, 7);
    expect(seen()).toEqual([]);
  });

  it('of a driver that cannot subscribe are a fault of the configuration', async () => {
    site.driver = site.device.driver as unknown as AnyDriver;
    await site.run([tagConfig(1, { group: 'own' })], [deviceConfig('d1', { groups: { own: 'event' } })]);
    expect(seen()).toEqual([[1, undefined, 'bad configuration']]);
  });
});
