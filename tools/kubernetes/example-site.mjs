// The example site in a cluster: what a person sees who tries the chart, and how it is backed up.
import { join } from 'node:path';
import { root } from '../prepare.mjs';
import { CHART, Cluster, sleep, until } from './cluster.mjs';
import { OutsideMaster, pythonWithMaster } from './outside-master.mjs';
import { outsideValues, tryMasters } from './outside-site.mjs';
import { scaleOnScanLoad } from './scan-load.mjs';

const RELEASE = 'busbar';
const SERVICES = ['api', 'mapper', 'uploader', 'arbiter', 'forwarder', 'file-collector', 'licenser', 'collector-all'];
const GRACE_MS = 10_000;

async function untilValues(cluster) {
  await until(
    'five devices have values in the cloud',
    async () => {
      const { assets } = await cluster.http(`services/${RELEASE}-cloud:8090`, '/summary');
      return Object.values(assets).filter(({ received }) => received > 0).length >= 5;
    },
    180_000,
  );
}

async function simulated(cluster, id) {
  const [pod] = await cluster.pods('simulator');
  return cluster.http(`pods/${pod.metadata.name}:8091`, `/devices/${id}`);
}

const command = (cluster, device, value) =>
  cluster.http(`services/${RELEASE}-cloud:8090`, `/devices/demo-pv-${device}/set`, {
    points: { 'INV.PowerLimit': value },
  });

/** SIGTERM to process 1 of a container: it ends by itself, with 0, in time; the node starts it again. */
async function endInOrder(cluster, component) {
  const [{ metadata }] = await cluster.pods(component);
  const asked = Date.now();
  await cluster.exec(metadata.name, "process.kill(1, 'SIGTERM')");
  const ended = await until(`${component} ended and is back`, async () => {
    const { status } = JSON.parse(await cluster.kubectl('get', 'pod', metadata.name, '-o', 'json'));
    const [container] = status.containerStatuses;
    return container.ready && container.lastState.terminated;
  });
  const tookMs = new Date(ended.finishedAt).getTime() - asked;
  if (ended.exitCode !== 0) throw new Error(`${component} ended with ${ended.exitCode}`);
  if (tookMs > GRACE_MS) throw new Error(`${component} took ${tookMs} ms`);
}

const STRANGER = (image) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'stranger' },
  spec: {
    restartPolicy: 'Never',
    securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [
      {
        name: 'stranger',
        image,
        imagePullPolicy: 'IfNotPresent',
        args: [
          '-e',
          `const { connect } = require('node:net');
          for (const [host, port] of [['${RELEASE}-postgresql', 5432], ['${RELEASE}-kafka', 9092], ['${RELEASE}-api', 80]]) {
            const socket = connect({ host, port, timeout: 5000 });
            const say = (word) => { console.log(host, word); socket.destroy(); };
            socket.on('connect', () => say('open')).on('error', () => say('closed')).on('timeout', () => say('closed'));
          }`,
        ],
        securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
      },
    ],
  },
});

async function helmTest(cluster) {
  const said = await cluster.helm('test', RELEASE);
  if (!said.includes('Succeeded')) throw new Error(`no test ran: ${said.slice(0, 500)}`);
}

async function restore(cluster) {
  await cluster.kubectl('create', 'job', 'backup-now', `--from=cronjob/${RELEASE}-backup`);
  await cluster.kubectl('wait', 'job/backup-now', '--for=condition=complete', '--timeout=120s');
  const [{ metadata }] = await cluster.pods('postgresql');
  const sql = (text) =>
    cluster.kubectl('exec', metadata.name, '--', 'psql', '-qAt', '-U', 'busbar', '-d', 'busbar', '-c', text);
  const generations = async () => (await sql('select count(*) from generations')).trim();
  const before = await generations();
  await cluster.kubectl('scale', `deploy/${RELEASE}-api`, '--replicas=0');
  await until('the api is away', async () => (await cluster.pods('api')).length === 0);
  await sql('drop schema public cascade; create schema public');
  await cluster.kubectl('apply', '-f', join(root, 'k8s', 'restore.yaml'));
  await cluster.kubectl('wait', 'job/busbar-restore', '--for=condition=complete', '--timeout=120s');
  const after = await generations();
  if (before === '0' || after !== before) throw new Error(`${before} generations before, ${after} after`);
  await cluster.kubectl('scale', `deploy/${RELEASE}-api`, '--replicas=1');
  await cluster.kubectl('rollout', 'status', `deploy/${RELEASE}-api`, '--timeout=120s');
}

/** Runs the example in a namespace of its own. */
export async function tryExample(node, promises, { image, tag }) {
  const cluster = new Cluster(node, 'busbar-example');
  const values = ['-f', join(CHART, 'small.yaml'), '--set', `simulation.enabled=true,image.tag=${tag}`];
  await cluster.open();
  const python = pythonWithMaster();
  const master = python && (await new OutsideMaster(python, await cluster.nodeAddress()).open());
  if (master) values.push(...outsideValues(master));
  else process.stdout.write('  no c104 (PyPI) here: no master outside\n');
  try {
    const started = Date.now();
    const isUp = await promises.try('helm install --wait brings up the small values, in a "restricted" namespace', () =>
      cluster.deploy('install', RELEASE, values).then(() => undefined),
    );
    const flows = await promises.try(
      'values of all five devices reach the stand-in',
      async () => {
        await untilValues(cluster);
        return `${((Date.now() - started) / 1000).toFixed(1)} s after helm install began`;
      },
      isUp,
    );
    await promises.try(
      'a set-point through the stand-in acts on the inverter, one out of range is refused',
      async () => {
        const reply = await until('the command is executed', async () => {
          const answer = await command(cluster, 'inv-02', 40);
          return answer.code === 200 && answer;
        });
        if (reply.code !== 200) throw new Error(JSON.stringify(reply));
        await until('the inverter feeds less', async () => (await simulated(cluster, 'inv-02')).values.p_ac < 45);
        const refused = await command(cluster, 'inv-02', 5);
        if (refused.code !== 2105) throw new Error(`not refused: ${JSON.stringify(refused)}`);
      },
      flows,
    );
    await tryMasters(cluster, promises, { master, isUp: flows });
    await promises.try(
      'collectors are scaled on their scan load, by the external metrics API',
      async () => {
        const deploy = (more) => cluster.deploy('upgrade', RELEASE, [...values, ...more]);
        const figure = await scaleOnScanLoad(cluster, { image, workload: 'all', deploy });
        await deploy([]);
        return figure;
      },
      flows,
    );
    await promises.try('helm test passes', () => helmTest(cluster), isUp);
    await promises.try(
      'a stranger reaches neither database nor broker',
      async () => {
        await cluster.apply([STRANGER(image)]);
        const log = await cluster.untilDone('stranger');
        for (const line of [`${RELEASE}-postgresql closed`, `${RELEASE}-kafka closed`, `${RELEASE}-api open`]) {
          if (!log.includes(line)) throw new Error(`not "${line}" but:\n${log}`);
        }
      },
      isUp,
    );
    await promises.try(
      'the configuration is backed up, lost and restored by jobs',
      async () => {
        await restore(cluster);
        await helmTest(cluster);
      },
      isUp,
    );
    await promises.try(
      'every service ends within 10 s of SIGTERM with exit code 0, and its node starts it again',
      async () => {
        for (const component of SERVICES) await endInOrder(cluster, component);
      },
      isUp,
    );
    await promises.try('pods at rest fit the small values', () => atRest(cluster), isUp);
  } finally {
    await master?.close();
    await cluster.close();
  }
}

/** Memory as metrics-server tells it; the sum of the limits is what "3 GB" means. */
async function atRest(cluster) {
  await sleep(20_000);
  const lines = await until('metrics are there', async () => {
    const text = (await cluster.kubectl('top', 'pods', '--no-headers')).trim();
    return text !== '' && text.split('\n');
  });
  const used = lines.map((line) => {
    const [name, cpu, memory] = line.split(/\s+/);
    return { name: name.replace(`${RELEASE}-`, '').replace(/(-[0-9a-f]{8,10})?-[a-z0-9]{5}$/, ''), cpu, memory };
  });
  const limits = (await cluster.pods())
    .filter(({ status }) => status.phase === 'Running')
    .flatMap(({ spec }) => spec.containers.map(({ resources }) => Number.parseInt(resources.limits.memory, 10)))
    .reduce((sum, mebibytes) => sum + mebibytes, 0);
  if (limits > 3072) throw new Error(`the limits come to ${limits} MiB`);
  const sum = used.reduce((total, { memory }) => total + Number.parseInt(memory, 10), 0);
  return `${used.map(({ name, cpu, memory }) => `${name} ${memory} ${cpu}`).join(', ')}; together ${sum} MiB, limits ${limits} MiB`;
}
