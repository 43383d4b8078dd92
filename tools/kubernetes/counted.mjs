// Keeps account of a counting site: what the simulated devices served, and what came to the stand-in for the cloud.
import { sleep } from './cluster.mjs';

export const SHAPE = { devices: 24, tags: 50 };
const CYCLE = Math.min(4096, Math.floor(6_300_000 / (SHAPE.devices * SHAPE.tags)));
const BASE = 100_000;
/** A value's time is that of its read, but for the way to the device and back. */
const MAX_TIME_APART_MS = 1_000;

/** Which read made a value; undefined for a number that no read can have made (apps/simulator, counting mode). */
function decode(value) {
  const n = Math.round(value * 100) - BASE;
  if (n < 0 || Math.abs(value * 100 - BASE - n) > 0.42) return undefined;
  const read = Math.floor(n / (SHAPE.tags * SHAPE.devices));
  return { tag: n % SHAPE.tags, device: Math.floor(n / SHAPE.tags) % SHAPE.devices, read: read % CYCLE };
}

const keyOf = ({ device, tag, read }) => (read * SHAPE.devices + device) * SHAPE.tags + tag;

export class CountedSite {
  /** Time of each read that was served, by value. */
  served = new Map();
  arrived = new Map();
  wrong = [];
  /** Said again with a later time when the value turned uncertain: the stand-in's log does not keep quality. */
  saidAgain = 0;
  #readsSeen = new Map();
  #valuesSeen = new Map();

  constructor(cluster, { simulator, cloud }) {
    this.cluster = cluster;
    this.targets = { simulator, cloud };
  }

  async #pages(seen, device, ask) {
    const all = [];
    for (let after = seen.get(device) ?? 0; ; ) {
      const { items, next } = await ask(after);
      all.push(...items);
      seen.set(device, next);
      if (items.length === 0 || next === after) return all;
      after = next;
    }
  }

  /** Takes what is new at both ends. Served reads last, so that every arrival has its read. */
  async collect() {
    const arrivals = [];
    for (let device = 0; device < SHAPE.devices; device++) {
      const values = await this.#pages(this.#valuesSeen, device, async (after) => {
        const answer = await this.cluster.http(this.targets.cloud, `/devices/d${device}/values?after=${after}`);
        return { items: answer.values, next: answer.next };
      });
      for (const value of values) arrivals.push({ ...value, asset: device });
    }
    for (let device = 0; device < SHAPE.devices; device++) {
      const reads = await this.#pages(this.#readsSeen, device, async (after) => {
        const answer = await this.cluster.http(this.targets.simulator, `/devices/d${device}/reads?after=${after}`);
        return { items: answer.reads, next: answer.next };
      });
      for (const { tag, count, value, time } of reads) {
        const first = decode(value);
        for (let i = 0; i < count; i++)
          this.served.set(keyOf({ device, tag: tag + i, read: first.read }), { device, time });
      }
    }
    for (const { asset, id, value, time } of arrivals) {
      const made = decode(value);
      const read = made && this.served.get(keyOf(made));
      const isOfPoint = read && made.device === asset && id === `t${made.tag}`;
      const apartMs = isOfPoint ? time - read.time : Number.NaN;
      if (Math.abs(apartMs) <= MAX_TIME_APART_MS)
        this.arrived.set(keyOf(made), (this.arrived.get(keyOf(made)) ?? 0) + 1);
      else if (apartMs > 0 && this.arrived.has(keyOf(made))) this.saidAgain++;
      else this.wrong.push({ asset, id, value, time, made, servedAt: read?.time });
    }
  }

  /** Served reads of a range of time (epoch ms) that did not arrive. */
  missing(from, to) {
    return [...this.served]
      .filter(([key, { time }]) => time >= from && time < to && !this.arrived.has(key))
      .map(([, read]) => read);
  }

  get repeats() {
    return [...this.arrived.values()].reduce((sum, times) => sum + times - 1, 0);
  }

  /** Longest time between two reads of each device, in ms. */
  longestPauses() {
    const times = new Map();
    for (const { device, time } of this.served.values()) {
      if (!times.has(device)) times.set(device, new Set());
      times.get(device).add(time);
    }
    return [...times.values()].map((set) => {
      const sorted = [...set].sort((a, b) => a - b);
      return sorted.slice(1).reduce((most, time, i) => Math.max(most, time - sorted[i]), 0);
    });
  }

  /** Values of every device come in, newer than now. */
  async untilFlowing(until) {
    const since = Date.now();
    await until(
      'values of all devices come to the cloud',
      async () => {
        const { assets } = await this.cluster.http(this.targets.cloud, '/summary');
        return (
          Object.values(assets).filter(({ lastReceivedAt }) => new Date(lastReceivedAt ?? 0).getTime() > since)
            .length >= SHAPE.devices
        );
      },
      120_000,
    );
  }

  /** Collects until nothing of the range is missing, or the time is over. */
  async settle(from, to, waitMs) {
    for (const giveUpAt = Date.now() + waitMs; ; await sleep(2_000)) {
      await this.collect();
      if (this.missing(from, to).length === 0 || Date.now() > giveUpAt) return;
    }
  }
}
