import { fileURLToPath } from 'node:url';
import { GOOD } from '@busbar/model';
import server from './server.js';
import { plant, pointRow } from './test-plant.js';

/*
 * A server as a process of its own, for benchmarks: a device whose three values say the same number, another one each scan;
 * one scan per turn of the event loop. Says its port and figures on its channel when asked.
 */

const POINTS = ['n', 'm', 'x'] as const;

async function run(): Promise<void> {
  const bench = plant([
    pointRow('n', { type: 'int' }, { type: 'uint32' }),
    pointRow('m', { type: 'int' }, { type: 'uint16' }),
    pointRow('x', {}, { type: 'float64' }),
  ]);
  const clock = { monotonicMs: () => performance.now(), wallMs: () => Date.now() };
  const timers = {
    setTimeout: (work: () => void, ms: number) => setTimeout(work, ms),
    clearTimeout: (timer: unknown) => clearTimeout(timer as NodeJS.Timeout),
  };
  const slots = Uint32Array.from(POINTS, (point) => bench.slot('a', point));
  const { image } = bench;
  let scan = 0;
  const put = () => {
    scan = (scan + 65_537) % 4_000_000_000;
    const timeMs = clock.wallMs();
    POINTS.forEach((point, i) => {
      const value = point === 'm' ? scan % 65_535 : scan;
      image.set(slots[i] as number, value, { timeMs, quality: GOOD, isCollected: false });
    });
  };
  put();
  const listening = await server.listen({ ...bench.host(), clock, timers }, new AbortController().signal);
  process.on('message', () => process.send?.({ scan, clients: listening.clients().length }));
  process.on('disconnect', () => process.exit(0));
  process.send?.({ port: listening.port });
  const next = () => {
    put();
    listening.apply(slots, slots.length);
    setImmediate(next);
  };
  next();
}

// A test may import it, in a process that has a channel too.
if (process.argv[1] === fileURLToPath(import.meta.url)) await run();
