import { join } from 'node:path';
import { type CountedValue, type CountingShape, decodeCounted, Tally } from './counting.js';
import { root } from './program.js';
import { Site, type SiteOptions } from './site.js';
import { until } from './until.js';

/** The shape of the package e2e/counting. */
export const COUNTED: CountingShape = { devices: 24, tags: 50 };

/** A value's source time is that of its read, but for the way to the device and back. */
const MAX_TIME_APART_MS = 1_000;

interface JournalEntry {
  readonly n: number;
  readonly tag: number;
  readonly count: number;
  readonly value: number;
  readonly time: number;
}

interface CloudValue {
  readonly n: number;
  readonly id: string;
  readonly value: number;
  readonly time: number;
  /** 0 good, 1 uncertain, 2 bad. */
  readonly quality?: number;
}

/** A value that came to the stand-in: which read made it, when the device was read, and what is wrong with it. */
export interface Arrival extends Partial<CountedValue> {
  readonly asset: number;
  readonly id: string;
  readonly time: number;
  /** Said to be older than its time: the last one of a tag that was not read since. */
  readonly isOld: boolean;
}

/** One read that the simulator served: every tag of a device at a time. */
export interface ServedRead extends CountedValue {
  /** Epoch ms. */
  readonly time: number;
}

async function pages<T>(
  first: number,
  ask: (after: number) => Promise<{ readonly items: readonly T[]; readonly next: number }>,
): Promise<{ readonly items: T[]; readonly next: number }> {
  const all: T[] = [];
  for (let after = first; ; ) {
    const { items, next } = await ask(after);
    all.push(...items);
    if (items.length === 0 || next === after) return { items: all, next: after };
    after = next;
  }
}

/** The site e2e/counting, where every value tells which read made it; keeps account of both ends. */
export class CountedSite {
  readonly site: Site;
  /** What came to the stand-in, over all its runs. */
  readonly arrived = new Tally(COUNTED);
  /** Arrivals that no read of their point can have made, or that carry the time of another read. */
  readonly wrong: Arrival[] = [];
  #served = new Map<string, number>();
  /** Number of the newest value of each device that was taken from the stand-in's present run. */
  #taken = new Map<number, number>();

  private constructor(site: Site) {
    this.site = site;
  }

  /** Standalone, unless programs are named. */
  static async start(options: Pick<SiteOptions, 'programs' | 'env'> = {}): Promise<CountedSite> {
    const { devices, tags } = COUNTED;
    const counting = { BUSBAR_SIMULATOR_COUNTING: `${devices}x${tags}`, BUSBAR_CLOUD_COUNTING: 'true' };
    const env = { ...options.env, ...counting };
    const site = await Site.start({ ...options, package: join(root, 'e2e', 'counting'), env });
    const counted = new CountedSite(site);
    await counted.untilFlowing();
    return counted;
  }

  /** Waits for new values of every device at the stand-in. */
  async untilFlowing(timeoutMs = 60_000): Promise<void> {
    const since = Date.now();
    await until(
      'values of all devices come to the cloud',
      async () => {
        const { body } = await this.site.cloud<{ assets: Record<string, { lastReceivedAt: number | string | null }> }>(
          '/summary',
        );
        const fresh = Object.values(body.assets).filter(
          ({ lastReceivedAt }) => lastReceivedAt !== null && new Date(lastReceivedAt).getTime() > since,
        );
        return fresh.length >= COUNTED.devices;
      },
      timeoutMs,
    );
  }

  /** All values that the simulator has served, with the time of their read. */
  async served(): Promise<ServedRead[]> {
    const reads: ServedRead[] = [];
    for (let device = 0; device < COUNTED.devices; device++) {
      const { items } = await pages(0, async (after) => {
        const { body } = await this.site.simulator<{ reads: JournalEntry[]; next: number }>(
          `/devices/d${device}/reads?after=${after}`,
        );
        return { items: body.reads, next: body.next };
      });
      for (const { tag, count, value, time } of items) {
        const first = decodeCounted(value, COUNTED);
        if (!first) throw new Error(`the simulator served ${value}, which is no counting value`);
        for (let i = 0; i < count; i++) reads.push({ device, tag: tag + i, read: first.read, time });
      }
    }
    return reads;
  }

  /** Takes what has come to the stand-in since the last call, judges it, and gives it in the order of arrival. */
  async collect(): Promise<Arrival[]> {
    const arrivals: Arrival[] = [];
    for (let device = 0; device < COUNTED.devices; device++) {
      const { items, next } = await pages(this.#taken.get(device) ?? 0, async (after) => {
        const { body } = await this.site.cloud<{ values: CloudValue[]; next: number }>(
          `/devices/d${device}/values?after=${after}`,
        );
        return { items: body.values, next: body.next };
      });
      this.#taken.set(device, next);
      for (const { id, value, time, quality = 0 } of items)
        arrivals.push({ asset: device, id, time, isOld: quality !== 0, ...decodeCounted(value, COUNTED) });
    }
    // Asked after the values: every read that made one is in it.
    for (const { device, tag, read, time } of await this.served()) this.#served.set(`${device} ${tag} ${read}`, time);
    for (const arrival of arrivals) this.#judge(arrival);
    return arrivals;
  }

  /** Served reads that did not come, of those in a range of time (epoch ms). */
  async missing(fromMs: number, toMs: number): Promise<ServedRead[]> {
    return (await this.served()).filter((read) => read.time >= fromMs && read.time < toMs && !this.arrived.has(read));
  }

  /** Cuts the stand-in off without losing sight of a value that it acknowledged; its memory is gone afterwards. */
  async cutCloud(): Promise<void> {
    await this.site.cloud('/faults', { method: 'POST', body: JSON.stringify({ kind: 'no-reply' }) });
    await this.collect();
    await this.site.program('cloud').stop();
    this.#taken.clear();
  }

  /** How often each value was written to a device. */
  async written(): Promise<Map<number, number>> {
    const times = new Map<number, number>();
    for (let device = 0; device < COUNTED.devices; device++) {
      const { body } = await this.site.simulator<{ writes: { value: number }[] }>(`/devices/d${device}/writes?after=0`);
      for (const { value } of body.writes) times.set(value, (times.get(value) ?? 0) + 1);
    }
    return times;
  }

  #judge(arrival: Arrival): void {
    const { asset, id, time, device, tag, read } = arrival;
    if (device === undefined || tag === undefined || read === undefined || device !== asset || id !== `t${tag}`) {
      this.wrong.push(arrival);
      return;
    }
    const servedAt = this.#served.get(`${device} ${tag} ${read}`);
    const apart = servedAt === undefined ? Number.NaN : time - servedAt;
    if (arrival.isOld && apart > -MAX_TIME_APART_MS) return;
    if (!(Math.abs(apart) <= MAX_TIME_APART_MS)) this.wrong.push(arrival);
    else this.arrived.add({ device, tag, read });
  }
}
