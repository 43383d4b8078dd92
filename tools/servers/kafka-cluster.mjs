// Three real Kafka brokers on this machine as a site has them outside: TLS on every listener, clients by certificate and
// password, every record on two of them at least. The authority and its certificates are made for the run.
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Plain } from '../prepare.mjs';
import { makeAuthority } from './certificates.mjs';
import { brokerFromJars, clusterId, hasJars, ownTopics, VERSION } from './kafka.mjs';
import { freePort } from './spawned.mjs';

const SIZE = 3;
const USER = 'busbar';
const LISTENERS = ['CLIENT', 'INTERNAL', 'CONTROLLER'];

function linesOf(node, nodes, { ca, certificate, folder, password }) {
  const at = (listener) => `${listener}://127.0.0.1:${node.ports[listener]}`;
  const voters = nodes.map(({ id, ports }) => `${id}@127.0.0.1:${ports.CONTROLLER}`).join(',');
  const login = 'org.apache.kafka.common.security';
  return [
    `node.id=${node.id}`,
    `controller.quorum.voters=${voters}`,
    `listeners=${LISTENERS.map(at).join(',')}`,
    `advertised.listeners=${['CLIENT', 'INTERNAL'].map(at).join(',')}`,
    'listener.security.protocol.map=CLIENT:SASL_SSL,INTERNAL:SSL,CONTROLLER:SSL',
    'inter.broker.listener.name=INTERNAL',
    `log.dirs=${join(folder, 'data')}`,
    'ssl.keystore.type=PEM',
    `ssl.keystore.location=${certificate.both}`,
    'ssl.truststore.type=PEM',
    `ssl.truststore.location=${ca}`,
    ...LISTENERS.map((listener) => `listener.name.${listener.toLowerCase()}.ssl.client.auth=required`),
    'sasl.enabled.mechanisms=SCRAM-SHA-512,SCRAM-SHA-256,PLAIN',
    ...[256, 512].map(
      (bits) => `listener.name.client.scram-sha-${bits}.sasl.jaas.config=${login}.scram.ScramLoginModule required;`,
    ),
    `listener.name.client.plain.sasl.jaas.config=${login}.plain.PlainLoginModule required user_${USER}="${password}";`,
    // So long after a death others lead its partitions and coordinate its groups; a collector reads on for 4 s without them.
    'broker.session.timeout.ms=3000',
    'broker.heartbeat.interval.ms=500',
    // The brokers' own default is one replica: what the services create has three because they ask for it.
    'default.replication.factor=1',
    'min.insync.replicas=1',
    ...ownTopics(SIZE, 2),
  ];
}

/**
 * `env` sets a service up for the cluster. `kill(n)` ends broker n (0, 1, 2) as a power cut of its machine does,
 * `start(n)` brings it back.
 */
export async function startKafkaCluster(folder) {
  if (!hasJars()) throw new Plain('No Kafka cluster: install Java 17 and Maven.');
  const authority = makeAuthority(join(folder, 'tls'));
  const client = authority.issue('client');
  const password = randomBytes(12).toString('hex');
  const passwordFile = join(folder, 'tls', 'password');
  writeFileSync(passwordFile, `${password}\n`);
  const nodes = [];
  for (let id = 1; id <= SIZE; id++) {
    const ports = {};
    for (const listener of LISTENERS) ports[listener] = await freePort();
    nodes.push({ id, ports });
  }
  const id = clusterId();
  const format = [256, 512].flatMap((bits) => ['--add-scram', `SCRAM-SHA-${bits}=[name=${USER},password=${password}]`]);
  const servers = await Promise.all(
    nodes.map((node) => {
      const own = join(folder, `broker-${node.id}`);
      const certificate = authority.issue(`broker-${node.id}`, ['127.0.0.1', 'localhost']);
      const lines = linesOf(node, nodes, { ca: authority.ca, certificate, folder: own, password });
      return brokerFromJars(own, { name: `Kafka broker ${node.id}`, id, port: node.ports.CLIENT, lines, format });
    }),
  );
  const stop = () => Promise.all(servers.map((server) => server.stop()));
  try {
    await Promise.all(servers.map((server) => server.start()));
  } catch (error) {
    await stop();
    throw error;
  }
  const brokers = nodes.map(({ ports }) => `127.0.0.1:${ports.CLIENT}`).join(',');
  return {
    what: `${SIZE} brokers of Apache Kafka ${VERSION} from Maven's jars, TLS and SCRAM, ${process.platform}`,
    brokers,
    tls: { ca: authority.ca, ...client },
    user: USER,
    passwordFile,
    authority,
    env: {
      BUSBAR_BUS: 'kafka',
      BUSBAR_KAFKA_BROKERS: brokers,
      BUSBAR_KAFKA_TLS: 'true',
      BUSBAR_KAFKA_CA_FILE: authority.ca,
      BUSBAR_KAFKA_CERT_FILE: client.cert,
      BUSBAR_KAFKA_KEY_FILE: client.key,
      BUSBAR_KAFKA_SASL_MECHANISM: 'scram-sha-512',
      BUSBAR_KAFKA_SASL_USER: USER,
      BUSBAR_KAFKA_SASL_PASSWORD_FILE: passwordFile,
      BUSBAR_KAFKA_REPLICATION_FACTOR: String(SIZE),
    },
    kill: (n) => servers[n].kill(),
    start: (n) => servers[n].start(),
    stop,
  };
}
