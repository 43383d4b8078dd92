import { setTimeout as later } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { PlanSite, TemplateRow } from '@busbar/address-plan';
import { GOOD } from '@busbar/model';
import type { EventBacklog, Listening, PointImage, ServerClientConfig } from '@busbar/server-sdk';
import { testServerHost } from '@busbar/server-testkit';
import server from './server.js';

/*
 * A server of many measured values as a process of its own, for benchmarks: its CPU and memory are nobody else's.
 * `--points n --rate n`: values, and changes of them per second; `--events n`: changes of states, each of them an event
 * whose stamp is one ms after the last one's; `--masters n`: who may come, each with a queue. Says its port and figures on its channel when asked.
 */

const PER_DEVICE = 100;
const TICK_MS = 50;
/** Midnight: the ms of the day are the number of the event. */
const EVENTS_FROM_MS = Date.UTC(2026, 0, 1);

/** `points` floats, or states, in devices of 100 each. */
export function widePlant(points: number, isState = false): PlanSite {
  const rows: TemplateRow[] = Array.from({ length: PER_DEVICE }, (_, n) => ({
    point: `p${n}`,
    model: { type: isState ? 'bool' : 'float', kind: isState ? 'DI' : 'AI', access: 'r' },
  }));
  const devices = Array.from({ length: Math.ceil(points / PER_DEVICE) }, (_, n) => ({
    asset: `d${n + 1}`,
    index: n + 1,
    template: 't',
  }));
  return { devices, templates: new Map([['t', { id: 't', rows }]]) };
}

/** Room for all classes; every master by an address of its own is a group of its own. */
export const WIDE_CONFIG = {
  address: '127.0.0.1',
  port: 0,
  timezone: 'UTC',
  starts: { YX: 1, YC: 100_001, YK: 300_001, YT: 400_001, YM: 500_001 },
  service: { start: 600_001 },
  maxClients: 64,
};

export function wideClients(count: number): ServerClientConfig[] {
  return Array.from({ length: count }, (_, n) => {
    const address = `127.0.2.${n + 1}`;
    return { name: `m${n + 1}`, addresses: [address], group: address, control: false };
  });
}

interface Load {
  readonly points: number;
  readonly rate: number;
  readonly events: number;
  readonly masters: number;
}

async function run({ points, rate, events, masters }: Load): Promise<void> {
  const plant = testServerHost(server, {
    config: WIDE_CONFIG,
    clients: [...wideClients(masters), { name: 'other', addresses: ['127.0.0.1'], group: 'other', control: false }],
    site: widePlant(points, events > 0),
  });
  const { image } = plant;
  const groups = wideClients(masters).map(({ group }) => group);
  const clock = { monotonicMs: () => performance.now(), wallMs: () => Date.now() };
  const timers = {
    setTimeout: (work: () => void, ms: number) => setTimeout(work, ms),
    clearTimeout: (timer: unknown) => clearTimeout(timer as NodeJS.Timeout),
  };
  const slots = plant.plan.entries.flatMap(({ role }, slot) => (role === 'value' ? [slot] : []));
  const put = (slot: number, value: number) =>
    image.set(slot, value, { timeMs: clock.wallMs(), quality: GOOD, isCollected: false });
  slots.forEach((slot, n) => {
    put(slot, n);
  });
  const host = { ...plant.host(), clock, timers };
  const listening = await server.listen(host, new AbortController().signal);
  process.on('message', () => {
    // What is in use, not what waits to be collected; there with --expose-gc.
    globalThis.gc?.();
    const { rss, heapUsed, arrayBuffers } = process.memoryUsage();
    const { user, system } = process.cpuUsage();
    const clients = listening.clients().length;
    process.send?.({ cpuMs: (user + system) / 1_000, rss, heapUsed, arrayBuffers, clients });
  });
  process.on('disconnect', () => process.exit(0));
  process.send?.({ port: listening.port, points: slots.length });
  if (events > 0)
    await tellStates(slots, { listening, queues: groups.map((group) => plant.events(group)), image, events });
  const changed = new Uint32Array(Math.ceil((rate * TICK_MS) / 1_000));
  for (let n = 0; rate > 0; ) {
    for (let i = 0; i < changed.length; i++, n++) {
      const slot = slots[n % slots.length] as number;
      put(slot, (image.value[slot] as number) + 1);
      changed[i] = slot;
    }
    listening.apply(changed, changed.length);
    await later(TICK_MS);
  }
}

/** Without an end: each state turns after the other, and every group hears of each turn. */
async function tellStates(
  slots: readonly number[],
  to: {
    readonly listening: Listening;
    readonly queues: readonly EventBacklog[];
    readonly image: PointImage;
    readonly events: number;
  },
): Promise<void> {
  const one = new Uint32Array(1);
  for (let n = 0; ; ) {
    for (let i = 0; i < Math.ceil((to.events * TICK_MS) / 1_000); i++, n++) {
      const slot = slots[n % slots.length] as number;
      const stamp = { timeMs: EVENTS_FROM_MS + n, quality: GOOD, isCollected: false };
      const value = Math.floor(n / slots.length) % 2;
      to.image.set(slot, value, stamp);
      for (const queue of to.queues) queue.append({ slot, value, ...stamp });
      one[0] = slot;
      to.listening.apply(one, 1);
    }
    await later(TICK_MS);
  }
}

// A test may import it, in a process that has a channel too.
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const text = { type: 'string', default: '0' } as const;
  const { values } = parseArgs({ options: { points: text, rate: text, events: text, masters: text } });
  const { points, rate, events, masters } = values;
  await run({ points: Number(points), rate: Number(rate), events: Number(events), masters: Number(masters) });
}
