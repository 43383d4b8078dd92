// What a control center outside sees of the example site: its Service, its allow-list, the way to the owner.
import { sleep, until } from './cluster.mjs';

const RELEASE = 'busbar';
const NODE_PORT = 32_404;
/** As examples/pv-site/busbar.lock has them: power and limit of inverter 1, and the set-point of that limit. */
const POWER = 16_386;
const LIMIT = 16_389;
const LIMIT_COMMAND = 25_089;
const FRESH_MS = 60_000;

export const outsideValues = (master) => {
  const service = 'forwarding.connections.dispatch';
  const settings = [
    `${service}.enabled=true`,
    `${service}.type=NodePort`,
    `${service}.port=2404`,
    `${service}.targetPort=2404`,
    `${service}.nodePort=${NODE_PORT}`,
  ];
  return ['--set', settings.join(','), '--set-json', `simulation.masters=["${master.address}"]`];
};

async function objects(master, request = 'points') {
  const { points } = await master.ask({ do: request });
  return new Map(points.map((point) => [point.address, point]));
}

async function plant(cluster) {
  const [pod] = await cluster.pods('simulator');
  return cluster.http(`pods/${pod.metadata.name}:8091`, '/devices/inv-01');
}

const commanded = (master, value) =>
  master.ask({ do: 'command', address: LIMIT_COMMAND, type: 'C_SE_NC_1', value }).then(({ accepted }) => accepted);

async function endpoints(cluster) {
  const text = await cluster.kubectl('get', 'endpoints', `${RELEASE}-forwarding-dispatch`, '-o', 'json');
  return (JSON.parse(text).subsets ?? []).flatMap(({ addresses = [] }) =>
    addresses.map(({ targetRef }) => targetRef.name),
  );
}

async function reads(cluster, master) {
  await until('one forwarder owns the connection', async () => (await endpoints(cluster)).length === 1);
  master.connect(NODE_PORT, 'untimed');
  await until('the master reads what the inverter feeds', async () => {
    const point = (await objects(master, 'interrogate')).get(POWER);
    const { values } = await plant(cluster);
    return point?.good && Math.abs(point.value - values.p_ac) <= Math.max(1, values.p_ac * 0.05);
  });
}

async function commands(cluster, master) {
  await until('a set-point is executed', () => commanded(master, 44));
  await until('the inverter has the limit', async () => (await plant(cluster)).values.limit === 44);
  await until('the master sees it', async () => (await objects(master, 'interrogate')).get(LIMIT)?.value === 44);
  if (await commanded(master, 5)) throw new Error('a set-point out of range is accepted');
  if ((await plant(cluster)).values.limit !== 44) throw new Error('a refused set-point acted');
}

async function follows(cluster, master) {
  await cluster.kubectl('scale', `deploy/${RELEASE}-forwarder`, '--replicas=2');
  await cluster.kubectl('rollout', 'status', `deploy/${RELEASE}-forwarder`, '--timeout=120s');
  const owner = await until('one of two owns the connection', async () => {
    const found = await endpoints(cluster);
    if (found.length > 1) throw new Error(`owned by ${found.join(' and ')}`);
    return found[0];
  });
  await cluster.kubectl('delete', 'pod', owner, '--grace-period=0', '--force', '--wait=false');
  const killed = Date.now();
  await until('another owns it', async () => {
    const [found] = await endpoints(cluster);
    return found !== owner && found;
  });
  await master.disconnect();
  master.connect(NODE_PORT, 'timed');
  const { values } = await plant(cluster);
  const other = values.limit === 60 ? 61 : 60;
  await until('a set-point is executed by way of the new owner', () => commanded(master, other), FRESH_MS);
  const tookMs = Date.now() - killed;
  await until('the inverter has the limit', async () => (await plant(cluster)).values.limit === other);
  // The pod that replaces the killed one may get its share again; two owners are never told.
  for (let n = 0; n < 10; n++, await sleep(500)) {
    const found = await endpoints(cluster);
    if (found.length > 1) throw new Error(`owned by ${found.join(' and ')}`);
  }
  return `${(tookMs / 1000).toFixed(1)} s from the kill to a command executed by way of the new owner`;
}

/** The promises to a master outside; `isUp` false: none is tried. */
export async function tryMasters(cluster, promises, { master, isUp }) {
  const can = isUp && master !== undefined;
  const isRead = await promises.try(
    'an IEC 104 master outside, which is not ours, reads the plant',
    () => reads(cluster, master),
    can,
  );
  await promises.try(
    'it commands an inverter, and is refused beyond the limits',
    () => commands(cluster, master),
    isRead,
  );
  await promises.try(
    'an address outside that is on no list is turned away, so the allow-list sees real addresses',
    async () => {
      const said = master.knock(NODE_PORT);
      if (said !== 'closed') throw new Error(`it was ${said}`);
    },
    isRead && master?.stranger !== undefined,
  );
  await promises.try(
    'its Service leads to the owner alone, and to the next one when that is killed',
    async () => {
      try {
        return await follows(cluster, master);
      } finally {
        await cluster.kubectl('scale', `deploy/${RELEASE}-forwarder`, '--replicas=1');
      }
    },
    isRead,
  );
}
