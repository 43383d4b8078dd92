// Masters that come and go over IEC 60870-5-104, for hours: memory stays flat, every event arrives, none out of turn.
//   node bench/forwarding/soak.mjs [--minutes 10] [--masters 16] [--events 200]
// 24 hours: --minutes 1440 (the stamps of 200 events/s last for five days).
import { setTimeout as later } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startPlant } from './plant.mjs';
import { RawMaster } from './raw-master.mjs';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    masters: { type: 'string', default: '16' },
    events: { type: 'string', default: '200' },
  },
});
const endMs = performance.now() + Number(values.minutes) * 60_000;
const REPORT_MS = Math.min(60_000, (Number(values.minutes) * 60_000) / 10);
/** Unacknowledged when a link is cut: at most k frames of 20 timed states. */
const MOST_REPEATED = 12 * 20;
const random = (low, high) => low + Math.random() * (high - low);
const mb = (octets) => Math.round(octets / 2 ** 20);

const plant = await startPlant('iec104', { points: 100, events: values.events, masters: values.masters });
const totals = { links: 0, events: 0, repeated: 0 };
let isOver = false;

async function flap(address) {
  let next = 0;
  while (!isOver) {
    const master = await RawMaster.connect(plant.port, address);
    let isFirst = true;
    master.onEvent = (number) => {
      if (isFirst && number <= next && next - number <= MOST_REPEATED) totals.repeated += next - number;
      else if (number !== next) throw new Error(`${address}: event ${number} where ${next} was due`);
      isFirst = false;
      next = number + 1;
      totals.events++;
    };
    totals.links++;
    await master.start();
    if (Math.random() < 0.5) await Promise.race([master.interrogate(), later(5_000)]);
    await later(isOver ? 0 : random(200, 10_000));
    master.close();
    await later(random(0, 3_000));
  }
  return next;
}

const all = Array.from({ length: Number(values.masters) }, (_, n) => flap(`127.0.2.${n + 1}`));
const memory = [];
while (performance.now() < endMs) {
  await Promise.race([later(Math.min(REPORT_MS, endMs - performance.now())), Promise.all(all)]);
  const { rss, heapUsed, arrayBuffers, cpuMs } = await plant.figures();
  memory.push(heapUsed + arrayBuffers);
  process.stdout.write(
    `${JSON.stringify({ ...totals, heapMb: mb(heapUsed + arrayBuffers), rssMb: mb(rss), cpuMs: Math.round(cpuMs) })}\n`,
  );
}
isOver = true;
const ends = await Promise.all(all);
plant.stop();
// The first minutes fill queues and caches: the least of each half counts.
const half = memory.length >> 1;
const [before, after] = [Math.min(...memory.slice(0, half)), Math.min(...memory.slice(half))];
process.stdout.write(`heap at rest ${mb(before)} MB in the first half, ${mb(after)} MB in the second\n`);
process.stdout.write(`each of ${ends.length} masters heard every event in turn up to ${Math.min(...ends)}\n`);
if (after > before + 2 * 2 ** 20) throw new Error('memory grows');
