// The counting site in a cluster, while it is scaled, upgraded, rolled back and its pods are deleted: nothing lost, nothing wrong.
import { join } from 'node:path';
import { CHART, Cluster, sleep, until } from './cluster.mjs';
import { CountedSite, SHAPE } from './counted.mjs';

const RELEASE = 'busbar';
const VICTIMS = [
  'api',
  'mapper',
  'uploader',
  'arbiter',
  'forwarder',
  'file-collector',
  'licenser',
  'collector-modbus',
  'kafka',
  'postgresql',
];
/** What a collector is asked to leave it ends within: its reads under way then are nobody's. */
const LEAVING_MS = 1_500;

/** Collectors that leave or give connections away when scaled (4), upgraded (2) and rolled back (2): a scan each is under way. */
const OTHER_STOPS = 8;

const pick = (list) => list[Math.floor(Math.random() * list.length)];

/** Commands with a value of its own each, so that a second write of one would show. */
class Commands {
  asked = new Map();
  #isOn = true;
  #working;

  constructor(address, key) {
    this.address = address;
    this.key = key;
    this.#working = this.#run();
  }

  async #run() {
    for (let n = 1; this.#isOn; n++) {
      const device = n % SHAPE.devices;
      const ask = { id: `kill-${n}`, point: `d${device}/command`, value: n, expiresMs: 8_000 };
      this.asked.set(n, 'unanswered');
      fetch(`${this.address}/api/v1/control/requests?wait=20000`, {
        method: 'POST',
        body: JSON.stringify(ask),
        headers: { 'content-type': 'application/json', authorization: `Bearer ${this.key}` },
        signal: AbortSignal.timeout(30_000),
      })
        .then((response) => response.json())
        .then(({ end }) => this.asked.set(n, end?.kind ?? 'pending'))
        .catch(() => undefined);
      await sleep(300);
    }
  }

  async stop() {
    this.#isOn = false;
    await this.#working;
    await sleep(10_000);
  }
}

async function apiAddress(cluster) {
  const service = JSON.parse(await cluster.kubectl('get', 'service', `${RELEASE}-api`, '-o', 'json'));
  return `http://${await cluster.nodeAddress()}:${service.spec.ports[0].nodePort}`;
}

async function scale(cluster, replicas) {
  await cluster.kubectl('scale', `deploy/${RELEASE}-collector-modbus`, `--replicas=${replicas}`);
  await cluster.kubectl('rollout', 'status', `deploy/${RELEASE}-collector-modbus`, '--timeout=120s');
  await until(`${replicas} collectors`, async () => (await cluster.pods('collector-modbus')).length === replicas);
}

/** Connections that each collector says it owns: every one once. */
async function untilShared(cluster, collectors) {
  await until(
    'the connections are shared out',
    async () => {
      const counts = [];
      for (const { metadata } of await cluster.pods('collector-modbus')) {
        const log = await cluster.kubectl('logs', metadata.name);
        const owned = new Set();
        for (const line of log.split('\n').filter((text) => text.startsWith('{'))) {
          const { msg, connection } = JSON.parse(line);
          if (msg === 'connection taken') owned.add(connection);
          if (msg === 'connection released') owned.delete(connection);
        }
        counts.push(owned.size);
      }
      return (
        counts.length === collectors &&
        counts.every((count) => count > 0) &&
        counts.reduce((a, b) => a + b) >= SHAPE.devices
      );
    },
    60_000,
  );
}

export async function tryCounted(node, promises, { tag, seconds }) {
  const cluster = new Cluster(node, 'busbar-counting');
  const values = ['-f', join(CHART, 'small.yaml'), '-f', join(CHART, 'ci', '05-scaled-values.yaml')];
  const settings = `image.tag=${tag},services.api.service.type=NodePort,collectors.modbus.scaledObject.enabled=false`;
  values.push('--set', settings, '--set', 'simulation.resources.limits.memory=1Gi');
  await cluster.open();
  try {
    const isUp = await promises.try('helm install --wait brings up a counting site of 24 devices, one collector', () =>
      cluster.deploy('install', RELEASE, values).then(() => undefined),
    );
    if (!isUp) {
      for (const title of ['it scales', 'pods are deleted', 'it is upgraded', 'nothing is lost', 'nothing is wrong']) {
        await promises.try(title, undefined, false);
      }
      return;
    }
    const [simulator] = await cluster.pods('simulator');
    const targets = { simulator: `pods/${simulator.metadata.name}:8091`, cloud: `services/${RELEASE}-cloud:8090` };
    const site = new CountedSite(cluster, targets);
    await site.untilFlowing(until);
    const from = Date.now();
    const key = Buffer.from(
      await cluster.kubectl('get', 'secret', `${RELEASE}-keys`, '-o', 'jsonpath={.data.admin\\.key}'),
      'base64',
    );
    const commands = new Commands(await apiAddress(cluster), key.toString().trim());
    const stops = [];
    const leaves = (component) => {
      if (component.startsWith('collector')) stops.push(Date.now());
    };
    /** A rollout stops collectors at times that only the cluster knows: the whole range counts. */
    const ranges = [];
    const during = async (work) => {
      const range = { from: Date.now(), to: 0 };
      await work();
      range.to = Date.now();
      ranges.push(range);
    };

    await promises.try('collectors scale 1 -> 3 -> 1 and share the connections out', async () => {
      await during(() => scale(cluster, 3));
      await untilShared(cluster, 3);
      await site.collect();
      await during(() => scale(cluster, 1));
      await site.untilFlowing(until);
    });
    await promises.try(
      `pods of every service are deleted at random for ${seconds} s, and values flow again`,
      async () => {
        await scale(cluster, 2);
        const deleted = new Map();
        for (const end = Date.now() + seconds * 1000; Date.now() < end; ) {
          await sleep(4_000 + Math.random() * 6_000);
          // Each once first, so that none is left out by chance.
          const component = VICTIMS.find((name) => !deleted.has(name)) ?? pick(VICTIMS);
          const pods = await cluster.pods(component);
          if (pods.length === 0) continue;
          deleted.set(component, (deleted.get(component) ?? 0) + 1);
          leaves(component);
          await cluster.kubectl('delete', 'pod', pick(pods).metadata.name, '--wait=false');
          await site.collect();
        }
        await site.untilFlowing(until);
        return [...deleted].map(([name, times]) => `${name} ${times}`).join(', ');
      },
    );
    await promises.try('helm upgrade rolls every service over, and rollback brings them back', async () => {
      await during(() => cluster.deploy('upgrade', RELEASE, [...values, '--set', 'defaults.log=warn']));
      await site.untilFlowing(until);
      await site.collect();
      await during(() => cluster.helm('rollback', RELEASE, '1', '--wait', '--timeout', '5m'));
      await site.untilFlowing(until);
    });
    await commands.stop();
    const to = Date.now();
    await site.settle(from, to, 90_000);
    await promises.try(
      'no read that was served is lost, but for those under way when a collector was told to leave',
      async () => {
        const missing = site.missing(from, to);
        const isNearStop = ({ time }) =>
          stops.some((at) => time >= at - LEAVING_MS && time <= at + 10_000) ||
          ranges.some((range) => time >= range.from - LEAVING_MS && time <= range.to + 10_000);
        const lost = missing.filter((read) => !isNearStop(read));
        const most = (stops.length + OTHER_STOPS) * SHAPE.devices * SHAPE.tags;
        if (lost.length > 0 || missing.length > most)
          throw new Error(`${lost.length} lost of ${site.served.size}; ${missing.length - lost.length} under way`);
        const pauses = site.longestPauses().sort((a, b) => a - b);
        return `${site.served.size} values served, ${site.repeats} delivered again, ${site.saidAgain} said again as uncertain, ${missing.length} of reads under way, longest pause of a connection ${(pauses.at(-1) / 1000).toFixed(1)} s`;
      },
    );
    await promises.try('no value is wrong', async () => {
      if (site.wrong.length > 0)
        throw new Error(`${site.wrong.length} wrong: ${JSON.stringify(site.wrong.slice(0, 5))}`);
    });
    await promises.try('no command is executed twice, and each that is called executed once', async () => {
      const written = new Map();
      for (let device = 0; device < SHAPE.devices; device++) {
        const { writes } = await cluster.http(targets.simulator, `/devices/d${device}/writes?after=0`);
        for (const { value } of writes) written.set(value, (written.get(value) ?? 0) + 1);
      }
      const twice = [...written].filter(([, times]) => times > 1);
      const ends = new Map();
      for (const end of commands.asked.values()) ends.set(end, (ends.get(end) ?? 0) + 1);
      const executed = [...commands.asked].filter(([, end]) => end === 'executed').map(([n]) => n);
      const unwritten = executed.filter((n) => !written.has(n));
      if (twice.length + unwritten.length > 0 || executed.length < 20) {
        throw new Error(`twice ${JSON.stringify(twice)}, never written ${unwritten}, executed ${executed.length}`);
      }
      return `${commands.asked.size} commands: ${[...ends].map(([end, n]) => `${n} ${end}`).join(', ')}`;
    });
  } finally {
    await cluster.close();
  }
}
