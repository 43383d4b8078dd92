import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasJars } from '../../tools/servers/kafka.mjs';
import { COUNTED, CountedSite, type ServedRead } from '../harness/counted-site.js';
import { SampledCounter } from '../harness/sampled-counter.js';
import { SecureServers } from '../harness/secure-servers.js';
import { until } from '../harness/until.js';

const PROGRAMS = ['api', 'arbiter', 'collector-1', 'collector-2', 'mapper-1', 'mapper-2', 'uploader', 'licenser'];
const BROKERS = 3;

export interface KillPlan {
  /** From the first kill to the last at most. */
  readonly forMs: number;
  /** From one kill to the next. */
  readonly everyMs: number;
  /** So long a killed broker is away. */
  readonly awayMs: number;
}

interface Kill {
  readonly broker: number;
  readonly at: number;
  /** Partitions with a replica behind just before. */
  readonly behind: number;
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const report = (line: string) => process.stdout.write(`REPORT ${line}\n`);

/** Longest time between two reads of each device, in ms. */
function pauses(served: readonly ServedRead[]): number[] {
  const times = Array.from({ length: COUNTED.devices }, (): number[] => []);
  for (const { device, tag, time } of served) if (tag === 0) times[device]?.push(time);
  return times.map((list) => Math.max(0, ...list.slice(1).map((time, i) => time - (list[i] as number))));
}

/** A site on three brokers with TLS and SCRAM, of which one at a time is killed. */
export function describeBrokerKills({ forMs, everyMs, awayMs }: KillPlan): void {
  if (!hasJars()) process.stdout.write('SKIPPED, not installed here: Java and Maven, for three brokers\n');
  describe.skipIf(!hasJars())('three brokers with TLS and passwords, of which one at a time is killed', () => {
    let servers: SecureServers;
    let counted: CountedSite;
    let counter: SampledCounter;
    const kills: Kill[] = [];
    let pids: (number | undefined)[] = [];
    let span = { from: 0, to: 0 };
    const pidsNow = () => [...counted.site.programs.values()].map(({ pid }) => pid);

    beforeAll(async () => {
      servers = await SecureServers.start();
      counted = await CountedSite.start({ programs: PROGRAMS, env: servers.env });
      counter = new SampledCounter(servers.kafka.brokers, COUNTED, servers.access);
      await counter.start();
      pids = pidsNow();
    });

    afterAll(async () => {
      await counted?.site.stop();
      await servers?.stop();
    });

    it('keep every record on all three, and take none that is on fewer than two', async () => {
      const { partitions, fewest } = await servers.replication();
      expect(partitions).toBeGreaterThan(100);
      expect(fewest).toBe(BROKERS);
      expect(await servers.minInSync('tags.sampled.v1')).toBe('2');
    });

    it('go one after the other, each back a little later', async () => {
      span = { from: Date.now(), to: 0 };
      for (let n = 0; n === 0 || Date.now() - span.from + everyMs <= forMs; n++) {
        const begun = Date.now();
        const broker = n % BROKERS;
        const { behind } = await servers.replication();
        kills.push({ broker, at: Date.now(), behind });
        await servers.kafka.kill(broker);
        await sleep(awayMs);
        await servers.kafka.start(broker);
        await counted.collect();
        await sleep(Math.max(0, begun + everyMs - Date.now()));
      }
      await until('all replicas are in sync again', async () => (await servers.replication()).behind === 0, 90_000);
      await counted.untilFlowing();
      span = { ...span, to: Date.now() };
      await counter.stop();
      // On a busy machine a broker takes longer to come back than the time between two kills.
      expect(kills.length).toBeGreaterThanOrEqual(Math.max(1, Math.floor(forMs / everyMs / 2)));
    });

    it('lose no counted value, and deliver none that is wrong', async () => {
      await until(
        'the cloud has all that was counted',
        async () => {
          await counted.collect();
          return counter.counted.without(counted.arrived).length === 0;
        },
        90_000,
      ).catch(() => undefined);
      const missing = counter.counted.without(counted.arrived);
      const wrong = counted.wrong.length + counter.wrong;
      const whole = kills.filter(({ behind }) => behind === 0).length;
      report(
        `${kills.length} kills in ${((span.to - span.from) / 1000).toFixed(0)} s, ${whole} of them with all in sync`,
      );
      report(
        `counted ${counter.counted.size}, in the cloud ${counted.arrived.size} (${counted.arrived.repeats} repeats)`,
      );
      report(`missing ${missing.length}, wrong ${wrong}`);
      expect(counter.counted.size).toBeGreaterThan(COUNTED.devices * COUNTED.tags * 10);
      expect(wrong).toBe(0);
      expect(missing.slice(0, 20)).toEqual([]);
    });

    it('are no reason for any service to end', () => {
      expect(pidsNow()).toEqual(pids);
      expect(pids).not.toContain(undefined);
    });

    it('have no password of theirs in any log', () => {
      const telling = [...counted.site.programs.values()].filter(({ output }) => output.includes(servers.password));
      expect(telling.map(({ name }) => name)).toEqual([]);
    });

    it('report what was read and not taken, and how long each connection paused', async () => {
      const served = (await counted.served()).filter(({ time }) => time >= span.from && time < span.to);
      const untaken = await counted.missing(span.from, span.to - 5_000);
      const reads = new Set(untaken.map(({ device, time }) => `${device} ${time}`)).size;
      const sorted = pauses(served).sort((a, b) => a - b);
      const at = (q: number) => ((sorted[Math.floor(q * (sorted.length - 1))] as number) / 1000).toFixed(1);
      report(`served ${served.length}, of them not in the cloud ${untaken.length} (${reads} reads)`);
      report(`longest pause of a connection: median ${at(0.5)} s, most ${at(1)} s`);
      expect(served.length).toBeGreaterThan(counter.counted.size * 0.5);
    });
  });
}
