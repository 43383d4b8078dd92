// Memory and CPU of every pod under load: node bench/kubernetes/load.mjs <image tag> [devices x tags ...]
// Installs a site of so many simulated devices and tags, read each second, with the small values, lets it settle, and
// prints what metrics-server says. Needs KUBECONFIG and an image that is on the node already.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CHART, Cluster, sleep, until } from '../../tools/kubernetes/cluster.mjs';
import { findNode } from '../../tools/kubernetes/node.mjs';

const SETTLE_MS = 60_000;
const SAMPLES = 4;
/** metrics-server looks each 15 s. */
const SAMPLE_MS = 16_000;

const site = (devices) => `apiVersion: busbar/v1
site: { id: load, title: Load, timezone: UTC }
protocols:
  counter:
    version: "1.0.0"
    driver: modbus
    table: counter
    groups: { all: 1s }
    quirks: { maxBlock: 120 }
connections:
  c$n:
    each: 0..${devices - 1}
    driver: modbus
    with: { host: 127.0.0.1, port: $(n+15020), timeout: 1s }
    devices:
      d$n: { protocol: counter, with: { unitId: 1 } }
sinks:
  enos:
    sink: enos
    with:
      url: mqtt://127.0.0.1:11883
      productKey: pkEdge01
      deviceKey: $site
      deviceSecret: secret:enos/edge
    products: { "table:counter": pkCounter }
    identity: { deviceKey: $asset, deviceSecret: secret:enos/$asset }
    send: ["*"]
`;

function points(tags) {
  const rows = Array.from({ length: tags }, (_, n) => `t${n},holding:${n * 2},float32,r,all`);
  return `id,address,type,access,group\n${rows.join('\n')}\n`;
}

async function received(cluster) {
  const { assets } = await cluster.http('services/busbar-cloud:8090', '/summary');
  return Object.values(assets).reduce((sum, asset) => sum + asset.received, 0);
}

async function used(cluster) {
  const text = (await cluster.kubectl('top', 'pods', '--no-headers')).trim();
  return text.split('\n').map((line) => {
    const [name, cpu, memory] = line.split(/\s+/);
    const component = name.replace('busbar-', '').replace(/(-[0-9a-f]{8,10})?-[a-z0-9]{5}$/, '');
    return { component, cpu: Number.parseInt(cpu, 10), memory: Number.parseInt(memory, 10) };
  });
}

async function measure(node, { tag, devices, tags }) {
  const cluster = new Cluster(node, `busbar-load-${devices}x${tags}`);
  const folder = mkdtempSync(join(tmpdir(), 'busbar-load-'));
  await cluster.open();
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'busbar.yaml'), site(devices));
    writeFileSync(join(folder, 'points__counter.csv'), points(tags));
    await cluster.kubectl('create', 'configmap', 'load', `--from-file=${folder}`);
    const settings = [
      'simulation.enabled=true',
      `simulation.counting=${devices}x${tags}`,
      'simulation.resources.limits.memory=2Gi',
      'site.configMaps={load}',
      `image.tag=${tag}`,
      'defaults.resources.limits.memory=1Gi',
      'backup.enabled=false',
    ];
    await cluster.deploy('install', 'busbar', ['-f', join(CHART, 'small.yaml'), '--set', settings.join(',')]);
    await until('values come', async () => (await received(cluster)) > devices * tags, 180_000);
    await sleep(SETTLE_MS);
    const [before, from] = [await received(cluster), Date.now()];
    const sums = new Map();
    for (let n = 0; n < SAMPLES; n++) {
      await sleep(SAMPLE_MS);
      for (const { component, cpu, memory } of await used(cluster)) {
        const sum = sums.get(component) ?? { cpu: 0, memory: 0 };
        sums.set(component, { cpu: sum.cpu + cpu / SAMPLES, memory: Math.max(sum.memory, memory) });
      }
    }
    const rate = ((await received(cluster)) - before) / ((Date.now() - from) / 1000);
    process.stdout.write(`\n${devices} devices x ${tags} tags: ${Math.round(rate)} values/s in the stand-in\n\n`);
    process.stdout.write('| pod | memory, most, MiB | CPU, mean, thousandths of a core |\n|---|---|---|\n');
    for (const [component, { cpu, memory }] of [...sums].sort()) {
      process.stdout.write(`| ${component} | ${memory} | ${Math.round(cpu)} |\n`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
    await cluster.close();
  }
}

const [tag, ...shapes] = process.argv.slice(2);
if (!tag) throw new Error('Name the tag of an image that is on the node.');
const node = await findNode();
if (!node) throw new Error('No Kubernetes node: set KUBECONFIG.');
for (const shape of shapes.length > 0 ? shapes : ['20x500', '50x1000']) {
  const [devices, tags] = shape.split('x').map(Number);
  await measure(node, { tag, devices, tags });
}
await node.stop();
