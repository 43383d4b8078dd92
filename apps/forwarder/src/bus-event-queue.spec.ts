import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeBatch } from '@busbar/batch';
import { type Bus, openEmbeddedBus } from '@busbar/bus';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BusEventQueue } from './bus-event-queue.js';
import { PlanIndex } from './plan-index.js';
import { batchOf, joinedPlan } from './test-plan.js';

const clock = { monotonicMs: () => performance.now(), wallMs: () => Date.now() };
const log = { info: () => undefined, warn: () => undefined, error: () => undefined };

let folder: string;
let bus: Bus;
let queue: BusEventQueue;

function open(...groups: string[]): BusEventQueue {
  queue = new BusEventQueue({
    bus,
    connection: 'dispatch',
    index: new PlanIndex(joinedPlan('a/power', 'a/state')),
    groups,
  });
  return queue;
}

async function publish(value: number, connection = 'dispatch'): Promise<void> {
  const batch = batchOf('a', ['state', value, value]);
  await bus.publish([{ topic: 'changes.queued.v1', key: connection, value: encodeBatch(batch), object: batch }]);
}

/** Everything that waits for a group, taken. */
async function taken(group: string, count: number): Promise<number[]> {
  const cursor = queue.cursor(group);
  await vi.waitFor(() => expect(cursor.waiting).toBe(count), 5_000);
  return [...cursor.take(count).value];
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'busbar-queue-'));
  bus = await openEmbeddedBus({ folder, clock, log });
  await bus.ensureTopics(['changes.queued.v1']);
});

afterEach(async () => {
  await queue.stop();
  await bus.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('the event queue of a forwarding connection', () => {
  it('gives every group all of its own events in order, and nothing of another connection', async () => {
    open('one', 'two');
    await publish(1);
    await publish(2, 'another');
    await publish(3);
    expect(await taken('one', 2)).toEqual([1, 3]);
    expect(await taken('two', 2)).toEqual([1, 3]);
  });

  it('begins after a restart with the first event that no master confirmed', async () => {
    open('one');
    await publish(1);
    await publish(2);
    await publish(3);
    expect(await taken('one', 3)).toEqual([1, 2, 3]);
    queue.cursor('one').confirm(1);
    await queue.stop();
    await bus.close();
    bus = await openEmbeddedBus({ folder, clock, log });
    open('one');
    expect(await taken('one', 2)).toEqual([2, 3]);
  });

  it('goes on past what is under way as masters confirm', async () => {
    open('one');
    for (let value = 0; value < 30; value++) await publish(value);
    const seen: number[] = [];
    const cursor = queue.cursor('one');
    await vi.waitFor(() => {
      const slice = cursor.take(100);
      seen.push(...slice.value);
      cursor.confirm(slice.count);
      expect(seen).toHaveLength(30);
    }, 5_000);
    expect(seen).toEqual(Array.from({ length: 30 }, (_, i) => i));
  });

  it('drops waiting events of an address that the plan does not have any more, and counts them', async () => {
    open('one');
    await publish(1);
    const cursor = queue.cursor('one');
    await vi.waitFor(() => expect(cursor.waiting).toBe(1), 5_000);
    const index = new PlanIndex(joinedPlan('a/power'));
    queue.replan(index, Int32Array.of(0));
    expect(cursor.waiting).toBe(0);
    expect(queue.dropped).toBe(1);
  });
});
