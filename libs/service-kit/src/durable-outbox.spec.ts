import type { OutRecord } from '@busbar/bus';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DurableOutbox } from './durable-outbox.js';
import { createLogger } from './log.js';
import { FakeBus } from './testing/fake-bus.js';

let bus: FakeBus;
let outbox: DurableOutbox;

beforeEach(() => {
  vi.useFakeTimers();
  bus = new FakeBus();
  outbox = new DurableOutbox(bus, createLogger('test', 'silent'));
});
afterEach(() => void vi.useRealTimers());

function record(key: string): OutRecord {
  return { topic: 'control.executed.v1', key, value: new Uint8Array() };
}

function keys(): string[] {
  return bus.published.map(({ key }) => key);
}

async function isSettled(): Promise<boolean> {
  let settled = false;
  void outbox.settled().then(() => {
    settled = true;
  });
  await vi.advanceTimersByTimeAsync(0);
  return settled;
}

describe('an outbox', () => {
  it('hands records to the bus in the same turn', async () => {
    outbox.put([record('a'), record('b')]);
    outbox.put([]);
    outbox.put([record('c')]);
    expect(keys()).toEqual(['a', 'b', 'c']);
    expect(await isSettled()).toBe(true);
  });

  it('publishes what the bus refused when it takes records again', async () => {
    bus.publishError = new Error('full');
    outbox.put([record('a')]);
    await vi.advanceTimersByTimeAsync(5000);
    expect(await isSettled()).toBe(false);
    bus.publishError = null;
    await vi.advanceTimersByTimeAsync(200);
    expect(keys()).toEqual(['a']);
    expect(await isSettled()).toBe(true);
  });

  it('keeps the order: nothing passes a record that waits', async () => {
    bus.publishError = new Error('full');
    outbox.put([record('a')]);
    await vi.advanceTimersByTimeAsync(300);
    bus.publishError = null;
    outbox.put([record('b')]);
    outbox.put([record('c')]);
    expect(keys()).toEqual([]);
    await vi.advanceTimersByTimeAsync(200);
    expect(keys()).toEqual(['a', 'b', 'c']);
    outbox.put([record('d')]);
    expect(keys()).toEqual(['a', 'b', 'c', 'd']);
  });

  it('is settled only when the earlier records are durable too', async () => {
    const publish = bus.publish.bind(bus);
    let release: () => void = () => undefined;
    bus.publish = async (records) => {
      const positions = await publish(records);
      if (records[0]?.key === 'slow') {
        await new Promise<void>((resolve) => {
          release = resolve;
        });
      }
      return positions;
    };
    outbox.put([record('slow')]);
    outbox.put([record('fast')]);
    expect(await isSettled()).toBe(false);
    release();
    expect(await isSettled()).toBe(true);
  });

  it('gives up at the stop alone', async () => {
    bus.publishError = new Error('away');
    outbox.put([record('a')]);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await isSettled()).toBe(false);
    outbox.stop();
    await vi.advanceTimersByTimeAsync(200);
    expect(await isSettled()).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });
});
