import type { ConnectionView } from '@busbar/api-schema';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Arrival, COUNTED, CountedSite } from '../harness/counted-site.js';
import { until } from '../harness/until.js';

const OUTAGE_MS = 15_000;
/** From the device's answer to the stand-in's acknowledgement. */
const WAY_MS = 2_000;

let counted: CountedSite;
let cutAt = 0;
let backAt = 0;

beforeAll(async () => {
  counted = await CountedSite.start();
});

afterAll(async () => {
  await counted?.site.stop();
});

async function sink(): Promise<ConnectionView | undefined> {
  const { body } = await counted.site.api<{ connections: ConnectionView[] }>('/connections');
  return body.connections.find(({ kind }) => kind === 'sink');
}

/** Points whose values came in another order than they were read, repeats left out. */
function outOfOrder(arrivals: readonly Arrival[]): string[] {
  const newest = new Map<string, number>();
  const seen = new Set<string>();
  const wrong: string[] = [];
  for (const { asset, id, time, read } of arrivals) {
    const point = `d${asset}/${id}`;
    if (seen.has(`${point} ${read}`)) continue;
    seen.add(`${point} ${read}`);
    if (time < (newest.get(point) ?? 0)) wrong.push(`${point} read ${read}`);
    newest.set(point, time);
  }
  return wrong;
}

describe('a cloud that is away for a while', () => {
  it('is said to be away, and since when', async () => {
    await until('the sink is active', async () => (await sink())?.state === 'active');
    cutAt = Date.now();
    await counted.cutCloud();
    const told = await until('the sink is degraded', async () => {
      const view = await sink();
      return view?.state === 'degraded' && view;
    });
    expect(told.diagnosis?.code).toMatch(/^(SINK|CONNECTION)_/);
    expect(told.since).toBeGreaterThanOrEqual(cutAt);
  });

  it('gets all of it when it is back, in order, and nothing wrong', async () => {
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, cutAt + OUTAGE_MS - Date.now())));
    backAt = Date.now();
    counted.site.program('cloud').start();
    const arrivals: Arrival[] = [];
    await until('all that was read meanwhile has come', async () => {
      arrivals.push(...(await counted.collect()));
      return (await counted.missing(0, backAt)).length === 0;
    }).catch(() => undefined);
    expect((await counted.missing(0, backAt)).slice(0, 10)).toEqual([]);
    const caughtUpMs = Date.now() - backAt;
    const ofOutage = arrivals.filter(({ time }) => time >= cutAt && time < backAt).length;
    process.stdout.write(
      `REPORT away ${((backAt - cutAt) / 1000).toFixed(1)} s, ${ofOutage} values of that time came within ${(caughtUpMs / 1000).toFixed(1)} s, ${counted.arrived.repeats} repeats\n`,
    );
    expect(ofOutage).toBeGreaterThan((COUNTED.devices * COUNTED.tags * (OUTAGE_MS - WAY_MS)) / 1000);
    expect(counted.wrong.slice(0, 10)).toEqual([]);
    expect(outOfOrder(arrivals).slice(0, 10)).toEqual([]);
  });

  it('is said to be well again, and is up to date', async () => {
    const told = await until('the sink is active', async () => {
      const view = await sink();
      return view?.state === 'active' && view;
    });
    expect(told.diagnosis).toBeNull();
    await counted.untilFlowing();
    const now = Date.now();
    await until('the newest reads come too', async () => {
      await counted.collect();
      return (await counted.missing(0, now)).length === 0;
    });
    expect(counted.wrong.slice(0, 10)).toEqual([]);
  });
});
