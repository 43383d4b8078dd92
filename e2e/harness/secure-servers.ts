import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import kafkajs, { type KafkaConfig } from 'kafkajs';
import { startKafkaCluster } from '../../tools/servers/kafka-cluster.mjs';
import { startPostgres } from '../../tools/servers/postgres.mjs';

const { Kafka, logLevel } = kafkajs;

type Cluster = Awaited<ReturnType<typeof startKafkaCluster>>;

/** Three brokers with TLS and SCRAM, and a database, as a site has them outside. */
export class SecureServers {
  readonly kafka: Cluster;
  readonly password: string;
  readonly env: Readonly<Record<string, string>>;
  /** For clients of the test's own. */
  readonly access: Pick<KafkaConfig, 'ssl' | 'sasl'>;
  readonly #folder: string;
  readonly #postgres: Awaited<ReturnType<typeof startPostgres>>;

  private constructor(folder: string, kafka: Cluster, postgres: Awaited<ReturnType<typeof startPostgres>>) {
    this.#folder = folder;
    this.#postgres = postgres;
    this.kafka = kafka;
    this.password = readFileSync(kafka.passwordFile, 'utf8').trim();
    this.env = { ...kafka.env, BUSBAR_DATABASE_URL: postgres.url };
    const { ca, cert, key } = kafka.tls;
    const [trusted, shown, secret] = [ca, cert, key].map((path) => readFileSync(path, 'utf8'));
    this.access = {
      ssl: { ca: trusted, cert: shown, key: secret },
      sasl: { mechanism: 'scram-sha-512', username: kafka.user, password: this.password },
    };
  }

  static async start(): Promise<SecureServers> {
    const folder = mkdtempSync(join(tmpdir(), 'busbar-secure-'));
    chmodSync(folder, 0o755);
    const [kafka, postgres] = await Promise.all([
      startKafkaCluster(join(folder, 'kafka')),
      startPostgres(join(folder, 'postgres')),
    ]);
    return new SecureServers(folder, kafka, postgres);
  }

  /** Partitions of all topics: how many there are, and of how many a replica is behind or away. */
  async replication(): Promise<{ readonly partitions: number; readonly behind: number; readonly fewest: number }> {
    const brokers = this.kafka.brokers.split(',');
    const kafka = new Kafka({ clientId: 'replication', brokers, ...this.access, logLevel: logLevel.NOTHING });
    const admin = kafka.admin();
    await admin.connect();
    try {
      const { topics } = await admin.fetchTopicMetadata();
      const all = topics.flatMap(({ partitions }) => partitions);
      const behind = all.filter(({ isr, replicas }) => isr.length < replicas.length).length;
      return {
        partitions: all.length,
        behind,
        fewest: Math.min(...all.map(({ replicas }) => replicas.length)),
      };
    } finally {
      await admin.disconnect();
    }
  }

  /** What the topics that the services made were told to want in sync. */
  async minInSync(topic: string): Promise<string | undefined> {
    const brokers = this.kafka.brokers.split(',');
    const admin = new Kafka({ clientId: 'settings', brokers, ...this.access, logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    try {
      const { resources } = await admin.describeConfigs({
        includeSynonyms: false,
        resources: [{ type: 2, name: topic, configNames: ['min.insync.replicas'] }],
      });
      return resources[0]?.configEntries[0]?.configValue;
    } finally {
      await admin.disconnect();
    }
  }

  async stop(): Promise<void> {
    await Promise.all([this.kafka.stop(), this.#postgres.stop()]);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
