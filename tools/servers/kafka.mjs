// A real Apache Kafka (KRaft, one node): given by address, else by Docker, else from Maven's jars and the local Java.
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Plain, root, run } from '../prepare.mjs';
import { freePort, hasDocker, hasProgram, spawned, untilAnswers } from './spawned.mjs';

export const VERSION = '4.1.1';

const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>busbar</groupId>
  <artifactId>test-kafka</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>${VERSION}</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
`;

/** What brokers of tests have alike. */
const SMALL = [
  'group.initial.rebalance.delay.ms=0',
  'offsets.topic.num.partitions=4',
  'transaction.state.log.num.partitions=4',
  'share.coordinator.state.topic.num.partitions=4',
  'num.network.threads=2',
  'num.io.threads=2',
  'background.threads=2',
  'group.coordinator.threads=1',
  'metadata.max.idle.interval.ms=5000',
  'log.segment.bytes=67108864',
  'log.cleaner.dedupe.buffer.size=16777216',
  'auto.create.topics.enable=false',
];

/** Of the topics that brokers make for themselves. */
export function ownTopics(replicas, minInSync) {
  return [
    `offsets.topic.replication.factor=${replicas}`,
    `transaction.state.log.replication.factor=${replicas}`,
    `transaction.state.log.min.isr=${minInSync}`,
    `share.coordinator.state.topic.replication.factor=${replicas}`,
    `share.coordinator.state.topic.min.isr=${minInSync}`,
  ];
}

function alone({ folder, port, controllerPort }) {
  return [
    'node.id=1',
    `controller.quorum.voters=1@127.0.0.1:${controllerPort}`,
    `listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    `advertised.listeners=PLAINTEXT://127.0.0.1:${port}`,
    'listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    `log.dirs=${join(folder, 'data')}`,
    // A killed broker may register again only when its old session is over.
    'broker.session.timeout.ms=2000',
    'broker.heartbeat.interval.ms=500',
    ...ownTopics(1, 1),
  ];
}

/** Jars in .cache, fetched once. */
async function jars() {
  const lib = join(root, '.cache', `kafka-${VERSION}`);
  if (existsSync(lib)) return lib;
  const work = `${lib}-${process.pid}`;
  mkdirSync(work, { recursive: true });
  writeFileSync(join(work, 'pom.xml'), POM);
  const goal = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies';
  await run('mvn', ['-q', '-B', goal, '-DincludeScope=runtime', '-DoutputDirectory=lib'], {
    cwd: work,
    what: 'Fetching Kafka by Maven',
  });
  if (!existsSync(lib)) renameSync(join(work, 'lib'), lib);
  rmSync(work, { recursive: true, force: true });
  return lib;
}

export function clusterId() {
  for (;;) {
    const id = randomBytes(16).toString('base64url');
    if (!id.startsWith('-')) return id;
  }
}

/** A broker that is also a controller, from the jars; `lines` are its own properties, `format` arguments of its first formatting. */
export async function brokerFromJars(folder, { name, id, port, lines, format = [] }) {
  const lib = await jars();
  mkdirSync(folder, { recursive: true });
  const config = join(folder, 'server.properties');
  const common = ['process.roles=broker,controller', 'controller.listener.names=CONTROLLER', ...SMALL];
  writeFileSync(config, `${[...common, ...lines].join('\n')}\n`);
  const classpath = readdirSync(lib)
    .map((jar) => join(lib, jar))
    .join(':');
  const java = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-cp', classpath];
  const formatting = ['kafka.tools.StorageTool', 'format', '-t', id, '-c', config, ...format];
  await run('java', ['-Xmx128m', ...java, ...formatting], { what: 'Formatting the Kafka storage' });
  const args = ['-Xms64m', '-Xmx512m', ...java, 'kafka.Kafka', config];
  const start = () => spawned({ name, command: 'java', args, cwd: folder, log: join(folder, 'kafka.log'), port });
  let server;
  return {
    start: async () => {
      server = await start();
    },
    stop: async () => server?.stop(),
    kill: async () => server?.kill(),
  };
}

async function fromJars(folder) {
  const [port, controllerPort] = [await freePort(), await freePort()];
  const lines = alone({ folder, port, controllerPort });
  const broker = await brokerFromJars(folder, { name: 'Kafka', id: clusterId(), port, lines });
  await broker.start();
  return {
    what: `Apache Kafka ${VERSION} from Maven's jars, ${process.platform}`,
    brokers: `127.0.0.1:${port}`,
    stop: broker.stop,
    kill: broker.kill,
    restart: broker.start,
  };
}

async function fromDocker() {
  const port = await freePort();
  const env = [
    'KAFKA_NODE_ID=1',
    'KAFKA_PROCESS_ROLES=broker,controller',
    'KAFKA_CONTROLLER_QUORUM_VOTERS=1@127.0.0.1:9093',
    'KAFKA_LISTENERS=PLAINTEXT://:9092,CONTROLLER://:9093',
    `KAFKA_ADVERTISED_LISTENERS=PLAINTEXT://127.0.0.1:${port}`,
    'KAFKA_CONTROLLER_LISTENER_NAMES=CONTROLLER',
    'KAFKA_LISTENER_SECURITY_PROTOCOL_MAP=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'KAFKA_BROKER_SESSION_TIMEOUT_MS=2000',
    'KAFKA_BROKER_HEARTBEAT_INTERVAL_MS=500',
    'KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS=0',
    'KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR=1',
    'KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR=1',
    'KAFKA_TRANSACTION_STATE_LOG_MIN_ISR=1',
    'KAFKA_AUTO_CREATE_TOPICS_ENABLE=false',
  ].flatMap((entry) => ['-e', entry]);
  const image = `apache/kafka:${VERSION}`;
  const id = (await run('docker', ['run', '-d', '-p', `127.0.0.1:${port}:9092`, ...env, image]))
    .trim()
    .split('\n')
    .pop();
  await untilAnswers(port, { name: 'Kafka in Docker', log: `docker logs ${id}` });
  return {
    what: `${image} in Docker`,
    brokers: `127.0.0.1:${port}`,
    stop: () => run('docker', ['rm', '-f', id]),
    kill: () => run('docker', ['kill', id]),
    restart: async () => {
      await run('docker', ['start', id]);
      await untilAnswers(port, { name: 'Kafka in Docker', log: `docker logs ${id}` });
    },
  };
}

/** Brokers can be started as processes here. */
export function hasJars() {
  return hasProgram('java') && (hasProgram('mvn') || existsSync(join(root, '.cache', `kafka-${VERSION}`)));
}

/** `kill` and `restart` are absent for a broker that was given by address: it is not ours to kill. */
export async function startKafka(folder) {
  const given = process.env.BUSBAR_KAFKA_BROKERS;
  if (given) return { what: `Kafka given at ${given}`, brokers: given, stop: async () => undefined };
  if (hasDocker()) return fromDocker();
  if (hasJars()) return fromJars(folder);
  throw new Plain('No Kafka: give BUSBAR_KAFKA_BROKERS, or start Docker, or install Java 17 and Maven.');
}
