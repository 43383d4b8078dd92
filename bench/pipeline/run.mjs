// Modbus TCP -> durable -> mapped -> durable -> MQTT acknowledged, beside the sketch in plain Node, in one run.
//   node bench/pipeline/run.mjs [--seconds 20] [--devices 100] [--tags 1000] [--period 1s] [--only busbar|durable|enos]
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { failed, prepare, root } from '../../tools/prepare.mjs';
import { startMosquitto } from '../../tools/servers/mosquitto.mjs';
import { freePort, untilAnswers } from '../../tools/servers/spawned.mjs';
import { writeSiteSecrets } from '../../tools/site-secrets.mjs';
import { compile, startGenerator } from './generator.mjs';
import { figuresOf } from './process-figures.mjs';
import { writePackage } from './site-package.mjs';
import { stagesOf } from './stages.mjs';

const { values: asked } = parseArgs({
  options: {
    seconds: { type: 'string', default: '20' },
    devices: { type: 'string', default: '100' },
    tags: { type: 'string', default: '1000' },
    period: { type: 'string', default: '1s' },
    only: { type: 'string' },
  },
});
const SECONDS = Number(asked.seconds);
const WINDOWS = 3;
const PORT = 16_001;
/** The embedded database sleeps after a minute without use: before that it is no steady state. */
const SETTLE_SECONDS = 75;
const shape = { devices: Number(asked.devices), tags: Number(asked.tags), port: PORT, period: asked.period };

const sleep = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));
const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];

function start(command, args, env, log) {
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      said = (said + chunk).slice(-4000);
    });
  }
  child.on('close', (code) => {
    if (code) process.stderr.write(`${log} ended with ${code}:\n${said}\n`);
  });
  return child;
}

function periodMs(text) {
  return text.endsWith('ms') ? Number(text.slice(0, -2)) : Number(text.slice(0, -1)) * 1000;
}

/** Three windows of one subject: CPU per million values, memory, loss, age. `received`: counted by the target itself. */
async function measure(name, child, { generator, received }) {
  await sleep(SETTLE_SECONDS);
  await generator.mark();
  let arrived = await received?.();
  const windows = [];
  for (let i = 0; i < WINDOWS; i++) {
    const before = figuresOf(child.pid);
    await sleep(SECONDS);
    const after = figuresOf(child.pid);
    const counted = await generator.mark();
    if (received) {
      const now = await received();
      Object.assign(counted, { rx: now - arrived, lat50: Number.NaN, lat99: Number.NaN });
      arrived = now;
    }
    windows.push({
      perMillion: ((after.cpu - before.cpu) / counted.rx) * 1e6,
      core: (after.cpu - before.cpu) / counted.dt,
      anonymousMb: after.anonymousMb,
      mappedMb: after.mappedMb,
      ...counted,
    });
  }
  const of = (key) => median(windows.map((window) => window[key]));
  const total = (key) => windows.reduce((sum, window) => sum + window[key], 0);
  const late = total('read') - total('rx');
  const age = (ms) => (Number.isNaN(ms) ? '-' : ms.toFixed(0));
  process.stdout.write(
    `| ${name} | ${of('perMillion').toFixed(2)} | ${of('core').toFixed(3)} | ${of('anonymousMb').toFixed(0)} (+${of('mappedMb').toFixed(0)} mapped) | ${Math.round(total('rx') / total('dt'))} | ${late} | ${total('dup')} | ${total('wrong')} | ${age(of('lat50'))} / ${age(of('lat99'))} | ${of('gap99').toFixed(0)} |\n`,
  );
}

/** The stand-in for EnOS Cloud as target: it counts what it received itself. */
async function startCloud(env) {
  const [mqtt, http] = [await freePort(), await freePort()];
  const addresses = { BUSBAR_CLOUD_MQTT: `127.0.0.1:${mqtt}`, BUSBAR_CLOUD_HTTP: `127.0.0.1:${http}` };
  const main = join(root, 'apps', 'cloud', 'dist', 'main.js');
  const child = start(process.execPath, [main], { ...env, ...addresses }, 'cloud');
  await untilAnswers(http, { name: 'The stand-in', ended: () => child.exitCode !== null });
  const summary = async () => (await fetch(`http://127.0.0.1:${http}/api/v1/summary`)).json();
  return { child, mqtt, received: async () => (await summary()).received };
}

async function subject(name, { sink, folder, program, broker, isProfiled = false }) {
  const topic = { durable: 'pipe/#', mqtt: 'busbar/#', enos: 'nothing' }[sink];
  const generator = await startGenerator({ program, ...shape, mqttPort: broker.port, topic });
  let child;
  let cloud;
  const profile = join(folder, 'profile');
  if (sink === 'durable') {
    const numbers = [shape.devices, shape.tags, PORT, broker.port, periodMs(shape.period), 1].map(String);
    child = start(process.execPath, [join(root, 'bench', 'neutral', 'durable.mjs'), ...numbers], {}, name);
  } else {
    const data = join(folder, 'data');
    rmSync(data, { recursive: true, force: true });
    mkdirSync(data, { recursive: true });
    const packageFolder = join(folder, 'package');
    const env = { BUSBAR_DATA: data, BUSBAR_PACKAGE: packageFolder, BUSBAR_HTTP: '127.0.0.1:0', BUSBAR_LOG: 'warn' };
    writePackage(packageFolder, { ...shape, sink, mqttPort: broker.port });
    await writeSiteSecrets({ data, folder: packageFolder, env });
    if (sink === 'enos') {
      cloud = await startCloud(env);
      writePackage(packageFolder, { ...shape, sink, mqttPort: cloud.mqtt });
    }
    const profiling = isProfiled ? ['--cpu-prof', `--cpu-prof-dir=${profile}`] : [];
    child = start(process.execPath, [...profiling, join(root, 'apps', 'standalone', 'dist', 'main.js')], env, name);
  }
  if (isProfiled) {
    await sleep(SETTLE_SECONDS + SECONDS);
  } else await measure(name, child, { generator, received: cloud?.received });
  const closed = new Promise((resolve) => child.on('close', resolve));
  child.kill('SIGTERM');
  await closed;
  await generator.stop();
  cloud?.child.kill('SIGTERM');
  if (!isProfiled) return;
  const stages = stagesOf(profile, SECONDS);
  process.stdout.write(
    `\nBusy time by stage: ${stages.map(({ stage, share }) => `${stage} ${(share * 100).toFixed(0)} %`).join(', ')}\n`,
  );
}

async function main() {
  await prepare();
  const folder = mkdtempSync(join(tmpdir(), 'busbar-bench-'));
  const program = compile(folder);
  const broker = await startMosquitto(join(folder, 'mosquitto'));
  const values = (shape.devices * shape.tags * 1000) / periodMs(shape.period);
  process.stdout.write(
    `${new Date().toISOString().slice(0, 10)}, ${cpus().length} x ${cpus()[0].model}, Node ${process.versions.node}: ` +
      `${shape.devices} devices x ${shape.tags} Float32 tags every ${shape.period} (${values} values/s), ${WINDOWS} windows of ${SECONDS} s\n\n` +
      '| subject | CPU s per million values | cores | MB | values/s | late | repeated | wrong | age ms p50 / p99 | scan gap p99 ms |\n|---|---|---|---|---|---|---|---|---|---|\n',
  );
  try {
    const is = (name) => asked.only === undefined || asked.only === name;
    if (is('durable')) await subject('durable.mjs, the sketch', { sink: 'durable', folder, program, broker });
    if (is('busbar')) await subject('Busbar standalone, MQTT QoS 1', { sink: 'mqtt', folder, program, broker });
    if (is('enos')) await subject('Busbar standalone, EnOS JSON', { sink: 'enos', folder, program, broker });
    if (is('busbar')) await subject('Busbar profiled', { sink: 'mqtt', folder, program, broker, isProfiled: true });
  } finally {
    await broker.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

main().catch(failed);
