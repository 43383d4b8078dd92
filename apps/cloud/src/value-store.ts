import type { PostedValue } from './judge-post.js';
import type { ValueLog } from './value-log.js';

export interface NewestValue {
  readonly value: unknown;
  readonly quality: number | null;
  readonly time: number;
}

export interface Received {
  received: number;
  lastReceivedAt: number | null;
}

interface DeviceValues extends Received {
  readonly newest: Map<string, NewestValue>;
}

/** What the devices sent: the newest value of each point by source time, and counts. */
export class ValueStore {
  readonly #devices = new Map<string, DeviceValues>();
  readonly #total: Received = { received: 0, lastReceivedAt: null };
  readonly #log: ValueLog | null;

  constructor(log: ValueLog | null) {
    this.#log = log;
  }

  take(values: readonly PostedValue[], nowMs: number): void {
    for (const { device, point, value, quality, timeMs } of values) {
      let held = this.#devices.get(device.deviceKey);
      if (!held) {
        held = { received: 0, lastReceivedAt: null, newest: new Map() };
        this.#devices.set(device.deviceKey, held);
      }
      const before = held.newest.get(point);
      if (!before || before.time <= timeMs) held.newest.set(point, { value, quality: quality ?? null, time: timeMs });
      held.received++;
      held.lastReceivedAt = nowMs;
      this.#log?.add(device.deviceKey, { id: point, value, time: timeMs, quality });
    }
    if (values.length === 0) return;
    this.#total.received += values.length;
    this.#total.lastReceivedAt = nowMs;
  }

  get total(): Readonly<Received> {
    return this.#total;
  }

  counts(deviceKey: string): Received {
    const { received = 0, lastReceivedAt = null } = this.#devices.get(deviceKey) ?? {};
    return { received, lastReceivedAt };
  }

  newest(deviceKey: string): Readonly<Record<string, NewestValue>> {
    return Object.fromEntries(this.#devices.get(deviceKey)?.newest ?? []);
  }
}
