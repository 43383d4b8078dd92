// Interrogation of 50,000 points over IEC 60870-5-104: one master, 16 at once, and one that never reads.
//   node bench/forwarding/interrogation.mjs [--points 50000] [--masters 16] [--judge]
// --judge: c104 (PyPI) interrogates too and says how many objects it has; its Python is $BUSBAR_PEER_PYTHON or .cache/venv's.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as later } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { root } from '../../tools/prepare.mjs';
import { startPlant } from './plant.mjs';
import { RawMaster } from './raw-master.mjs';

const { values } = parseArgs({
  options: {
    points: { type: 'string', default: '50000' },
    masters: { type: 'string', default: '16' },
    judge: { type: 'boolean', default: false },
  },
});
const points = Number(values.points);
const masters = Number(values.masters);
const expected = ((points - 1) * points) / 2;

const say = (what, figures) => process.stdout.write(`${what.padEnd(44)} ${JSON.stringify(figures)}\n`);
const round = (number) => Math.round(number * 10) / 10;
const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];

function check(master) {
  const seen = master.counts.get(20);
  // Service points come with it.
  if (!(seen >= points)) throw new Error(`${seen} objects of ${points}`);
  if (master.sum !== expected) throw new Error(`wrong values: their sum is ${master.sum}`);
}

async function joined(port, count) {
  const list = await Promise.all(Array.from({ length: count }, (_, n) => RawMaster.connect(port, `127.0.2.${n + 1}`)));
  await Promise.all(list.map((master) => master.start()));
  return list;
}

/** Until what is sent by itself at the start has gone out. */
async function quiet(master) {
  for (let before = -1; before !== (master.counts.get(3) ?? 0); ) {
    before = master.counts.get(3) ?? 0;
    await later(500);
  }
}

async function alone() {
  const plant = await startPlant('iec104', { points, masters });
  const [master] = await joined(plant.port, 1);
  await quiet(master);
  const before = await plant.figures();
  const times = [];
  for (let n = 0; n < 10; n++) {
    times.push(await master.interrogate());
    check(master);
  }
  const after = await plant.figures();
  say('one master, ms to the last ASDU', {
    first: round(times[0]),
    median: round(median(times)),
    worst: round(Math.max(...times)),
  });
  say('  server', { cpuMsEach: round((after.cpuMs - before.cpuMs) / 10), rssMb: round(after.rss / 2 ** 20) });
  master.close();
  plant.stop();
}

async function together() {
  const plant = await startPlant('iec104', { points, masters });
  const list = await joined(plant.port, masters);
  await Promise.all(list.map(quiet));
  const times = [];
  const before = await plant.figures();
  for (let n = 0; n < 3; n++) {
    const began = performance.now();
    await Promise.all(list.map((master) => master.interrogate()));
    times.push(performance.now() - began);
    for (const master of list) check(master);
  }
  const after = await plant.figures();
  say(`${masters} masters at once, ms to the last`, { median: round(median(times)), worst: round(Math.max(...times)) });
  say('  server', { cpuMsEach: round((after.cpuMs - before.cpuMs) / 3), rssMb: round(after.rss / 2 ** 20) });
  for (const master of list) master.close();
  plant.stop();
}

async function deaf() {
  const plant = await startPlant('iec104', { points, rate: 10_000, masters: 20 });
  const [master] = await joined(plant.port, 1);
  await quietEnough(master);
  const mb = (figures) => round((figures.heapUsed + figures.arrayBuffers) / 2 ** 20);
  const beforeMs = await master.interrogate();
  const before = await plant.figures();
  const deafOne = await RawMaster.connect(plant.port, '127.0.2.20');
  await deafOne.start();
  deafOne.askDeaf();
  const times = [];
  const began = performance.now();
  let highest = 0;
  let closedAfterMs = null;
  while (performance.now() - began < 25_000) {
    times.push(await master.interrogate());
    const now = await plant.figures();
    highest = Math.max(highest, mb(now));
    if (closedAfterMs === null && now.clients < 2) closedAfterMs = Math.round(performance.now() - began);
    await later(500);
  }
  const after = await plant.figures();
  say('10,000 changes/s, and a master that never reads', {
    aloneMs: round(beforeMs),
    besideMedianMs: round(median(times)),
    worstMs: round(Math.max(...times)),
    deafClosedAfterMs: closedAfterMs,
  });
  say('  server', { heapMbBefore: mb(before), highest, after: mb(after), rssMb: round(after.rss / 2 ** 20) });
  deafOne.close();
  master.close();
  plant.stop();
}

/** Changes never end here: the first round of all is over. */
async function quietEnough(master) {
  while ((master.counts.get(3) ?? 0) < points) await later(100);
}

async function judged() {
  const plant = await startPlant('iec104', { points, masters });
  const python = process.env.BUSBAR_PEER_PYTHON ?? join(root, '.cache/venv/bin/python');
  const child = spawn(python, [join(root, 'bench/forwarding/c104-judge.py'), String(plant.port), String(points)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.on('data', (chunk) => {
    text += chunk;
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  if (code !== 0) throw new Error(`c104 is not content: ${text}`);
  say('c104 judges', JSON.parse(text));
  plant.stop();
}

await alone();
await together();
await deaf();
if (values.judge) await judged();
