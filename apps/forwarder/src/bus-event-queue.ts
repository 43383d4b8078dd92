import { decodeBatch, type SampleBatch, sourceMs } from '@busbar/batch';
import type { Bus, Consumption, Delivery, InRecord } from '@busbar/bus';
import type { EventCursor, EventQueue } from '@busbar/server-sdk';
import { EventBacklog } from '@busbar/server-sdk';
import type { PlanIndex } from './plan-index.js';

/** Events that one group of masters may be behind; then the oldest go. */
const MOST_WAITING = 100_000;

export interface BusEventQueueParts {
  readonly bus: Bus;
  readonly connection: string;
  readonly index: PlanIndex;
  readonly groups: readonly string[];
}

interface Group {
  readonly backlog: EventBacklog;
  readonly consumption: Consumption;
}

/**
 * The event queue of a forwarding connection on changes.queued. Each group of masters is a consumer group: its position
 * moves only when the master confirmed, so a stop or a crash at any time leaves no hole.
 */
export class BusEventQueue implements EventQueue {
  readonly #parts: BusEventQueueParts;
  readonly #groups = new Map<string, Group>();
  #index: PlanIndex;

  constructor(parts: BusEventQueueParts) {
    this.#parts = parts;
    this.#index = parts.index;
    for (const group of parts.groups) this.#begin(group);
  }

  /** Events dropped because a group was too far behind, all groups together. */
  get dropped(): number {
    return [...this.#groups.values()].reduce((sum, { backlog }) => sum + backlog.dropped, 0);
  }

  /** Events that no master has taken yet. */
  get waiting(): number {
    return [...this.#groups.values()].reduce((sum, { backlog }) => sum + backlog.waiting, 0);
  }

  cursor(group: string): EventCursor {
    return (this.#groups.get(group) ?? this.#begin(group)).backlog;
  }

  /** Events of addresses that are gone are dropped, the others keep their order. */
  replan(index: PlanIndex, slotOf: Int32Array): void {
    this.#index = index;
    const newSlot = new Map<number, number>();
    slotOf.forEach((old, slot) => {
      if (old >= 0) newSlot.set(old, slot);
    });
    for (const { backlog } of this.#groups.values()) backlog.remap((old) => newSlot.get(old) ?? -1);
  }

  async stop(): Promise<void> {
    // What is not confirmed stays in the log: nobody waits for masters at a stop.
    for (const { backlog } of this.#groups.values()) backlog.close();
    await Promise.all([...this.#groups.values()].map(({ consumption }) => consumption.stop()));
  }

  #begin(name: string): Group {
    const { bus, connection } = this.#parts;
    const backlog = new EventBacklog(MOST_WAITING);
    const consumption = bus.consume('changes.queued.v1', `forwarder.${connection}.${name}`, (delivery, signal) =>
      this.#queue(backlog, delivery, signal),
    );
    const group = { backlog, consumption };
    this.#groups.set(name, group);
    return group;
  }

  /** Resolves when the last event of the delivery is confirmed or dropped; rejects when the queue stops before. */
  async #queue(backlog: EventBacklog, delivery: Delivery, signal: AbortSignal): Promise<void> {
    await delivery.flushed();
    signal.throwIfAborted();
    for (const record of delivery.records) {
      if (record.key === this.#parts.connection && record.value !== null) this.#append(backlog, batchOf(record));
    }
    await backlog.settled();
  }

  #append(backlog: EventBacklog, batch: SampleBatch): void {
    const asset = this.#index.of(batch.key);
    if (!asset) return;
    const { entries } = this.#index.plan;
    const event = { slot: 0, value: 0, timeMs: 0, quality: 0, isCollected: false };
    for (let i = 0; i < batch.count; i++) {
      const at = asset.handles.slotOf(batch.handles[i] as number);
      if (at === -1) continue;
      event.value = batch.values[i] as number;
      event.timeMs = sourceMs(batch, i);
      event.quality = batch.quality[i] as number;
      event.isCollected = event.timeMs === batch.collectedMs;
      for (const slot of asset.slots[at] as readonly number[]) {
        if (entries[slot]?.role !== 'value' || entries[slot]?.event !== 'soe') continue;
        event.slot = slot;
        backlog.append(event);
      }
    }
  }
}

function batchOf(record: InRecord): SampleBatch {
  return (record.object as SampleBatch | undefined) ?? decodeBatch(record.value as Uint8Array);
}
